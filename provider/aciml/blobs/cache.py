"""This machine's cache folder: blobs, and the catalog of what they are."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from .catalog import Catalog
from .store import BlobStore


class Cache:
    """Both are opened when they are first asked for: a preview without changes opens the catalog alone.

    One object is handed around, so that a process has one connection; open both before there are several threads.
    """

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, ``settings.cache``; nothing is made yet."""
        self._folder = folder

    # late: to open the store is to come in and be counted among those who need what is there
    @cached_property
    def store(self) -> BlobStore:
        """Blobs by digest."""
        return BlobStore(self._folder / "blobs")

    @cached_property
    def catalog(self) -> Catalog:
        """What was made before."""
        return Catalog(self._folder / "catalog.sqlite")
