"""Cross-origin requests (Fetch standard, section 3.2): who may ask from a browser, and what it may read."""

from __future__ import annotations

import re
from typing import Mapping, Optional, Sequence

from ..values import Answer

_METHODS = "GET, POST"
_MAX_AGE = "600"  # seconds for which a browser may keep the answer to its question
# a page sees hardly any other header of an answer (Fetch standard, "CORS-safelisted response-header name")
_EXPOSED = ", ".join(
    (
        *("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "x-ms-run-function-failed"),
        *("x-ms-run-fn-exec-ms", "x-ms-server-version", "x-aciml-image", "retry-after", "traceid"),
    )
)


class Cors:
    """``origins`` are such as ``https://example.org``; without a scheme both are meant; ``*`` stands for anything."""

    def __init__(self, origins: Sequence[str]) -> None:
        """``*`` alone lets everybody in."""
        self._anybody = "*" in origins
        patterns = (re.escape(origin.rstrip("/")).replace(r"\*", ".*") for origin in origins)
        each = (pattern if "://" in pattern.replace("\\", "") else "https?://" + pattern for pattern in patterns)
        self._known = re.compile("(?:%s)" % "|".join(each), re.IGNORECASE)

    def lines(self, origin: bytes) -> bytes:
        """Return the header lines of every answer to this origin; caches are told that they depend on it."""
        if self._anybody:
            return b"access-control-allow-origin: *\r\naccess-control-expose-headers: %b\r\n" % _EXPOSED.encode()
        if not self._known.fullmatch(origin.decode("latin-1")):
            # refused ones, too: a cache that kept such an answer would give it to pages that may read it
            return b"vary: origin\r\n"
        return b"vary: origin\r\naccess-control-allow-origin: %b\r\naccess-control-expose-headers: %b\r\n" % (
            origin,
            _EXPOSED.encode(),
        )

    def preflight(self, headers: Mapping[bytes, bytes]) -> Optional[Answer]:
        """Answer a browser's question whether it may ask, before any key is looked at; None if this is none."""
        if b"access-control-request-method" not in headers:
            return None
        told = [("access-control-allow-methods", _METHODS), ("access-control-max-age", _MAX_AGE)]
        wanted = headers.get(b"access-control-request-headers")
        if wanted:
            # what was asked for, word by word: `*` does not stand for Authorization (Fetch standard, CORS protocol)
            told.append(("access-control-allow-headers", wanted.decode("latin-1")))
        known = self._anybody or self._known.fullmatch(headers.get(b"origin", b"").decode("latin-1"))
        # v1's 200, for strangers, too: that the headers are missing is what tells a browser no
        return Answer(200, b"", "text/html; charset=utf-8", tuple(told) if known else ())


def cors_of(origins: Sequence[str]) -> Optional[Cors]:
    """Return the rules, or None if no browser of elsewhere may ask."""
    return Cors(origins) if origins else None
