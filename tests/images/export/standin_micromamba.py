#!/usr/bin/python3
"""Installs an explicit list of conda packages, in the words of micromamba, where micromamba itself cannot be had."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
import urllib.request
from pathlib import Path

from rattler import PackageRecord, RepoDataRecord, install
from rattler.package_streaming import extract


def main() -> None:
    """Do what ``micromamba create --yes --prefix P --file F`` does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--prefix", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    args = parser.parse_args()
    lines = args.file.read_text().splitlines()
    assert "@EXPLICIT" in lines
    with tempfile.TemporaryDirectory() as folder:
        records = [_record(line, Path(folder)) for line in lines if "#sha256:" in line]
        asyncio.run(install(records, str(args.prefix), cache_dir=Path(folder) / "cache", show_progress=False))
        sys.stdout.flush()
    os._exit(0)  # the library's threads do not always survive the end of the interpreter


def _record(line: str, folder: Path) -> RepoDataRecord:
    url, _, sha256 = line.partition("#sha256:")
    name = url.rpartition("/")[2]
    path = folder / name
    urllib.request.urlretrieve(url, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, name
    extract(path, folder / f"{name}.d")
    record = PackageRecord.from_index_json(folder / f"{name}.d/info/index.json")
    return RepoDataRecord(package_record=record, file_name=name, url=url, channel=url.rsplit("/", 2)[0])


if __name__ == "__main__":
    main()
