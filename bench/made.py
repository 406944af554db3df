"""Packages that are made for a bench: sizes like those of real environments, contents from this interpreter's files."""

from __future__ import annotations

import hashlib
import io
import json
import random
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

from conda_package_streaming.create import conda_builder

from aciml.core.conda_lock import CondaLock, LockedPackage

CHANNEL = "conda-forge"
_PLACEHOLDER = "/opt/" + "placehold_" * 20
_TIME = 1_600_000_000
_CORPUS = 64_000_000  # bytes of real files that contents are cut from
_SIZES = (*(1_000, 4_000, 16_000) * 6, *(64_000, 200_000) * 2, 1_200_000)  # mean about 80 kB
_NOARCH = 4  # one package in so many is noarch Python
_PREFIXED = 20  # one file in so many has the prefix in it


def make_channel(folder: Path, count: int, total: int) -> None:
    """Write a channel of ``count`` packages with ``total`` bytes of files: a few are big and most are small."""
    corpus, rows = _corpus(), dict[str, dict[str, dict[str, object]]]()
    shares = [1 / (number + 3) for number in range(count)]
    for number, share in enumerate(shares):
        name = "python" if number == 0 else f"made-{number:03}"
        size = int(total * share / sum(shares))
        noarch = "python" if number % _NOARCH == 1 else ""
        subdir = folder / ("noarch" if noarch else "linux-64")
        record = _write(subdir, name, noarch, corpus, size)
        rows.setdefault(subdir.name, {})[f"{name}-3.11.2-0.conda"] = record
    for subdir_name, records in rows.items():
        index = {"info": {"subdir": subdir_name}, "packages": {}, "packages.conda": records}
        (folder / subdir_name / "repodata.json").write_text(json.dumps(index), encoding="utf-8")


def lock_of(folder: Path, count: int) -> CondaLock:
    """Return the lock of the first ``count`` packages of a channel that was made."""
    found = []
    for path in sorted(folder.glob("*/repodata.json")):
        records = json.loads(path.read_text(encoding="utf-8"))["packages.conda"]
        for file_name, record in records.items():
            facts = {**record, "fn": file_name, "subdir": path.parent.name}
            found.append(LockedPackage.of_record(facts, CHANNEL))
    return CondaLock.of(sorted(found, key=lambda package: (package.name != "python", package.name))[:count])


def _corpus() -> bytes:
    """Return bytes of libraries and of Python sources, which compress as those of packages do."""
    places = (Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("platlib")), Path(sys.prefix))
    parts, size = list[bytes](), 0
    for place in places:
        for pattern in ("*.so*", "*.py"):
            for path in sorted(place.rglob(pattern)):
                if path.is_file() and size < _CORPUS:
                    parts.append(path.read_bytes()[: _CORPUS // 8])
                    size += len(parts[-1])
    random.Random(1).shuffle(parts)  # the same order each time, no secret
    return b"".join(parts)


def _write(folder: Path, name: str, noarch: str, corpus: bytes, total: int) -> dict[str, object]:
    """Write one package, and return its record."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, object] = {"name": name, "version": "3.11.2", "build": "0", "build_number": 0, "depends": []}
    index |= {"subdir": folder.name, "timestamp": _TIME * 1000} | ({"noarch": noarch} if noarch else {})
    paths = list[dict[str, object]]()
    with conda_builder(f"{name}-3.11.2-0", folder, compression_level=1) as tar:
        for path, data, prefixed in _files(name, noarch, corpus, total):
            _add(tar, path, data)
            digest = hashlib.sha256(data).hexdigest()
            row = {"_path": path, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(data)}
            paths.append(row | ({"file_mode": "text", "prefix_placeholder": _PLACEHOLDER} if prefixed else {}))
        info: dict[str, object] = {"index": index, "about": {}, "paths": {"paths_version": 1, "paths": paths}}
        if noarch:
            info["link"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
        for stem, value in info.items():
            _add(tar, f"info/{stem}.json", json.dumps(value).encode())
    body = (folder / f"{name}-3.11.2-0.conda").read_bytes()
    return {**index, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}


def _files(name: str, noarch: str, corpus: bytes, total: int) -> Iterator[tuple[str, bytes, bool]]:
    """Give path, content, and whether the prefix is in it."""
    dice = random.Random(name)  # equal files each time, no secret
    home = f"site-packages/{name}" if noarch else f"lib/{name}"
    if name == "python":
        yield "bin/python3.11", corpus[:100_000], False
    done = number = 0
    while done < total:
        size = min(dice.choice(_SIZES), total - done) if total < max(_SIZES) else dice.choice(_SIZES)
        start = dice.randrange(len(corpus) - size)
        data, prefixed = corpus[start : start + size], number % _PREFIXED == 0
        if prefixed:
            data = _PLACEHOLDER.encode() + b"/bin\n" + data
        yield f"{home}/part{number // 50}/file{number}.dat", data, prefixed
        done, number = done + len(data), number + 1


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    info = tarfile.TarInfo(path)
    info.mode, info.mtime, info.size = 0o644, _TIME, len(data)
    tar.addfile(info, io.BytesIO(data))
