"""Run uv, and say what it said in the words of this project."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ..core.clock import about_clock
from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..settings import Settings
from .lines import without_account
from .source import AS_WHEEL

_LOOK = 0.2  # seconds between two looks at whether to stop
_GRACE = 3.0  # seconds in which uv may end by itself
_NO_WHEEL = re.compile(
    r"(?:^|\s)([A-Za-z0-9][A-Za-z0-9._-]*)(?:[=<>!~]\S+)? has no (?:usable wheels|wheels with a matching)"
)
# without a condition behind the name: not even one version of it was seen
_NO_FILES = re.compile(r"there are no versions of ([\w.-]+) and you require")
_NO_SUCH = re.compile(r"there is no version of ([\w.-]+?)[=<>!~]=?\S* and you require")
_SOURCE = re.compile(r"(?:Failed to build|Building source distributions for) `([^`]+)`")
_REFUSED = re.compile(r"\b(401 Unauthorized|403 Forbidden)\b")
_UNREACHABLE = ("failed to fetch", "error sending request", "dns error", "timed out", "tcp connect")
_END = 400  # characters of the end of what a program said
_NOISE = ("warning:", "resolved ", "using ")


def run_uv(
    arguments: list[str],
    *,
    lines: Path,
    folder: Path,
    settings: Settings,
    progress: Progress,
    provided: Collection[str],
) -> str:
    """Run ``uv pip compile`` on a file of lines, and return what it said besides its result.

    Args:
        arguments: after ``pip compile -``.
        lines: given to uv on its standard input, so that paths in them are relative to ``folder``.
        folder: where uv runs; the settings of projects there do not count.
        settings: for the certificate bundle.
        progress: asked several times a second whether to stop; uv is ended then.
        provided: ``name version`` of what conda brings, for messages.

    Raises:
        UserError: the section cannot be resolved.
        OutageError: the index does not answer.
    """
    from uv import find_uv_bin

    bundle = {"SSL_CERT_FILE": str(settings.ca_bundle)} if settings.ca_bundle else {}
    # to resolve, no interpreter is needed but the one that runs us: none is downloaded
    quiet = {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}
    # a project without settings: those of the user's project,
    # where it runs, do not count (decisions/pip-section.md)
    command = [find_uv_bin(), "pip", "compile", "-", "--project", str(lines.parent), *arguments]
    env = {**os.environ, **bundle, **quiet}
    with lines.open("rb") as text:
        code, heard = wait_for(command, folder=folder, env=env, progress=progress, text=text)
    said = without_account(heard)
    if code:
        raise failure(said, provided)
    return said


def wait_for(
    command: Sequence[str], *, folder: Path, env: Mapping[str, str], progress: Progress, text: BinaryIO | None = None
) -> tuple[int, str]:
    """Run a program, and return how it ended and what it said on its standard error.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        env: its variables, all of them.
        progress: asked several times a second whether to stop; the program is ended then.
        text: its standard input; none without.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=text or subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        said = _wait(process, progress)
    return process.returncode, said


def _wait(process: subprocess.Popen[bytes], progress: Progress) -> str:
    try:
        while True:
            progress.checkpoint()
            try:
                return process.communicate(timeout=_LOOK)[1].decode(errors="replace").strip()
            except subprocess.TimeoutExpired:
                continue
    # ctrl-C too: uv would go on downloading
    except BaseException:
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def failure(said: str, provided: Collection[str] = ()) -> UserError | OutageError:
    """Return the error for what uv said.

    Args:
        said: what uv wrote; without accounts.
        provided: ``name version`` of what conda brings.
    """
    reason = _short(said)
    if any(word in said.lower() for word in _UNREACHABLE):
        return _silence(said, reason)
    if _REFUSED.search(said):
        return UserError(f"the package index wants another account: {reason}", ACCOUNT)
    source = _SOURCE.search(said)
    if source:
        return UserError(f"pip: {source[1]} is a folder of this machine, which may change unseen", AS_WHEEL)
    held = [one for one in provided if mentions(said, one.split(" ")[0])]
    missing = _NO_WHEEL.search(said)
    if missing and not held:
        return no_wheel(missing[1], reason)
    advice = "change the pip section of conda.yml"
    if _NO_FILES.search(said):
        advice += (
            "; the index has a page for it without a file that counts: check the index's address, exclude_newer, "
            "and whether this network wants a login (a web page in the place of the index)"
        )
    if held:
        advice = f"conda brings {', '.join(held)}: change that in dependencies, or change the pip section"
    return UserError(f"the pip section cannot be resolved: {reason}", advice)


def _silence(said: str, reason: str) -> OutageError:
    """Say why an index does not answer, and what to look at: of what uv repeats, one sentence helps."""
    host = found[1] if (found := re.search(r"https?://(?:[^/\s@]*@)?([^/\s)]+)", said)) else ""
    whose = f" ({host})" if host else ""
    if "certificate" in said.lower():
        clock = about_clock(said, datetime.now(UTC))
        advice = clock or "give the certificate bundle by caBundle or SSL_CERT_FILE"
        words = "its certificate is not valid at this time" if clock else "its certificate is not trusted"
        return OutageError(f"the package index does not answer{whose}: {words}", advice)
    for sign, words, advice in _SILENCES:
        if sign in said.lower():
            return OutageError(f"the package index does not answer{whose}: {words}", f"{advice}, then try again")
    return OutageError(f"the package index does not answer: {reason}", "look at the network, then try again")


def without_files(message: str) -> str:
    """Return the package of whose page an index had no file, or none of the version that is asked for.

    ``message`` is that of ``failure``.
    """
    found = _NO_FILES.search(message) or _NO_SUCH.search(message)
    return found[1] if found else ""


# of reqwest and hyper, which uv speaks HTTP by
_SILENCES = (
    ("tunnel error", "the proxy does not let it through", "look at HTTPS_PROXY and NO_PROXY"),
    ("dns error", "its name is not known", "look at the index's address and at this machine's DNS"),
    ("connection refused", "the connection is refused", "look at the index's address"),
    ("no route to host", "no way leads there from this network", "look at the network"),
    ("network is unreachable", "no way leads there from this network", "look at the network"),
    ("timed out", "it said nothing for too long", "look at the network"),
)


class NoWheelError(UserError):
    """A package of an index has no wheel for the image; ``name`` is the package's."""

    name = ""


def no_wheel(name: str, reason: str = "") -> NoWheelError:
    """Return the error for a package without a wheel for the image's platform."""
    advice = (
        f'take it from conda, or build it in a step: "RUN pip install --target /opt/built {name}" '
        'and "ENV PYTHONPATH=/opt/built", on a base with pip and a compiler'
    )
    more = f" ({reason})" if reason else ""
    error = NoWheelError(f"pip: {name} has no wheel for this platform, and nothing is compiled here{more}", advice)
    error.name = name
    return error


ACCOUNT = "give user and password by UV_INDEX_URL, by ~/.netrc, or as ${NAME} in the URL in a file that -r names"
"""What to do when an index answers 401 or 403."""


def described(provided: Mapping[str, str]) -> list[str]:
    """Return ``name version`` of each."""
    return [f"{name} {version}" for name, version in provided.items()]


def mentions(said: str, name: str) -> bool:
    """Tell whether what uv said names a package."""
    return re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w/-]|\.\w)", said) is not None


def _short(said: str) -> str:
    """Put uv's reason on one line, without its labels and warnings."""
    lines = [line.strip() for line in said.splitlines() if not line.lower().startswith(_NOISE)]
    lines = [re.sub(r"^(?:error|cause|hint)?\W*", "", line) for line in lines]
    return " ".join(line for line in lines if line).removeprefix("No solution found when resolving dependencies ")[
        :1500
    ]


def last_said(said: str) -> str:
    """Return the last lines of what a program said, as one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " ".join(lines[-3:])[-_END:]
