"""Whether golden predictions find what they should: ``python bench/golden.py`` (Linux, an index of Python packages).

A pipeline of scikit-learn is trained and served by the real scoring server, and its answers are recorded by ``aciml
golden record``. Then twenty mistakes that people make are made, one at a time, and ``aciml golden check`` has to find
each; and the same pipeline is made anew a hundred times, each in a fresh process with another hash seed and number of
threads, and nothing may be found. With ``--images`` an image of it is built anew so many times by ``aciml build``, each
time with an empty cache: all have to have one digest, and each tenth is asked where it runs (Docker), as is each with
another digest. A rebuild costs six seconds of a core, and a start with its golden answers half a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("scikit-learn==1.5.2", "numpy==1.26.4", "scipy==1.14.1")
_ASKED_EACH = 10
_PATIENCE = 120.0  # seconds to the first answer, on a machine that does other things too

TRAIN = """
import json, sys
from pathlib import Path
import joblib, numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

said, out = json.loads(sys.argv[1]), Path(sys.argv[2])
data = load_diabetes(scaled=False)
x, y = data.data, data.target
if said.get("rows"):  # what last year's model was fitted on
    x, y = x[: said["rows"]], y[: said["rows"]]
scaler = {"standard": StandardScaler(), "mean": StandardScaler(with_std=False), "minmax": MinMaxScaler()}[
    said.get("scaler", "standard")
]
fill = SimpleImputer(strategy=said.get("fill", "mean"))
count, rate = said.get("trees", 60), said.get("rate", 0.1)
trees = GradientBoostingRegressor(n_estimators=count, learning_rate=rate, random_state=7)
line = make_pipeline(fill, scaler, Ridge(alpha=said.get("alpha", 1.0)))
line.fit(x, np.log1p(y))
if said.get("newer_scaler"):  # the scaler of another version of the data under the estimator of this one
    line.steps[1][1].fit(x[50:])
if said.get("float32"):
    line.steps[2][1].coef_ = line.steps[2][1].coef_.astype(np.float32).astype(np.float64)
trees.fit(x, y)
sick = RandomForestClassifier(n_estimators=20, max_depth=3, random_state=said.get("seed", 3)).fit(x, y > 140)
out.mkdir(parents=True, exist_ok=True)
joblib.dump({"line": line, "trees": trees, "sick": sick}, out / "model.joblib")
(out / "serve.json").write_text(json.dumps(said.get("serve", {})))
(out / "rows.json").write_text(json.dumps(data.data[:40].tolist()))
"""

SCORE = """
import json, os
from pathlib import Path
import joblib, numpy as np

def init():
    global MODELS, SAID
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    MODELS, SAID = joblib.load(folder / "model.joblib"), json.loads((folder / "serve.json").read_text())

def run(data):
    rows = np.array(json.loads(data)["data"], dtype=float)
    if SAID.get("columns"):
        rows = rows[:, SAID["columns"]]
    if SAID.get("single"):
        rows = rows.astype(np.float32)
    filled = np.nan_to_num(rows, nan=0.0)
    score = MODELS["line"].predict(rows)
    score = score if SAID.get("log") else np.expm1(score)
    chance = MODELS["sick"].predict_proba(filled)[:, SAID.get("class", 1)]
    told = {
        SAID.get("name", "score"): [round(float(one) * SAID.get("unit", 1), SAID.get("digits", 17)) for one in score],
        "trees": [float(one) for one in MODELS["trees"].predict(filled)],
        "sick": [bool(one > SAID.get("threshold", 0.5)) for one in chance],
        "chance": [float(one) for one in chance],
    }
    if SAID.get("drop"):
        told = {name: values[1:] for name, values in told.items()}
    return json.dumps(told) if SAID.get("text") else told
"""
_SWAPPED = [0, 1, 3, 2, *range(4, 10)]
DRIFTS: Mapping[str, Mapping[str, Any]] = {
    "the scaler is that of newer data": {"newer_scaler": True},
    "the scaler divides by nothing": {"scaler": "mean"},
    "another scaler": {"scaler": "minmax"},
    "gaps are filled by the median": {"fill": "median"},
    "a model in single precision": {"float32": True},
    "a model of last year's rows": {"rows": 350},
    "another alpha": {"alpha": 1.01},
    "a tree less": {"trees": 59},
    "another learning rate": {"rate": 0.101},
    "another seed of the forest": {"seed": 4},
    "two columns swapped": {"serve": {"columns": _SWAPPED}},
    "columns in the order of their names": {"serve": {"columns": [0, 2, 3, 4, 5, 6, 7, 8, 9, 1]}},
    "rows in single precision": {"serve": {"single": True}},
    "predictions of the logarithm": {"serve": {"log": True}},
    "another unit": {"serve": {"unit": 0.001}},
    "rounded to four digits": {"serve": {"digits": 4}},
    "the other class": {"serve": {"class": 0}},
    "another threshold": {"serve": {"threshold": 0.4}},
    "another name of a member": {"serve": {"name": "prediction"}},
    "a row is lost": {"serve": {"drop": True}},
}
"""Twenty mistakes: what is trained, or served, otherwise."""


@dataclass(frozen=True)
class Workshop:
    """Where models are made and served."""

    folder: Path
    packages: Path

    def train(self, said: Mapping[str, Any], name: str, **variables: str) -> Path:
        """Train in a fresh process; return the model's folder."""
        out = self.folder / name
        words = [sys.executable, "-c", TRAIN, json.dumps(said), str(out)]
        subprocess.run(words, check=True, env={**self._environ(), **variables})
        return out

    @contextmanager
    def served(self, model: Path, **variables: str) -> Iterator[str]:
        """Serve a model by the scoring server; give its URL."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        source = self.folder / "app" / "src"
        source.mkdir(parents=True, exist_ok=True)
        (source / "score.py").write_text(SCORE)
        said = {
            "AML_APP_ROOT": str(source.parent), "AZUREML_SOURCE_DIRECTORY": "src",
            "AZUREML_ENTRY_SCRIPT": "src/score.py", "AZUREML_MODEL_DIR": str(model),
            "ACIML_HOST": "127.0.0.1", "ACIML_PORT": str(port), "ACIML_HEALTH_PORT": "off",
        }  # fmt: skip
        with (self.folder / "server.log").open("wb") as log:
            environ = {**self._environ(), **said, **variables}
            words = [sys.executable, str(ROOT / "server" / "run.py")]
            server = subprocess.Popen(words, env=environ, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()

    def aciml(self, *words: str, cache: Path | None = None) -> tuple[int, str]:
        """Run the program in the folder; with ``cache`` as on a machine that has built nothing yet."""
        linked = os.environ.get("PYTHONPATH", "")
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT / "provider"), linked)))}
        if cache:
            # with the mirrors of this machine, which lie in its cache unless they are named
            kept = Path(os.environ.get("ACIML_CACHE") or Path.home() / ".cache" / "aciml") / "mirrors.toml"
            mirrors = os.environ.get("ACIML_MIRRORS") or (str(kept) if kept.is_file() else "")
            environ |= {"ACIML_CACHE": str(cache), "ACIML_MIRRORS": mirrors}
        done = subprocess.run(
            [sys.executable, "-m", "aciml", *words],
            cwd=self.folder, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def built(self, place: str, words: Sequence[str], cache: Path) -> str:
        """Build an image into a place; return its digest."""
        code, told = self.aciml("build", "--to", place, *words, cache=cache)
        if code:
            raise SystemExit(told)
        # its progress stands behind it, on the other stream
        facts, _ = json.JSONDecoder().raw_decode(told[told.index("{") :])
        return str(facts["digest"])

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.packages)}


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url + "/", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise SystemExit(f"the server does not answer (exit code {server.poll()})")


def requests(folder: Path, model: Path) -> str:
    """Write the requests: forty rows of the data set alone, one with a gap, and all at once; return the file's name."""
    rows = json.loads((model / "rows.json").read_text())
    sent = {f"row {number}": [row] for number, row in enumerate(rows, 1)}
    sent["with a gap"] = [[*rows[0][:4], None, *rows[0][5:]]]
    sent["all"] = rows
    file = [f'- {{name: {name}, json: {{"data": {json.dumps(data)}}}}}' for name, data in sent.items()]
    (folder / "requests.yaml").write_text("\n".join(["requests:", *file]) + "\n")
    return "requests.yaml"


def main() -> None:
    """Say what was found, and end with 1 if it was not all, or too much."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rebuilds", type=int, default=100)
    words.add_argument("--images", type=int, default=0, help="rebuilds of an image")
    words.add_argument("--no-drifts", action="store_true", help="leave out the mistakes")
    words.add_argument("--keep", type=Path, help="folder with the packages, for the next time")
    said = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        packages = said.keep or Path(folder) / "packages"
        if not packages.is_dir():
            uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(packages), *PACKAGES]
            subprocess.run(uv, check=True)
        shop = Workshop(Path(folder), packages)
        first = shop.train({}, "first")
        asked = requests(shop.folder, first)
        with shop.served(first) as url:
            code, told = shop.aciml("golden", "record", url, "--requests", asked, "-o", "golden.yaml")
        if code or "not the same twice" in told:
            raise SystemExit(told)
        caught = len(DRIFTS) if said.no_drifts else _drifts(shop)
        alarms = _rebuilds(shop, said.rebuilds)
        wrong, digests = _images(shop, first, said.images)
    if not said.no_drifts:
        print(f"caught {caught} of {len(DRIFTS)} drifts")
    print(f"{alarms} false alarms in {said.rebuilds} models made anew")
    if said.images:
        print(f"{wrong} false alarms in {said.images} rebuilt images, which have {len(digests)} digest(s)")
    print(f"golden-caught: {caught}\ngolden-false-alarms: {alarms + wrong}")
    if caught < len(DRIFTS) or alarms or wrong or len(digests) > 1:
        raise SystemExit(1)


def _drifts(shop: Workshop) -> int:
    caught = 0
    for number, (name, drift) in enumerate(DRIFTS.items()):
        with shop.served(shop.train(drift, f"drift-{number}")) as url:
            code, told = shop.aciml("golden", "check", "golden.yaml", url)
        if code == 1 and "differ from golden.yaml" in told:
            caught += 1
        else:
            print(f"MISSED {name}: {told.strip()}")
            continue
        rows = told.splitlines()
        print(f"caught  {name}: {rows[0].partition(': ')[2].partition(';')[0]}; worst: {' '.join(rows[2].split())}")
        sys.stdout.flush()
    return caught


def _rebuilds(shop: Workshop, count: int) -> int:
    alarms = 0
    for number in range(count):
        # what differs between two builds of one source: the process, its hash seed, how many threads it may have
        there = {"PYTHONHASHSEED": str(number), "OMP_NUM_THREADS": str(number % 2 + 1)}
        threads = str((number // 2) % 2 + 1)
        model = shop.train({}, "again", OPENBLAS_NUM_THREADS=threads, **there)
        with shop.served(model, WORKER_COUNT=threads, **there) as url:
            code, told = shop.aciml("golden", "check", "golden.yaml", url)
        if code:
            alarms += 1
            print(f"ALARM at rebuild {number}: {told.strip()}")
            sys.stdout.flush()
    return alarms


def _images(shop: Workshop, model: Path, count: int) -> tuple[int, set[str]]:
    """Build the image so many times; return how often golden check found something, and the digests of the images."""
    source = shop.folder / "image"
    source.mkdir()
    # the script looks for the model beside itself: what is built from files alone has no registered one
    score = SCORE.replace('os.environ["AZUREML_MODEL_DIR"]', "os.path.dirname(os.path.abspath(__file__))")
    (source / "score.py").write_text(score)
    for name in ("model.joblib", "serve.json"):
        (source / name).write_bytes((model / name).read_bytes())
    pins = "\n".join(f"      - {one}" for one in PACKAGES)
    conda = f"channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n{pins}\n"
    (shop.folder / "conda.yml").write_text(conda)
    words = ("--base", "debian:bookworm-slim", "--conda", "conda.yml", "--source", "image", "--json")
    alarms, found = 0, dict[str, list[str]]()
    for number in range(count):
        cache, layout = shop.folder / f"cache-{number}", shop.folder / f"layout-{number}"
        digest = shop.built(f"oci:{layout}", words, cache)
        if another := digest not in found:
            found[digest] = layers_of(layout)
            _tell_differing(list(found.values()))
        # one digest is one image: of a hundred that are the same to the byte ten are asked as well
        if another or number % _ASKED_EACH == 0:
            tag = f"golden-bench-{os.getpid()}:{number}"
            shop.built(f"docker:{tag}", words, cache)
            code, told = shop.aciml("golden", "check", "golden.yaml", tag)
            if code:
                alarms += 1
                print(f"ALARM at image {number}: {told.strip()}")
            subprocess.run(["docker", "image", "rm", "-f", tag], check=False, capture_output=True)
        shutil.rmtree(cache)
        shutil.rmtree(layout)
    return alarms, set(found)


def layers_of(layout: Path) -> list[str]:
    """Return the digests of config and layers of the image in an OCI layout (OCI, "Image Layout")."""
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads((layout / "blobs" / entry["digest"].replace(":", "/")).read_text())
    return [one["digest"] for one in (manifest["config"], *manifest["layers"])]


def _tell_differing(images: list[list[str]]) -> None:
    """Say which layers of the newest image are not those of the first: equal bytes are a promise."""
    first, last = images[0], images[-1]
    if first == last:
        return
    what = [f"{at or 'config'}" for at, pair in enumerate(zip_longest(first, last)) if len(set(pair)) > 1]
    print(f"ANOTHER DIGEST: config or layer {', '.join(what)} of {len(last) - 1}: {first} and {last}")


if __name__ == "__main__":
    main()
