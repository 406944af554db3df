"""Small images whose layers are bytes in memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import BinaryIO

from aciml.core.errors import UserError
from aciml.core.image import Image, Layer, sha256_digest

READS = {"GET", "HEAD"}


def noise(seed: str, size: int) -> bytes:
    """Bytes that no other seed gives; the same every time."""
    block = hashlib.sha256(seed.encode()).digest()
    return (block * (size // 32 + 1))[:size]


class Shelf:
    """Blobs in memory; remembers which were opened."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.opened: list[str] = []

    def layer(self, content: bytes) -> Layer:
        digest = sha256_digest(content)
        self.blobs[digest] = content
        return Layer(diff_id=digest, digest=digest, size=len(content))

    def image(self, contents: Iterable[bytes]) -> Image:
        layers = tuple(self.layer(content) for content in contents)
        return Image(layers=layers, settings={"Env": ["A=1"], "Cmd": ["serve"]})

    def open(self, digest: str) -> BinaryIO:
        if digest not in self.blobs:
            raise UserError(f"no blob {digest}")
        self.opened.append(digest)
        return io.BytesIO(self.blobs[digest])


def writes(requests: Iterable[str]) -> list[str]:
    """Requests that change something, uploads without their random names."""
    changing = (line for line in requests if line.partition(" ")[0] not in READS)
    return [line.partition("/blobs/uploads/")[0] + " upload" if "/uploads/" in line else line for line in changing]
