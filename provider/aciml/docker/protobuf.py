"""Protocol Buffers by hand, as far as BuildKit's messages need it: numbers and bytes by the number of their field.

Source: protobuf.dev, "Encoding". The package protobuf would want code made by a compiler from files that the engine's
maintainers keep in three repositories, for two dozen fields that have not changed since they are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTH = {_FIXED64: 8, _FIXED32: 4}
Value = int | bytes | str
Message = Mapping[int, list[int | bytes]]


def encode(fields: Mapping[int, Value]) -> bytes:
    """Return a message; a field that is 0 or empty is left out, as in proto3."""
    found = bytearray()
    for number, value in fields.items():
        if not value:
            continue
        if isinstance(value, int):
            found += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            found += _varint(number << 3 | _BYTES) + _varint(len(content)) + content
    return bytes(found)


def decode(content: bytes) -> Message:
    """Return the values of each field in order.

    Raises:
        ValueError: it is no message.
    """
    found = defaultdict[int, list[int | bytes]](list)
    at = 0
    while at < len(content):
        tag, at = _read(content, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _read(content, at)
            found[tag >> 3].append(value)
            continue
        if kind == _BYTES:
            width, at = _read(content, at)
        elif kind in _WIDTH:
            width = _WIDTH[kind]
        else:
            raise ValueError(f"field {tag >> 3} is of the unknown kind {kind}")
        if at + width > len(content):
            raise ValueError("the message ends within a field")
        found[tag >> 3].append(content[at : at + width])
        at += width
    return found


def text_of(message: Message, number: int) -> str:
    """Return the last text of a field; empty if it has none."""
    return bytes_of(message, number).decode(errors="replace")


def bytes_of(message: Message, number: int) -> bytes:
    """Return the last bytes of a field; empty if it has none."""
    values = message.get(number)
    return values[-1] if values and isinstance(values[-1], bytes) else b""


def number_of(message: Message, number: int) -> int:
    """Return the last number of a field; 0 if it has none."""
    values = message.get(number)
    return values[-1] if values and isinstance(values[-1], int) else 0


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _read(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content):
            raise ValueError("the message ends within a number")
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        # 64 bits at most, seven a byte ("Encoding", "Base 128 Varints")
        if shift >= 70:
            raise ValueError("a number is longer than 64 bits")
