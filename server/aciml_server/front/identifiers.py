"""The three request ids of the v1 contract."""

from __future__ import annotations

import os
from typing import List, Mapping, Tuple

REQUEST, LEGACY, CLIENT = b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id"
TRACE = b"traceid"
"""What v1 sends back as it came, and makes no other use of."""
LIMIT = 100
"""Characters of an id; a longer one is refused with 431."""

_MANY = 64
"""Ids that are made at once."""
_BYTES = 16
"""Bytes of an id."""
_FORM = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx "
_PLACES = [place for place, sign in enumerate(_FORM) if sign == ord("x")]
# RFC 9562, section 5.4: byte 6 begins with the version, 0100, byte 8 with the variant, 10
_VERSION = bytes(byte & 0x0F | 0x40 for byte in range(256))
_VARIANT = bytes(byte & 0x3F | 0x80 for byte in range(256))

_spare: List[bytes] = []


def identify(headers: Mapping[bytes, bytes]) -> Tuple[bytes, bytes, str]:
    """Return the header lines to send back, the id of the request, and why the request is refused (empty if it is not).

    ``x-request-id`` is echoed or new; ``x-ms-request-id`` is echoed, else the client's id, else the request's;
    ``x-ms-client-request-id`` is echoed or copied from ``x-ms-request-id``; ``TraceId`` is echoed. An id that cannot
    be sent back is not.
    """
    request, legacy, client = headers.get(REQUEST), headers.get(LEGACY), headers.get(CLIENT)
    # the usual case: nothing of a client's has to be looked at before it goes back into a header
    if not request and not legacy and not client and TRACE not in headers:
        request = new_id()
        return b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (request, request), request, ""
    return _given(request, legacy, client, headers.get(TRACE))


def _given(
    request: "bytes | None", legacy: "bytes | None", client: "bytes | None", trace: "bytes | None"
) -> Tuple[bytes, bytes, str]:
    wrong = ""
    good = []
    for name, value in ((REQUEST, request), (LEGACY, legacy), (CLIENT, client)):
        fine = not value or _is_fine(value)
        if not fine:
            wrong = wrong or "%s must have at most %d printable ASCII characters" % (name.decode(), LIMIT)
        good.append(value if fine else None)
    request, legacy, client = good
    request = request or new_id()
    legacy, client = legacy or client or request, client or legacy
    lines = b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (request, legacy)
    if client:
        lines += b"x-ms-client-request-id: %b\r\n" % client
    if trace and _is_fine(trace):  # v1 refuses nobody for it
        lines += b"TraceId: %b\r\n" % trace
    return lines, request, wrong


def _is_fine(value: bytes) -> bool:
    # it goes back in a header and into the log: no line ends, no megabytes
    return len(value) <= LIMIT and value.isascii() and value.decode("ascii").isprintable()


def new_id() -> bytes:
    """Return a new UUID (version 4); they are made many at a time."""
    if not _spare:
        _spare.extend(_new_ids())
    return _spare.pop()


def _new_ids() -> List[bytes]:
    """Return new UUIDs, made of random bytes for which the system is asked once.

    All of them are written at once, digit by digit: 32 strided copies in C for 64 ids. To write one by itself took a
    fifteenth of what the front spends on a request (decisions/scoring-server.md).
    """
    random = bytearray(os.urandom(_BYTES * _MANY))
    random[6::_BYTES] = random[6::_BYTES].translate(_VERSION)
    random[8::_BYTES] = random[8::_BYTES].translate(_VARIANT)
    digits = random.hex().encode()
    text = bytearray(_FORM * _MANY)
    for number, place in enumerate(_PLACES):
        text[place :: len(_FORM)] = digits[number :: 2 * _BYTES]
    return bytes(text).split()
