"""How fast packages become layers, beside what this CPU allows: ``python bench/layers.py`` (no Docker, no network).

Packages are made for it. The bound is two sha256 and one deflate of the same bytes on all CPUs, measured by turns with
the packing; seconds of this machine promise nothing. ``--big`` makes 400 packages with 5 GB of files, and a quarter of
them for comparison; that takes about 15 GB of disk and some minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from bench.goals import bound  # noqa: E402  # found through the line above, as what follows
from bench.made import make_channel  # noqa: E402
from bench.scene import run  # noqa: E402

GOAL, MOST_MEMORY = bound("layers-of-bound"), bound("layers-cached-peak-memory-bytes")
_QUARTER = 4
_SMALL, _BIG = (60, 300_000_000), (400, 5_000_000_000)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", action="store_true", help="400 packages, 5 GB, and a quarter of that")
    parser.add_argument("--repetitions", type=int, default=3, help="turns of packing and bound")
    parser.add_argument("--folder", type=Path, help="where to work; a folder is made in it and removed")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    wishes = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="aciml-layers-", dir=wishes.folder))
    try:
        figures = measure_small(home, wishes.repetitions) | (measure_big(home) if wishes.big else {})
    finally:
        shutil.rmtree(home, ignore_errors=True)
    for name, value in figures.items():
        print(f"{name}: {value:.2f}" if value < 100 else f"{name}: {value:.0f}")
    late = missed(figures)
    for text in late:
        say(f"goal missed: {text}")
    sys.exit(1 if late and wishes.strict else 0)


def measure_small(home: Path, repetitions: int) -> dict[str, float]:
    """Compare packing with the bound, then build with packages fetched from a folder and with packages at hand."""
    count, size = _SMALL
    say(f"making {count} packages, {size / 1e6:.0f} MB")
    make_channel(home / "small", count, size)
    figures: dict[str, float] = {"layers-packages": count, "layers-bytes": size}
    figures |= named("layers-fetched", child("build", home / "small", home / "cold", count))
    shutil.rmtree(home / "cold" / "blobs")
    (home / "cold" / "catalog.sqlite").unlink()
    figures |= named("layers-cached", child("build", home / "small", home / "cold", count))
    rates = child("bound", home / "small", home / "cold", count, repetitions)
    figures |= {f"layers-{name}": rate for name, rate in rates.items()}
    for most in ("bound", "bound-isal"):
        if f"{most}-bytes-per-second" in rates:
            figures[f"layers-of-{most}"] = rates["packing-bytes-per-second"] / rates[f"{most}-bytes-per-second"]
            cpu = rates["packing-bytes-per-cpu-second"] / rates[f"{most}-bytes-per-cpu-second"]
            figures[f"layers-of-{most}-in-cpu-time"] = cpu  # what counts when others use the machine, too
    return figures


def measure_big(home: Path) -> dict[str, float]:
    """Build a quarter of the big environment and the whole of it; with linear time the ratio per byte is 1."""
    figures = dict[str, float]()
    count, size = _BIG
    for name, share in (("quarter", _QUARTER), ("big", 1)):
        say(f"making {count // share} packages, {size / share / 1e6:.0f} MB")
        make_channel(home / name, count // share, size // share)
        facts = child("build", home / name, home / f"{name}-cache", count // share)
        figures |= named(f"layers-{name}", facts) | {f"layers-{name}-bytes": size / share}
        for left in (home / name, home / f"{name}-cache"):
            shutil.rmtree(left)
    for unit, title in (("seconds", ""), ("cpu-seconds", "cpu-")):
        ratio = figures[f"layers-big-{unit}"] / figures[f"layers-quarter-{unit}"]
        figures[f"layers-big-{title}per-byte-ratio"] = ratio / _QUARTER
    return figures


def named(what: str, facts: dict[str, float]) -> dict[str, float]:
    """Return the figures of one build under their full names."""
    units = {
        "seconds": "seconds",
        "stage": "staging-seconds",
        "pack": "packing-seconds",
        "cpu": "cpu-seconds",
        "layers": "count",
    }
    units |= {"packed": "bytes-packed", "memory": "peak-memory-bytes"}
    return {f"{what}-{unit}": facts[name] for name, unit in units.items()}


def child(what: str, channel: Path, cache: Path, count: int, repetitions: int = 1) -> dict[str, float]:
    """Measure in a process of its own, whose memory is nobody else's."""
    say(f"{what}: {count} packages")
    cache.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "bench.layering", what, str(channel), str(cache), str(count), str(repetitions)]
    said = run(command, PYTHONPATH=f"{_ROOT}:{_ROOT / 'provider'}")
    facts: dict[str, float] = json.loads(said.splitlines()[-1])
    return facts


def missed(figures: dict[str, float]) -> list[str]:
    """Name the goals that were not reached."""
    late = []
    if figures["layers-of-bound"] < GOAL:
        late.append(f"packing is at {figures['layers-of-bound']:.0%} of the bound, not {GOAL:.0%}")
    for name, value in figures.items():
        if name.endswith("peak-memory-bytes") and value > MOST_MEMORY:
            late.append(f"{name} is {value / 1e6:.0f} MB, not {MOST_MEMORY / 1e6:.0f}")
    return late


def say(text: str) -> None:
    """Tell on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
