"""A disk that gets full while an image is written as files."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from aciml.core.errors import OutageError
from aciml.core.layer import Entry
from aciml.core.progress import Silent
from aciml.images.export.layout import write_tar


def test_a_full_disk_is_told_with_its_place_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(OutageError, match=r"the disk of .*/image.tar is full: at least .* needed, .* free") as caught:
        write_tar([Entry.of_bytes("a", b"x" * 1000)], tmp_path / "image.tar", Silent())
    assert "name a place on another disk" in caught.value.advice
    assert list(tmp_path.iterdir()) == []
