"""How fast an image is made, beside the usual way: ``python bench/image.py`` (Linux, Docker, a channel, the CLI).

Both sides take turns in one run, and what counts are ratios of medians: seconds of this machine promise nothing.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from bench import ours  # noqa: E402  # found through the line above
from bench.baseline import Baseline, DockerRun, baseline  # noqa: E402
from bench.report import Case, Reuse, missed, print_figures, print_table  # noqa: E402
from bench.scene import AFTER, BEFORE, SECOND, Scene, run, scene  # noqa: E402
from bench.stack import measure_fresh, measure_unchanged  # noqa: E402
from bench.wheels_image import measure_wheels  # noqa: E402


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="builds of each kind")
    parser.add_argument("--previews", type=int, default=5, help="previews of each program")
    parser.add_argument("--folder", type=Path, help="where to work; a folder is made in it and removed")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    parser.add_argument("--only", choices=("conda", "wheels"), help="measure one of the two environments")
    wishes = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that all that was made is removed
    if not shutil.which("pulumi"):
        raise SystemExit("the Pulumi CLI is not on PATH; run make up once, and add its folder to PATH")
    late: list[str] = []
    if wishes.only != "conda":
        with scene(wishes.folder) as place:
            figures = measure_wheels(place, wishes.repetitions, say)
        figures.print()
        late += figures.missed()
    if wishes.only != "wheels":
        late += measure_conda(wishes)
    for text in late:
        say(f"goal missed: {text}")
    sys.exit(1 if late and wishes.strict else 0)


def measure_conda(wishes: argparse.Namespace) -> list[str]:
    """Measure and print the environment of conda packages; return the goals that were missed."""
    with scene(wishes.folder) as place, baseline(place) as docker:
        cases, reuse = measure_builds(place, docker, wishes.repetitions)
        say("unchanged stack: one up, then previews by turns")
        unchanged = measure_unchanged(place, wishes.previews)
        say("another machine: one up, then previews of machines that know nothing")
        fresh = measure_fresh(place, wishes.previews)
    print_table(cases, reuse, unchanged, fresh)
    print_figures(cases, reuse, unchanged, fresh)
    return missed(cases, reuse, unchanged, fresh)


def measure_builds(place: Scene, docker: Baseline, repetitions: int) -> tuple[list[Case], Reuse]:
    """Build and push by turns, cold and with one package changed; at the end ours another environment."""
    say("fetching and unpacking packages, on both sides")
    ours.warm_up(place, BEFORE, AFTER, SECOND)
    theirs: dict[tuple[str, ...], list[DockerRun]] = {BEFORE: [], AFTER: []}
    own: dict[tuple[str, ...], list[ours.OurRun]] = {BEFORE: [], AFTER: []}
    for number in range(1, repetitions + 1):
        repository, cache = docker.new_repository(), ours.fresh_cache(place)
        mine = ours.new_repository(place, cache)
        for specs, what in ((BEFORE, "cold"), (AFTER, "one package changed")):
            theirs[specs].append(docker.build_and_push(repository, specs))
            own[specs].append(ours.build_and_push(place, cache, mine, specs))
            both = f"docker {theirs[specs][-1].seconds:.1f} s, ours {own[specs][-1].seconds:.1f} s"
            say(f"{number} of {repetitions}, {what}: {both}")
    docker.check(repository)
    check(own[AFTER][-1].image)
    second = ours.build_and_push(place, cache, mine, SECOND)
    cases = [Case("cold", theirs[BEFORE], own[BEFORE]), Case("one-package", theirs[AFTER], own[AFTER])]
    return cases, Reuse(own[BEFORE][-1], own[AFTER][-1], second)


def check(image: str) -> None:
    """Insist that our image works too."""
    program = ("-c", "import sklearn.svm, pandas")
    run(["docker", "run", "--rm", "--entrypoint", "/azureml-envs/aciml/bin/python", image, *program])
    run(["docker", "image", "rm", image])


def say(text: str) -> None:
    """Tell on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
