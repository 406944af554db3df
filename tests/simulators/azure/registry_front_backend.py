"""The one real ``registry:2`` behind all registries of the emulator; bodies pass through as streams, both ways."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator
from typing import Any

from .registry_front_wire import Answer, Body, Refused

BLOCK = 1 << 18
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer", "date", "server"}
_OURS = {"host", "authorization", "expect", "content-length", "proxy-authorization", "accept-encoding"}
_PATIENCE = 600.0  # seconds


class Backend:
    """A connection to the real registry, for one thread; opened when it is needed, kept, closed by ``close``."""

    def __init__(self, host: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=_PATIENCE, blocksize=BLOCK)

    def close(self) -> None:
        self._connection.close()

    def forward(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: Body | bytes) -> Answer:
        """Send a request on and return the answer with its body still to be streamed."""
        sent: dict[str, str] = {}
        for name, value in headers:
            if name.lower() not in _HOP | _OURS:  # Docker says what it accepts in many lines
                sent[name] = f"{sent[name]}, {value}" if name in sent else value
        try:
            self._send(method, target, sent, body)
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(body, Body) and isinstance(error, ConnectionError) and "client went away" in str(error):
                raise
            raise Refused(502, "UNKNOWN", f"the registry behind does not answer: {error}") from error
        return self._answer(method, response)

    def read_json(self, target: str, accept: str = "*/*") -> Any:
        """Return a small JSON document, or None."""
        answer = self.forward("GET", target, [("Accept", accept)], b"")
        body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        try:
            return json.loads(body) if answer.status == 200 else None
        except ValueError:
            return None

    def _send(self, method: str, target: str, headers: dict[str, str], body: Body | bytes) -> None:
        if isinstance(body, bytes):
            self._connection.request(method, target, body or None, headers)
        elif body.chunked:
            headers |= {"Transfer-Encoding": "chunked"}
            self._connection.request(method, target, _blocks(body), headers, encode_chunked=True)
        else:
            headers |= {"Content-Length": str(body.length)} if body.length or method in {"POST", "PUT", "PATCH"} else {}
            self._connection.request(method, target, _blocks(body) if body.length else None, headers)

    def _answer(self, method: str, response: http.client.HTTPResponse) -> Answer:
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP]
        if method == "HEAD" or response.status in {204, 304} or response.length == 0:
            response.read()
            return Answer(response.status, headers)
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        return Answer(response.status, headers, self._stream(response), response.length)

    def _stream(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        """Give the body; one that is not read to its end costs the connection."""
        ended = False
        try:
            while block := response.read(BLOCK):
                yield block
            ended = True
        finally:
            response.close()
            if not ended:
                self.close()


def _blocks(body: Body) -> Iterable[bytes]:
    while block := body.read(BLOCK):
        yield block
