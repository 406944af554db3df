"""The server with a certificate of its own: real handshakes, in several Pythons."""

from __future__ import annotations

import http.client
import socket
import ssl
import warnings
from pathlib import Path

import pytest

from tests.server.conftest import PATIENCE, Running, Serve
from tests.server.raw import until_closed
from tests.simulators.certificates import self_signed

SCRIPT = "def init():\n    pass\n\ndef run(raw_data):\n    return raw_data\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.mark.parametrize("version", ["3.8", "3.11", "3.13"])
def test_a_client_that_trusts_the_certificate_is_answered(
    start: Serve, certificate: tuple[Path, Path], version: str
) -> None:
    chain, key = certificate
    server = start(SCRIPT, version=version, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key))
    context = ssl.create_default_context(cafile=str(chain))
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=context)
    for body in (b'"one"', b'"' + b"x" * 300_000 + b'"'):
        connection.request("POST", "/score", body)
        answer = connection.getresponse()
        assert (answer.status, len(answer.read())) == (200, len(body) + 4)  # the text, quoted once more
    connection.close()


def test_a_client_that_shakes_no_hands_keeps_nobody_waiting(start: Serve, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    server = start(SCRIPT, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key))
    context = ssl.create_default_context(cafile=str(chain))
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE):
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=context)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"Healthy"
        connection.close()


def test_plain_http_is_not_answered(start: Serve, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    server = start(SCRIPT, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key))

    with pytest.raises((http.client.HTTPException, OSError)):
        server.ask("GET", "/")


def test_a_key_of_another_certificate_ends_the_start_in_one_sentence(
    start: Serve, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    _, other = self_signed(tmp_path, "127.0.0.1")
    server = start(SCRIPT, listening=False, ACIML_TLS_CERT=str(certificate[0]), ACIML_TLS_KEY=str(other))

    assert server.end() == 1
    assert "cannot use the certificate" in server.log[-1]


def trusting(chain: Path, pair: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Return a client's context: it trusts ``chain``, and shows a certificate of its own if it has a pair."""
    context = ssl.create_default_context(cafile=str(chain))
    if pair:
        context.load_cert_chain(*pair)
    return context


def healthy(server: Running, context: ssl.SSLContext) -> bool:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read() == b"Healthy"
    finally:
        connection.close()


def copied(pair: tuple[Path, Path], folder: Path) -> None:
    """Put a certificate and its key into a folder, as tools that renew certificates do: one after the other."""
    for path in pair:
        other = folder / "next"
        other.write_bytes(path.read_bytes())
        other.replace(folder / path.name)


@pytest.fixture
def renewed(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "renewed").mkdir()
    return self_signed(tmp_path / "renewed", "127.0.0.1")


def test_a_renewed_certificate_is_taken_without_a_restart(
    start: Serve, certificate: tuple[Path, Path], renewed: tuple[Path, Path], tmp_path: Path
) -> None:
    copied(certificate, tmp_path)
    tls = {"ACIML_TLS_CERT": str(tmp_path / "cert.pem"), "ACIML_TLS_KEY": str(tmp_path / "key.pem")}
    server = start(SCRIPT, **tls)
    kept = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=trusting(certificate[0]))
    kept.request("GET", "/")
    assert kept.getresponse().read() == b"Healthy"
    copied(renewed, tmp_path)
    server.wait_for("the certificate was read again")

    assert healthy(server, trusting(renewed[0]))
    with pytest.raises(ssl.SSLError):
        healthy(server, trusting(certificate[0]))
    kept.request("GET", "/")
    assert kept.getresponse().read() == b"Healthy"
    kept.close()


def test_a_pair_that_does_not_fit_is_not_taken(
    start: Serve, certificate: tuple[Path, Path], renewed: tuple[Path, Path], tmp_path: Path
) -> None:
    copied(certificate, tmp_path)
    tls = {"ACIML_TLS_CERT": str(tmp_path / "cert.pem"), "ACIML_TLS_KEY": str(tmp_path / "key.pem")}
    server = start(SCRIPT, **tls)
    (tmp_path / "cert.pem").write_bytes(renewed[0].read_bytes())
    server.wait_for("the certificate stays as it was")

    assert healthy(server, trusting(certificate[0]))


def test_clients_without_a_certificate_of_the_authority_are_not_let_in(
    start: Serve, certificate: tuple[Path, Path], renewed: tuple[Path, Path]
) -> None:
    """The client's certificate is its own authority here."""
    chain, key = certificate
    server = start(SCRIPT, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key), ACIML_TLS_CLIENT_CA=str(renewed[0]))

    assert healthy(server, trusting(chain, renewed))
    for context in (trusting(chain), trusting(chain, certificate)):
        with pytest.raises(OSError):  # noqa: PT011  # a TLS alert, or the reset that follows it
            healthy(server, context)
    assert healthy(server, trusting(chain, renewed))


def test_authorities_without_a_certificate_end_the_start(start: Serve, certificate: tuple[Path, Path]) -> None:
    server = start(SCRIPT, listening=False, ACIML_TLS_CLIENT_CA=str(certificate[0]))

    assert server.end() == 1
    assert "ACIML_TLS_CERT is missing" in server.log[-1]


def test_old_protocols_are_not_spoken(start: Serve, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    server = start(SCRIPT, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key))
    context = trusting(chain)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):  # noqa: PT011  # as above
        healthy(server, context)


def test_a_session_is_taken_up_again(start: Serve, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    server = start(SCRIPT, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key))
    context = trusting(chain)
    reused = []
    session = None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            while client.recv(1000):
                pass
            session = client.session
            reused.append(client.session_reused)

    assert reused == [False, True]


def test_hostile_bytes_and_a_stop_over_tls(start: Serve, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    server = start(SCRIPT, ACIML_TLS_CERT=str(chain), ACIML_TLS_KEY=str(key), ACIML_MAX_BODY="100000")
    for sent in (b"\0" * 1000, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\1" * 70_000):
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
            client.sendall(sent)
            until_closed(client)
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=trusting(chain))
    connection.request("POST", "/score", b"x" * 5_000_000)
    assert connection.getresponse().status == 413
    connection.close()
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"Healthy"
    server.process.terminate()

    assert server.end() == 0
    connection.close()
    assert not [line for line in server.log if "Traceback" in line]
