"""Tokens of a registry: refresh and access tokens, what they allow, and how they are asked for.

Source: Azure/acr docs/AAD-OAuth.md; Docker's "token authentication specification"; azure.md 3.3.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import jwt

from .registry_front_wire import Answer, Call, Refused

TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # the user name that goes with a refresh token
REFRESH_LIFE = 3 * 3600.0  # seconds
ACCESS_LIFE = 75 * 60.0  # seconds
ISSUER = "Azure Container Registry"
PULL = frozenset({"pull", "metadata_read", "catalog"})
PUSH = PULL | {"push", "metadata_write"}
ALL = PUSH | {"delete"}
_ADVICE = "authentication required, visit https://aka.ms/acr/authorization for more information."

Grant = Literal["refresh_token", "access_token"]


@dataclass
class Gate:
    """Who may do what at one registry now; asked anew for every request."""

    service: str  # host:port
    admin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # user name: its passwords; empty if disabled
    anonymous: bool = False
    exchange: Callable[[str, str], tuple[str, frozenset[str]]] | None = None
    """Takes an AAD token and a tenant, gives object id and rights, or raises ``Refused``."""
    within: Callable[[str, str], frozenset[str] | None] | None = None
    """Takes who asks and a repository, gives the rights there; None if they are those for all."""


@dataclass
class Mint:
    """Makes and reads tokens; ``key`` is the emulator's own. ``access_life`` in seconds may be changed at any time."""

    key: bytes
    access_life: float = ACCESS_LIFE
    clock: Callable[[], float] = time.time

    def make(self, service: str, subject: str, grant: Grant, life: float, **claims: Any) -> str:
        now = int(self.clock())
        common = {
            "iss": ISSUER,
            "aud": service,
            "sub": subject,
            "nbf": now - 60,
            "iat": now,
            "exp": now + int(life),
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(common | {"grant_type": grant} | claims, self.key, algorithm="HS256")

    def refresh(self, service: str, subject: str, rights: frozenset[str], life: float = REFRESH_LIFE) -> str:
        """Return a refresh token, which is also the password of ``TOKEN_USER``."""
        return self.make(service, subject, "refresh_token", life, permissions={"actions": sorted(rights)})

    def read(self, token: str, service: str, grant: Grant) -> dict[str, Any]:
        """Return the claims of a token that is ours, for this registry, and not over; else ``Refused`` 401."""
        try:
            claims = jwt.decode(token, self.key, ["HS256"], audience=service, issuer=ISSUER)
        except jwt.ExpiredSignatureError as error:
            raise Refused(401, "UNAUTHORIZED", f"{_ADVICE} The token is expired.") from error
        except jwt.InvalidTokenError as error:
            raise Refused(401, "UNAUTHORIZED", f"{_ADVICE} {error}") from error
        if claims.get("grant_type") != grant:
            raise Refused(401, "UNAUTHORIZED", f"{_ADVICE} This is no {grant}.")
        return dict(claims)

    def access(self, gate: Gate, subject: str, rights: frozenset[str], scopes: list[str]) -> Answer:
        """Answer with a token for as much of the scopes as the rights allow (it may be nothing)."""
        allowed = [item for scope in scopes if (item := _within(scope, _there(gate, subject, scope, rights)))]
        token = self.make(gate.service, subject, "access_token", self.access_life, access=allowed, roles=[])
        return Answer.json(200, {"access_token": token})

    def rights(self, token: str, service: str) -> list[tuple[str, str, str]]:
        """Return (type, name, action) of all that an access token allows."""
        access = self.read(token, service, "access_token")["access"]
        return [(item["type"], item["name"], action) for item in access for action in item["actions"]]


def exchange(mint: Mint, gate: Gate, call: Call) -> Answer:
    """POST /oauth2/exchange: an AAD token for a refresh token."""
    form = dict(parse_qsl(call.body.whole().decode(), keep_blank_values=True))
    _check_service(gate, form.get("service", ""))
    if form.get("grant_type") not in {"access_token", "access_token_refresh_token"}:
        raise Refused(400, "UNSUPPORTED", f"grant_type {form.get('grant_type')!r} is not supported")
    if gate.exchange is None:
        raise Refused(401, "UNAUTHORIZED", _ADVICE)
    subject, rights = gate.exchange(form.get("access_token", ""), form.get("tenant", ""))
    return Answer.json(200, {"refresh_token": mint.refresh(gate.service, subject, rights)})


def token(mint: Mint, gate: Gate, call: Call) -> Answer:
    """POST or GET /oauth2/token: an access token for the scopes asked for."""
    posted = parse_qsl(call.body.whole().decode(), keep_blank_values=True) if call.method == "POST" else call.query
    form = dict(posted)
    _check_service(gate, form.get("service", ""))
    scopes = [scope for name, value in posted if name == "scope" for scope in value.split()]
    if call.method == "POST":
        subject, rights = _posted(mint, gate, form)
    else:
        subject, rights = basic(mint, gate, call.headers.get("Authorization", ""))
    return mint.access(gate, subject, rights, scopes)


def basic(mint: Mint, gate: Gate, header: str) -> tuple[str, frozenset[str]]:
    """Return who sends this header, and the rights; without a header it is anybody."""
    if not header:
        return _account(mint, gate, "", "")
    try:
        name, _, password = base64.b64decode(header.partition(" ")[2], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(401, "UNAUTHORIZED", _ADVICE) from error
    return _account(mint, gate, name, password)


def _posted(mint: Mint, gate: Gate, form: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    if form.get("grant_type", "refresh_token") == "refresh_token":
        return _account(mint, gate, TOKEN_USER, form.get("refresh_token", ""))
    if form["grant_type"] != "password":
        raise Refused(400, "UNSUPPORTED", f"grant_type {form['grant_type']!r} is not supported")
    return _account(mint, gate, form.get("username", ""), form.get("password") or form.get("refresh_token", ""))


def _account(mint: Mint, gate: Gate, name: str, password: str) -> tuple[str, frozenset[str]]:
    if not name and not password:
        if not gate.anonymous:
            raise Refused(401, "UNAUTHORIZED", _ADVICE)
        return "", PULL
    if name.lower() == TOKEN_USER:
        claims = mint.read(password, gate.service, "refresh_token")
        return str(claims["sub"]), frozenset(claims["permissions"]["actions"])
    known = gate.admin.get(name.lower(), ())
    if any(hmac.compare_digest(password.encode(), one.encode()) for one in known):
        return name, ALL
    raise Refused(401, "UNAUTHORIZED", _ADVICE)


def _check_service(gate: Gate, service: str) -> None:
    if service != gate.service:
        raise Refused(400, "BAD_REQUEST", f"the service {service!r} is not this registry, {gate.service}")


def _there(gate: Gate, subject: str, scope: str, rights: frozenset[str]) -> frozenset[str]:
    kind, _, rest = scope.partition(":")
    if gate.within is None or kind != "repository":
        return rights
    found = gate.within(subject, rest.rpartition(":")[0])
    return rights if found is None else found


def _within(scope: str, rights: frozenset[str]) -> dict[str, Any] | None:
    kind, _, rest = scope.partition(":")
    name, _, wanted = rest.rpartition(":")
    if kind == "registry" and name == "catalog":
        actions = ["*"] if "catalog" in rights else []
    elif kind == "repository":
        asked = sorted(rights - {"catalog"}) if wanted == "*" else wanted.split(",")
        actions = [action for action in asked if action in rights]
    else:
        raise Refused(400, "BAD_REQUEST", f"invalid scope {scope!r}")
    return {"type": kind, "name": name, "actions": actions} if actions else None
