"""Starts an image with a conda environment: ``python -I -S /opt/aciml/entrypoint.py COMMAND...``.

The environment's own variables are set here. Where there is a shell it goes on in ``entrypoint.sh``, which runs the
activation scripts; a slim base has none, and then the command is started without a shell.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

_SHELL = os.environ.get("ACIML_SHELL", "/bin/sh")
_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entrypoint.sh")


def start(command: list[str]) -> None:
    """Become the command; never returns."""
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these, and what is started would inherit that
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    prefix = os.environ.get("ACIML_PREFIX", "/azureml-envs/aciml")
    is_there = os.path.isdir(prefix)
    if is_there:
        # before the scripts, which read and change them: conda activates in this order
        os.environ.update(_variables(prefix))
    if os.access(_SHELL, os.X_OK):
        os.execv(_SHELL, [_SHELL, _SCRIPT, *command])  # noqa: S606  # a start is what this is
    if is_there:
        os.environ["CONDA_PREFIX"] = prefix
        _warn_of_scripts(prefix)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit("%s cannot be started: %s; the image has no shell" % (command[0], error.strerror))


def _variables(prefix: str) -> dict[str, str]:
    """Return what packages and the environment say by files (etc/conda/env_vars.d, conda-meta/state), as conda does."""
    found = {}
    folder = os.path.join(prefix, "etc", "conda", "env_vars.d")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for path in [os.path.join(folder, name) for name in names if name.endswith(".json")]:
        found.update(_read(path))
    found.update(_read(os.path.join(prefix, "conda-meta", "state")).get("env_vars") or {})
    # conda's word for a variable that is taken away again (conda env config vars unset)
    return {str(name): str(value) for name, value in found.items() if value != "***unset***"}


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            values = json.load(stream)
    # one broken file of one package is no reason for a container not to start
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _warn_of_scripts(prefix: str) -> None:
    folder = os.path.join(prefix, "etc", "conda", "activate.d")
    scripts = [name for name in os.listdir(folder) if name.endswith(".sh")] if os.path.isdir(folder) else []
    if scripts:
        sys.stderr.write("warning: no shell is here for the activation scripts %s\n" % ", ".join(sorted(scripts)))


if __name__ == "__main__":
    start(sys.argv[1:] or [sys.executable])
