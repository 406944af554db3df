"""What ``slim`` saves, and that no import misses it: ``python bench/slim.py`` (Docker, a channel, an index).

One image of well-known packages is made whole and slim, and pushed; both are pulled by turns. Then every module of the
packages is imported in both, in a container: one that the whole image can import, the slim one has to, too.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from bench import ours  # noqa: E402  # found through the line above, as what follows
from bench.goals import figure  # noqa: E402
from bench.scene import Scene, run, scene  # noqa: E402
from bench.wheels_scene import with_python  # noqa: E402

PACKAGES = {
    "numpy==2.4.6": "numpy", "pandas==3.0.6": "pandas", "scipy==1.17.1": "scipy", "scikit-learn==1.9.1": "sklearn",
    "matplotlib==3.11.2": "matplotlib", "pillow==12.3.0": "PIL", "lightgbm==4.7.0": "lightgbm",
    "onnxruntime==1.30.0": "onnxruntime", "joblib==1.6.0": "joblib", "statsmodels==0.15.0": "statsmodels",
}  # fmt: skip
"""What is installed, and the folder whose modules are imported."""
_PYTHON = "/azureml-envs/aciml/bin/python"
_IMPORT = """
import importlib, json, os, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
site = Path(sys.prefix) / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
names = []
for file in sorted((*(site / sys.argv[1]).rglob("*.py"), *(site / sys.argv[1]).rglob("*.so"))):
    parts = list(file.relative_to(site).parts)
    parts[-1] = parts[-1].split(".")[0]
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    if "tests" not in parts and "__main__" not in parts and all(part.isidentifier() for part in parts):
        names.append(".".join(parts))
answer, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
os.dup2(nowhere, 1), os.dup2(nowhere, 2)
sys.argv = ["import"]
good = []
for name in dict.fromkeys(names):
    try:
        importlib.import_module(name)
    except BaseException:  # some ask for words, or for packages that are not there, and end the program
        continue
    good.append(name)
os.write(answer, json.dumps(good).encode())
os._exit(0)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3, help="pulls of each image")
    parser.add_argument("--folder", type=Path, help="where to work; a folder is made in it and removed")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    wishes = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that all that was made is removed
    with scene(wishes.folder) as place:
        values = measure(place, wishes.repetitions)
    for name, value in values.items():
        print(f"{name}: {value:.3f}")
    late = [name for name in values if name in _DECLARED and not figure(name).met(values[name])]
    sys.exit(1 if late and wishes.strict else 0)


_DECLARED = ("slim-bytes-ratio", "slim-pull-ratio", "slim-lost-imports")


def measure(place: Scene, repetitions: int) -> dict[str, float]:
    """Make both images, weigh and pull them by turns, and import all modules in both."""
    specs, cache = with_python(tuple(PACKAGES)), place.warm
    repository = place.new_name("slim")
    built = {
        kind: ours.build_and_push(place, cache, repository, specs, slim=kind == "slim") for kind in ("whole", "slim")
    }
    weights = {kind: float(sum(made.layers.values())) for kind, made in built.items()}
    pulls: dict[str, list[float]] = {"whole": [], "slim": []}
    for number in range(repetitions):
        # who is first alternates: an engine is quicker when it has just pulled
        turn = list(built.items()) if number % 2 == 0 else list(reversed(built.items()))
        for kind, made in turn:
            began = time.perf_counter()
            run(["docker", "pull", "--quiet", made.image])
            pulls[kind].append(time.perf_counter() - began)
            run(["docker", "image", "rm", made.image])  # or the next pull would find the layers
    good = {kind: _imports(made.image) for kind, made in built.items()}
    lost = good["whole"] - good["slim"]
    for name in sorted(lost):
        say(f"lost: {name}")
    return {
        "slim-whole-bytes": weights["whole"],
        "slim-bytes": weights["slim"],
        "slim-bytes-ratio": weights["slim"] / weights["whole"],
        "slim-pull-ratio": statistics.median(s / w for s, w in zip(pulls["slim"], pulls["whole"], strict=True)),
        "slim-modules": len(good["whole"]),
        "slim-lost-imports": len(lost),
    }


def _imports(image: str) -> set[str]:
    """Return the modules that can be imported, each package in a process of its own."""
    found = set[str]()
    for package in PACKAGES.values():
        words = ["--entrypoint", _PYTHON, "--network", "none", image, "-c", _IMPORT, package]
        found |= set(json.loads(run(["docker", "run", "--rm", *words]).splitlines()[-1]))
        say(f"{package}: {len(found)} modules so far")
    run(["docker", "image", "rm", image])
    return found


def say(text: str) -> None:
    """Tell on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
