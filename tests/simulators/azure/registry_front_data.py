"""Where registries send those who pull: blobs behind signed URLs of another host, as ACR's storage has them.

A client that brings its token along is refused, as the storage service does; it must drop it at the redirect.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from .registry_front_backend import Backend
from .registry_front_server import FrontServer
from .registry_front_wire import Answer, Call

LIFE = 1200  # seconds that a URL is good


class DataServer:
    """One host for the blobs of all registries. ``note`` is told the registry, the request, status and bytes."""

    def __init__(
        self, backend_host: str, latency: Callable[[], float], note: Callable[[str, Call, int, int], None]
    ) -> None:
        self._key, self._latency = secrets.token_bytes(32), latency
        self._server = FrontServer(
            self._answer,
            lambda call, status, sent: note(call.path.split("/")[1], call, status, sent),
            lambda: Backend(backend_host),
        )

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def url(self, backend: str, digest: str) -> str:
        """Return where a blob is; ``backend`` is the repository's name in the real registry."""
        path, ends = f"/{backend}/{digest}", str(int(time.time()) + LIFE)
        return f"http://{self._server.host}{quote(path)}?{urlencode({'se': ends, 'sig': self._signature(path, ends)})}"

    def _answer(self, call: Call, backend: Backend) -> Answer:
        time.sleep(self._latency())
        if call.headers.get("Authorization"):
            message = "Authentication information is not given in the correct format."
            return _refused(400, "InvalidAuthenticationInfo", message)
        ends, given = call.value("se"), call.value("sig")
        right = hmac.compare_digest(given, self._signature(call.path, ends))
        if call.method not in {"GET", "HEAD"} or not right or int(ends) < time.time():
            return _refused(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        repository, _, digest = call.path[1:].rpartition("/")
        return backend.forward(call.method, f"/v2/{repository}/blobs/{digest}", call.headers.items(), b"")

    def _signature(self, path: str, ends: str) -> str:
        return base64.b64encode(hmac.digest(self._key, f"{path}\n{ends}".encode(), "sha256")).decode()


def _refused(status: int, code: str, message: str) -> Answer:
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
    )
    return Answer(status, [("Content-Type", "application/xml"), ("x-ms-error-code", code)], text.encode())
