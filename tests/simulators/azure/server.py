"""HTTPS on a port of 127.0.0.1: threads, keep-alive, a certificate of an authority made for the occasion."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.simulators.ending_server import EndingServer, body_of

from .http import Request, Response

HANDSHAKE = 20  # seconds


class Cut(Exception):
    """The connection ends here, without an answer."""


class HttpsServer:
    """Hands each request to ``answer``, which may raise ``Cut``. ``ca_bundle`` is the PEM to trust."""

    def __init__(self, folder: Path, answer: Callable[[Request], Response], port: int = 0) -> None:
        self.authority = Authority(folder)
        self.ca_bundle = self.authority.bundle
        chain = self.authority.issue("server.pem", ["127.0.0.1"], ["localhost"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        handler = type("Handler", (_Handler,), {"give": staticmethod(answer)})
        self._server = _Server(("127.0.0.1", port), handler, bind_and_activate=False)
        self._server.context = context
        self._server.allow_reuse_address = True
        self._server.server_bind()
        self._server.server_activate()
        self.base = f"https://127.0.0.1:{self._server.server_port}"
        self._server.base = self.base

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()

    def close(self) -> None:
        """Stop, and end the connections that clients keep."""
        self._server.end()


class _Server(EndingServer):
    context: ssl.SSLContext
    base = ""

    def opened(self, request: socket.socket) -> socket.socket | None:
        """Shake hands in the connection's own thread: a slow client keeps nobody else waiting."""
        request.settimeout(HANDSHAKE)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            secure = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return None
        secure.settimeout(None)
        return secure


class _Handler(BaseHTTPRequestHandler):
    give: Callable[[Request], Response]
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one piece

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep the terminal quiet."""

    def _serve(self) -> None:
        try:
            self._answer(self.give(self._request()))
        except Cut:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  # looked for

    def _request(self) -> Request:
        url = urlsplit(self.path)
        query = {
            name.lower() if name.lower() == "api-version" else name: value
            for name, value in parse_qsl(url.query, keep_blank_values=True)
        }
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, unquote(url.path), query, headers, body_of(self), self.server.base)

    def _answer(self, response: Response) -> None:
        data, kind = _written(response.body)
        self.send_response(response.status)
        headers = {"Content-Type": kind, **response.headers} if data else dict(response.headers)
        headers.setdefault("Content-Length", str(len(data)))
        if response.status in {204, 304}:
            headers.pop("Content-Length")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _written(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", ""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    return json.dumps(body).encode(), "application/json; charset=utf-8"


class Authority:
    """Signs certificates of servers; ``bundle`` is the PEM file of those who trust it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Emulated authority")
        ca = _builder(self._name, self._name, self._key.public_key())
        ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = dict.fromkeys(_USES, False) | {"key_cert_sign": True, "crl_sign": True, "digital_signature": True}
        ca = ca.add_extension(x509.KeyUsage(**usage), critical=True)
        ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        folder.mkdir(parents=True, exist_ok=True)
        self.bundle = folder / "ca.pem"
        pem = serialization.Encoding.PEM
        self.bundle.write_bytes(ca.sign(self._key, hashes.SHA256()).public_bytes(pem))

    def issue(self, file: str, addresses: Iterable[str], hosts: Iterable[str]) -> Path:
        """Make the PEM file of a chain and its key, for a server with these addresses and host names."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = _builder(_name(next(iter([*addresses, *hosts]))[:64]), self._name, key.public_key())
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
        names += [x509.DNSName(each) for each in hosts]
        own = own.add_extension(x509.SubjectAlternativeName(names), critical=False)
        own = own.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = own.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        chain = self._folder / file
        chain.write_bytes(certificate.public_bytes(pem) + secret)
        return chain


_USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
    return builder.not_valid_after(now + dt.timedelta(days=30))
