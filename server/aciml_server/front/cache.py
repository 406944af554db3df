"""Answers kept for requests that come again; off unless ``cache_bytes`` is set.

For models whose ``run`` is a function of the body alone. A key was checked before the cache is asked, and is no part of
what an answer is found by: all keys see the same model.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, List, Sequence, Tuple

from .. import wire
from .connection import Connection
from .jobs import Job
from .request import Request

HIT = b"x-aciml-cache: hit\r\n"
STORE = b"x-aciml-cache: store\r\n"
"""Header line with which an answer allows what is not kept otherwise: its script sees headers, or the whole request."""
_COST = 256
"""Bytes of bookkeeping for an answer, roughly."""
_TELLING = (b"content-type", b"content-encoding", b"accept", b"accept-encoding")
"""Headers that say how to read the body and how to write the answer; a script that asks for others is not kept."""
_Key = Tuple[int, str, str, bytes, bytes]


class Cache:
    """The answers that were used last, at most ``room`` bytes of them."""

    def __init__(self, room: int) -> None:
        """Begin empty."""
        from hashlib import blake2b

        # one that nobody can steer: of two bodies with one digest the second would get the answer of the first
        self._hash = blake2b
        self._room = room
        self._kept: "OrderedDict[_Key, Tuple[bytes, bytes]]" = OrderedDict()
        self._pure: List[bool] = []
        self.size = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._kept)

    def learn(self, facts: Sequence[Dict[str, Any]]) -> None:
        """Forget everything: other scripts may answer from now on."""
        # in these two ways a script may look at more than the key is made of
        self._pure = [fact["mode"] != "raw" and not fact["headers"] for fact in facts]
        self._kept.clear()
        self.size = 0

    def answers(self, connection: Connection, job: Job) -> bool:
        """Answer a job if that was done before; if not, keep the answer that comes."""
        request: Request = job.context
        key = self._key(request, job.model)
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            job.asker = _Keeper(self, key, connection)
            return False
        self.hits += 1
        self._kept.move_to_end(key)
        head, body = found
        connection.answered(job, 200, head, body, 0)
        return True

    def keep(self, key: _Key, head: bytes, body: bytes) -> None:
        """Keep an answer if its script allows it, and let the oldest go."""
        marked = STORE in head
        if not marked and not (key[0] < len(self._pure) and self._pure[key[0]]):
            return
        head = head.replace(STORE, b"") + HIT
        if _cost(head, body) > self._room // 4 or key in self._kept:  # one answer must not drive out all others
            return
        self._kept[key] = (head, body)
        self.size += _cost(head, body)
        while self.size > self._room:
            self.size -= _cost(*self._kept.popitem(last=False)[1])

    def _key(self, request: Request, model: int) -> _Key:
        digest = self._hash(digest_size=32)
        for piece in request.body:
            digest.update(piece)
        # no value of a header has a NUL (RFC 9110, section 5.5), so the parts cannot be shifted against one another
        told = b"\0".join([request.headers.get(name, b"") for name in _TELLING])
        return model, request.method, request.query, told, digest.digest()


def _cost(head: bytes, body: bytes) -> int:
    return len(head) + len(body) + _COST


class _Keeper:
    """Stands between a worker and a client, and keeps what goes by."""

    def __init__(self, cache: Cache, key: _Key, connection: Connection) -> None:
        self._cache, self._key, self._connection = cache, key, connection

    def answered(self, job: Job, status: int, head: bytes, body: bytes, flags: int) -> None:
        # an error may be over the next time, and of a stream nobody has all pieces
        if status == 200 and not flags & (wire.MORE | wire.FAILED):
            self._cache.keep(self._key, head, body)
        self._connection.answered(job, status, head, body, flags)

    def continued(self, job: Job, body: bytes, more: bool) -> None:  # noqa: FBT001  # the protocol's
        self._connection.continued(job, body, more)

    def broken(self, job: Job) -> None:
        self._connection.broken(job)
