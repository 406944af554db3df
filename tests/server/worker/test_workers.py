"""Workers that end, hang, change and multiply: what is lost, what is not, and what is said about it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..conftest import PATIENCE, SERVER, Running, Serve
from ..raw import connect, post, statuses

CRASH = """
import ctypes, json, os, signal, sys, time

def is_socket(fd):
    return os.path.exists('/proc/self/fd/%d' % fd) and 'socket' in os.readlink('/proc/self/fd/%d' % fd)

def run(raw_data):
    what = json.loads(raw_data)
    if isinstance(what, str):
        {crash}
    return [os.getpid(), what]
"""

CRASHES = {
    "an exit": ("os._exit(7)", "exit code 7"),
    "a segmentation fault": ("ctypes.string_at(0)", r"signal 11 \(SIGSEGV\)"),
    "an abort": ("os.abort()", r"signal 6 \(SIGABRT\)"),
    "a kill": ("os.kill(os.getpid(), signal.SIGKILL)", r"signal 9 \(SIGKILL\), not sent by this service"),
    "all descriptors closed": ("os.closerange(3, 100); time.sleep(60)", "it closed its connection to the front"),
    # a replacement has the number of its socket from the front, where clients that came before it took the low ones
    "rubbish in all descriptors": (
        "[os.write(fd, bytes(range(255, 0, -1)) * 9) for fd in range(3, 100) if is_socket(fd)]; time.sleep(60)",
        "or wrote into it",
    ),
    "a child that keeps the socket": (
        "ctypes.CDLL(None).fork() or time.sleep(60); os._exit(8)",
        "exit code 8",
    ),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_costs_the_running_request_alone(start: Serve, crash: str) -> None:
    code, reason = CRASHES[crash]
    server = start(CRASH.replace("{crash}", code))
    statuses: Counter[int] = Counter()
    crashes = 3
    told = [threading.Event() for _ in range(crashes)]

    def load(number: int) -> None:
        with contextlib.closing(server.connect()) as client:
            for turn in range(30):
                is_crash = number < crashes and turn == 10
                client.request("POST", "/score", b'"crash"' if is_crash else b"%d" % turn)
                reply = client.getresponse()
                text = reply.read()
                statuses[reply.status] += 1
                assert (reply.status == 502) == is_crash, text
                if is_crash:
                    assert re.search(reason, json.loads(text)["message"]), text
                    told[number].set()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(load, range(16)))
    assert statuses == {200: 16 * 30 - crashes, 502: crashes}
    assert all(event.is_set() for event in told)


def test_a_worker_killed_from_outside_loses_nothing_that_did_not_run(start: Serve) -> None:
    server = start("import os\ndef run(raw_data): return os.getpid()")
    pids = set()
    for _ in range(5):
        pid = int(server.ask("POST", "/score", b"1").body)
        pids.add(pid)
        os.kill(pid, signal.SIGKILL)
    reply = server.ask("POST", "/score", b"1")

    assert reply.status == 200
    assert len(pids) == 5


def test_exceptions_that_end_a_process_do_not_end_the_worker(start: Serve) -> None:
    server = start("""
import os, sys
def run(raw_data):
    if raw_data == "exit": sys.exit(5)
    if raw_data == "memory": raise MemoryError
    if raw_data == "interrupt": raise KeyboardInterrupt
    if raw_data == "generator": raise GeneratorExit
    return os.getpid()
""")
    before = server.ask("POST", "/score", b"").body
    for name in (b"exit", b"memory", b"interrupt", b"generator"):
        assert server.ask("POST", "/score", name).status == 500

    assert server.ask("POST", "/score", b"").body == before


def test_memory_that_is_not_to_be_had_costs_one_request(start: Serve) -> None:
    server = start("""
import os, resource
def init(): resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
def run(raw_data): return len(bytearray(int(raw_data)))
""")

    assert server.ask("POST", "/score", b"4000000000").status == 500
    assert server.ask("POST", "/score", b"40").body == b"40"


def test_a_scoring_timeout_ends_run_and_keeps_the_worker(start: Serve) -> None:
    server = start(
        "import os, time\ndef run(raw_data):\n    while raw_data: pass\n    return os.getpid()",
        SCORING_TIMEOUT_MS="200",
    )
    before = server.ask("POST", "/score", b"").body
    reply = server.ask("POST", "/score", b"forever")

    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Scoring timeout after 200 ms"})
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert server.ask("POST", "/score", b"").body == before


HOLDS_THE_LOCK = """
import os, sys
def run(raw_data):
    if raw_data:
        print("sleeps", file=sys.stderr, flush=True)
        sum(range(10**14))  # in C, with the lock of the interpreter
    return os.getpid()
"""


def test_a_scoring_timeout_in_c_code_ends_the_worker_and_probes_answer_meanwhile(start: Serve) -> None:
    server = start(HOLDS_THE_LOCK, SCORING_TIMEOUT_MS="1000")
    before = server.ask("POST", "/score", b"").body
    with ThreadPoolExecutor() as pool:
        late = pool.submit(server.ask, "POST", "/score", b"forever")
        server.wait_for("sleeps")
        others = [pool.submit(server.ask, "POST", "/score", b"") for _ in range(5)]
        while not late.done():
            assert server.ask("GET", "/live").status == 200
        reply = late.result()
        after = {other.result(PATIENCE).body for other in others}

    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Scoring timeout after 1000 ms"})
    assert after - {before}


WAITS = """
import os, sys

def run(raw_data):
    print("runs", raw_data, file=sys.stderr, flush=True)
    return [os.getpid(), open(os.environ["GATE"]).read()]
"""


def test_an_answer_does_not_wait_for_the_next_job(start: Serve, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")  # pathlib cannot make pipes
    server = start(
        WAITS.replace("open", "raw_data == 'wait' and open"),
        GATE=str(tmp_path / "gate"),
    )
    with contextlib.ExitStack() as stack:
        *quick, slow = [stack.enter_context(connect(server)) for _ in range(4)]
        for client in [*quick, slow] * 10:  # now the worker is known to be quick, and gets jobs ahead
            client.sendall(post(b"x"))
            assert statuses(client.recv(1000)) == [200]
        for client in quick:
            client.sendall(post(b"x"))
        slow.sendall(post(b"wait"))
        assert [statuses(client.recv(1000)) for client in quick] == [[200]] * 3
        (tmp_path / "gate").write_text("")
        assert statuses(slow.recv(1000)) == [200]


def test_who_waits_too_long_for_a_worker_is_sent_away(start: Serve, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    server = start(
        WAITS,
        GATE=str(tmp_path / "gate"),
        ACIML_QUEUE_TIMEOUT="0.2",
    )
    with ThreadPoolExecutor() as pool:
        first = pool.submit(server.ask, "POST", "/score", b"first")
        server.wait_for("runs first")
        reply = server.ask("POST", "/score", b"second")
        (tmp_path / "gate").write_text("")
        assert first.result(PATIENCE).status == 200

    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


FLAKY = """
import os
def init():
    if os.path.exists(os.environ["FLAG"]): raise RuntimeError("not now")
def run(raw_data):
    if raw_data: os._exit(1)
    return 1
"""


def test_a_replacement_that_fails_is_tried_again(start: Serve, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    server = start(FLAKY, FLAG=str(flag))
    flag.touch()
    assert server.ask("POST", "/score", b"crash").status == 502
    server.wait_for("RuntimeError: not now")
    assert server.ask("GET", "/ready").status == 503
    flag.unlink()

    assert server.ask("POST", "/score", b"").status == 200
    assert server.ask("GET", "/ready").status == 200


def test_replacements_that_never_start_end_the_service(start: Serve, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    server = start(FLAKY, FLAG=str(flag))
    flag.touch()
    server.ask("POST", "/score", b"crash")

    assert server.end() == 3
    assert "\n".join(server.log).count("RuntimeError: not now") >= 5


def test_a_crash_in_init_is_told(start: Serve) -> None:
    server = start("import os\ndef init(): os.abort()\ndef run(x): ...", listening=False)

    assert server.end() == 3
    assert "signal 6 (SIGABRT)" in "\n".join(server.log)


def test_a_failed_start_that_takes_its_time_to_end_tells_by_its_own_exit_code(start: Serve) -> None:
    # an interpreter with large modules closes its socket early, and then takes long to end
    ends = "    os.closerange(3, 100)\n    threading.Event().wait(0.3)\n    os._exit(7)\n"
    server = start(f"import os, threading\ndef init():\n{ends}def run(x): ...", listening=False)

    assert server.end() == 7
    assert "its connection" not in "\n".join(server.log)


def test_init_that_takes_too_long_ends_the_start(start: Serve) -> None:
    script = "import threading\ndef init(): threading.Event().wait(60)\ndef run(x): ..."
    server = start(script, listening=False, ACIML_START_TIMEOUT="0.2")

    assert server.end() == 3
    assert "init() took longer than 0.2 seconds" in "\n".join(server.log)


SHARES = """
import os
def init():
    global big
    big = bytearray(os.urandom(1) * (64 << 20))
def run(raw_data):
    if raw_data: os._exit(9)
    return [os.getpid(), big[0] is not None]
"""


def _pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1]) * 1024  # type: ignore[index]


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found] + [deep for child in found for deep in _children(int(child))]


def _all_serve(server: Running, count: int) -> set[int]:
    """Ask until so many workers answered."""
    pids: set[int] = set()
    while len(pids) < count:
        with ThreadPoolExecutor(count) as pool:
            for reply in pool.map(lambda _: server.ask("POST", "/score", b""), range(count * 2)):
                pids.add(json.loads(reply.body)[0])
    return pids


def test_preloaded_workers_share_their_memory_and_are_replaced_by_a_fork(start: Serve) -> None:
    server = start(SHARES, WORKER_PRELOAD="true", WORKER_COUNT="4", cold=True)
    pids = _all_serve(server, 4)
    together = sum(map(_pss, _children(server.process.pid)))

    assert together < 2 * (64 << 20)  # four times without sharing
    reply = server.ask("POST", "/score", b"crash")
    assert (reply.status, "exit code 9" in str(reply.body)) == (502, True)
    assert len(_all_serve(server, 4) & pids) == 3
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0


def test_a_preloaded_script_that_fails_ends_with_3(start: Serve) -> None:
    server = start("def init(): 1 / 0\ndef run(x): ...", listening=False, WORKER_PRELOAD="true", WORKER_COUNT="2")

    assert server.end() == 3
    assert server.log[-1] == "init() raised ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    "pool",
    [
        "import multiprocessing\npool = multiprocessing.Pool(1)\n",
        "from multiprocessing.pool import ThreadPool\npool = ThreadPool(1)\n",
        "from concurrent.futures import ProcessPoolExecutor\npool = ProcessPoolExecutor(1)\nlist(pool.map(abs, [1]))\n",
    ],
)
def test_a_preloaded_pool_that_no_worker_could_use_is_refused(start: Serve, pool: str) -> None:
    server = start(pool + "def run(x): ...", listening=False, WORKER_PRELOAD="true")

    assert server.end() == 3
    assert "make it at the first request, or set preload to false" in server.log[-1]


def test_a_preloaded_pool_that_is_closed_is_none(start: Serve) -> None:
    pool = "from multiprocessing.pool import ThreadPool\nwith ThreadPool(1) as pool:\n    pool.map(abs, [1])\n"
    server = start(pool + "    pool.close()\n    pool.join()\ndef run(x): return 1", WORKER_PRELOAD="true")

    assert server.ask("POST", "/score", b"").body == b"1"


def test_workers_work_at_the_same_time(start: Serve, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    server = start(WAITS, WORKER_COUNT="2", GATE=str(tmp_path / "gate"))
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(server.ask, "POST", "/score", name) for name in (b"one", b"two")]
        server.wait_for("runs")
        server.wait_for("runs")  # the other does not wait for the first
        (tmp_path / "gate").write_text("")
        done = threading.Event()
        feeder = threading.Thread(target=_feed, args=(tmp_path / "gate", done))
        feeder.start()
        pids = {json.loads(job.result(PATIENCE).body)[0] for job in jobs}
        done.set()
        feeder.join(PATIENCE)

    assert len(pids) == 2


def _feed(gate: Path, done: threading.Event) -> None:
    """Open the gate until everybody is through."""
    while not done.wait(0.01):
        with contextlib.suppress(OSError):
            os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))


STUBBORN = """
import os, subprocess, sys
child = None
def run(raw_data):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("pids", os.getpid(), child.pid, file=sys.stderr, flush=True)
    sum(range(10**14))  # in C, with the lock of the interpreter
"""


@pytest.mark.parametrize("preload", ["false", "true"])
def test_nothing_outlives_a_killed_front(start: Serve, preload: str) -> None:
    server = start(STUBBORN, WORKER_PRELOAD=preload, cold=True)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(server.ask, "POST", "/score", b"")
        pids = [int(pid) for pid in server.wait_for(r"pids (\d+) (\d+)").groups()]
        watched = [os.pidfd_open(pid) for pid in pids]
        server.process.kill()
        with pytest.raises(OSError):  # noqa: PT011  # the connection ends, somehow
            asked.result(PATIENCE)
    import select

    for fd in watched:
        assert select.select([fd], [], [], PATIENCE)[0]
        os.close(fd)


def test_process_one_buries_orphans(start: Serve, tmp_path: Path) -> None:
    probe = subprocess.run(["unshare", "-pf", "--mount-proc", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("no process namespace can be made here")
    script = tmp_path / "score.py"
    script.write_text("""
import os, subprocess
def run(raw_data):
    if raw_data:
        return [name for name in os.listdir("/proc") if name.isdigit() and " Z " in open("/proc/%s/stat" % name).read()]
    subprocess.run(["setsid", "sh", "-c", "(setsid sh -c 'exit 0' &) ; exit 0"])
""")
    env = {**os.environ, "AML_APP_ROOT": str(tmp_path), "AZUREML_ENTRY_SCRIPT": "score.py", "ACIML_PORT": "0"}
    env["ACIML_HEALTH_PORT"] = "off"
    command = ["unshare", "-pf", "--mount-proc", "--kill-child", sys.executable, "-B", str(SERVER / "run.py")]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    server = Running(process)
    thread = threading.Thread(target=server.follow)
    thread.start()
    server.port = int(server.wait_for(r"listening on port (\d+)")[1])
    for _ in range(5):
        assert server.ask("POST", "/score", b"").status == 200
    while json.loads(server.ask("POST", "/score", b"zombies").body):
        pass
    process.kill()
    process.wait(PATIENCE)
    thread.join(PATIENCE)


def test_what_the_script_registered_runs_at_the_end(start: Serve) -> None:
    server = start("import atexit, sys\natexit.register(print, 'goodbye', file=sys.stderr)\ndef run(x): ...")
    server.process.send_signal(signal.SIGTERM)

    assert server.end() == 0
    assert [line for line in server.log if "goodbye" in line]


def test_a_missing_debugger_is_said(start: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = start(
        "def run(x): ...", listening=False, AZUREML_DEBUG_PORT=str(port), PYTHONPATH=str(_without("debugpy"))
    )

    assert server.end() == 3
    assert server.log[-1] == "AZUREML_DEBUG_PORT is set, but the package debugpy is not installed"


def _without(package: str) -> Path:
    import tempfile

    folder = Path(tempfile.mkdtemp())
    (folder / f"{package}.py").write_text("raise ImportError")
    return folder


WARM = """
import json, sys

def run(raw_data, request_headers=None):
    print("scored", raw_data, file=sys.stderr)
    return json.loads(raw_data)["x"]
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"x": 1}', r'scored \{"x": 1\}'), ('{"body": {"x": 2}, "headers": {"A": "b"}}', r'scored \{"x": 2\}')],
)
def test_a_warm_up_request_is_scored_before_anybody_else(
    start: Serve, tmp_path: Path, text: str, expected: str
) -> None:
    (tmp_path / "warm.json").write_text(text)
    server = start(WARM, listening=False, ACIML_WARM_UP=str(tmp_path / "warm.json"))
    server.wait_for(expected)
    server.wait_for("listening")


KINDS = {
    "async": "async def run(raw_data):\n    print('scored', raw_data, file=sys.stderr)\n    return 1\n",
    "stream": "def run(raw_data):\n    yield b'a'\n    print('scored', raw_data, file=sys.stderr)\n",
    "async stream": "async def run(raw_data):\n    yield b'a'\n    print('scored', raw_data, file=sys.stderr)\n",
    "batch": "def run_batch(many):\n    print('scored', many[0], file=sys.stderr)\n    return many\n",
    "typed": "def run(x: int):\n    print('scored {\"x\": %d}' % x, file=sys.stderr)\n    return x\n",
}


@pytest.mark.parametrize("version", ["3.8", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_script_is_warmed_up(start: Serve, kind: str, version: str) -> None:
    files = {"src/warm.json": '{"x": 1}'}
    server = start("import sys\n" + KINDS[kind], files, version=version, listening=False, ACIML_WARM_UP="warm.json")
    server.wait_for(r'scored \{"x": 1\}')
    server.wait_for("listening")


@pytest.mark.parametrize(
    ("text", "expected"), [(None, "cannot be read"), ("{", "cannot be read"), ('{"body": "{", "headers": {}}', "400")]
)
def test_a_wrong_warm_up_is_told(start: Serve, text: str | None, expected: str) -> None:
    files = {"src/warm.json": text} if text else {}
    server = start("def run(x: int): return x", files, listening=False, ACIML_WARM_UP="warm.json")

    assert server.end() == 3
    assert expected in server.log[-1]


def test_a_warm_up_that_fails_ends_the_start(start: Serve, tmp_path: Path) -> None:
    (tmp_path / "warm.json").write_text("{}")
    server = start(WARM, listening=False, ACIML_WARM_UP=str(tmp_path / "warm.json"))

    assert server.end() == 3
    assert "was answered with 500" in server.log[-1]


def test_two_workers_of_one_service_both_answer(start: Serve) -> None:
    server = start("import os\ndef run(raw_data): return [os.getpid()]", WORKER_COUNT="2")

    assert len(_all_serve(server, 2)) == 2


EDITED = "import os\nprint_me = 0\ndef run(raw_data): return VERSION\nVERSION = %d\n"


def test_a_changed_script_is_loaded_beside_the_old_one(start: Serve) -> None:
    server = start(EDITED % 1, ACIML_RELOAD="true")
    script = server.root / "src" / "score.py"
    assert server.ask("POST", "/score", b"").body == b"1"
    script.write_text("def run(:  # half an edit")
    server.wait_for("the change cannot be loaded")
    assert server.ask("POST", "/score", b"").body == b"1"
    script.write_text(EDITED % 2 + "# whole")
    while (reply := server.ask("POST", "/score", b"")).body == b"1":
        assert reply.status == 200

    assert (reply.status, reply.body) == (200, b"2")
