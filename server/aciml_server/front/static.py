"""The files of Swagger UI, read once and sent as they lie there."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional

from ..values import Answer

FILES = {"swagger-ui-bundle.js": "text/javascript; charset=utf-8", "swagger-ui.css": "text/css; charset=utf-8"}
SAFE = (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"))
_FOREVER = ("cache-control", "public, max-age=31536000, immutable")  # the page asks for them by their hash


class Static(NamedTuple):
    """A file for browsers; ``packed`` is its gzip form, if it lies there in that form. ``tag`` names its content."""

    content_type: str
    tag: str
    plain: bytes
    packed: Optional[bytes]

    def answer(self, headers: Mapping[bytes, bytes]) -> Answer:
        """Answer with the file, or that the browser has it."""
        quoted = '"%s"' % self.tag
        known = (("etag", quoted), _FOREVER, ("vary", "accept-encoding"), *SAFE)
        # a list of tags, each perhaps a weak one (RFC 9110, section 13.1.2): to be found in it is enough
        if quoted.encode() in headers.get(b"if-none-match", b""):
            # with the headers that a 200 would have (RFC 9110, section 15.4.5)
            return Answer(304, b"", self.content_type, known)
        if self.packed is not None and b"gzip" in headers.get(b"accept-encoding", b""):
            return Answer(200, self.packed, self.content_type, (("content-encoding", "gzip"), *known))
        return Answer(200, self.plain, self.content_type, known)


def read_static(folder: str, name: str) -> Optional[Static]:
    """Read a file, or its ``.gz``; None if there is neither."""
    import gzip
    from hashlib import sha256

    for ending in (".gz", ""):
        try:
            with open(os.path.join(folder, name + ending), "rb") as file:
                content = file.read()
        except OSError:
            continue
        tag = sha256(content).hexdigest()[:16]
        packed = content if ending else None
        return Static(FILES[name], tag, gzip.decompress(content) if ending else content, packed)
    return None
