"""Tell uv what conda brings: wheels of a name and a version, without content and without requirements.

A wheel like that needs no index, keeps its version, and asks for nothing more, since conda has seen to that.
Of a package that is asked for with extras only the index knows what these mean, so it is held by ``==`` instead.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# conda packages whose distribution has another name: name of the package, name in the index
_DISTRIBUTIONS = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "docker-py": "docker",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pyarrow-core": "pyarrow",
    "pytables": "tables",
    "python-build": "build",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-tzdata": "tzdata",
    "pytorch": "torch",
    "ray-core": "ray",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
}
# uv says it in a warning and nowhere else
_NO_EXTRA = re.compile(r"package `(\S+)(?: @ \S+|==\S+)?` does not have an extra named")
_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can have


def distributions(conda: Mapping[str, str]) -> dict[str, str]:
    """Return what conda brings in the index's terms; a version that only conda understands is left out.

    Args:
        conda: version by name of the conda package.
    """
    found: dict[str, str] = {}
    for name, version in sorted(conda.items()):
        try:
            found[canonicalize_name(_DISTRIBUTIONS.get(name, name))] = str(Version(version))
        # conda takes versions that PEP 440 does not; uv would refuse the whole file of constraints
        except InvalidVersion:
            continue
    return found


def constraints(provided: Mapping[str, str], exact: Collection[str], folder: Path) -> str:
    """Return the constraints file for uv.

    Args:
        provided: what ``distributions`` returned.
        exact: names that the index has to know, because they are asked for with extras.
        folder: where the wheels are; they are small, always the same, and kept.
    """
    lines = [
        f"{name}=={version}" if name in exact else f"{name} @ {_wheel(name, version, folder).as_uri()}"
        for name, version in provided.items()
    ]
    return "".join(f"{line}\n" for line in lines)


def asked_with_extras(said: str) -> set[str]:
    """Return the names that uv warned of: an extra was asked for, and the wheel has none."""
    return set(_NO_EXTRA.findall(said))


def _wheel(name: str, version: str, folder: Path) -> Path:
    stem = f"{name.replace('-', '_')}-{version}"
    # at one place for ever, so that uv's own cache does not grow by each run (decisions/pip-section.md)
    path = folder.resolve() / f"{stem}-py3-none-any.whl"
    if path.is_file():
        return path
    content = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: aciml\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "".join(f"{stem}.dist-info/{part},,\n" for part in ("METADATA", "WHEEL", "RECORD")),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as sink, zipfile.ZipFile(sink, "w") as wheel:
            for part, text in content.items():
                wheel.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{part}", _TIME), text)
        Path(new).replace(path)
    finally:
        Path(new).unlink(missing_ok=True)
    return path
