"""A request, what it has to get, and what came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from ..lean import lean
from .tolerance import DEFAULT, Rule, Rules, Tolerance

JSON = "json"
SCORE, APPLICATION_JSON, OCTETS = "/score", "application/json", "application/octet-stream"
METHODS = ("POST", "GET", "PUT", "OPTIONS")


@lean(frozen=True)
class Came:
    """An answer. ``status`` 0: none came, and ``why`` says so."""

    status: int
    body: bytes = b""
    content_type: str = ""
    why: str = ""


@lean(frozen=True)
class Expected:
    """What has to come.

    ``kind`` is ``json`` (``value`` is the JSON value), ``text``, ``sha256`` (``value`` is the hash in hex, ``size`` the
    number of bytes, None if it is not known) or ``any`` (the status alone counts). An empty ``content_type`` is not
    compared.
    """

    status: int = 200
    kind: Literal["json", "text", "sha256", "any"] = "any"
    value: Any = None
    size: int | None = None
    content_type: str = ""


@lean(frozen=True)
class Request:
    """What is sent, and what has to come; ``expected`` None: nobody has recorded it yet.

    ``body`` None: none is sent. ``headers`` have no secrets: the key of a service is never in a file. ``file`` is the
    path that the body was read from, as it is written; ``line`` where the request begins.
    """

    name: str
    path: str = SCORE
    method: str = "POST"
    body: bytes | None = None
    content_type: str = APPLICATION_JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: Expected | None = None
    rules: tuple[Rule, ...] = ()
    file: str = ""
    line: int = field(default=0, compare=False)


@lean(frozen=True)
class Golden:
    """A file of requests. ``recorded`` says what the answers come from, for people; ``name`` is the file's path.

    ``last`` are tolerances that count before all others: those of the program that declares the service.
    """

    requests: tuple[Request, ...]
    tolerance: Tolerance = DEFAULT
    rules: tuple[Rule, ...] = ()
    recorded: Mapping[str, str] = field(default_factory=dict)
    last: tuple[Rule, ...] = ()
    name: str = field(default="", compare=False)

    def rules_of(self, request: Request) -> Rules:
        """Return what is allowed for one request: what it says itself counts before what the file says."""
        return Rules(self.tolerance, (*self.rules, *request.rules, *self.last))


def media_type(text: str) -> str:
    """Return a content type without its parameters, in lower case (RFC 9110, 8.3.1)."""
    return text.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Tell whether a content type is one of JSON (RFC 6839, 3.1)."""
    media = media_type(content_type)
    return media == APPLICATION_JSON or media.endswith("+json")


def is_text(content_type: str) -> bool:
    """Tell whether a content type is one of text."""
    media = media_type(content_type)
    return media.startswith("text/") or media in ("application/xml", "application/x-www-form-urlencoded")


def expected_of(came: Came) -> Expected:
    """Return an answer as what has to come from now on."""
    media = media_type(came.content_type)
    if not came.body:
        return Expected(came.status, "text", "", content_type=media)
    if is_json(media) or not media:
        try:
            return Expected(came.status, "json", json.loads(came.body), content_type=media)
        except (ValueError, RecursionError):
            pass  # it says that it is JSON, and is none: as text then
    if is_json(media) or is_text(media) or not media:
        try:
            return Expected(came.status, "text", came.body.decode(), content_type=media)
        except UnicodeDecodeError:
            pass
    return Expected(came.status, "sha256", hashlib.sha256(came.body).hexdigest(), len(came.body), media)
