"""Keys: two at a time, changed by a file, seen before the body, never in the log."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from ..conftest import Running, Serve
from ..raw import ECHO, connect


def ask(server: Running, key: str, scheme: str = "Bearer") -> int:
    return server.ask("POST", "/score", b"abc", {"Authorization": f"{scheme} {key}"}).status


def replaced(path: Path, content: str) -> None:
    """Replace a file at once, as tools that rotate secrets do."""
    other = path.with_name("next")
    other.write_text(content, encoding="utf-8")
    other.replace(path)


def test_both_keys_and_only_they_are_good(start: Serve) -> None:
    server = start(ECHO, ACIML_PRIMARY_KEY="one", ACIML_SECONDARY_KEY="two")

    assert [ask(server, key) for key in ("one", "two", " one ", "three", "", "on", "onee", "ONE")] == [
        *(200, 200, 200, 401, 401, 401, 401, 401)
    ]
    assert [ask(server, "one", scheme) for scheme in ("bearer", "Basic", "")] == [200, 401, 401]
    assert server.ask("POST", "/score", b"abc").headers["www-authenticate"] == "Bearer"
    assert server.ask("GET", "/").status == 200


def test_a_key_is_judged_before_the_body_comes(start: Serve) -> None:
    server = start(ECHO, ACIML_PRIMARY_KEY="one")
    with connect(server) as client:
        client.sendall(
            b"POST /score HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer two\r\nContent-Length: 1000000\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("form", ["{one}\n{two}\n", '{{"primary": "{one}", "secondary": "{two}"}}', "{one}\r\n{two}"])
def test_a_file_of_keys_may_be_replaced_at_any_time(start: Serve, tmp_path: Path, form: str) -> None:
    path = tmp_path / "keys"
    path.write_text(form.format(one="old", two="both"), encoding="utf-8")
    server = start(ECHO, ACIML_KEYS_FILE=str(path), ACIML_PRIMARY_KEY="not-this-one")
    assert [ask(server, key) for key in ("old", "both", "new", "not-this-one")] == [200, 200, 401, 401]

    replaced(path, form.format(one="both", two="new"))
    server.wait_for("keys were read again: 2")
    assert [ask(server, key) for key in ("old", "both", "new")] == [401, 200, 200]


@pytest.mark.parametrize("broken", ["", "\n\n", "{", '{"primary": 7}', "{}"])
def test_a_file_without_keys_keeps_those_that_were(start: Serve, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "keys"
    path.write_text("secret-one", encoding="utf-8")
    server = start(ECHO, ACIML_KEYS_FILE=str(path))
    replaced(path, broken)
    server.wait_for("the keys stay as they were")

    assert [ask(server, key) for key in ("secret-one", "", "7")] == [200, 401, 401]
    replaced(path, json.dumps({"primary": "secret-two"}))
    server.wait_for("keys were read again: 1")
    assert [ask(server, key) for key in ("secret-one", "secret-two")] == [401, 200]
    server.process.send_signal(signal.SIGTERM)
    server.end()
    assert "secret-" not in "\n".join(server.log)


def test_a_folder_of_secrets_is_swapped_by_its_link(start: Serve, tmp_path: Path) -> None:
    """Kubernetes and container groups mount secrets as ``..data`` -> a folder of this version."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "keys").write_text(version, encoding="utf-8")
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "keys").symlink_to("..data/keys")
    server = start(ECHO, ACIML_KEYS_FILE=str(tmp_path / "keys"))
    (tmp_path / "..next").symlink_to("two")
    (tmp_path / "..next").replace(tmp_path / "..data")
    server.wait_for("keys were read again")

    assert [ask(server, key) for key in ("one", "two")] == [401, 200]


@pytest.mark.parametrize("content", [None, ""])
def test_a_service_that_should_have_keys_does_not_start_without(
    start: Serve, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    server = start(ECHO, listening=False, ACIML_KEYS_FILE=str(path))

    assert server.end() == 1
    assert str(path) in server.log[-1]


def test_the_script_sees_no_key(start: Serve) -> None:
    script = """
import os

def run(raw_data, request_headers):
    return [n for n, v in [*os.environ.items(), *request_headers.items()] if "the-key" in v]
"""
    server = start(script, ACIML_PRIMARY_KEY="the-key")

    assert server.ask("POST", "/score", b"", {"Authorization": "Bearer the-key"}).body == b"[]"


def test_without_keys_of_ours_the_header_is_the_scripts(start: Serve) -> None:
    server = start("def run(raw_data, request_headers):\n    return request_headers['Authorization']\n")

    assert server.ask("POST", "/score", b"", {"Authorization": "Basic its-own"}).body == b'"Basic its-own"'
