"""What only some servers can do, or only ours: batching, TLS, health while work goes on, a crash."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from . import peers
from .load import put_load
from .serving_places import SERVER_CPU, Home, running

_HOLD = "def run(raw_data):\n    return len(str(3 ** 2000000)) if raw_data == 'hold' else 0\n"
_CRASH = "import os\ndef run(raw_data):\n    if raw_data == 'crash':\n        os.kill(os.getpid(), 9)\n    return 0\n"


def measure(figures: Any, homes: dict[str, Home], workloads: dict[str, Any], seconds: int) -> None:
    """Write down one round."""
    _batching(figures, homes, workloads["b"], seconds)
    _tls(figures, homes, workloads["a"], seconds)
    _bare(figures, homes["aciml"], workloads["b"])
    _health(figures, homes["aciml"], workloads["b"], seconds)
    _crash(figures, homes["aciml"])


def _batching(figures: Any, homes: dict[str, Home], values: object, seconds: int) -> None:
    wanted = (peers.ours_batched(), *(p for p in peers.batching_peers() if p.name.partition("-")[0] in homes))
    for peer in wanted:
        with running(peer, homes[peer.name.partition("-")[0]], "b", values) as server:
            body = server.body(values)
            put_load(server.url, body, server.headers, 4, 1)
            many = put_load(server.url, body, server.headers, 32, seconds)
            one = put_load(server.url, body, server.headers, 1, 2)
        figures.put(peer.name, "b-rate", many.rate)
        figures.put(peer.name, "b-p99", many.p99)
        figures.put(peer.name, "b-alone", one.p50)
        _say(f"  batching {peer.name}: {many.rate:.0f}/s, p99 {many.p99:.1f} ms, alone {one.p50:.2f} ms")


def _tls(figures: Any, homes: dict[str, Home], values: object, seconds: int) -> None:
    from tests.simulators.certificates import self_signed

    with tempfile.TemporaryDirectory() as place:
        chain, key = self_signed(Path(place), "127.0.0.1")
        peer = peers.ours("aciml-tls", ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key))
        with running(peer, homes["aciml"], "a", values) as server:
            put_load(server.url, server.body(values), server.headers, 4, 1)
            many = put_load(server.url, server.body(values), server.headers, 32, seconds)
    figures.put(peer.name, "a-rate", many.rate)
    _say(f"  TLS: {many.rate:.0f}/s")


def _bare(figures: Any, home: Home, values: object) -> None:
    """Call the function of B in a loop, on the server's core: nothing can serve it faster."""
    program = (
        f"import json, time\n{peers.MODEL}\ntext = {json.dumps(values)!r}\n"
        "def loop(seconds):\n    count, end = 0, time.perf_counter() + seconds\n"
        "    while time.perf_counter() < end:\n        json.dumps(b(json.loads(text)))\n        count += 1\n"
        "    return count / seconds\nloop(0.5)\nprint(loop(3))\n"
    )
    environ = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")}
    done = subprocess.run(
        [str(home.python), "-c", program],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CPU}),  # no threads here
    )
    figures.put("bare", "b-rate", float(done.stdout))
    _say(f"  the bare function: {float(done.stdout):.0f}/s")


def _health(figures: Any, home: Home, values: object, seconds: int) -> None:
    with running(peers.ours(), home, "b", values) as server:
        url, body, headers = server.url, server.body(values), server.headers
        load = threading.Thread(target=put_load, args=(url, body, headers, 32, seconds))
        load.start()
        figures.put("aciml", "health-p99-busy", _probe_while(load.is_alive))
        load.join()
    with running(peers.ours("aciml", _HOLD), home, "a", "x") as server:
        holder = threading.Thread(target=_post, args=(server.headers, b"hold"))
        holder.start()
        figures.put("aciml", "health-p99-held", _probe_while(holder.is_alive))
        holder.join()
    busy, held = (figures.middle("aciml", f"health-p99-{name}") for name in ("busy", "held"))
    _say(f"  health: p99 {busy:.1f} ms while B saturates, {held:.1f} ms while the GIL is held")


def _probe_while(condition: Any) -> float:
    """Ask for ``/ready`` on the health port as long as the condition holds; return the 99th percentile in ms."""
    took: list[float] = []
    while condition() or len(took) < 2:
        connection = http.client.HTTPConnection("127.0.0.1", peers.PORT + 1, timeout=30)
        started = time.perf_counter()
        connection.request("GET", "/ready")
        connection.getresponse().read()
        took.append((time.perf_counter() - started) * 1000)
        connection.close()
        time.sleep(0.002)
    return statistics.quantiles(took, n=100)[98] if len(took) > 1 else took[0]


def _crash(figures: Any, home: Home) -> None:
    """End a worker in the middle of its work, under load: what is lost, and how long nothing is answered."""
    with running(peers.ours("aciml", _CRASH), home, "a", "x") as server:
        statuses: list[int] = []
        answered = [time.perf_counter()]
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                statuses.append(_post(server.headers, b"x"))
                answered.append(time.perf_counter())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        statuses.append(_post(server.headers, b"crash"))
        time.sleep(1.5)
        stop.set()
        for thread in threads:
            thread.join()
    answered.sort()
    gap = max(later - earlier for earlier, later in itertools.pairwise(answered[1:]))
    figures.put("aciml", "crash-lost", sum(status != 200 for status in statuses))
    figures.put("aciml", "crash-gap", gap)
    _say(f"  crash: {sum(status != 200 for status in statuses)} lost, {gap:.2f} s without an answer")


def _post(headers: dict[str, str], body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", peers.PORT, timeout=60)
    try:
        connection.request("POST", "/score", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
