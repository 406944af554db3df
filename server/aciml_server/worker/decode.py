"""Undoes ``Content-Encoding`` of a request: gzip, deflate, zstd; never more bytes than a body may have.

zstd needs Python 3.14 or the package zstandard. Sources: RFC 9110, section 8.4; RFC 8878 and 9659 (a window of 8 MiB).
"""

from __future__ import annotations

import io
import zlib
from typing import Any, Callable, List, Optional, Union

from ..answers import refusal
from ..values import Answer, Call

_WINDOW_LOG = 23  # 8 MiB
# each one multiplies what a few bytes can become; one is usual
_MOST = 3
"""Encodings of one body."""


class _TooLarge(Exception):
    pass


def decoded(call: Call, limit: int) -> Union[Call, Answer]:
    """Return the call with its body as it was before it was encoded, or the refusal: 400, 413 or 415.

    ``limit`` is in bytes.
    """
    names = [name.strip().lower() for name in call.headers.get("content-encoding", "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    body: Any = call.body
    # they are named in the order in which they were applied (RFC 9110, section 8.4)
    for name in reversed(names):
        decoder = _decoder(name)
        if decoder is None or len(names) > _MOST:
            return refusal(415, "the body is encoded as %s, which is not understood" % ascii(name)[1:-1], _accepted())
        try:
            body = decoder(body, limit)
        except _TooLarge:
            return refusal(413, "the body is larger than %d bytes when it is unpacked" % limit)
        except (ValueError, EOFError, OSError, zlib.error) as error:
            return refusal(400, "the body is not %s as its content-encoding says: %s" % (name, error))
    headers = {name: value for name, value in call.headers.items() if name != "content-encoding"}
    # a script that looks at its headers gets those of the body that it gets
    headers["content-length"] = str(len(body))
    return call._replace(headers=headers, body=body)


def _decoder(name: str) -> Optional[Callable[[Any, int], bytes]]:
    # the old name means the same (RFC 9110, section 8.4.1.3)
    if name in ("gzip", "x-gzip"):
        return _gzip
    if name == "deflate":
        return _deflate
    return _zstd() if name == "zstd" else None


def _accepted() -> Any:
    return (("accept-encoding", "gzip, deflate" + (", zstd" if _zstd() else "")),)  # RFC 9110, section 15.5.16


def _gzip(body: Any, limit: int) -> bytes:
    """A gzip body may have several members."""
    parts: List[bytes] = []
    rest = bytes(body)
    while rest:
        member = zlib.decompressobj(31)  # 16 + 15: the form of gzip, the largest window
        part = _inflate(member, rest, limit)
        parts.append(part)
        # of all members together: a bomb in a thousand parts is one, too
        limit -= len(part)
        rest = member.unused_data
    if not parts:
        raise EOFError("it is empty")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _deflate(body: Any, limit: int) -> bytes:
    """Zlib's form, or the bare one that some clients send."""
    data = bytes(body)
    # RFC 9110, section 8.4.1.2, notes those clients; the two bytes of a zlib head: RFC 1950, section 2.2
    zlib_head = len(data) > 1 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
    unpacker = zlib.decompressobj(15 if zlib_head else -15)
    found = _inflate(unpacker, data, limit)
    if unpacker.unused_data:
        raise ValueError("something follows its end")
    return found


def _inflate(unpacker: Any, data: bytes, limit: int) -> bytes:
    # one byte more than is allowed tells the two cases apart, and a bomb ends here
    found: bytes = unpacker.decompress(data, limit + 1)
    if len(found) > limit:
        raise _TooLarge
    if not unpacker.eof:
        raise EOFError("it ends too early")
    return found


def _zstd() -> Optional[Callable[[Any, int], bytes]]:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14
    except ImportError:
        return _zstandard()
    options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}

    def unpack(body: Any, limit: int) -> bytes:
        try:
            with zstd.ZstdFile(io.BytesIO(body), options=options) as stream:
                return _read(stream, limit)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None

    return unpack


def _zstandard() -> Optional[Callable[[Any, int], bytes]]:
    try:
        import zstandard
    except ImportError:
        return None
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << _WINDOW_LOG)

    def unpack(body: Any, limit: int) -> bytes:
        data = bytes(body)
        try:
            with unpacker.stream_reader(io.BytesIO(data), read_across_frames=True) as stream:
                found = _read(stream, limit)
            # many frames tell their size: then nothing is missing, and nothing has to be unpacked twice
            if zstandard.frame_content_size(data) == len(found):
                return found
            while data:  # the reader says nothing of an end that is missing; here it is known to be no bomb
                frame = unpacker.decompressobj()
                frame.decompress(data)
                if not frame.eof:
                    raise EOFError("it ends too early")
                data = frame.unused_data
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from None
        return found

    return unpack


def _read(stream: Any, limit: int) -> bytes:
    """Read to the end, but no more than ``limit`` bytes."""
    parts: List[bytes] = []
    left = limit + 1
    while left > 0:
        part = stream.read(min(left, 1 << 20))
        if not part:
            return b"".join(parts)
        parts.append(part)
        left -= len(part)
    raise _TooLarge
