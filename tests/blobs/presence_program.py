"""A process that uses a cache: says its token, then obeys lines of its input until that ends.

``use DIGEST`` asks the store for a blob; ``write TEXT`` begins a blob that is never finished.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from aciml.blobs.presence import Presence
from aciml.blobs.store import BlobStore


def half(text: str) -> Iterator[bytes]:
    yield text.encode()
    print("writing", flush=True)
    sys.stdin.readline()


def main(cache: Path) -> None:
    store, presence = BlobStore(cache / "blobs"), Presence.of(cache)
    print(presence.token, flush=True)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "use":
            print(store.has(rest), flush=True)
        else:
            store.put_chunks(half(rest))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
