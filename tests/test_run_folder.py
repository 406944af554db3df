"""What the processes of a run share: who fills it, and when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run_folder import ALIVE, VARIABLE, once, run_folder

BEGIN = "from tests.run_folder import run_folder; print(run_folder(), flush=True); input()"
ROOT = Path(__file__).resolve().parents[1]


def test_what_is_there_is_not_made_again_and_what_failed_is(tmp_path: Path) -> None:
    asked: list[str] = []
    name = f"test-{tmp_path.parent.parent.name}-{os.getpid()}"

    def make(folder: Path) -> None:
        asked.append("to make")
        (folder / f"part{len(asked)}").touch()
        if len(asked) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(name, make)
    made = once(name, make)

    assert once(name, make) == made
    assert len(asked) == 2
    # nothing of the one that failed
    assert [path.name for path in made.glob("part*")] == ["part2"]
    assert made.parent == run_folder()


def test_who_reads_the_pipe_hears_of_the_end_and_the_folder_goes() -> None:
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN], cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        folder = Path(first.stdout.readline().strip())
        with (folder / ALIVE).open() as alive:
            first.stdin.write("\n")
            first.stdin.close()
            # returns when nobody holds the other end any more
            assert alive.read() == ""
        first.wait()

    assert folder != run_folder()
    assert not folder.exists()
