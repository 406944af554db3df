"""Logging in: anonymous, basic, and bearer tokens with a scope.

Source: OCI distribution-spec 1.1 leaves it open; this is Docker's "token authentication specification", which all
registries follow, and RFC 9110 section 11 for the challenge.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from ..targets.protocol import Credentials
from .errors import RegistryError, answered
from .hosts import is_local

Fetch = Callable[[str, list[tuple[str, str]], str], requests.Response]
"""Asks a URL with query pairs and an ``Authorization`` header (empty: none); raises ``RegistryError`` if silent."""

_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_DEFAULT_LIFE = 60.0  # seconds, if the token server does not say
_MARGIN = 30.0  # seconds before the end at which a token counts as old


@dataclass(frozen=True)
class Challenge:
    """A ``WWW-Authenticate`` header: its scheme in lower case and its parameters."""

    scheme: str
    parameters: dict[str, str]

    @classmethod
    def parse(cls, header: str) -> Challenge:
        """Read the header; one that is empty or strange has scheme ``""``."""
        scheme, _, rest = header.strip().partition(" ")
        return cls(scheme.lower(), {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(rest)})


@dataclass(frozen=True)
class _Token:
    header: str
    best_before: float


class Login:
    """Knows which ``Authorization`` header each request needs; safe to share between threads."""

    def __init__(
        self, host: str, credentials: Credentials, fetch: Fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start without knowing what the registry wants; ``clock`` counts seconds and tells when tokens end."""
        self._host, self._credentials, self._fetch, self._clock = host, credentials, fetch, clock
        self._challenge = Challenge("", {})
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._lock = threading.Lock()

    @property
    def account(self) -> str:
        """User name in use; empty means anonymous."""
        return self._credentials.username

    def header(self, scope: Sequence[str]) -> str:
        """Return the header for a request on ``scope``, such as ``repository:a/b:pull``; empty means none.

        Raises:
            RegistryError: the token server refuses or is silent.
        """
        with self._lock:
            if self._challenge.scheme == "basic":
                return self._basic()
            if self._challenge.scheme != "bearer":
                return ""
            key = tuple(scope)
            token = self._tokens.get(key)
            if token is None or self._clock() >= token.best_before:
                token = self._tokens[key] = self._new_token(key)
            return token.header

    def learn(self, response: requests.Response, scope: Sequence[str], sent: str) -> None:
        """Take note of a 401: of the challenge in it, and that the header ``sent`` is worth nothing now."""
        challenge = Challenge.parse(response.headers.get("WWW-Authenticate", ""))
        with self._lock:
            if challenge.scheme:
                self._challenge = challenge
            token = self._tokens.get(tuple(scope))
            if token is not None and token.header == sent:  # else another thread has fetched a new one already
                del self._tokens[tuple(scope)]

    def _basic(self) -> str:
        if not (self._credentials.username or self._credentials.password):
            return ""
        pair = f"{self._credentials.username}:{self._credentials.password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _new_token(self, scope: tuple[str, ...]) -> _Token:
        realm = self._realm()
        query = [("service", self._challenge.parameters["service"])] if "service" in self._challenge.parameters else []
        asked = self._clock()
        with self._fetch(realm, [*query, *(("scope", item) for item in scope)], self._basic()) as response:
            if response.status_code != 200:
                raise answered(self._host, response, "a token", self.account)
            return self._read(response, asked)

    def _read(self, response: requests.Response, asked: float) -> _Token:
        try:
            body: Any = response.json()
            token = str(body.get("token") or body["access_token"])
            life = float(body.get("expires_in") or _DEFAULT_LIFE)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            message = f"the token server of {self._host} answered without a token"
            raise RegistryError(message, "check the registry's address", url=response.url) from error
        return _Token(f"Bearer {token}", asked + life - min(_MARGIN, life / 2))

    def _realm(self) -> str:
        """Return the token server's URL; a password never goes there in the clear."""
        realm = self._challenge.parameters.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.netloc)):
            return realm
        message = f"{self._host} names a token server that is not https"
        raise RegistryError(message, "let its operator mend the realm", url=realm)
