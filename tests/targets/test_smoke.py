"""The sample request against real HTTP and TLS servers."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aciml.model.rollout import SmokeTest
from aciml.targets.protocol import Certificate
from aciml.targets.smoke import ask, knock, run_smoke, trust
from tests.simulators.certificates import self_signed


class Echo(BaseHTTPRequestHandler):
    """Answers ``/score`` with what it got, ``/moved`` with a redirect, ``/text`` with no JSON, all else with 404."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        key = self.headers.get("Authorization", "")
        told = {
            "/score": (200, json.dumps({"got": body.decode(), "key": key})),
            "/moved": (302, ""),
            "/text": (200, "x" * 999),
        }
        status, text = told.get(self.path, (404, f"no such page, {key}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Location", "/score")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def url() -> Iterator[str]:
    with serving() as here:
        yield here


def made_certificate() -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "score.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certificate(made.public_bytes(pem), private)


def server_context(certificate: Certificate, folder: Path) -> ssl.SSLContext:
    (folder / "both.pem").write_bytes(certificate.chain + certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def test_the_expected_answer_says_nothing(url: str) -> None:
    expected = {"got": "[1, 2]", "key": "Bearer k"}

    assert run_smoke(url, SmokeTest(body="[1, 2]", expect_json=expected), "k") == ""
    assert run_smoke(url + "/", SmokeTest(path="score", method="GET")) == ""


def test_another_status_is_told_with_the_body_and_without_the_key(url: str) -> None:
    said = run_smoke(url, SmokeTest(path="/nowhere", body="{}"), "my-key")

    assert said == "POST /nowhere answered 404 instead of 200: no such page, Bearer [secret]"


def test_an_expected_failure_is_fine(url: str) -> None:
    assert run_smoke(url, SmokeTest(path="/nowhere", expect_status=404)) == ""


def test_other_json_and_no_json_are_told_shortened(url: str) -> None:
    assert run_smoke(url, SmokeTest(expect_json={"a": 1})) == (
        'POST /score answered {"got": "", "key": ""} instead of {"a": 1}'
    )
    text = run_smoke(url, SmokeTest(path="/text", expect_json={"a": 1}))
    assert text.startswith("POST /text answered 200 with a body that is no JSON: xxx")
    assert len(text) < 400


def test_a_redirect_is_an_answer_of_its_own(url: str) -> None:
    assert run_smoke(url, SmokeTest(path="/moved")) == "POST /moved answered 302 instead of 200, without a body"


def test_nobody_there_and_an_unknown_name_are_told_apart() -> None:
    with serving() as here:
        gone = here

    assert run_smoke(gone, SmokeTest()) == "POST /score got no answer: refused"
    assert str(ask("http://name.invalid/")) == "no answer: unknown name"


def test_the_given_certificate_is_looked_for_and_its_name_is_not_compared(tmp_path: Path) -> None:
    given = made_certificate()

    with serving(server_context(given, tmp_path)) as url:
        assert run_smoke(url, SmokeTest(), verify=trust(given)) == ""


def test_another_certificate_than_the_given_one_is_refused(tmp_path: Path) -> None:
    with serving(server_context(made_certificate(), tmp_path)) as url:
        said = run_smoke(url, SmokeTest(), verify=trust(made_certificate()))

    assert said.startswith("POST /score got no answer: its certificate is not the one that was given")


def test_a_server_without_tls_is_told(url: str) -> None:
    said = run_smoke(url.replace("http:", "https:"), SmokeTest(), verify=trust(made_certificate()))

    assert said.startswith("POST /score got no answer: no TLS")


def test_a_server_that_wants_certificates_of_clients_serves_though_nobody_here_has_one(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(chain)
    certificate = Certificate(chain.read_bytes(), key.read_bytes(), chain.read_bytes())

    with serving(context) as url:
        answer = knock(f"{url}/score", certificate)
    assert answer.serves
    assert str(answer) == "no answer: it wants a certificate of the client"
