"""Files of a tree with a short hash each, so that a preview names the file that has changed."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.compose import content_hash

MOST = 100
"""Entries at most: all stand in the state, and a new service shows each of them."""
SHORT = 12
"""Digits of a hash that people see, as of an image's tag: 48 bits, which two versions of a file do not share."""


def named_files(hashes: Mapping[str, str]) -> dict[str, str]:
    """Return a short hash by path.

    A tree with more files than ``MOST`` has entries of folders, which end in a slash: as deep as there is room for.

    Args:
        hashes: content hash of each file, by its path.
    """
    for depth in range(max((path.count("/") for path in hashes), default=0), -1, -1):
        found = _by_depth(hashes, depth)
        if len(found) <= MOST:
            return found
    # one folder with all of the files
    return {"./": f"{len(hashes)} files {_short(hashes)}"}


def _by_depth(hashes: Mapping[str, str], depth: int) -> dict[str, str]:
    """Return files down to ``depth`` folders, and the folders at that depth for all that is below them."""
    groups: dict[str, dict[str, str]] = {}
    for path, digest in hashes.items():
        parts = path.split("/")
        entry = path if len(parts) <= depth + 1 else "/".join(parts[: depth + 1]) + "/"
        groups.setdefault(entry, {})[path] = digest
    return {
        entry: f"{len(files)} files {_short(files)}" if entry.endswith("/") else _short(files)
        for entry, files in sorted(groups.items())
    }


def _short(hashes: Mapping[str, str]) -> str:
    return content_hash(dict(hashes))[:SHORT]
