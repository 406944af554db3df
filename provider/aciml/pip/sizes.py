"""How many bytes each wheel has: what decides whether it is alone in a layer, and what a preview says before a fetch.

A size follows from the wheel's sha256, so it is the same on every machine, and no lock needs to say it: the index says
it when packages are resolved (PyPA "Simple repository API", ``size``), else whoever has the file is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..blobs.catalog import AnyCatalog
from ..core.errors import OutageError
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .fetch import TIMEOUT, fetch, kept_path, new_session

WHEEL_SIZE = "wheel-size"
"""Namespace in the catalog: bytes by sha256."""

_LOOKERS = 8  # questions at once


def known_sizes(catalog: AnyCatalog, packages: Iterable[PipPackage]) -> tuple[PipPackage, ...] | None:
    """Return the wheels with their sizes, or nothing if one is not known here; nobody is asked."""
    found = tuple(_known(catalog, package) for package in packages)
    return found if all(package.size for package in found) else None


def keep_size(catalog: AnyCatalog, sha256: str, size: int) -> None:
    """Remember the size of a file whose hash was counted, or whose index tells it."""
    catalog.put_fact(WHEEL_SIZE, sha256, str(size))


def with_sizes(
    packages: Sequence[PipPackage], catalog: AnyCatalog, settings: Settings, progress: Progress
) -> tuple[PipPackage, ...]:
    """Return the wheels with their sizes; what nobody has told yet is asked of who has the file.

    Raises:
        OutageError: who has the file does not answer.
    """
    known = [_known(catalog, package) for package in packages]
    lacking = [package for package in known if not package.size]
    if not lacking:
        return tuple(known)
    progress.say(f"asking for the sizes of {len(lacking)} wheels")
    with ThreadPoolExecutor(_LOOKERS, thread_name_prefix="sizes") as lookers:
        answers = lookers.map(lambda package: _ask(package, settings, progress), lacking)
        sizes = {package.sha256: size for package, size in zip(lacking, answers, strict=True)}
    for sha256, size in sizes.items():
        keep_size(catalog, sha256, size)
    return tuple(replace(package, size=package.size or sizes[package.sha256]) for package in known)


def _known(catalog: AnyCatalog, package: PipPackage) -> PipPackage:
    text = catalog.get_fact(WHEEL_SIZE, package.sha256)
    return replace(package, size=int(text)) if text else package


def _ask(package: PipPackage, settings: Settings, progress: Progress) -> int:
    progress.checkpoint()
    kept = kept_path(package, settings)
    if kept.is_file():
        return kept.stat().st_size
    parts = urlsplit(package.url)
    told = None if parts.scheme in ("", "file") else _told(package, settings)
    # who does not say it has to send the file, which is going to be needed soon
    if told is None and parts.scheme == "file":
        try:
            return Path(unquote(parts.path)).stat().st_size
        except OSError as error:
            raise OutageError(f"{parts.path} cannot be read: {error.strerror}") from error
    return told or fetch((package,), settings=settings, progress=progress)[0].stat().st_size


def _told(package: PipPackage, settings: Settings) -> int | None:
    """Return what the server says of its file; None if it says nothing that can be used."""
    # here: HTTP is slow to load, and of most wheels the size is known
    import requests

    with new_session(settings) as session:
        for method in ("HEAD", "GET"):
            try:
                with session.request(
                    method, package.url, stream=True, timeout=TIMEOUT, auth=package.account, allow_redirects=True
                ) as answer:
                    length = answer.headers.get("Content-Length", "")
                    if answer.status_code == 200 and length.isdigit() and int(length):
                        return int(length)
            except requests.RequestException:
                continue  # to fetch it says what is wrong, after some tries
    return None
