"""Users of an image are found in its layers, and no more is read of them than that takes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator

import pytest
import zstandard

from aciml.images.remote.accounts import files_of_layer

PASSWD, GROUP = "root:x:0:0:root:/root:/bin/sh\n", "root:x:0:\n"


def layer(*files: tuple[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


class Chunks:
    """A blob that counts what is read of it."""

    def __init__(self, blob: bytes) -> None:
        self.blob, self.read = blob, 0

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, len(self.blob), 65536):
            self.read = min(at + 65536, len(self.blob))
            yield self.blob[at : at + 65536]


LARGE = ("usr/lib/large", "x" * 5_000_000)


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_both_files_are_found_and_reading_ends_there(prefix: str, pack: type[bytes]) -> None:
    content = layer(("bin/sh", "x"), (f"{prefix}etc/group", GROUP), (f"{prefix}etc/passwd", PASSWD), LARGE)
    chunks = Chunks(pack(content))

    assert files_of_layer(iter(chunks)) == {"etc/group": GROUP, "etc/passwd": PASSWD}
    assert chunks.read < 1_000_000


def test_a_layer_in_order_that_names_nobody_is_left_behind_etc() -> None:
    chunks = Chunks(layer(("bin/sh", "x"), ("etc/hosts", "x"), ("lib/x", "x"), LARGE, ("var/x", "x")))

    assert files_of_layer(iter(chunks)) == {}
    assert chunks.read < 1_000_000


def test_a_layer_without_order_is_read_to_its_end() -> None:
    content = layer(("usr/bin/x", "x"), LARGE, ("bin/sh", "x"), ("etc/passwd", PASSWD))

    assert files_of_layer(iter(Chunks(content))) == {"etc/passwd": PASSWD}


@pytest.mark.parametrize("mark", ["etc/.wh.passwd", "etc/.wh..wh..opq"])
def test_what_a_layer_removes_hides_what_is_below(mark: str) -> None:
    assert files_of_layer(iter(Chunks(layer((mark, ""))))).get("etc/passwd") == ""
    both = files_of_layer(iter(Chunks(layer((mark, ""), ("etc/passwd", PASSWD)))))
    assert both["etc/passwd"] == PASSWD


def test_what_is_no_layer_names_nobody() -> None:
    assert files_of_layer(iter(Chunks(b"xx"))) == {}
