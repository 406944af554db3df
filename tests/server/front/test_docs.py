"""The page for people: Swagger UI from the server's own files, in a real browser; and what stands there without it."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import Running, Serve
from .browser import Browser, open_browser

SCRIPT = "import json\ndef run(raw_data):\n    return sum(json.loads(raw_data))\n"
KEY = {"Authorization": "Bearer the-key"}
FILES = ("swagger-ui-bundle.js", "swagger-ui.css")


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the files as images have them."""
    spec = importlib.util.find_spec("flask_swagger_ui")
    if spec is None or spec.origin is None:
        pytest.skip("the package that has Swagger UI is not installed")
    folder = tmp_path_factory.mktemp("static")
    for name in FILES:
        content = (Path(spec.origin).parent / "dist" / name).read_bytes()
        (folder / (name + ".gz")).write_bytes(gzip.compress(content, mtime=0))
    return folder


@pytest.fixture(scope="module")
def server(start: Serve, static: Path) -> Running:
    return start(SCRIPT, ACIML_STATIC=str(static), ACIML_PRIMARY_KEY="the-key", SERVICE_NAME="Diabetes <b>")


@pytest.fixture(scope="module")
def plain(start: Serve, tmp_path_factory: pytest.TempPathFactory) -> Running:
    return start(SCRIPT, ACIML_STATIC=str(tmp_path_factory.mktemp("empty")), SERVICE_NAME="Diabetes <b>")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def test_a_person_tries_the_service_in_a_browser(server: Running, browser: Browser) -> None:
    browser.open(f"http://127.0.0.1:{server.port}/docs")
    shown = (
        "return [...document.querySelectorAll('.opblock-summary-path')].map(e => e.innerText.replace(/\\u200b/g, ''))"
    )
    browser.wait("return document.querySelectorAll('.opblock').length == 3")
    assert browser.run(shown) == ["/", "/score", "/swagger.json"]
    assert browser.run("return document.title") == "Diabetes <b>"

    _authorize(browser, "the-key")
    text = _try(browser, "[1, 2, 39]")

    assert text.split()[0] == "200"
    assert "42" in text.split()
    assert [line for line in browser.logs if "favicon" not in line] == []  # the policy forbade nothing


def _authorize(browser: Browser, key: str) -> None:
    browser.click(".auth-wrapper .authorize")
    browser.fill(".auth-container input", key)
    browser.click(".auth-btn-wrapper .authorize")
    browser.click(".auth-btn-wrapper .btn-done")


def _try(browser: Browser, body: str) -> str:
    """Send a body from the page, and return what the page then shows; it sends nothing before there is a body."""
    browser.click("#operations-default-RunMLService .opblock-summary-control")
    browser.fill("#operations-default-RunMLService textarea", body)
    browser.click("#operations-default-RunMLService .execute")
    answer = "#operations-default-RunMLService .live-responses-table .response"
    return str(browser.wait("return document.querySelector(arguments[0])?.innerText", answer))


def test_a_wrong_key_is_told_on_the_page(server: Running, browser: Browser) -> None:
    browser.open(f"http://127.0.0.1:{server.port}/docs/")  # leads to /docs
    _authorize(browser, "another")

    assert _try(browser, "[1]").split()[0] == "401"


def test_the_page_may_load_from_nowhere_else(server: Running) -> None:
    page = server.ask("GET", "/docs")
    rules = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))

    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert rules["default-src"] == "'none'"
    assert {word for rule in rules.values() for word in rule.split()} <= {"'none'", "'self'", "data:"}
    assert b"Diabetes &lt;b&gt;" in page.body
    assert b"http" not in page.body


@pytest.mark.parametrize("name", FILES)
def test_files_are_sent_as_they_lie_there_and_only_once(server: Running, static: Path, name: str) -> None:
    packed = server.ask("GET", "/docs/" + name, headers={"Accept-Encoding": "gzip, br"})
    plain = server.ask("GET", "/docs/" + name)
    again = server.ask("GET", "/docs/" + name, headers={"If-None-Match": packed.headers["etag"]})

    assert packed.body == (static / (name + ".gz")).read_bytes()
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.body == gzip.decompress(packed.body)
    assert "content-encoding" not in plain.headers
    assert "immutable" in plain.headers["cache-control"]
    assert (again.status, again.body) == (304, b"")


def test_the_page_asks_for_files_by_their_content(server: Running) -> None:
    page = server.ask("GET", "/docs").body.decode()
    tags = [server.ask("HEAD", "/docs/" + name).headers["etag"].strip('"') for name in FILES]

    assert all(f"{name}?{tag}" in page for name, tag in zip(FILES, tags, strict=True))


def test_without_swagger_ui_the_page_is_plain(plain: Running) -> None:
    page = plain.ask("GET", "/docs")

    assert page.status == 200
    assert b"<h1>Diabetes &lt;b&gt; 1.0</h1>" in page.body
    assert b"POST /score" in page.body
    assert b"<script" not in page.body
    assert plain.ask("GET", "/docs/swagger-ui.css").status == 404


def test_the_page_shows_the_documents_of_the_user(start: Serve, static: Path) -> None:
    own = {"openapi": "3.1.0", "info": {"title": "mine", "version": "7"}, "paths": {}}
    server = start(SCRIPT, {"swagger3.1.json": json.dumps(own)}, ACIML_STATIC=str(static))

    assert b"swagger.json?version=3.1" in server.ask("GET", "/docs/start.js").body


def test_docs_can_be_switched_off(start: Serve, static: Path) -> None:
    server = start(SCRIPT, ACIML_STATIC=str(static), ACIML_DOCS="false")

    assert [server.ask("GET", path).status for path in ("/docs", "/docs/swagger-ui.css", "/swagger.json")] == [
        404,
        404,
        200,
    ]


def test_a_proxy_may_put_a_path_before_all(start: Serve, static: Path) -> None:
    server = start(SCRIPT, ACIML_STATIC=str(static), SERVICE_PATH_PREFIX="a/b")
    page = server.ask("GET", "/a/b/docs").body.decode()

    assert 'src="docs/start.js"' in page  # relative to /a/b/docs
    assert server.ask("GET", "/a/b/docs/start.js").status == 200
    assert server.ask("GET", "/docs/").headers["location"] == "../docs"
