"""Load on a server by ``wrk``, which has a core of its own, and what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOAD_CPU = 1
_SCRIPT = """
wrk.method = "POST"
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.body = file:read("*a")
file:close()
for line in string.gmatch(os.getenv("BENCH_HEADERS"), "[^\\n]+") do
  local name, value = string.match(line, "^([^:]+): (.*)$")
  wrk.headers[name] = value
end
function done(summary, latency, requests)
  local errors = summary.errors
  local form = 'FACTS {"requests": %d, "microseconds": %d, "wrong": %d, "broken": %d, "p50": %f, "p99": %f}\\n'
  io.write(string.format(form,
    summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What ``wrk`` saw. Latencies in milliseconds; ``wrong`` answers are no 2xx or 3xx, ``broken`` ones lost."""

    rate: float
    p50: float
    p99: float
    wrong: int
    broken: int


def put_load(url: str, body: bytes, headers: Mapping[str, str], connections: int, seconds: int) -> Load:
    """Ask again and again on so many connections; the generator stays on its core.

    Raises:
        SystemExit: ``wrk`` is not there, or failed.
    """
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "body").write_bytes(body)
        (folder / "load.lua").write_text(_SCRIPT, encoding="utf-8")
        variables = {
            "BENCH_BODY": str(folder / "body"),
            "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in headers.items()),
        }
        threads = min(2, connections)
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
        done = subprocess.run(
            [*command, "-s", str(folder / "load.lua"), url],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CPU}),  # no threads here
        )
    lines = [line[6:] for line in done.stdout.splitlines() if line.startswith("FACTS ")]
    if done.returncode or not lines:
        raise SystemExit(f"wrk failed:\n{done.stdout}{done.stderr}")
    facts = json.loads(lines[0])
    rate = facts["requests"] / (facts["microseconds"] / 1e6)
    return Load(rate, facts["p50"] / 1000, facts["p99"] / 1000, facts["wrong"], facts["broken"])
