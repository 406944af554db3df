"""Brings all that the lock names into the folder `mirror`, and writes `mirror/mirrors.toml`, which says where it is.

`python collect.py` in the venv of the project, where there is a network. Carry the project with the folder inside, and
run it there again: it finds every file, asks nobody, and writes where they are now.

    python collect.py [--docker-io http://registry.inside:5000]     # where the base image is, on the inside
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from aciml.settings import Settings

HERE = Path(__file__).resolve().parent
MIRROR = HERE / "mirror"
CONDA, WHEELS = "https://conda.anaconda.org/", "https://files.pythonhosted.org/"


def main() -> None:
    """Fetch what is not there, and compare each file with the lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docker-io", default="", help="registry that stands for docker.io on the inside")
    given = parser.parse_args()
    known = Settings.read()  # mirrors of this machine, if it has some already
    fetched = 0
    for url, sha256 in locked():
        path = place_of(url)
        if not path.is_file() or digest(path) != sha256:
            fetch(source_of(url, known), path)
            fetched += 1
        if digest(path) != sha256:
            raise SystemExit(f"{url} is not the file that the lock names")
    tables: dict[str, dict[str, str]] = {
        "channels": {one.name: one.as_uri() for one in sorted((MIRROR / "channels").iterdir())},
        "wheels": {WHEELS: f"{(MIRROR / 'wheels').as_uri()}/"},
        "registries": {**known.registries, **({"docker.io": given.docker_io} if given.docker_io else {})},
    }
    (MIRROR / "mirrors.toml").write_text(toml(tables), encoding="utf-8")
    print(f"mirror/mirrors.toml is written: {len(list(locked()))} files, {fetched} of them fetched now")


def locked() -> Iterator[tuple[str, str]]:
    """Give URL and sha256 of every package file in the lock."""
    lock: Any = YAML(typ="safe", pure=True).load((HERE / "conda.lock").read_text(encoding="utf-8"))
    for one in lock["packages"]:
        yield str(one.get("conda") or one["pypi"]), str(one["sha256"])


def place_of(url: str) -> Path:
    """Return where a file lies in the mirror: a channel as conda has it, wheels by the path of their URL."""
    for begin, folder in ((CONDA, "channels"), (WHEELS, "wheels")):
        if url.startswith(begin):
            return MIRROR / folder / url.removeprefix(begin)
    raise SystemExit(f"{url} is neither of {CONDA} nor of {WHEELS}: add a line for it to place_of and to mirrors.toml")


def source_of(url: str, known: Settings) -> str:
    """Return where this machine gets a file from."""
    if url.startswith(CONDA):
        channel, _, path = url.removeprefix(CONDA).partition("/")
        mirror = known.channels.get(channel)
        return f"{mirror.rstrip('/')}/{path}" if mirror else url
    begin = next((one for one in known.wheels if url.startswith(one)), "")
    return known.wheels[begin] + url.removeprefix(begin) if begin else url


def fetch(url: str, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    # a mirror may be a folder, so file: is fine here
    with urllib.request.urlopen(url) as answer, new.open("wb") as file:  # noqa: S310  # as above
        shutil.copyfileobj(answer, file)
    new.replace(path)


def digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def toml(tables: dict[str, dict[str, str]]) -> str:
    """Write tables of texts; a text of JSON is one of TOML, too."""
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
