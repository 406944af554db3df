"""One registry of the emulator on a port of its own: tokens, ACR's own calls, and the distribution API.

It speaks plain HTTP on 127.0.0.1, where Docker and our client expect no TLS.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
import time
from collections.abc import Callable, Iterable

from . import registry_front_acr as acr
from . import registry_front_v2 as v2
from . import tokens
from .http import Request, Response
from .registry_front_backend import Backend
from .registry_front_index import Index
from .registry_front_owner import Owner, Traffic
from .registry_front_server import FrontServer
from .registry_front_wire import Answer, Call, HungUp, Refused

_AT_THE_DOOR = ("firewall", "429", "500", "503", "slow", "cut", "unauthorized", "expired-token", "forbidden")
_CODES = {"429": "TOOMANYREQUESTS", "500": "UNKNOWN", "503": "UNAVAILABLE", "forbidden": "DENIED"}
_CLIENT = ipaddress.ip_address("127.0.0.1")


class Front:
    """The server of one registry name. It keeps its port over deletion and creation; content goes with a deletion."""

    def __init__(self, name: str, owner: Owner) -> None:
        self.name, self._owner, self.generation = name, owner, 1
        self.traffic = Traffic()
        self.index = Index(lambda: f"{name.lower()}/{self.generation}", lambda: owner.keeps_deleted(name))
        self._lock = threading.Lock()
        self._server = FrontServer(self.answer, self.note, lambda: Backend(owner.backend_host))
        self.host = self._server.host

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def clear(self) -> None:
        """Forget all content."""
        self.generation += 1
        self.index.clear()

    def forget(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self.traffic = Traffic()

    def note(self, call: Call, status: int, sent: int) -> None:
        """Count one request; status 0 means that no answer was given."""
        with self._lock:
            self.traffic.up += call.body.seen
            self.traffic.down += sent
            self.traffic.lines.append(f"{call.method} {call.path} {status}")

    def answer(self, call: Call, backend: Backend) -> Answer:
        """Answer one request; raises ``HungUp`` when there is no such registry."""
        if self._owner.properties(self.name) is None:
            raise HungUp
        time.sleep(self._owner.latency())
        line = f"{call.method} {call.path} of {self.host}"
        try:
            self._fail(line, call)
            self._check_network()
            answer = self._routed(call, backend)
        except Refused as refused:
            answer = refused.answer()
        except (HungUp, OSError):
            raise
        except Exception as error:
            self._owner.broken(line, error)  # a fault of the emulator must be seen by the test
            raise
        if _is_described(call):
            self._show(call, answer)
        if self._owner.fault(line, "lost-answer"):
            self._drop(answer)
            raise HungUp
        return answer

    def _routed(self, call: Call, backend: Backend) -> Answer:
        gate = self._owner.gate(self.name)
        if call.path == "/oauth2/exchange" and call.method == "POST":
            return tokens.exchange(self._owner.mint, gate, call)
        if call.path == "/oauth2/token" and call.method in {"GET", "POST"}:
            return tokens.token(self._owner.mint, gate, call)
        if call.path == "/v2":
            return Answer(301, [("Location", "/v2/")])
        if call.path.startswith("/acr/v1/"):
            self._rights(call, gate)
            return acr.Attributes(self.index, backend, self.host, call).answer()
        if call.path.startswith("/v2/"):
            rights = self._rights(call, gate)
            return v2.Distribution(self.index, backend, call, rights, self._owner.data_url).answer()
        raise Refused(404, "NOT_FOUND", f"no such path: {call.path}")

    def _rights(self, call: Call, gate: tokens.Gate) -> Callable[[str, str], bool]:
        """Return what the token of a request allows, after a look whether it is enough for this one."""
        header = call.headers.get("Authorization") or ""
        scope = _scope(call)
        allowed = self._allowed(gate, header, scope)
        if scope:
            kind, name, actions = scope
            if not all(allowed(kind, name, action) for action in actions):
                raise self._challenge(scope, "insufficient_scope" if header else "")
        return lambda name, action: allowed("repository", name, action)

    def _allowed(
        self, gate: tokens.Gate, header: str, scope: tuple[str, str, tuple[str, ...]] | None
    ) -> Callable[[str, str, str], bool]:
        kind, _, token = header.partition(" ")
        try:
            if kind.lower() == "bearer":
                known = set(self._owner.mint.rights(token, gate.service))
                return lambda *wanted: wanted in known
            if kind.lower() == "basic":
                rights = tokens.basic(self._owner.mint, gate, header)[1]
                return lambda _, __, action: ("catalog" if action == "*" else action) in rights
        except Refused as refused:
            raise self._challenge(scope, "invalid_token") from refused
        raise self._challenge(scope, "")

    def _challenge(self, scope: tuple[str, str, tuple[str, ...]] | None, error: str) -> Refused:
        parts = [f'realm="http://{self.host}/oauth2/token"', f'service="{self.host}"']
        if scope:
            parts.append(f'scope="{scope[0]}:{scope[1]}:{",".join(scope[2])}"')
        if error:
            parts.append(f'error="{error}"')
        message = "authentication required, visit https://aka.ms/acr/authorization for more information."
        detail = (
            [{"Type": scope[0], "Class": "", "Name": scope[1], "Action": action} for action in scope[2]]
            if scope
            else None
        )
        header = ("WWW-Authenticate", f"Bearer {','.join(parts)}")
        return Refused(401, "UNAUTHORIZED", message, header, detail=detail)

    def _check_network(self) -> None:
        """Refuse this machine as a registry with a firewall does."""
        properties = self._owner.properties(self.name) or {}
        rules = properties.get("networkRuleSet") or {}
        listed = [ipaddress.ip_network(rule["value"], strict=False) for rule in rules.get("ipRules") or []]
        closed = properties.get("publicNetworkAccess") == "Disabled"
        if closed or (rules.get("defaultAction") == "Deny" and not any(_CLIENT in network for network in listed)):
            message = (
                f"client with IP '{_CLIENT}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."
            )
            raise Refused(403, "DENIED", message)

    def _fail(self, line: str, call: Call) -> None:
        fault = self._owner.fault(line, *_AT_THE_DOOR)
        if fault is None:
            return
        if fault.name == "slow":
            self._owner.hang()
        if fault.name in {"slow", "cut"}:
            raise HungUp
        if fault.name in {"unauthorized", "expired-token"}:
            raise self._challenge(_scope(call), "invalid_token")
        if fault.name == "firewall":
            text = (
                "client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."
            )
            raise Refused(403, "DENIED", text)
        status = 403 if fault.name == "forbidden" else int(fault.name)
        headers = [("Retry-After", str(fault.retry_after))] if status == 429 else []
        raise Refused(status, _CODES[fault.name], f"the fault {fault.name} was asked for", *headers)

    def _show(self, call: Call, answer: Answer) -> None:
        headers = {name.lower(): value for name, value in call.headers.items()}
        request = Request(call.method, call.path, dict(call.query), headers, call.body.kept, f"http://{self.host}")
        self._owner.seen(request, Response(answer.status, answer.body, dict(answer.headers)))

    @staticmethod
    def _drop(answer: Answer) -> None:
        if not isinstance(answer.body, bytes):
            with contextlib.suppress(OSError):
                _read_all(answer.body)


def _read_all(blocks: Iterable[bytes]) -> None:
    for _ in blocks:
        pass


def _is_described(call: Call) -> bool:
    """Tell what can be held to the specification: bodies that were read, and no login of anybody.

    Logins are published for refresh tokens alone; azure-containerregistry 1.2.0 leaves that of anybody out.
    """
    known = call.method not in {"POST", "PATCH"} or (call.body.kept and b"grant_type=password" not in call.body.kept)
    return call.path.startswith(("/acr/v1/", "/oauth2/")) and bool(known)


def _scope(call: Call) -> tuple[str, str, tuple[str, ...]] | None:
    """Return what a token must allow for this request; None means any good token."""
    if call.path in {"/v2/_catalog", "/acr/v1/_catalog"}:
        return "registry", "catalog", ("*",)
    if found := v2.PATH.fullmatch(call.path):
        return "repository", found["name"], v2.actions(call.method, found["kind"])
    if found := acr.PATH.fullmatch(call.path):
        return "repository", found["name"], (acr.action(call.method),)
    return None
