"""Log records on their way from workers to the front, which sends them to Application Insights.

One socket with whole messages for all workers, inherited by each: any thread may send, nobody waits, and what does not
fit is counted in the next message that does.
"""

from __future__ import annotations

import json
import socket
from typing import Any, Dict, Iterator, Optional, Tuple

VARIABLE = "ACIML_RECORDS"
"""The variable that has the file descriptor's number; a worker takes it away before user code runs."""
TEXT = 16 * 1024
"""Characters of a message or of a stack that are kept."""
_MESSAGE = 256 * 1024

inherited: Tuple[int, ...] = ()
"""File descriptors that workers get; set by ``Receiver``."""


class Sender:
    """A worker's end."""

    def __init__(self, fd: int) -> None:
        """Take the inherited socket."""
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._dropped = 0

    def send(self, record: Dict[str, Any]) -> None:
        """Send a record, or count it."""
        # Application Insights takes twice as much, in characters; what
        # bounds it here is that a message must fit into the socket
        record["message"] = str(record["message"])[:TEXT]
        if "exception" in record:
            # the end of a stack: what raised stands in its last line
            record["exception"] = [str(part)[-TEXT:] for part in record["exception"]]
        if self._dropped:
            record["dropped"] = self._dropped
        try:
            self._socket.send(json.dumps(record).encode())
            self._dropped = 0
        except OSError:  # full, or the front is gone
            self._dropped += 1


class Receiver:
    """The front's end."""

    def __init__(self) -> None:
        """Open both ends; the other one is for workers that start from now on."""
        global inherited  # noqa: PLW0603  # one for all workers of a process
        # whole messages, so that many writers need no lock and no lengths
        kind = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM)
        try:
            self.socket, theirs = socket.socketpair(socket.AF_UNIX, kind)
        except OSError:  # macOS has no SEQPACKET
            self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in (self.socket, theirs):
            end.setblocking(False)
            # a message that is larger than the buffer is refused (EMSGSIZE),
            # and the usual one of 208 KiB is less than `_MESSAGE`
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)
        self._theirs = theirs
        inherited = (theirs.fileno(),)

    @property
    def fd(self) -> int:
        """Return the number of the workers' end."""
        return self._theirs.fileno()

    def records(self) -> Iterator[Dict[str, Any]]:
        """Give what is here, at most a hundred at a time."""
        # a worker that logs without end must not keep the loop from requests; what is left wakes it again
        for _ in range(100):
            record = self._one()
            if record is None:
                return
            yield record

    def _one(self) -> Optional[Dict[str, Any]]:
        try:
            data = self.socket.recv(_MESSAGE)
        except OSError:
            return None
        try:
            found = json.loads(data)
        except ValueError:  # user code found the socket
            return {"message": "a record that is no JSON"}
        return found if isinstance(found, dict) else {"message": str(found)}
