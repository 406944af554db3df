"""A file for a person's own shell: sourced, it gives the Pulumi CLI what ``make up`` gives it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from .cache import cache_folder, write_whole
from .machine import FALLBACK, STATE, passphrase_file
from .venv import VENV

FILE = STATE / "env.sh"

TEXT = """\
# What `make up` gives the Pulumi CLI, for sh, bash and zsh; made by `make env`. The passphrase is not in here.
case ":$PATH:" in
  *:{path}:*) ;;
  *) PATH={path}:$PATH ;;
esac
export PATH VIRTUAL_ENV={venv} PULUMI_SKIP_UPDATE_CHECK=1
# A backend of your own stays, with its way of keeping secrets; so does a passphrase.
if [ "${{PULUMI_BACKEND_URL-}}" = "${{ACIML_BACKEND_URL-}}" ]; then
  export PULUMI_BACKEND_URL={state} ACIML_BACKEND_URL={state} {fallback}=true
  [ -n "${{PULUMI_HOME-}}" ] || PULUMI_HOME={home}
  export PULUMI_HOME
  if [ -z "${{PULUMI_CONFIG_PASSPHRASE+given}}" ] &&
    [ "${{PULUMI_CONFIG_PASSPHRASE_FILE-}}" = "${{ACIML_PASSPHRASE_FILE-}}" ]; then
    export PULUMI_CONFIG_PASSPHRASE_FILE={passphrase} ACIML_PASSPHRASE_FILE={passphrase}
  fi
fi
"""


def write_shell_file(pulumi: Path) -> str:
    """Write ``.state/env.sh``, readable by its owner alone, and return the line that sources it.

    Args:
        pulumi: folder of the Pulumi CLI.
    """
    STATE.mkdir(exist_ok=True)
    places = {"state": STATE, "home": cache_folder() / "pulumi-home", "passphrase": passphrase_file()}
    write_whole(FILE, shell_text(venv=VENV, pulumi=pulumi, **places), mode=0o600)
    return f". {shlex.quote(str(FILE))}"


def shell_text(*, venv: Path, pulumi: Path, state: Path, home: Path, passphrase: Path) -> str:
    """Return the file's text: the venv and ``pulumi`` first on PATH, and where state and passphrase are."""
    return TEXT.format(
        path=shlex.quote(os.pathsep.join([str(venv / "bin"), str(pulumi)])),
        venv=shlex.quote(str(venv)),
        state=shlex.quote(state.as_uri()),
        fallback=FALLBACK,
        home=shlex.quote(str(home)),
        passphrase=shlex.quote(str(passphrase)),
    )
