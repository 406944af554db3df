"""From bytes to text: what is read, and what is said of what is not UTF-8."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aciml.core.encoding import decoded
from aciml.core.errors import UserError


@pytest.mark.parametrize("data", [b"a\nb", "a\u00e9\n".encode(), b"\xef\xbb\xbfa", b""])
def test_utf_8_is_read_with_and_without_a_mark(data: bytes) -> None:
    assert decoded(data, "f") == data.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb: caf\xe9\n", 'f:2: column 7 has the byte 0xe9, which is "\u00e9" in Windows-1252: this is not UTF-8'),
        ("a: b".encode("utf-16"), "f:1: the file is UTF-16, as PowerShell's > writes it"),
        ("a: b".encode("utf-32"), "f:1: the file is UTF-32"),
        ("a\nb".encode("utf-16-le"), "f:1: the file has zero bytes: it is no text, or UTF-16"),
        (b"\xff\x00\x81", "f:1: column 1 has the byte 0xff"),
    ],
)
def test_anything_else_is_told_with_its_line_and_what_to_do(data: bytes, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        decoded(data, "f")

    assert caught.value.message.startswith(expected)
    assert caught.value.advice == "save it as UTF-8"


@given(some.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(UserError):
        assert decoded(data, "f") == data.decode("utf-8-sig")
