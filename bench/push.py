"""How fast one large blob goes into a registry, beside ``curl -T``: ``python bench/push.py`` (Docker, curl).

Both sides take turns in one run, each into a repository that is new. Of curl only the PUT counts, of ours everything:
HEAD, POST and PUT. The file is read before each turn, so that no side waits for the disk, wherever the folder is.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

import requests  # noqa: E402  # found through the line above, as what follows

from aciml.blobs.store import file_digest  # noqa: E402
from aciml.registry.client import RegistryClient  # noqa: E402
from bench.goals import bound  # noqa: E402
from bench.scene import Scene, run, scene  # noqa: E402

GOAL = bound("push-ratio")
_MB = 1_000_000
_BLOCK = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the blob")
    parser.add_argument("--repetitions", type=int, default=5, help="uploads of each side")
    parser.add_argument("--folder", type=Path, help="where to work; a folder is made in it and removed")
    parser.add_argument("--strict", action="store_true", help="fail when the goal is missed")
    wishes = parser.parse_args()
    with scene(wishes.folder) as place:
        size = wishes.megabytes * _MB
        blob = place.folder / "blob"
        digest = make_blob(blob, size)
        sides: dict[str, Callable[[str], float]] = {
            "push": lambda name: ours(place, blob, digest, name),
            "push-curl": lambda name: curls(place, blob, digest, name),
        }
        taken = by_turns(sides, place, blob, wishes.repetitions)
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for name, seconds in middle.items():
        print(f"{name}-bytes-per-second: {size / seconds:.0f}")
    ratio = middle["push-curl"] / middle["push"]
    print(f"push-ratio: {ratio:.2f}")
    if ratio < GOAL:
        print(f"goal missed: a push has {ratio:.0%} of curl's rate, not {GOAL:.0%}", file=sys.stderr)
    sys.exit(1 if ratio < GOAL and wishes.strict else 0)


def by_turns(
    sides: dict[str, Callable[[str], float]], place: Scene, blob: Path, repetitions: int
) -> dict[str, list[float]]:
    """Let each side upload several times; the first round does not count, since the registry's pages are new then."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(repetitions + 1):
        for name, upload in sides.items():
            run(["sync"])
            file_digest(blob)
            seconds = upload(place.new_name(name))
            if number:
                taken[name].append(seconds)
                print(f"{number} of {repetitions}, {name}: {seconds:.2f} s", file=sys.stderr, flush=True)
    return taken


def make_blob(path: Path, size: int) -> str:
    """Write bytes that do not compress, and return their digest."""
    source, digest = random.Random(1), hashlib.sha256()
    with path.open("wb") as file:
        while left := size - file.tell():
            block = source.randbytes(min(left, _BLOCK))
            digest.update(block)
            file.write(block)
    return f"sha256:{digest.hexdigest()}"


def ours(place: Scene, blob: Path, digest: str, repository: str) -> float:
    """Return the seconds of our upload."""
    with RegistryClient(place.login_server) as client:
        started = time.perf_counter()
        done = client.upload_blob(repository, digest, blob.stat().st_size, lambda: blob.open("rb"))
        seconds = time.perf_counter() - started
    if done != "uploaded":
        raise SystemExit(f"the blob was {done}, so that nothing was measured")
    return seconds


def curls(place: Scene, blob: Path, digest: str, repository: str) -> float:
    """Return the seconds of curl's PUT, as curl counts them."""
    answer = requests.post(f"http://{place.login_server}/v2/{repository}/blobs/uploads/", timeout=60)
    url = f"{answer.headers['Location']}&digest={digest.replace(':', '%3A')}"
    asked = ("--silent", "--show-error", "--fail", "--output", "/dev/null", "--write-out", "%{time_total}")
    seconds = run(["curl", *asked, "-H", "Content-Type: application/octet-stream", "-T", str(blob), url])
    return float(seconds)


if __name__ == "__main__":
    main()
