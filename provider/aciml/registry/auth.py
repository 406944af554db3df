"""Logging in: anonymous, basic, and bearer tokens with a scope, by password or by identity token.

Source: OCI distribution-spec 1.1 leaves it open; this is Docker's "token authentication specification", which all
registries follow, its "oauth2 token authentication" for identity tokens, and RFC 9110 section 11 for the challenge.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit

import requests

from ..core.credentials import Credentials
from .errors import ROLES, RegistryError, answered, needed_right
from .hosts import is_local
from .jwt import life

Pairs = list[tuple[str, str]]
_CLIENT = "aciml"
_ANY = "registry:catalog:*"  # what is asked for when a request is about no repository


class Fetch(Protocol):
    """The way to a token server."""

    def __call__(
        self, url: str, pairs: Pairs, authorization: str, method: Literal["GET", "POST"] = "GET"
    ) -> requests.Response:
        """Send pairs as the query of a GET or the form of a POST; ``authorization`` empty: no such header.

        Raises:
            RegistryError: the server is silent.
        """


@runtime_checkable
class Renewable(Protocol):
    """An identity token that can be had anew although its time is not over."""

    def forget(self, refused: str) -> None:
        """Give out another token next time, unless that has happened already."""


@runtime_checkable
class Ruled(Protocol):
    """An identity token of a registry that may have roles of its own."""

    def roles(self) -> Mapping[str, str]:
        """Return the role that gives each right: pull, push, delete."""


_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
# 60 is what the token specification says of a server that is silent about it
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
        # held while the token is fetched: sixteen threads that begin at once cause one request
        with self._lock:
            if self._challenge.scheme == "basic":
                return self._basic()
            # nothing is sent before somebody has asked for it: many registries serve everybody
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

    def refusal(self, response: requests.Response, what: str, scope: Sequence[str] = ()) -> RegistryError:
        """Describe an answer that was not hoped for; an identity has no password to check, but roles."""
        if self._credentials.identity_token:
            return _refused(self._host, response, what, scope, self._credentials.identity_token)
        return answered(self._host, response, what, self.account, scope)

    def _basic(self) -> str:
        identity = self._credentials.identity_token
        password = identity() if identity else self._credentials.password
        if not (self._credentials.username or password):
            return ""
        pair = f"{self._credentials.username}:{password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _new_token(self, scope: tuple[str, ...]) -> _Token:
        realm = self._realm()
        pairs = [("service", self._challenge.parameters["service"])] if "service" in self._challenge.parameters else []
        if self._credentials.identity_token and not scope:  # this way of asking knows no token without a scope
            scope = (self._challenge.parameters.get("scope", _ANY),)
        # one a resource: the parameter may be repeated (distribution, token specification)
        pairs += (("scope", item) for item in scope)
        asked = self._clock()
        if self._credentials.identity_token:
            return self._exchange(realm, pairs, self._credentials.identity_token, asked)
        with self._fetch(realm, pairs, self._basic()) as response:
            if response.status_code != 200:
                refused = self.refusal(response, "a token", scope)
                # an outage is that of the token server, which may be another host; who is refused is so by the registry
                if refused.status not in (401, 403):
                    refused.message = f"the token server of {refused.message}"
                raise refused
            return self._read(response, asked)

    def _exchange(self, realm: str, pairs: Pairs, identity_token: Callable[[], str], asked: float) -> _Token:
        """Give an identity token for an access token; one that is refused before its time is replaced once."""
        identity = identity_token()
        for last in (False, True):
            form = [("grant_type", "refresh_token"), ("client_id", _CLIENT), *pairs, ("refresh_token", identity)]
            with self._fetch(realm, form, "", "POST") as response:
                if response.status_code == 200:
                    return self._read(response, asked)
                fresh = identity if last or response.status_code != 401 else _renewed(identity_token, identity)
                if fresh == identity:
                    scope = [value for name, value in pairs if name == "scope"]
                    what = f"a token for {' '.join(scope)}" if scope else "a token"
                    raise _refused(self._host, response, what, scope, identity_token)
                identity = fresh
        raise AssertionError("the second round returns or raises")

    def _read(self, response: requests.Response, asked: float) -> _Token:
        try:
            body: Any = response.json()
            # two names of one thing: `token`, and OAuth 2.0's `access_token` (distribution, token specification)
            token = str(body.get("token") or body["access_token"])
            seconds = float(body.get("expires_in") or life(token, time.time()) or _DEFAULT_LIFE)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            message = f"the token server of {self._host} answered without a token"
            raise RegistryError(message, "check the registry's address", url=response.url) from error
        # counted from the question, not from the answer: the server's clock began in between
        return _Token(f"Bearer {token}", asked + seconds - min(_MARGIN, seconds / 2))

    def _realm(self) -> str:
        """Return the token server's URL; a password never goes there in the clear."""
        realm = self._challenge.parameters.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.netloc)):
            return realm
        message = f"{self._host} names a token server that is not https"
        raise RegistryError(message, "let its operator mend the realm", url=realm)


def _renewed(identity_token: Callable[[], str], refused: str) -> str:
    if isinstance(identity_token, Renewable):
        identity_token.forget(refused)
    return identity_token()


def _refused(
    host: str, response: requests.Response, what: str, scope: Sequence[str], identity_token: Callable[[], str]
) -> RegistryError:
    """Say that an identity may not do something."""
    # there is no password that could be wrong: what it lacks is a role, or an address that is let in
    error = answered(host, response, what, "", scope)
    # a firewall's refusal says whom it keeps out, and no role would help
    if error.status not in (401, 403) or error.blocked:
        return error
    roles = identity_token.roles() if isinstance(identity_token, Ruled) else ROLES
    right = needed_right(scope, roles)
    lack = f"give it {right}" if right else "give it a role that may push to the registry (to pull, one that may pull)"
    return RegistryError(
        error.message.replace("refused anonymous access for", "refused this identity for", 1),
        f"{lack}, and wait: a new role counts after some minutes; if the registry has network rules, let them admit "
        "this machine",
        status=error.status,
        code=error.code,
        url=error.url,
        said=error.said,
    )
