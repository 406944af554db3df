"""From the bytes of a file to its text: UTF-8, or a finding that says which line is not, and what it probably is."""

from __future__ import annotations

import codecs

from .errors import UserError

_ADVICE = "save it as UTF-8"
# byte order marks (Unicode 15.1, 23.8); the longer ones first, since UTF-32's begins like UTF-16's
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16, as PowerShell's > writes it"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decoded(data: bytes, name: str) -> str:
    """Return the text, without the mark that editors on Windows begin a file with.

    Args:
        data: content of the file.
        name: its path, as the user wrote it.

    Raises:
        UserError: it is not UTF-8; with path, line and what to do.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            raise UserError(f"{name}:1: the file is {encoding}, and UTF-8 is read", _ADVICE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}:{line}: {_seen(data, error.start)}", _ADVICE) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        # UTF-16 without a mark is zero bytes between ASCII letters
        raise UserError(f"{name}:{line}: the file has zero bytes: it is no text, or UTF-16", _ADVICE)
    return text


def _seen(data: bytes, at: int) -> str:
    byte = data[at]
    # Windows-1252 is what editors of Western Windows write; what it has no letter for is no text in it either
    letter = bytes([byte]).decode("cp1252", errors="ignore")
    before = data[data.rfind(b"\n", 0, at) + 1 : at]
    column = len(before.decode("utf-8", errors="replace")) + 1
    guess = f', which is "{letter}" in Windows-1252' if letter.isalpha() else ""
    return f"column {column} has the byte 0x{byte:02x}{guess}: this is not UTF-8"
