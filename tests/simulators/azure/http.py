"""What the parts of the emulator hand to each other: requests, answers, errors, and the table of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One HTTP request. ``base`` is ``https://host:port`` as the client sees it; ``query`` has one value per name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str

    def json(self) -> Any:
        """Return the body, or answer 400 if it is no JSON."""
        try:
            return json.loads(self.body or b"null")
        except ValueError as error:
            raise ArmError(400, "InvalidRequestContent", f"The request content was invalid: {error}") from error


@dataclass(frozen=True)
class Response:
    """One answer; ``body`` is bytes as they are, or a JSON value, or None for no body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ArmError(Exception):
    """An answer ``{"error": {"code", "message"}}``, as Azure Resource Manager gives it."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})

    def response(self) -> Response:
        return Response(self.status, {"error": {"code": self.code, "message": self.message}}, self.headers)


Handler = Callable[..., Response]
"""Called with the request and the path's named parts."""


class Router:
    """Routes by method and path template, such as ``/subscriptions/{subscription}/providers``; letter case is ignored.

    A part ``{name*}`` takes the rest of the path, slashes included. The first route that matches answers.
    """

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, template: str, handler: Handler) -> None:
        pattern = re.sub(r"\\\{(\w+)(\\\*)?\\\}", _part, re.escape(template))
        self._routes.append((method, re.compile(pattern, re.IGNORECASE), handler))

    def answer(self, request: Request) -> Response:
        """Raises ``ArmError`` 404 or 405 when no route matches."""
        known = False
        for method, pattern, handler in self._routes:
            if found := pattern.fullmatch(request.path):
                if method == request.method:
                    return handler(request, **found.groupdict())
                known = True
        if known:
            raise ArmError(405, "MethodNotAllowed", f"{request.method} is not allowed on {request.path}")
        raise ArmError(404, "InvalidResourceType", f"No route for {request.method} {request.path}")


def _part(found: re.Match[str]) -> str:
    return f"(?P<{found[1]}>.+)" if found[2] else f"(?P<{found[1]}>[^/]+)"
