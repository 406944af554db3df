"""A file that uv's pylock names: a wheel or a source distribution of an index, or what a line names by its URL or path.

Source: PyPA specification "pylock.toml", ``packages.wheels``, ``packages.sdist``, ``packages.archive``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ..core.errors import UserError
from .lines import file_sha256


@dataclass(frozen=True)
class NamedFile:
    """A file that pylock names, as a wheel of an index or as an archive named by the user."""

    name: str
    url: str
    hashes: Mapping[str, Any]
    size: int
    """In bytes; 0 if the index does not say it."""


def named_file(name: str, entry: Any, lock: Path) -> NamedFile:
    """Return the file of an entry of ``lock``; ``name`` if the entry has one of its own."""
    url = str(entry.url or (lock.parent / str(entry.path)).resolve().as_uri())
    return NamedFile(name or PurePosixPath(unquote(urlsplit(url).path)).name, url, entry.hashes, entry.size or 0)


def sha256_of(file: NamedFile) -> str:
    """Return its sha256: as the index says it, or counted, of a file that is here.

    Raises:
        UserError: the index says none.
    """
    known = file.hashes.get("sha256")
    if known:
        return str(known)
    parts = urlsplit(file.url)
    if parts.scheme == "file":
        return file_sha256(Path(unquote(parts.path)))
    raise UserError(f"{parts.hostname} gives no sha256 for {file.name}", "use an index that does")
