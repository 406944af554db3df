"""Which image runs: a header, and a label of the metrics; said by whoever starts the container."""

from __future__ import annotations

import pytest

from tests.server.conftest import Running, Serve

DIGEST = "sha256:" + "0123456789abcdef" * 4
ECHO = "def init():\n    pass\n\ndef run(raw_data):\n    return raw_data\n"


def info(server: Running) -> str:
    """Return the line of ``/metrics`` that says what this is."""
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return next(line for line in lines if line.startswith("aciml_info"))


def test_every_answer_and_the_metrics_name_the_image(start: Serve) -> None:
    server = start(ECHO, ACIML_IMAGE_DIGEST=DIGEST)

    for method, path in (("GET", "/"), ("POST", "/score"), ("GET", "/nowhere"), ("GET", "/metrics")):
        assert server.ask(method, path).headers["x-aciml-image"] == DIGEST
    assert f'image="{DIGEST}"' in info(server)
    assert 'version="' in info(server)


def test_the_header_can_be_switched_off_and_the_metrics_still_know(start: Serve) -> None:
    server = start(ECHO, ACIML_IMAGE_DIGEST=DIGEST, ACIML_IMAGE_HEADER="false")

    assert "x-aciml-image" not in server.ask("GET", "/").headers
    assert f'image="{DIGEST}"' in info(server)


def test_a_server_that_nobody_told_says_nothing(start: Serve) -> None:
    server = start(ECHO)

    assert "x-aciml-image" not in server.ask("GET", "/").headers
    assert "image=" not in info(server)


def test_a_browser_of_elsewhere_may_read_the_header(start: Serve) -> None:
    server = start(ECHO, ACIML_IMAGE_DIGEST=DIGEST, AML_CORS_ORIGINS="*")
    reply = server.ask("GET", "/", headers={"Origin": "https://page.example"})

    assert "x-aciml-image" in reply.headers["access-control-expose-headers"].split(", ")


@pytest.mark.parametrize("text", ["latest", "sha256:0\r\nset-cookie: a=b", "sha256:" + "G" * 64])
def test_a_text_that_is_no_digest_never_gets_into_a_header(text: str) -> None:
    from aciml_server.settings import Settings

    with pytest.raises(ValueError, match=r"ACIML_IMAGE_DIGEST is .* which is not a digest"):
        Settings.take({"ACIML_IMAGE_DIGEST": text})
