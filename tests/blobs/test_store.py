"""Blobs: whole or not there, named by content; layers equal on every machine."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from aciml.blobs import compress
from aciml.blobs import gzip as compressor
from aciml.blobs.store import BlobStore, DamagedBlobError, entry_of_file, write_layer
from aciml.core.errors import AcimlError, Cancelled, UserError
from aciml.core.layer import BLOCK, Entry
from aciml.core.progress import Silent


def files() -> list[Entry]:
    """Three blocks: text that compresses, noise that does not, and small files."""
    noise = random.Random(7).randbytes(BLOCK + 12345)
    return [
        Entry.of_bytes("lib/text.py", b"import this\n" * 120_000, mtime=1_600_000_000),
        Entry.of_bytes("lib/noise.so", noise, mode=0o755, mtime=1_600_000_000),
        *(Entry.of_bytes(f"share/{number}", b"%d" % number, mtime=1_600_000_000) for number in range(50)),
    ]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def test_the_digest_of_a_layer_is_pinned(store: BlobStore) -> None:
    """Another value changes every image in every registry: see decisions/compressor.md.

    If only the digest differs, the compressor has a new version: its key has to differ, too.
    """
    layer = write_layer(files(), store)

    assert compressor.KEY == "libdeflate-0.9.0-level-1-1MiB"
    assert layer.diff_id == "sha256:8f25baaba44e02661ca8a80de7af4f8a75313af0295252c41ec0e22089e7f614"
    assert layer.digest == "sha256:020e9ca9429cab8c3cf223e26b70f12ba58cd9c57b524f7f0a38edbbd6d55822"


def opened(name: str, data: bytes) -> bytes:
    if name == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
            return stream.read()
    return gzip.decompress(data) if name == "gzip" else data


@pytest.mark.parametrize("name", compress.NAMES)
def test_the_facts_of_a_layer_are_those_of_its_blob(store: BlobStore, name: str) -> None:
    layer = write_layer(files(), store, by=compress.compression_of(name))

    with store.open(layer.digest) as blob:
        data = blob.read()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == layer.digest
    assert len(data) == layer.size
    assert "sha256:" + hashlib.sha256(opened(name, data)).hexdigest() == layer.diff_id
    assert len(opened(name, data)) == layer.unpacked
    assert layer.media_type.endswith({"none": ".tar"}.get(name, f"+{name}"))


def test_the_digest_of_a_zstd_layer_is_pinned(store: BlobStore) -> None:
    """See the test of gzip's above: another value here needs another key."""
    by = compress.compression_of("zstd")
    layer = write_layer(files(), store, by=by)

    assert by.key == "zstd-1.5.7-level-3-1MiB"
    assert layer.diff_id == write_layer(files(), store).diff_id
    assert layer.digest == "sha256:22f59a1f944cc1a01a1c817c8d5b69d794765234d12453c2e398c92b24de76ef"


def test_each_compression_has_a_key_of_its_own() -> None:
    assert len({compress.compression_of(name).key for name in compress.NAMES}) == 3


def test_a_compression_that_does_not_exist_is_answered_with_one_that_does() -> None:
    with pytest.raises(UserError, match="write gzip, zstd or none"):
        compress.compression_of("ztsd")
    with pytest.raises(UserError, match="write gzip, zstd or none"):
        compress.compression_of("lzma-9")


@pytest.mark.parametrize("cpus", [1, 2, 7])
def test_the_number_of_cpus_does_not_reach_the_layer(
    store: BlobStore, cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write_layer(files(), store)
    compress._pool.cache_clear()
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)

    assert write_layer(files(), store) == expected
    compress._pool.cache_clear()


def test_neither_umask_nor_folder_nor_clock_reaches_the_layer(tmp_path: Path, store: BlobStore) -> None:
    found = []
    for name, mask in (("one", 0o000), ("another-folder", 0o077)):
        before = os.umask(mask)
        try:
            folder = tmp_path / name
            folder.mkdir()
            (folder / "run").write_bytes(b"x")
            (folder / "run").chmod(0o777 & ~mask)
            (folder / "link").symlink_to("run")
            os.utime(folder / "run", (5.5, 5.5))
        finally:
            os.umask(before)
        entries = [entry_of_file(path, path.name, mtime=None if path.name == "run" else 0) for path in folder.iterdir()]
        found.append(write_layer(entries, store))

    assert found[0] == found[1]


def test_a_stopped_layer_leaves_nothing(store: BlobStore, tmp_path: Path) -> None:
    class Stopped(Silent):
        def checkpoint(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_layer(files(), store, Stopped())
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_a_blob_is_found_by_its_digest(store: BlobStore) -> None:
    digest = store.put(b"hello")

    assert digest == "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert store.has(digest)
    assert store.has(digest, 5)
    assert store.path(digest).stat().st_mode & 0o777 == 0o644
    store.remove(digest)
    assert not store.has(digest)
    with pytest.raises(AcimlError, match="run the same command again"):
        store.open(digest)


def test_a_blob_that_was_cut_short_does_not_count(store: BlobStore) -> None:
    digest = store.put(b"hello")
    store.path(digest).write_bytes(b"he")

    assert not store.has(digest, 5)
    assert store.put(b"hello") == digest
    assert store.has(digest, 5)


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage", [flip, lambda content: content[:-1], lambda _: b"", lambda content: bytes(len(content))]
)
def test_the_last_bytes_of_a_damaged_blob_are_handed_to_nobody(
    store: BlobStore, damage: Callable[[bytes], bytes]
) -> None:
    content = random.Random(1).randbytes(300_000)
    digest = store.put(content)
    store.path(digest).write_bytes(damage(content))
    handed = 0

    def read() -> None:
        nonlocal handed
        with store.open(digest) as blob:
            while block := blob.read(100_000):
                handed += len(block)

    with pytest.raises(DamagedBlobError, match="is damaged: its sha256 is not its name") as caught:
        read()
    assert caught.value.digest == digest
    assert handed < len(content)


def test_bytes_that_are_read_again_count_once(store: BlobStore) -> None:
    content = random.Random(2).randbytes(300_000)
    digest = store.put(content)
    with store.open(digest) as blob:
        assert blob.read(200_000) == content[:200_000]
        blob.seek(50_000)  # as an upload that goes on after a cut
        assert blob.read() == content[50_000:]
        blob.seek(0)
        assert blob.read() == content
    store.path(digest).write_bytes(flip(content))
    with store.open(digest) as blob:
        blob.read(200_000)
        blob.seek(50_000)
        with pytest.raises(DamagedBlobError):
            blob.read()


def test_what_is_no_digest_is_no_path(store: BlobStore) -> None:
    with pytest.raises(ValueError, match="passwd"):
        store.path("../../etc/passwd")


def test_what_the_dead_left_is_swept_and_what_is_being_written_stays(store: BlobStore) -> None:
    folder = store.path(store.put(b"x")).parent
    (folder / ".new-1-0123456789ab.rest").write_bytes(b"")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        store.sweep()
        assert len(list(folder.glob(".new-*"))) == 1
        yield b"whole"

    digest, _ = store.put_chunks(chunks())

    assert store.has(digest, 9)
    assert not list(folder.glob(".new-*"))
