"""Short of memory: the front keeps its code, and a worker is ended before it."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import Running, Serve
from ..raw import memory

PID = "import os\ndef run(raw_data): return os.getpid()"
MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ +(\S*)\n(?:\w+:.*\n)*?VmFlags:(.*)$", re.MULTILINE)
ROOM = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]


def code_of(server: Running) -> dict[str, tuple[int, bool]]:
    """Return bytes of code by file, and whether it is locked."""
    text = Path(f"/proc/{server.process.pid}/smaps").read_text()
    found = [one for one in MAPPING.findall(text) if one[2] == "r-xp" and one[3].startswith("/")]
    return {path: (int(end, 16) - int(start, 16), " lo" in flags) for start, end, _, path, flags in found}


@pytest.mark.skipif(0 <= ROOM < 8 << 20, reason="this system lets a process lock less than 8 MiB")
def test_the_code_that_serves_stays_in_memory(start: Serve) -> None:
    server = start(PID, cold=True)
    assert server.ask("POST", "/score", b"").status == 200
    code = code_of(server)
    locked = {re.split(r"[.-]", Path(path).name)[0] for path, (_, is_locked) in code.items() if is_locked}

    assert {"libc", "loop", "parser"} <= locked  # the last two: uvloop's and httptools'
    assert code[max((path for path in code if "python3" in Path(path).name), key=lambda path: code[path][0])][1]
    assert 4 << 20 < memory(server, "VmLck") <= 8 << 20


@pytest.fixture
def little() -> Iterator[None]:
    """Let processes that start now lock 64 KiB, as older systems do."""
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (64 << 10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_MEMLOCK, before)


@pytest.mark.usefixtures("little")
def test_a_front_that_may_lock_little_locks_no_more_and_serves(start: Serve) -> None:
    server = start(PID, cold=True)

    assert server.ask("POST", "/score", b"").status == 200
    assert memory(server, "VmLck") <= 64 << 10


@pytest.mark.parametrize("preload", ["false", "true"])
def test_a_worker_is_ended_before_the_front(start: Serve, preload: str) -> None:
    server = start(PID, WORKER_PRELOAD=preload, cold=True)
    worker = int(server.ask("POST", "/score", b"").body)
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (server.process.pid, worker)]

    assert scores[1] - scores[0] == 100
