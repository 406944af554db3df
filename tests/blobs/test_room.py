"""A cache that cannot be used, and a disk that is full."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.room import full_disk, is_full, told_if_full, usable_cache
from aciml.blobs.store import BlobStore
from aciml.core.errors import AcimlError, OutageError
from aciml.servicer import _bug


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def spoil(folder: Path, how: str) -> None:
    if how == "a file is in its place":
        folder.write_text("")
        return
    folder.mkdir()
    if how == "the catalog is a folder":
        (folder / "catalog.sqlite").mkdir()
    elif how == "a file is in the place of the blobs":
        (folder / "blobs").write_text("")
    elif how == "below a file":
        (folder / "blobs").mkdir()
        (folder / "blobs" / "sha256").write_text("")
    elif how == "it may only be read":
        folder.chmod(0o500)


@pytest.mark.parametrize(
    "how",
    [
        "a file is in its place",
        "the catalog is a folder",
        "a file is in the place of the blobs",
        "below a file",
        pytest.param(
            "it may only be read", marks=pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
        ),
    ],
)
def test_a_cache_that_cannot_be_used_is_named_and_done_without(tmp_path: Path, temporary: Path, how: str) -> None:
    folder = tmp_path / "cache"
    spoil(folder, how)

    found, told = usable_cache(folder)

    assert found == temporary / f"aciml-{os.getuid()}"
    assert f"the cache {folder} cannot be used (" in told
    assert "ACIML_CACHE" in told
    assert BlobStore(found / "blobs").put(b"x")
    assert found.stat().st_mode & 0o777 == 0o700
    assert usable_cache(folder)[0] == found


def test_a_cache_that_can_be_used_stays(tmp_path: Path) -> None:
    assert usable_cache(tmp_path / "new" / "cache") == (tmp_path / "new" / "cache", "")


def test_a_folder_of_somebody_else_is_not_used_in_its_place(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "cache").write_text("")
    (temporary / f"aciml-{os.getuid()}").symlink_to(tmp_path)

    found, _ = usable_cache(tmp_path / "cache")

    assert found.parent == temporary
    assert not found.is_symlink()


def test_another_process_that_writes_is_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Catalog, "put_fact", locked)

    assert usable_cache(tmp_path) == (tmp_path, "")


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (AcimlError("cannot unpack numpy: No space left on device (os error 28)"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
    ],
)
def test_a_full_disk_is_known_by_number_and_by_words(error: Exception, *, full: bool) -> None:
    assert is_full(error) is full


def test_a_full_disk_names_path_need_room_and_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3_400_000))

    with pytest.raises(OutageError) as caught, told_if_full(tmp_path / "not" / "there", 812_000_000):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "not" / "there"
    assert caught.value.message == f"the disk of {path} is full: at least 812 MB needed, 3.4 MB free"
    assert "ACIML_CACHE" in caught.value.advice
    assert "is full: 3.4 MB free; free some space" in str(full_disk(tmp_path))


def test_a_store_on_a_full_disk_says_what_it_needs(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OutageError, match="at least 12 MB needed"):
        store._write(full, b"x" * 10, 12_000_000)


def test_a_full_disk_is_never_a_fault_of_aciml(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "file"))

    assert _bug(error).startswith(f"the disk of {tmp_path / 'file'} is full: ")
