"""The site builds with strict links, and is read in a real browser that reaches nothing but it."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.cli import COMMANDS
from docs.site import build
from tests.docs.pages import PAGES
from tests.server.front.browser import Browser, open_browser

# what the page itself has, and nothing of another host: a request to one is an error in the console
POLICY = (
    "default-src 'self' data:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; connect-src 'self'"
)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the class has it
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_page_is_built_and_found_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in PAGES.rglob("*.md"):
        name = page.relative_to(PAGES).with_suffix("").as_posix()
        place = "" if name == "index" else name.removesuffix("/index") + "/"
        assert (site / place / "index.html").is_file(), name
        assert f'href="{place or "."}"' in home, name


def test_pages_that_are_made_have_what_they_are_made_of(site: Path) -> None:
    text = {name: (site / name / "index.html").read_text(encoding="utf-8") for name in (
        "reference/arguments", "reference/components", "reference/outputs", "reference/resources",
        "reference/server-variables", "commands", "decisions", "project/architecture",
    )}  # fmt: skip

    assert "scoring_timeout_ms" in text["reference/arguments"]
    assert 'id="pulumi_aciml.scoring.ScoringServiceArgs"' in text["reference/components"]
    assert "Where to POST to." in text["reference/outputs"]
    assert "aciml:compute:ContainerGroup" in text["reference/resources"]
    assert "ACIML_MAX_IN_FLIGHT" in text["reference/server-variables"]
    assert "--no-reload" in text["commands"]
    assert 'href="rollout/"' in text["decisions"]
    assert "provider/aciml/core/" in text["project/architecture"]


def test_no_page_names_another_host_for_what_it_needs(site: Path) -> None:
    needed = re.compile(r"""<(?:script|img|iframe|source|link)[^>]+(?:src|href)=["'](?:https?:)?//""")
    for page in site.rglob("*.html"):
        assert needed.findall(page.read_text(encoding="utf-8")) == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with open_browser(tmp_path) as opened:
        yield opened


def test_it_is_read_in_a_browser(browser: Browser, address: str) -> None:
    browser.open(address)
    assert browser.run("return document.querySelector('h1').innerText").startswith("aciml")

    # search: the index and its worker are files of the site
    for words, page in {
        "extra_docker_file_steps": "/migration/parameters/",
        "lock_mode": "/guides/lock/",
        "Docker does not answer": "/messages/",
    }.items():
        browser.fill("input.md-search__input", words)
        found = "[...document.querySelectorAll('.md-search-result__link')].some(one => one.href.includes(arguments[0]))"
        assert browser.wait(f"return {found}", page)

    # navigation: a tab, then a page of it
    browser.open(address)
    browser.click(".md-tabs a[href*='guides']")
    browser.wait("return location.pathname.includes('/guides/') && document.readyState === 'complete'")
    browser.click(".md-sidebar--primary a[href*='rollout']")
    browser.wait("return location.pathname.endsWith('/guides/rollout/') && document.readyState === 'complete'")
    assert browser.run("return !!document.getElementById('blue-green')")

    # a drawing, in light and dark
    browser.open(address + "how/")
    colour = "return getComputedStyle(document.querySelector('.drawing text')).fill"
    first = browser.wait(colour)
    before = browser.run("return document.body.getAttribute('data-md-color-scheme')")
    browser.run("[...document.querySelectorAll('.md-header label[for^=__palette]')].find(l => !l.hidden).click()")
    browser.wait("return document.body.getAttribute('data-md-color-scheme') !== arguments[0]", before)
    assert browser.wait(colour) != first
    assert {before, browser.run("return document.body.getAttribute('data-md-color-scheme')")} == {"default", "slate"}

    loaded = browser.run("return performance.getEntriesByType('resource').map(one => one.name)")
    assert loaded
    assert [one for one in loaded if not one.startswith(address) and not one.startswith("data:")] == []
    assert browser.logs == []


def test_each_command_has_a_page() -> None:
    there = {path.stem for path in (PAGES.parents[1] / "docs/pages/commands").glob("*.md")}

    assert there == {*COMMANDS}


def test_the_page_of_guides_names_each_guide() -> None:
    guides = PAGES.parents[1] / "docs/pages/guides"
    text = (guides / "index.md").read_text()

    assert [path.name for path in guides.glob("*.md") if path.name != "index.md" and f"({path.name})" not in text] == []
