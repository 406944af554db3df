"""Requests of pages from elsewhere, as browsers send them (Fetch standard, section 3.2)."""

from __future__ import annotations

import pytest

from aciml_server.front.cors import cors_of
from aciml_server.settings import Settings

from ..conftest import Running, Serve
from ..raw import ECHO

ORIGIN = "https://page.example"


def allowed(server: Running, origin: str) -> str | None:
    return server.ask("POST", "/score", b"abc", {"Origin": origin}).headers.get("access-control-allow-origin")


def test_a_preflight_is_answered_before_the_key_is_asked_for(start: Serve) -> None:
    server = start(ECHO, ACIML_PRIMARY_KEY="k", AML_CORS_ORIGINS=f"{ORIGIN}, https://other.example")
    wanted = "authorization, content-type"
    question = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    reply = server.ask("OPTIONS", "/score", None, question)

    assert (reply.status, reply.body) == (200, b"")
    told = {name.removeprefix("access-control-"): value for name, value in reply.headers.items()}
    assert (told["allow-origin"], told["allow-methods"], told["allow-headers"]) == (ORIGIN, "GET, POST", wanted)
    assert (told["max-age"], told["vary"]) == ("600", "origin")


def test_errors_can_be_read_as_well(start: Serve) -> None:
    server = start(ECHO, ACIML_PRIMARY_KEY="k", AML_CORS_ORIGINS=ORIGIN)
    reply = server.ask("POST", "/score", b"", {"Origin": ORIGIN})

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (401, ORIGIN)
    assert "x-request-id" in reply.headers["access-control-expose-headers"]
    assert server.ask("GET", "/nowhere", None, {"Origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    ("origins", "origin", "expected"),
    [
        ("*", ORIGIN, "*"),
        (ORIGIN, ORIGIN, ORIGIN),
        (ORIGIN, "https://PAGE.example", "https://PAGE.example"),
        (ORIGIN, "http://page.example", None),
        (ORIGIN, "https://page.example.evil", None),
        (ORIGIN, "https://pagexexample", None),
        ("page.example", ORIGIN, ORIGIN),
        ("https://*.example", ORIGIN, ORIGIN),
        ("https://*.example", "https://example", None),
        ("null", "null", None),
        ("", ORIGIN, None),
    ],
)
def test_who_may_read_answers(origins: str, origin: str, expected: str | None) -> None:
    cors = cors_of(Settings.take({"AML_CORS_ORIGINS": origins}).cors_origins)
    lines = cors.lines(origin.encode()).decode().splitlines() if cors else []

    assert dict(line.split(": ", 1) for line in lines).get("access-control-allow-origin") == expected


def test_answers_have_the_headers_of_who_may_read_them(start: Serve) -> None:
    server = start(ECHO, AML_CORS_ORIGINS="https://*.example")

    assert [allowed(server, origin) for origin in (ORIGIN, "https://example")] == [ORIGIN, None]
    assert allowed(start(ECHO), ORIGIN) is None


def test_an_unknown_page_is_told_nothing_but_that_it_matters_who_asks(start: Serve) -> None:
    server = start(ECHO, AML_CORS_ORIGINS=ORIGIN)
    question = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    reply = server.ask("OPTIONS", "/score", None, question)

    assert reply.headers["vary"] == "origin"
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_options_without_an_origin_are_answered_as_ever(start: Serve) -> None:
    server = start(ECHO, AML_CORS_ORIGINS="*")
    reply = server.ask("OPTIONS", "/score")

    assert (reply.status, reply.body) == (200, b"")
    assert not [name for name in reply.headers if name.startswith("access-control")]
