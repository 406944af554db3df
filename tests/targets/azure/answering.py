"""A server with one prepared answer for each path, asked by the SDK's own client without logins and retries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import ContentDecodePolicy, RequestIdPolicy
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.polling.arm_polling import ARMPolling

from tests.simulators.ending_server import EndingServer, serving

Prepared = tuple[int, Any, dict[str, str]]


class Answering:
    """``answers`` maps ``METHOD /path`` to status, JSON value or text, headers; ``seen`` are the requests' lines."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.answers: dict[str, Prepared] = {}
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            base, policies=[RequestIdPolicy(), ContentDecodePolicy()]
        )

    def send(self, method: str = "GET", path: str = "/thing") -> Any:
        """Return the pipeline's answer, or raise as the SDK's clients do."""
        request = HttpRequest(method, self.base + path)
        result: Any = self.client.send_request(request, _return_pipeline_response=True)
        if result.http_response.status_code >= 400:
            raise HttpResponseError(response=result.http_response)
        return result

    def begin(self, method: str = "PUT", path: str = "/thing") -> LROPoller[Any]:
        """Start a long-running operation, polled without a pause unless it asks for one."""
        begun = self.send(method, path)
        return LROPoller(self.client, begun, lambda result: result.http_response.json(), ARMPolling(0))


@contextmanager
def answering() -> Iterator[Answering]:
    """Serve on a free port of this machine."""
    with serving(_Handler) as server:
        world = _Handler.worlds[server.server_port] = Answering(f"http://127.0.0.1:{server.server_port}")
        try:
            with world.client:
                yield world
        finally:
            del _Handler.worlds[server.server_port]


class _Handler(BaseHTTPRequestHandler):
    worlds: dict[int, Answering] = {}  # noqa: RUF012  (one for all handlers on purpose)

    def _answer(self) -> None:
        world = self.worlds[cast("EndingServer", self.server).server_port]
        line = f"{self.command} {self.path.partition('?')[0]}"
        world.seen.append(f"{self.command} {self.path}")
        world.headers.append(dict(self.headers.items()))
        status, body, headers = world.answers[line]
        payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        kind = {"Content-Type": "text/html" if isinstance(body, str) else "application/json"}
        for name, value in {**kind, **headers, "Content-Length": str(len(payload))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815  (the names are those of http.server)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as http.server calls it)
        pass
