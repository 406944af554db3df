"""What a changed script costs at home, and what it loses: ``python bench/edit.py`` (Docker, Pulumi's CLI, two cores).

A service whose ``init`` takes half a second. First what an unchanged preview takes, and what a changed ``score.py``
takes from the start of ``pulumi up --skip-preview`` to the first new answer; how often containers were started for
it. Then a client asks at a pace while the script changes, a key is made anew, and the script goes back.
``ACIML_DOOR=off`` shows the same without a door.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from bench.scale import Paced, paced  # noqa: E402  # found through the line above
from tests.e2e.project import Project  # noqa: E402

_SCORE = """
import json
import time

def init():
    time.sleep(0.5)
    print("init ran", flush=True)

def run(raw_data):
    return {"mark": MARK}

MARK = "%s"
"""
_LOOK_SECONDS = 0.01


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="of the preview and of the change")
    parser.add_argument("--requests", type=int, default=5_000, help="while things change")
    parser.add_argument("--rate", type=int, default=100, help="requests a second while things change")
    wishes = parser.parse_args()
    with scene() as project:
        first = timed(lambda: project.up().check_ok())
        previews, changes = [], []
        for number in range(wishes.repetitions):
            previews.append(timed(lambda: project.pulumi("preview").check_ok()))
            changes.append(changed(project, f"round-{number}"))
        preview, answer = statistics.median(previews), statistics.median(one[0] for one in changes)
        print(f"first up: {first:.2f} s")
        print(f"unchanged preview: {preview:.2f} s")
        print(f"changed script, to the first new answer: {answer:.2f} s, {answer - preview:.2f} s above the preview")
        print(f"changed script, to the end of up: {statistics.median(one[1] for one in changes):.2f} s")
        print(f"containers started a change: {max(one[2] for one in changes)}")
        met = under_load(project, wishes.requests, wishes.rate)
        total = len(met.seconds) + len(met.lost)
        print(f"update, key rotation, rollback: {len(met.lost)} of {total} requests at {wishes.rate}/s failed")
        print(f"their p99: {met.p99:.1f} ms, longest {max(met.seconds) * 1000:.0f} ms")
        for why in sorted(set(met.lost)):
            print(f"  {met.lost.count(why)} x {why}")
        print(f"edit-above-preview-seconds: {answer - preview:.2f}")
        print(f"edit-starts: {max(one[2] for one in changes)}")
        print(f"edit-lost-requests: {len(met.lost)}")


def changed(project: Project, mark: str) -> tuple[float, float, int]:
    """Change the script; return seconds to the first new answer and to the end of ``up``, and starts of containers."""
    address, key = where(project)
    since, over = datetime.now(UTC), threading.Event()
    project.write("src/score.py", _SCORE % mark)
    seen: list[float] = []
    began = time.monotonic()

    def watch() -> None:
        while not over.is_set() and not seen:
            if answer_of(address, key) == {"mark": mark}:
                seen.append(time.monotonic() - began)
            over.wait(_LOOK_SECONDS)

    client = threading.Thread(target=watch)
    client.start()
    try:
        project.up().check_ok()
        whole = time.monotonic() - began
        time.sleep(0.2)
    finally:
        over.set()
        client.join()
    return seen[0], whole, starts(project, since)


def starts(project: Project, since: datetime) -> int:
    """Count the starts of the service's containers since then, by the engine's memory."""
    said = subprocess.run(
        ["docker", "events", "--since", since.isoformat(), "--until", datetime.now(UTC).isoformat(), "--filter",
         "event=start", "--filter", f"label=aciml.name={project.name}", "--filter", "label=aciml.kind=group",
         "--format", "{{.ID}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return len(said.stdout.split())


def under_load(project: Project, requests: int, rate: int) -> Paced:
    """Change the script, make a key anew, and go back, again and again, until so many requests were sent."""
    address, key = where(project, "secondary_key")  # the one that stays
    met: list[Paced] = []
    over = threading.Event()

    def ask() -> None:
        met.append(asyncio.run(paced(address, b"[1]", requests, rate, {"Authorization": f"Bearer {key}"})))
        over.set()

    client = threading.Thread(target=ask)
    client.start()
    time.sleep(1)
    rounds = 0
    while not over.is_set():
        rounds += 1
        project.write("src/score.py", _SCORE % f"load-{rounds}")
        project.up().check_ok()
        project.config["scoring:service"]["rotate_primary_key"] = str(rounds)
        project.up().check_ok()
        project.write("src/score.py", _SCORE % "round-0")
        project.up().check_ok()
        say(f"  {rounds} updates, rotations and rollbacks")
    client.join()
    return met[0]


def where(project: Project, key: str = "primary_key") -> tuple[str, str]:
    """Return address and key of the service."""
    outputs = project.outputs()
    return outputs["scoring_uri"].removeprefix("http://").partition("/")[0], outputs[key]


def answer_of(address: str, key: str) -> object:
    """Return what the service answers; None if nothing that is JSON came."""
    request = urllib.request.Request(f"http://{address}/score", b"[1]", {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())
    except (OSError, urllib.error.URLError, ValueError):
        return None


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


@contextmanager
def scene() -> Iterator[Project]:
    """Give a project with keys that is not up yet; all is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), f"bench{uuid.uuid4().hex[:6]}")
        for key in ("extra_steps", "steps_context"):
            del project.config["scoring:environment"][key]
        project.write("src/score.py", _SCORE % "first")
        try:
            yield project
        finally:
            with suppress(AssertionError):
                project.pulumi("destroy", "--yes", "--skip-preview").check_ok()
            project.clean()


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
