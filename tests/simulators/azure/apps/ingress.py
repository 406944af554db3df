"""The ingress of all environments: each name of an app or a revision has a loopback address, where requests are shared.

An address speaks TLS and plain HTTP, which the first byte tells; plain HTTP is sent to TLS unless the app allows it.
Any address knows all names of its environment by ``Host``, labels and custom domains too.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tests.simulators.ending_server import EndingServer, body_of

from ..labels import loopback
from ..world import World
from .certificate import pem_of
from .names import domain_of, parsed

if TYPE_CHECKING:
    from .life import App
    from .replica import Replica
    from .revision import Revision

HANDSHAKE = 20.0
LONGEST = 240.0
"""Seconds that a request may take (ingress overview of the service)."""
COLD_START = 60.0
_TLS = 0x16
_OF_THE_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
_BLOCK = 1 << 16
_REMEMBERED = 100_000


@dataclass(frozen=True)
class Met:
    """What one client met: ``status`` 0 if the connection broke, ``at`` as ``time.time()``."""

    at: float
    status: int
    seconds: float


class Ingress:
    """Addresses begin when somebody asks for them, and end with their app; a name that comes again has its own again.

    ``longest`` is in seconds.
    """

    def __init__(self, world: World, apps: Callable[[str], Iterator[App]]) -> None:
        self._world, self._apps = world, apps
        self.longest = LONGEST
        self._met: dict[str, deque[Met]] = {}
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}
        self._ports: dict[str, int] = {}
        self._environments: dict[str, str] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    def join(self, app_id: str, environment_id: str) -> None:
        """Take note of the environment of an app: its names are known at all addresses there."""
        self._environments[app_id.lower()] = environment_id

    def address(self, app: App, revision: str = "") -> str:
        """Return ``host:port`` of an app or of one revision; without a port where nothing runs."""
        key = f"{app.id}/{revision}".lower()
        seed = f"{self._world.parts['groups'].mark}/{key}"
        if self._world.parts["groups"].paper:
            return loopback(seed)
        with self._lock:
            if key not in self._places:
                self._places[key] = self._place(key, loopback(seed), app.id, revision)
                self._ports[key] = self._places[key].server_port
            return self._places[key].host

    def from_inside(self, app: App, gateway: str) -> int:
        """Return the port of the network's gateway where containers of the environment reach the app."""
        key = f"{app.id}/from inside".lower()
        with self._lock:
            if key not in self._places:
                self._places[key] = self._place(key, gateway, app.id, "")
            return self._places[key].server_port

    def domain(self, app: App) -> str:
        """Return the domain of an app's environment."""
        return domain_of(self._world, self._environments.get(app.id.lower(), ""))

    def _place(self, key: str, address: str, app_id: str, revision: str) -> _Place:
        try:
            return _Place((address, self._ports.get(key, 0)), self, app_id, revision)
        except OSError:  # somebody has taken the port meanwhile
            return _Place((address, 0), self, app_id, revision)

    def drop(self, app_id: str) -> None:
        """End the addresses of an app."""
        with self._lock:
            gone = [key for key in self._places if key.startswith(f"{app_id}/".lower())]
            places = [self._places.pop(key) for key in gone]
        for each in places:
            each.end()

    def reset(self) -> None:
        """Forget what was counted."""
        with self._lock:
            self._met.clear()
        self.longest = LONGEST

    def close(self) -> None:
        """End all addresses."""
        with self._lock:
            places, self._places = list(self._places.values()), {}
        for each in places:
            each.end()

    def route(self, app_id: str, revision: str, host: str) -> tuple[App | None, str]:
        """Return the app that a request is for, and the revision if it is for one alone."""
        environment = self._environments.get(app_id.lower(), "")
        known = list(self._apps(environment))
        domain = domain_of(self._world, environment)
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower().endswith(f".{domain}"):
            return _by_name(name.lower().removesuffix(f".{domain}"), known)
        for app in known:
            domains = (app.ingress or {}).get("customDomains") or []
            if any(each["name"].lower() == name.lower() for each in domains):
                return app, ""
        return next((app for app in known if app.id.lower() == app_id.lower()), None), revision

    def context(self, file: str, addresses: list[str], hosts: list[str]) -> ssl.SSLContext:
        """Return a server's TLS, with a certificate of the emulator's authority."""
        with self._lock:
            if file not in self._contexts:
                chain = self._world.parts["certificates"].issue(f"{file}.pem", addresses, hosts)
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                made.load_cert_chain(chain)
                self._contexts[file] = made
            return self._contexts[file]

    def named(self, app_id: str, name: str) -> ssl.SSLContext:
        """Return the TLS of a host name: a custom domain shows the certificate that was uploaded for it."""
        app, _ = self.route(app_id, "", name)
        domains = ((app.ingress if app else None) or {}).get("customDomains") or []
        found = next((each for each in domains if each["name"].lower() == name.lower()), None)
        if found is None or not found.get("certificateId"):
            return self.context(f"named-{name}", [], [name])
        properties = self._world.secrets[found["certificateId"].lower()]["properties"]
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = self._world.folder / f"custom-{name}.pem"
        chain.write_bytes(pem_of(properties["value"], properties.get("password") or ""))
        made.load_cert_chain(chain)
        return made

    def is_inside(self, app: App) -> bool:
        """Tell whether clients of this machine may come in: an internal environment is asked from its own network."""
        environment = self._world.get(self._environments.get(app.id.lower(), "")) or {}
        network = (environment.get("properties") or {}).get("vnetConfiguration") or {}
        return bool((app.ingress or {}).get("external")) or bool(network.get("internal"))

    def longest_of(self, app_id: str) -> float:
        """Return the seconds that a request may take: an environment can allow more."""
        environment = self._world.get(self._environments.get(app_id.lower(), "")) or {}
        told = (environment.get("properties") or {}).get("ingressConfiguration") or {}
        return float(told["requestIdleTimeout"]) * 60 if told.get("requestIdleTimeout") else self.longest

    def count(self, revision: str, status: int, seconds: float) -> None:
        """Count an answer; status 0: the connection broke."""
        with self._lock:
            self._met.setdefault(revision, deque(maxlen=_REMEMBERED)).append(Met(time.time(), status, seconds))

    def met(self, revision: str) -> list[Met]:
        """Return what clients met at a revision."""
        with self._lock:
            return list(self._met.get(revision, ()))


class _Place(EndingServer):
    """One address."""

    def __init__(self, place: tuple[str, int], ingress: Ingress, app_id: str, revision: str) -> None:
        self.ingress, self.app_id, self.revision = ingress, app_id, revision
        super().__init__(place, _Handler)
        self.host = f"{place[0]}:{self.server_port}"
        self._context = ingress.context(f"at-{place[0]}", [place[0]], [])
        self._context.sni_callback = self._named
        self.start()

    def opened(self, request: socket.socket) -> socket.socket | None:
        request.settimeout(HANDSHAKE)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            first = request.recv(1, socket.MSG_PEEK)
            if first and first[0] == _TLS:
                request = self._context.wrap_socket(request, server_side=True)
        except OSError:
            return None
        request.settimeout(None)
        return request

    def _named(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name:
            connection.context = self.ingress.named(self.app_id, name)


class _Handler(BaseHTTPRequestHandler):
    server: _Place
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep the terminal quiet."""

    def _serve(self) -> None:
        ingress = self.server.ingress
        app, revision = ingress.route(self.server.app_id, self.server.revision, self.headers.get("Host") or "")
        body = body_of(self)
        if app is None or not app.ingress or app.stopped or not ingress.is_inside(app):
            self._say(404, "Error 404 - This Container App is stopped or does not exist.")
            return
        secure = isinstance(self.connection, ssl.SSLSocket)
        if not secure and not app.ingress.get("allowInsecure"):
            self._say(301, "", {"Location": f"https://{self.headers.get('Host')}{self.path}"})
            return
        if not _may_come(app.ingress, self.client_address[0]):
            self._say(403, "RBAC: access denied")
            return
        self._to_revision(app, revision or app.turns.next(app.weights()), body, secure=secure)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  # looked for

    def _to_revision(self, app: App, name: str, body: bytes, *, secure: bool) -> None:
        revision = app.revisions.get(name)
        begun = time.monotonic()
        replica = _replica(revision) if revision is not None and revision.active else None
        if replica is None:
            # nobody takes it: words of the proxy that the service has in front
            self._say(
                503, "upstream connect error or disconnect/reset before headers. reset reason: connection failure"
            )
            self.server.ingress.count(name, 503, time.monotonic() - begun)
            return
        status = 0
        try:
            status = self._forward(replica, int((app.ingress or {})["targetPort"]), body, secure=secure)
        finally:
            replica.leave()
            self.server.ingress.count(name, status, time.monotonic() - begun)

    def _forward(self, replica: Replica, port: int, body: bytes, *, secure: bool) -> int:
        longest = self.server.ingress.longest_of(self.server.app_id)
        upstream = http.client.HTTPConnection(replica.address or "127.0.0.1", port, timeout=longest)
        try:
            headers = self._headers(secure=secure)
            upstream.request(
                self.command, self.path, body if body or "Content-Length" in self.headers else None, headers
            )
            answer = upstream.getresponse()
        except TimeoutError:
            self._say(504, "upstream request timeout")
            return 504
        except (OSError, http.client.HTTPException):
            self._say(
                503, "upstream connect error or disconnect/reset before headers. reset reason: connection failure"
            )
            return 503
        else:
            self._give(answer)
            return answer.status
        finally:
            upstream.close()

    def _give(self, answer: http.client.HTTPResponse) -> None:
        """Hand an answer on, piece by piece as it comes."""
        self.send_response_only(answer.status, answer.reason)
        length = answer.getheader("Content-Length")
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_HOP:
                self.send_header(name, value)
        bare = self.command == "HEAD" or answer.status in {204, 304} or answer.status < 200
        chunked = length is None and not bare
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not bare and (block := answer.read1(_BLOCK)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _headers(self, *, secure: bool) -> Mapping[str, str]:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_HOP}
        kept["X-Forwarded-For"] = self.client_address[0]
        kept["X-Forwarded-Proto"] = "https" if secure else "http"
        kept["X-Forwarded-Host"] = self.headers.get("Host") or ""
        return kept

    def _say(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        data = text.encode()
        with contextlib.suppress(OSError):  # the client may have gone
            self.send_response_only(status)
            for name, value in {
                "Content-Type": "text/plain",
                "Content-Length": str(len(data)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
            self.wfile.flush()


def _replica(revision: Revision) -> Replica | None:
    """Return who takes a request; one that has no replica gets one, and the request waits for it."""
    chosen = revision.pick()
    if chosen is not None or revision.state != "Provisioned" or revision.replicas:
        return chosen
    revision.wake()
    deadline = time.monotonic() + COLD_START
    while (chosen := revision.pick()) is None and time.monotonic() < deadline and revision.replicas:
        time.sleep(0.02)
    return chosen


def _may_come(ingress: dict[str, Any], client: str) -> bool:
    rules = ingress.get("ipSecurityRestrictions") or []
    if not rules:
        return True
    inside = any(
        ipaddress.ip_address(client) in ipaddress.ip_network(one["ipAddressRange"], strict=False) for one in rules
    )
    allows: bool = rules[0]["action"] == "Allow"
    return inside == allows


def _by_name(left: str, known: list[App]) -> tuple[App | None, str]:
    name, revision, label = parsed(left.removesuffix(".internal"))
    app = next((one for one in known if one.name.lower() == name), None)
    if app is None:
        return None, ""
    if label:
        found = app.labels().get(label, "")
        return (app, found) if found else (None, "")
    if revision:
        return (app, revision) if revision in app.revisions else (None, "")
    return app, ""
