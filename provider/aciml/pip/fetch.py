"""Fetch wheels by their hash into this machine's cache."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import OutageError
from ..core.progress import Progress
from ..settings import Settings
from .resolve import PipPackage

_BLOCK = 1 << 18


def fetch(packages: tuple[PipPackage, ...], *, settings: Settings, progress: Progress) -> list[Path]:
    """Return the wheels' files, in order; what is in the cache is not fetched again.

    Raises:
        OutageError: the index does not answer, or answers with other bytes than were pinned.
    """
    files = []
    for number, package in enumerate(packages, 1):
        progress.checkpoint()
        path = settings.cache / "wheels" / package.sha256 / package.file_name
        if not path.is_file():
            progress.say(f"fetching {package.file_name} ({number} of {len(packages)})")
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch_one(package, path, settings, progress)
        files.append(path)
    return files


def _fetch_one(package: PipPackage, path: Path, settings: Settings, progress: Progress) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as sink:
            digest = hashlib.sha256()
            for block in _blocks(package, settings):
                progress.checkpoint()
                digest.update(block)
                sink.write(block)
        if digest.hexdigest() != package.sha256:
            raise OutageError(
                f"{package.file_name} came with other bytes than were pinned", "look at the index, try again"
            )
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _blocks(package: PipPackage, settings: Settings) -> Iterator[bytes]:
    parts = urlsplit(package.url)
    if parts.scheme == "file":
        with Path(unquote(parts.path)).open("rb") as source:
            while block := source.read(_BLOCK):
                yield block
        return
    import requests

    verify: str | bool = str(settings.ca_bundle) if settings.ca_bundle else True
    try:
        with requests.get(package.url, stream=True, timeout=(10, 60), verify=verify) as answer:
            answer.raise_for_status()
            yield from answer.iter_content(_BLOCK)
    except requests.RequestException as error:
        host = parts.hostname
        raise OutageError(f"{host} does not give {package.file_name} ({type(error).__name__})", "try again") from error
