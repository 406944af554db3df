"""Stand-ins are named only while the real thing does not answer, and a person's own entries stay."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aciml.settings import Settings
from bootstrap.mirrors import ASK_AGAIN_SECONDS, ensure_mirror, read_mirrors, write_mirrors

STAND_IN = "file:///somewhere/channel"
NOWHERE = "http://127.0.0.1:9/"  # the discard port: nothing listens


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path))
    monkeypatch.delenv("ACIML_MIRRORS", raising=False)
    return tmp_path


@contextmanager
def answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def ensure(url: str) -> None:
    ensure_mirror("channels", "conda-forge", url, lambda _: STAND_IN)


def forget_when_it_was_asked(cache: Path) -> None:
    notes = json.loads((cache / "bootstrap.json").read_text())
    notes["asked"]["conda-forge"]["at"] -= ASK_AGAIN_SECONDS + 1
    (cache / "bootstrap.json").write_text(json.dumps(notes))


def test_the_plugin_reads_the_stand_in_of_what_does_not_answer() -> None:
    ensure(NOWHERE)

    assert Settings.read().channels == {"conda-forge": STAND_IN}


@pytest.mark.parametrize("status", [200, 401])
def test_what_answers_needs_no_stand_in(status: int, cache: Path) -> None:
    with answering(status) as url:
        ensure(url)

    assert not (cache / "mirrors.toml").exists()


def test_a_server_error_is_no_answer() -> None:
    with answering(503) as url:
        ensure(url)

    assert read_mirrors()["channels"] == {"conda-forge": STAND_IN}


def test_the_stand_in_goes_when_the_real_thing_answers_again(cache: Path) -> None:
    ensure(NOWHERE)
    forget_when_it_was_asked(cache)
    with answering(200) as url:
        ensure(url)

    assert not (cache / "mirrors.toml").exists()


def test_an_answer_is_believed_for_a_day() -> None:
    ensure(NOWHERE)
    with answering(200) as url:
        ensure(url)

    assert read_mirrors()["channels"] == {"conda-forge": STAND_IN}


def test_an_entry_that_a_person_wrote_stays() -> None:
    own = {"channels": {"conda-forge": "https://mirror.example/conda"}, "registries": {"ghcr.io": "https://r.example"}}
    write_mirrors(own)
    ensure(NOWHERE)

    assert read_mirrors() == own


def test_the_stand_in_learns_where_it_was_before() -> None:
    seen: list[str] = []

    def make(before: str) -> str:
        seen.append(before)
        return "http://127.0.0.1:5055"

    for _ in range(2):
        ensure_mirror("registries", "docker.io", NOWHERE, make)

    assert seen == ["", "http://127.0.0.1:5055"]
    assert Settings.read().registries == {"docker.io": "http://127.0.0.1:5055"}
