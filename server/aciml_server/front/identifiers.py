"""The three request ids of the v1 contract."""

from __future__ import annotations

import os
from typing import List, Mapping, Tuple

REQUEST, LEGACY, CLIENT = b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id"
TRACE = b"traceid"
"""What v1 sends back as it came, and makes no other use of."""
LIMIT = 100
"""Characters of an id; a longer one is refused with 431."""

_spare: List[str] = []


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
    """Return a new UUID (version 4); the system is asked for random bytes once for many."""
    if not _spare:
        # not `uuid.uuid4`: one system call a request, and an object that is made only to be written
        random = os.urandom(16 * 64).hex()
        _spare.extend(random[at : at + 32] for at in range(0, len(random), 32))
    text = _spare.pop()
    variant = "89ab"[int(text[16], 16) & 3]  # RFC 9562, section 4.1
    return ("%s-%s-4%s-%s%s-%s" % (text[:8], text[8:12], text[13:16], variant, text[17:20], text[20:])).encode()
