"""Copies of requests for another revision of the same app, off the path of the requests that they are copies of.

Where nothing in front of the service copies requests (Container Apps), the front of the revision that serves does. A
copy is made when its request is answered, and waits in a queue with little room: what does not fit is dropped and
counted. Threads of their own send them, each with a time limit; they end with the question that asked for them.

The other revision is named, and never an address: the host is that of this replica with the other name in it
(``CONTAINER_APP_HOSTNAME``, "Built-in environment variables" of Container Apps). So nothing leaves the app.
"""

from __future__ import annotations

import os
import random
import re
import ssl
import threading
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Deque, Dict, List, Mapping, NamedTuple, Optional, Tuple

from .request import Request

_QUEUE, _QUEUE_BYTES = 64, 8 << 20
"""Copies, and bytes of them, that may wait: a revision that is slower than this one must not fill the memory."""
_THREADS = 4
_SECONDS = 30.0
_LARGEST = 1 << 20
"""Bytes of an answer that are read; of a larger one the difference would not be kept either."""
# of the connection to us, or said anew: RFC 9110, 7.6.1
_OF_THE_HOP = frozenset(
    (
        b"host", b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"content-length",
        b"expect", b"authorization", b"proxy-authorization", b"proxy-connection", b"x-request-id",
    )
)  # fmt: skip


class Sent(NamedTuple):
    """An answer: ``encoding`` is that of its content, such as gzip."""

    status: int
    body: bytes
    type: str = ""
    encoding: str = ""


class Pair(NamedTuple):
    """One request, what this revision has answered, and the other one if it was asked by us."""

    id: str
    path: str
    old: Sent
    new: Optional[Sent]

    @property
    def size(self) -> int:
        """Bytes that it takes, roughly."""
        return 256 + len(self.old.body) + (len(self.new.body) if self.new else 0)


class _Copy(NamedTuple):
    id: str
    method: str
    target: str
    path: str
    headers: Dict[str, str]
    body: bytes
    old: Sent


class Wish(NamedTuple):
    """Which copies are asked for: ``percent`` of the requests, to ``host``; ``key`` is that of the other revision."""

    host: str
    percent: int
    key: str

    @classmethod
    def read(cls, asked: Mapping[str, Any], environ: Optional[Mapping[str, str]] = None) -> "Wish":
        """Read what a question says: ``to`` is a revision of this app, ``percent``, and ``key`` if it wants one.

        Raises:
            ValueError: this replica is no part of a container app, or the revision none of it.
        """
        return cls(host_of(str(asked["to"]), environ), int(asked["percent"]), str(asked.get("key") or ""))


class Copies:
    """Sends the copies of a wish until it is told to end."""

    def __init__(self, wish: Wish, *, secure: bool = True) -> None:
        """Begin with nothing. A client's own key stays here: copies have that of the wish."""
        self.wish, self._secure = wish, secure
        self._queue: Deque[_Copy] = deque()
        self._waits = 0
        self._changed = threading.Condition()
        self._ended = False
        self._same = self._failed = self._dropped = 0
        self._why = ""
        self._pairs: List[Pair] = []
        self._threads: List[threading.Thread] = []
        self._context: Optional[ssl.SSLContext] = None
        self._making = threading.Lock()

    def take(self, request: Request, old: Sent) -> None:
        """Put a request that was just answered into the queue, if it is among those that are copied; never waits."""
        if self.wish.percent < 100 and random.random() * 100 >= self.wish.percent:  # noqa: S311  # which ones is no secret
            return
        body = b"".join(request.body)
        with self._changed:
            if len(self._queue) >= _QUEUE or self._waits + len(body) > _QUEUE_BYTES:
                self._dropped += 1
                return
            # bytes too: 64 pictures of some megabytes each would be more than a replica has
            self._waits += len(body)
            self._queue.append(_copy(request, body, old, self.wish.key))
            self._changed.notify()
        if len(self._threads) < _THREADS:
            # daemons: a revision that hangs does not keep this process
            thread = threading.Thread(target=self._run, name="aciml-copies", daemon=True)
            self._threads.append(thread)
            thread.start()

    def took(self) -> Tuple[int, int, int, str, List[Pair]]:
        """Return since the last time: equal answers, failed and dropped copies, the last failure, and what differs."""
        with self._changed:
            found = (self._same, self._failed, self._dropped, self._why, self._pairs)
            self._same = self._failed = self._dropped = 0
            self._why, self._pairs = "", []
            return found

    def end(self) -> None:
        """Send nothing more; what is on its way is not waited for."""
        with self._changed:
            self._ended = True
            self._queue.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        connection: Optional[HTTPConnection] = None
        while True:
            with self._changed:
                while not self._queue and not self._ended:
                    self._changed.wait()
                if self._ended:
                    break
                copy = self._queue.popleft()
                self._waits -= len(copy.body)
            # one for each thread, kept open: a handshake for each copy would cost both sides more than the copy
            connection = connection or self._connect()
            new = self._send(connection, copy)
            if new is None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _connect(self) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(self.wish.host, timeout=_SECONDS)
        # once, and here: authorities are a file of a quarter of a megabyte, which no request shall wait for
        with self._making:
            self._context = self._context or ssl.create_default_context()
        return HTTPSConnection(self.wish.host, timeout=_SECONDS, context=self._context)

    def _send(self, connection: HTTPConnection, copy: _Copy) -> Optional[Sent]:
        try:
            connection.request(copy.method, copy.target, copy.body or None, copy.headers)
            got = connection.getresponse()
            body = got.read(_LARGEST)
        # a ValueError is http.client's for a header that cannot be sent: this request's fault, and no reason to end the
        # thread
        except (OSError, HTTPException, ValueError) as error:
            with self._changed:
                self._failed += 1
                self._why = "%s: %s" % (type(error).__name__, error)
            return None
        if not got.isclosed():  # the rest would be taken for the next answer
            with self._changed:
                self._dropped += 1
            return None
        new = Sent(got.status, body, got.getheader("content-type") or "", got.getheader("content-encoding") or "")
        with self._changed:
            # equal to the byte needs nobody to compare it, and nearly all are
            if (new.status, new.body) == (copy.old.status, copy.old.body):
                self._same += 1
            elif len(self._pairs) < _QUEUE:
                self._pairs.append(Pair(copy.id, copy.path, copy.old, new))
            else:
                self._dropped += 1
        return new


def _copy(request: Request, body: bytes, old: Sent, key: str) -> _Copy:
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in request.headers.items()
        if name not in _OF_THE_HOP
    }
    # the same one, so that both logs tell of one request
    headers["x-request-id"] = request.id.decode("latin-1")
    if key:
        headers["authorization"] = "Bearer " + key
    target = request.target.decode("latin-1") or request.path
    return _Copy(headers["x-request-id"], request.method, target, request.path, headers, body, old)


def host_of(revision: str, environ: Optional[Mapping[str, str]] = None) -> str:
    """Return where another revision of this app is found, ``host`` or ``host:port``.

    Raises:
        ValueError: there is none.
    """
    env = os.environ if environ is None else environ
    app, own = env.get("CONTAINER_APP_NAME", ""), env.get("CONTAINER_APP_REVISION", "")
    host = env.get("CONTAINER_APP_HOSTNAME", "")
    if not app or not own or not host.startswith(own + "."):
        raise ValueError("this replica is no part of a container app")
    # the suffix alone is the asker's word: no dot and no slash can be in it
    if not re.fullmatch(re.escape(app) + "--[a-z0-9]+(?:-[a-z0-9]+)*", revision) or revision == own:
        raise ValueError("%r is no other revision of %s" % (revision, app))
    return revision + host[len(own) :]
