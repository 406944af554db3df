"""``python -m docs.site``: build the site of the documentation, with strict links; ``--serve`` shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "127.0.0.1:8000"


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site into a folder; what mkdocs says is in the result."""
    return _mkdocs("build", "--strict", "--site-dir", str(folder))


def main() -> int:
    """Build into ``site/``, or serve; return mkdocs' exit code."""
    if "--serve" in sys.argv:
        return _mkdocs("serve", "--dev-addr", ADDRESS, shown=True).returncode
    done = build(ROOT / "site")
    sys.stderr.write(done.stdout if done.returncode else "")
    sys.stdout.write("" if done.returncode else f"{ROOT / 'site'}: open it by make docs ARGS=--serve\n")
    return done.returncode


def _mkdocs(*words: str, shown: bool = False) -> subprocess.CompletedProcess[str]:
    # the theme's makers print an advertisement for another program of theirs, in colours
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    output, errors = (None, None) if shown else (subprocess.PIPE, subprocess.STDOUT)
    command = [sys.executable, "-m", "mkdocs", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, text=True, check=False, stdout=output, stderr=errors)


if __name__ == "__main__":
    raise SystemExit(main())
