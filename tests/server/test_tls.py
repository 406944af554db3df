"""The server with a certificate of its own: real handshakes, in several Pythons."""

from __future__ import annotations

import http.client
import socket
import ssl
from pathlib import Path

import pytest

from tests.server.conftest import PATIENCE, Serve
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
