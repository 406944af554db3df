"""Which glibc a layer has."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Iterator

import pytest
import zstandard

from aciml.core.errors import UserError
from aciml.images.remote.glibc import glibc_of_layer

BANNER = b"\0GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCopyright\0"
Files = dict[str, bytes | str]


def layer(files: Files, mode: str = "w:gz") -> bytes:
    """Pack files (bytes) and symlinks (text)."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as tar:  # type: ignore[call-overload]  # modes are literals to mypy
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"usr/lib/x86_64-linux-gnu/libc.so.6": BANNER}, "2.36"),
        ({"./lib/x86_64-linux-gnu/libc.so.6": "libc-2.31.so"}, "2.31"),
        ({"lib/x86_64-linux-gnu/libc-2.28.so": b"x"}, "2.28"),
        ({"usr/lib64/libc.so.6": BANNER}, "2.36"),
        ({"usr/lib/python3/libc.so.6": BANNER}, ""),
        ({"etc/passwd": b"root"}, ""),
        ({"usr/bin/ldd": b"echo 'ldd (Debian GLIBC 2.36-9+deb12u14) 2.36'"}, "2.36"),
        ({"./usr/bin/ldd": b'echo "ldd (GNU libc) 2.34"'}, "2.34"),
        ({"usr/bin/ldd": b"#!/bin/sh\nexec /lib/ld.so --list", "usr/lib64/libc.so.6": BANNER}, "2.36"),
    ],
    ids=[
        "file of Debian 12",
        "link of Debian 11",
        "file of Debian 10",
        "Fedora",
        "not a system folder",
        "none",
        "ldd of Debian",
        "ldd of Fedora",
        "an ldd that says nothing",
    ],
)
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_the_version_is_read_from_the_layer(files: Files, version: str, mode: str) -> None:
    assert glibc_of_layer(chunks(layer(files, mode)), "base") == version


def test_a_layer_of_zstd_is_read_too() -> None:
    plain = layer({"lib/x86_64-linux-gnu/libc-2.28.so": b"x"}, "w")

    assert glibc_of_layer(chunks(zstandard.compress(plain)), "base") == "2.28"


@pytest.mark.parametrize("cut", [100, 512, 4096])
def test_a_layer_of_many_gzip_members_is_read_to_its_end(cut: int) -> None:
    plain = layer({"big": b"x" * 20_000, "lib/x86_64-linux-gnu/libc-2.28.so": b"x"}, "w")
    parts = [plain[at : at + cut] for at in range(0, len(plain), cut)]
    members = b"".join(map(gzip.compress, [parts[0], b"", *parts[1:]]))  # an empty one is no end

    assert glibc_of_layer(chunks(members), "base") == "2.28"


def test_a_layer_that_ends_within_a_member_is_told() -> None:
    packed = layer({"big": random.Random(1).randbytes(20_000), "z": b"x"})

    with pytest.raises(UserError, match="a layer cannot be read"):
        glibc_of_layer(chunks(packed[: len(packed) // 2]), "base")


def test_only_as_much_is_read_as_is_needed() -> None:
    read = 0

    def counted() -> Iterator[bytes]:
        nonlocal read
        for chunk in chunks(layer({"lib/x86_64-linux-gnu/libc-2.28.so": b"x", "big": bytes(5_000_000)}, "w")):
            read += len(chunk)
            yield chunk

    assert glibc_of_layer(counted(), "base") == "2.28"
    assert read < 100_000


def test_musl_is_refused() -> None:
    with pytest.raises(UserError, match="musl"):
        glibc_of_layer(chunks(layer({"lib/ld-musl-x86_64.so.1": b"x"})), "alpine")


def test_what_is_no_tar_says_what_to_do() -> None:
    for strange in (b"\xfd7zX" + bytes(5000), b"\x28\xb5\x2f\xfd" + bytes(5000)):
        with pytest.raises(UserError, match="set glibc"):
            glibc_of_layer(chunks(strange), "strange")
