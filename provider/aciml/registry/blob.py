"""A blob on its way from a registry: streamed, and verified when the last byte has come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

import requests
from urllib3.exceptions import HTTPError

from .errors import RegistryError, unreachable
from .limits import MIB


class ByteSource(Protocol):
    """What an upload reads from; every open binary file is one."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; empty at the end."""

    def seekable(self) -> bool:
        """Say whether ``seek`` works; without it a broken upload begins anew."""

    def seek(self, offset: int, /) -> int:
        """Go to a byte, counted from the start."""

    def close(self) -> None:
        """Give back what is open."""


class BlobReader:
    """Reads a blob block by block. A context manager, an iterator over blocks, and a ``ByteSource``."""

    def __init__(self, host: str, digest: str, response: requests.Response) -> None:
        """Take over the answer, which must stream; ``host`` is for errors."""
        self._host, self._digest, self._response = host, digest, response
        # over all that is read, since a reader of a stream cannot go back to check
        self._hash = hashlib.sha256()

    def read(self, size: int = MIB, /) -> bytes:
        """Return the next bytes; empty when the blob is complete and right.

        Raises:
            RegistryError: the connection broke, or the bytes are not those the digest names.
        """
        try:
            # the digest is that of the bytes as they are stored, so nothing on the way may unpack them
            block: bytes = self._response.raw.read(size, decode_content=False)
        except (HTTPError, OSError) as error:
            raise unreachable(self._host, self._response.url, error) from error
        self._hash.update(block)
        if not block and f"sha256:{self._hash.hexdigest()}" != self._digest:
            message = f"{self._host} sent other bytes than {self._digest} names"
            raise RegistryError(message, "push that blob again", url=self._response.url)
        return block

    def seekable(self) -> bool:
        """Say no: a registry is read from the start."""
        return False

    def seek(self, offset: int, /) -> int:
        """Refuse."""
        # an OSError, as a pipe raises it: who can do without seeking looks at `seekable` first
        raise OSError(f"a blob in a registry cannot be read from byte {offset}")

    def close(self) -> None:
        """Give the connection back."""
        self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over blocks of 1 MiB."""
        return iter(self.read, b"")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()
