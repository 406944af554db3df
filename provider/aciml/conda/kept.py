"""Packages in rattler's cache, held against what they say of themselves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

_FILES = ("hardlink", "hard_link")


def is_whole(package: Path) -> bool:
    """Tell whether an unpacked package has the files of its ``info/paths.json``, with their sizes and hashes.

    A package of before 2017 has no such file and counts as whole. Links are not followed.
    Source: conda package metadata, ``info/paths.json``, version 1.
    """
    listed = package / "info" / "paths.json"
    # every package has one (conda package metadata): without it the unpacking was cut off
    if not (package / "info" / "index.json").is_file():
        return False
    if not listed.exists():
        return True
    try:
        entries: list[dict[str, Any]] = json.loads(listed.read_text(encoding="utf-8"))["paths"]
        return all(_is_whole(package / entry["_path"], entry) for entry in entries)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _is_whole(path: Path, entry: dict[str, Any]) -> bool:
    wanted = entry.get("sha256")
    if entry.get("path_type") not in _FILES or not wanted or path.is_symlink():
        return path.is_symlink() or path.exists()
    if entry.get("size_in_bytes") not in (None, path.stat().st_size):
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == str(wanted)
