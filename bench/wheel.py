"""What a user installs: ``python bench/wheel.py``. Size of the wheel, what comes with it, and how long that takes.

It is installed as in ``tests/e2e/test_outside.py``: in a new venv outside the checkout, with the lock as constraint.
The first install may download; the second, in another venv, finds all in uv's cache. Sizes are without bytecode.
"One by one" tells what would go with one requirement of ours, and with all that it alone needs. ``--up`` brings the
documentation's program up there, with an empty cache, then again with nothing to do (Pulumi CLI, Docker, a channel).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from packaging.requirements import Requirement  # noqa: E402  # found through the line above, as what follows
from packaging.utils import canonicalize_name  # noqa: E402

from tests.installed import Installed, build, install, make_venv  # noqa: E402

_MB = 1e6
_SHOWN = 12


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--up", action="store_true", help="run `pulumi up` of the documentation's program, too")
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        first, _ = _timed_install(wheel, folder / "first")
        again, place = _timed_install(wheel, folder / "again")
        found = {str(canonicalize_name(one.name)): one for one in distributions(path=[str(place.packages)])}
        wanted = _needed(found, ["aciml"])
        sizes = {name: _size(found[name]) for name in wanted}
        _print_alone(found, sizes)
        print(f"wheel-kb: {wheel.stat().st_size / 1e3:.0f}")
        print(f"wheel-distributions: {len(sizes)}")
        print(f"wheel-installed-mb: {sum(sizes.values()) / _MB:.0f}")
        print(f"wheel-install-seconds: {first:.1f}")
        print(f"wheel-install-again-seconds: {again:.1f}")
        if wishes.up:
            _bring_up(folder, place)


def _bring_up(folder: Path, place: Installed) -> None:
    from tests.e2e.outside import Outside

    outside = Outside.make(folder / "outside", place, folder / "cache")
    outside.pulumi("stack", "init", "dev")
    try:
        for what in ("up_s", "up_again_s"):
            begin = time.perf_counter()
            outside.pulumi("up", "--yes", "--skip-preview")
            print(f"{what}: {time.perf_counter() - begin:.1f}")
        outside.pulumi("destroy", "--yes", "--skip-preview")
    finally:
        outside.clean()


def _timed_install(wheel: Path, folder: Path) -> tuple[float, Installed]:
    place = make_venv(folder)
    begin = time.perf_counter()
    install(wheel, place)
    return time.perf_counter() - begin, place


def _needed(found: dict[str, Distribution], roots: Iterable[str], without: str = "") -> set[str]:
    """Return the distributions that the roots need, the roots among them; nothing is followed through ``without``."""
    seen: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name in found and name not in seen and name != without:
            seen.add(name)
            todo += _requirements(found[name])
    return seen


def _requirements(one: Distribution) -> Iterator[str]:
    for line in one.requires or ():
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield canonicalize_name(wanted.name)


def _size(one: Distribution) -> int:
    paths = [Path(str(one.locate_file(file))) for file in one.files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _print_alone(found: dict[str, Distribution], sizes: dict[str, int]) -> None:
    """Print what goes with each requirement of ours, the largest first."""
    rows = []
    for name in set(_requirements(found["aciml"])):
        goes = sizes.keys() - _needed(found, ["aciml"], without=name)
        rows.append((sum(sizes[one] for one in goes), name, len(goes)))
    print("one by one: MB, distributions")
    for size, name, count in sorted(rows, reverse=True)[:_SHOWN]:
        print(f"  {name:34} {size / _MB:6.1f} {count:3}")


if __name__ == "__main__":
    main()
