"""Answers that no registry gives, and lines that lead to none: each is one sentence that says what it was."""

from __future__ import annotations

import io
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from aciml.core.errors import AcimlError
from aciml.core.image import OCI_INDEX, OCI_MANIFEST, sha256_digest
from aciml.core.reference import Reference
from aciml.registry.client import RegistryClient
from aciml.registry.pull import pull_image
from tests.registry.images import noise
from tests.simulators.ending_server import serving

PAGE = b"<html><head><title>\n Sign in to\nthe hotel</title></head></html>"
ARM = {"digest": f"sha256:{64 * 'a'}", "size": 3, "mediaType": OCI_MANIFEST}
INDEX = {"manifests": [{**ARM, "platform": {"os": "linux", "architecture": "arm64"}}]}
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Give ``host:port`` of a server that answers all requests so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            answer(self)

        def do_HEAD(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer(self)

        def do_PUT(self) -> None:
            self.do_POST()

        def do_CONNECT(self) -> None:
            answer(self)

    with serving(Handler) as server:
        yield f"127.0.0.1:{server.server_port}"


def says(status: int, body: bytes = b"", kind: str = "", *, length: int = -1, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Connection", "close")
        handler.send_header("Content-Length", str(len(body) if length < 0 else length))
        for name, value in {"Content-Type": kind, **headers}.items():
            if value:
                handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return answer


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_WR)


def in_circles(handler: BaseHTTPRequestHandler) -> None:
    says(302, Location=handler.path)(handler)


def told(host: str, mirror: str = "", bundle: Path | None = None) -> str:
    reference = Reference.parse(f"{host}/app:1")
    with (
        RegistryClient(host, mirror=mirror, ca_bundle=bundle, wait=lambda _: None) as client,
        pytest.raises(AcimlError) as caught,
    ):
        pull_image(client, reference, architecture="amd64")
    return str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(200, PAGE, "text/html; charset=utf-8"), 'answered with a web page "Sign in to the hotel" to manifest'),
        (says(200, b"<p>", "text/html"), "answered with a web page to manifest app:1: something else than the reg"),
        (says(502, PAGE, "text/html"), "answered 502 to manifest app:1 (5 tries, 8 s); try again"),
        (says(429), "answered 429 to manifest app:1 (5 tries, 15 s); wait a few minutes"),
        (says(429, Retry_After="3600"), "answered 429 to manifest app:1, and asks to wait 3600 s; wait a few"),
        (in_circles, "sends every request on in a circle; check the registry's address"),
        (hangs_up, "closed the connection in the middle of a request (5 tries, 8 s); check that it runs"),
        (says(200, b'{"a":1}', OCI_MANIFEST, length=500), "closed the connection in the middle of a request (5 tries"),
        (says(200, b'{"schemaVersion":2,"config"', OCI_MANIFEST, length=12), "has a manifest for app that cannot be"),
        (says(200, b"[1, 2]", OCI_MANIFEST), "has a manifest for app that cannot be read"),
        (says(200, b"{}", OCI_MANIFEST), "has a manifest for app that cannot be read"),
        (says(200, noise("x", 100), OCI_MANIFEST), "has a manifest for app that cannot be read"),
        (says(200, json.dumps(INDEX).encode(), OCI_INDEX), "is not made for linux/amd64, only for linux/arm64"),
        (says(200, b"{}", "application/vnd.docker.distribution.manifest.v1+json"), "is no image but application/vnd"),
    ],
)
def test_what_is_no_answer_of_a_registry_is_told_as_what_it_is(answer: Answer, words: str) -> None:
    with answering(answer) as host:
        assert words in told(host)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(200, PAGE, "text/html"), 'answered with a web page "Sign in to the hotel" to layer'),
        (says(405), "answered 405 to layer (100 bytes); it takes no pushes: name the registry itself, and no mirror"),
        (says(507), "answered 507 to layer (100 bytes); free some space in the registry's storage"),
        (says(202), "opened an upload without saying where"),
        (says(413), "answered 413 to layer (100 bytes); raise its upload limit"),
    ],
)
def test_what_takes_no_push_says_so(answer: Answer, words: str) -> None:
    def look_first(handler: BaseHTTPRequestHandler) -> None:
        (says(404) if handler.command == "HEAD" else answer)(handler)

    content = noise("layer", 100)
    with (
        answering(look_first) as host,
        RegistryClient(host, wait=lambda _: None) as client,
        pytest.raises(AcimlError) as caught,
    ):
        client.upload_blob("app", sha256_digest(content), len(content), lambda: io.BytesIO(content), what="layer")
    assert words in str(caught.value)


def test_a_page_is_no_sign_of_a_registry() -> None:
    with (
        answering(says(200, PAGE, "text/html")) as host,
        RegistryClient(host) as client,
        pytest.raises(AcimlError, match="something else than the registry; check the address, and whether this"),
    ):
        client.ping()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, b"", "the token server of {host} answered 500 to a token (5 tries, 8 s)"),
        (429, b"", "the token server of {host} answered 429 to a token (5 tries, 15 s)"),
        (200, PAGE, "the token server of {host} answered without a token"),
        (200, b'{"token": null}', "the token server of {host} answered without a token"),
        (401, b"", "{host} refused anonymous access for a token (401); log in to it first"),
    ],
)
def test_a_token_server_is_told_apart_from_the_registry(status: int, body: bytes, words: str) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/token"):
            says(status, body)(handler)
        else:
            realm = f'Bearer realm="http://{handler.headers["Host"]}/token",service="x"'
            says(401, WWW_Authenticate=realm)(handler)

    with answering(answer) as host:
        assert told(host).startswith(words.format(host=host))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (407, "it answered 407 Proxy Authentication Required; put its user and password into HTTPS_PROXY"),
        (403, "it answered 403 Forbidden; check HTTP_PROXY, HTTPS_PROXY, NO_PROXY, and what the proxy lets through"),
        (503, "it answered 503 Service Unavailable (5 tries, 8 s); check HTTP_PROXY"),
    ],
)
def test_a_proxy_that_refuses_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, status: int, words: str
) -> None:
    with answering(says(status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pa55word@{proxy}")
        monkeypatch.setenv("NO_PROXY", "")
        assert told("registry.example") == (
            f"registry.example could not be reached through the proxy http://{proxy}: {words}"
            + told("registry.example").partition(words)[2]
        )
        assert "pa55word" not in told("registry.example")


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")

    assert "through the proxy http://127.0.0.1:9: Connection refused (5 tries, 8 s); check HTTP" in told("a.example")


def test_http_where_https_is_asked_is_told_as_such() -> None:
    with answering(says(200)) as host:
        assert told("registry.example", f"https://{host}").startswith(
            "registry.example does not speak https at that port; check the port"
        )


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be asked: "), ("no certificate", "the certificate bundle has no certificate")]
)
def test_a_bundle_that_cannot_be_used_is_told_as_such(tmp_path: Path, content: str | None, words: str) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with answering(says(200)) as host:
        message = told("registry.example", f"https://{host}", bundle)

    assert words in message
    assert message.endswith("mend ca_bundle, or SSL_CERT_FILE")


def test_words_of_openssl_lose_their_places_in_its_source() -> None:
    from requests.exceptions import SSLError

    from aciml.registry.errors import unreachable

    words = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate (_ssl.c:1006)")

    assert unreachable("a.example", "https://a.example/v2/", SSLError(words)).message == (
        "a.example could not be trusted: self-signed certificate"
    )
