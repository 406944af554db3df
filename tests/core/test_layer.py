"""The tar of a layer: what gets in, what does not, and that nothing else counts."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aciml.core.layer import FOLDER_TIME, Entry, LayerError, header, tar_blocks

FILES = [
    Entry.of_bytes("azureml-envs/aciml/bin/tool", b"#!/bin/sh\n", mode=0o775, mtime=1_600_000_000),
    Entry.of_bytes("azureml-envs/aciml/lib/żółw.py", b"x = 1\n", mode=0o600, mtime=1_600_000_001),
    Entry("azureml-envs/aciml/lib/libx.so", "symlink", mtime=1_600_000_000, target="libx.so.1"),
    Entry.of_bytes("azureml-envs/aciml/lib/libx.so.1", b"\x7fELF" * 100, mode=0o755, mtime=1_600_000_000),
    Entry.of_bytes("azureml-envs/aciml/" + "long/" * 30 + "n" * 120, b"", mtime=1_600_000_000),
    Entry("azureml-envs/aciml/empty", "dir"),
]

_part = some.text(
    some.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120
).filter(lambda text: text not in (".", "..") and not text.startswith(".wh."))
_path = some.lists(_part, min_size=1, max_size=4).map("/".join)


def tar_of(entries: Iterable[Entry], block: int = 1 << 20) -> bytes:
    return b"".join(tar_blocks(entries, block))


def members(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getmembers()


def test_neither_order_nor_block_size_reaches_the_tar() -> None:
    assert tar_of(reversed(FILES)) == tar_of(FILES) == tar_of(FILES, block=512)


def test_the_bytes_of_a_tar_are_pinned() -> None:
    """A new value changes every image in every registry: raise WRITER and give the reason in decisions/."""
    expected = "db92d7c3bed6ef8d2c7d37054f5505455aef130889cfce9aa5a72e7c7e1d0f97"
    assert hashlib.sha256(tar_of(FILES)).hexdigest() == expected


def test_modes_owners_and_folder_times_are_normalised() -> None:
    found = {member.name: member for member in members(tar_of(FILES))}

    assert {(member.uid, member.gid, member.uname, member.gname) for member in found.values()} == {(0, 0, "", "")}
    assert {member.mode for member in found.values() if member.isdir()} == {0o755}
    assert {member.mtime for member in found.values() if member.isdir()} == {FOLDER_TIME}
    assert found["azureml-envs/aciml/bin/tool"].mode == 0o755
    assert found["azureml-envs/aciml/lib/żółw.py"].mode == 0o644
    assert found["azureml-envs/aciml/lib/libx.so"].mode == 0o777
    assert found["azureml-envs/aciml/bin/tool"].mtime == 1_600_000_000


def test_every_parent_comes_once_and_before_what_is_in_it() -> None:
    names = [member.name for member in members(tar_of(FILES))]

    assert len(names) == len(set(names))
    for name in names:
        parent = name.rpartition("/")[0]
        assert not parent or names.index(parent) < names.index(name)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "", "a\0b", "a/.wh.b", ".wh..wh..opq"]
)
def test_a_path_that_leaves_the_root_or_means_something_else_is_refused(path: str) -> None:
    with pytest.raises(LayerError):
        tar_of([Entry.of_bytes(path, b"")])


@pytest.mark.parametrize(
    "entries",
    [
        [Entry.of_bytes("a", b"1"), Entry.of_bytes("a", b"2")],
        [Entry.of_bytes("a", b"1"), Entry.of_bytes("a/b", b"2")],
        [Entry("a", "dir"), Entry("a", "symlink", target="b")],
    ],
)
def test_a_path_has_one_meaning(entries: list[Entry]) -> None:
    with pytest.raises(LayerError):
        tar_of(entries)


def test_a_file_that_shrinks_while_it_is_packed_is_an_error_and_one_that_grows_is_cut() -> None:
    grown = Entry("a", size=3, open=lambda: io.BytesIO(b"12345"))
    assert tar_of([grown]) == tar_of([Entry.of_bytes("a", b"123")])

    with pytest.raises(LayerError, match="became shorter"):
        tar_of([Entry("a", size=9, open=lambda: io.BytesIO(b"12345"))])


def test_a_file_beyond_eight_gibibytes_has_its_size_in_a_pax_record() -> None:
    with tarfile.open(fileobj=io.BytesIO(header(Entry("big", size=9 << 30)))) as tar:
        first = tar.next()
    assert first
    assert first.size == 9 << 30


@given(
    some.dictionaries(
        _path, some.tuples(some.binary(max_size=2000), some.integers(0, 0o777), some.integers(0, 2**33 - 1))
    )
)
def test_what_is_packed_is_what_a_reader_finds(files: dict[str, tuple[bytes, int, int]]) -> None:
    kept = {path: file for path, file in files.items() if not any(other.startswith(f"{path}/") for other in files)}
    data = tar_of(Entry.of_bytes(path, body, mode=mode, mtime=mtime) for path, (body, mode, mtime) in kept.items())

    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {member.name: member for member in tar.getmembers() if member.isfile()}
        assert found.keys() == kept.keys()
        for path, (body, mode, mtime) in kept.items():
            stream = tar.extractfile(found[path])
            assert stream
            assert stream.read() == body
            assert found[path].mode == (0o755 if mode & 0o100 else 0o644)
            assert found[path].mtime == mtime


@given(_path, some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_a_symlink_keeps_its_text(path: str, target: str) -> None:
    link = members(tar_of([Entry(path, "symlink", target=target)]))[-1]

    assert (link.name, link.linkname, link.mode) == (path, target, 0o777)


def test_what_has_an_owner_keeps_it_and_all_above_it_is_roots() -> None:
    entries = [
        Entry("app/src", "dir", owner=(10001, 10002)),
        Entry.of_bytes("app/src/score.py", b""),
        Entry("app/src/own.py", "file", owner=(10001, 10002)),
        Entry("app/src/link", "symlink", target="own.py", owner=(10001, 10002)),
    ]
    found = {member.name: (member.uid, member.gid) for member in members(tar_of(entries))}

    assert found == {
        "app": (0, 0),
        "app/src": (10001, 10002),
        "app/src/link": (10001, 10002),
        "app/src/own.py": (10001, 10002),
        "app/src/score.py": (0, 0),
    }
