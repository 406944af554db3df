"""The program ``aciml`` as people start it, and the plugin as an engine does, without the second that imports take.

``aciml`` forks a Python that has imported the program already (``tests/e2e/warm.py``); so does the fork for the user's
program that it records, and the plugin that ``warm_python`` starts. Words, folder, environment, streams and exit code
are those of any process. Where starting or interrupting is what is tested, a test starts Python itself.
"""

from __future__ import annotations

import functools
import os
import shlex
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.python import PYTHON, start_warm
from tests.e2e.warm import SIZE
from tests.run_folder import once

ROOT = Path(__file__).resolve().parents[1]
PATH = f"{ROOT / 'provider'}{os.pathsep}{ROOT / '.venv/packages'}"
"""``PYTHONPATH`` of the program and of what it starts."""
CLIENT = Path(__file__).with_name("e2e") / "warm_client.py"
RECORDER = ROOT / "provider/aciml/cli/recorder.py"
_PYTHON = """#!/bin/sh
case "$1" in
{recorder}) exec {python} -I -S {client} {program} "$@" ;;
*/provider/__main__.py) exec {python} -I -S {client} {aciml} "$@" ;;
esac
exec {python} "$@"
"""


def aciml(
    *words: str | Path, folder: Path | None = None, environ: Mapping[str, str] | None = None, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``aciml`` with these words and wait for its end.

    Args:
        words: behind the program's name.
        folder: where it runs; else where this process does.
        environ: all that it has; else what this process has.
        text: its standard input.
    """
    given = ["-m", "aciml", *map(str, words)]
    variables = [f"{name}={value}" for name, value in {**(environ or os.environ), "PYTHONPATH": PATH}.items()]
    parts = [str(folder or Path.cwd()), str(len(given)), *given, *variables]
    request = "\0".join(parts).encode(errors="surrogateescape")
    # files and no pipes: nobody has to empty them while the program runs
    with (
        socket.socket(socket.AF_UNIX) as warm,
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(text.encode())
        stdin.seek(0)
        warm.connect(str(warm_python() / "sockets/aciml"))
        socket.send_fds(warm, [b"%*d" % (SIZE, len(request))], [one.fileno() for one in (stdin, stdout, stderr)])
        warm.sendall(request)
        code = int(warm.recv(SIZE))
        for stream in (stdout, stderr):
            stream.seek(0)
        out, err = (stream.read().decode().replace("\r\n", "\n") for stream in (stdout, stderr))
    return subprocess.CompletedProcess(given[2:], code, out, err)


@functools.cache
def warm_python() -> Path:
    """Return a folder whose ``python`` starts our programs as forks, for all processes of a run."""
    return once("programs", _write_python)


def _write_python(folder: Path) -> None:
    sockets, python = folder / "sockets", folder / "python"
    sockets.mkdir()
    places = {kind: sockets / kind for kind in ("program", "aciml")}
    known = {"python": PYTHON, "client": CLIENT, "recorder": RECORDER, **places}
    python.write_text(_PYTHON.format(**{name: shlex.quote(str(path)) for name, path in known.items()}))
    python.chmod(0o755)
    for kind, place in places.items():
        start_warm(kind, place, PATH, python)
