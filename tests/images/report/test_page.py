"""The page in a real browser: it asks for nothing, has no error, can be read by keys, aloud, by day and by night."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aciml.core.anatomy import KINDS, Change, Exchange, PackageIn, Part
from aciml.core.image import Layer
from aciml.core.phases import Span
from aciml.images.report.contents import Build, Comparison, LayerReport, PackageSize, Report
from aciml.images.report.page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e&'\""
# the ratio of two colours' luminance, as WCAG 2.2 defines it, of every text that is shown and what is behind it
CONTRASTS = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const worst = {};
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("script")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = `${element.tagName} ${element.className} ${element.parentElement.className}`;
    worst[name] = Math.min(worst[name] ?? 99, ratio);
  }
  return worst;
}"""
# what axe-core would ask first: names of what can be used, headings in order, tables with headers, ids once
FAULTS = """() => {
  const found = [];
  const seen = new Set();
  for (const one of document.querySelectorAll("[id]")) {
    if (seen.has(one.id)) found.push(`id ${one.id} twice`);
    seen.add(one.id);
  }
  for (const one of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const name of ["aria-labelledby", "aria-describedby"])
      if (one.hasAttribute(name) && !seen.has(one.getAttribute(name))) found.push(`${name} leads nowhere`);
  for (const one of document.querySelectorAll("button, a, input, [tabindex='0']")) {
    const labels = [...(one.labels ?? [])].map((label) => label.textContent).join("");
    const label = one.getAttribute("aria-label") || one.textContent.trim() || labels;
    if (!label.trim()) found.push(`no name: ${one.outerHTML.slice(0, 80)}`);
  }
  let level = 0;
  for (const one of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(one.tagName[1]);
    if (next > level + 1) found.push(`heading jumps to ${one.textContent}`);
    level = next;
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) found.push("table without a caption");
    const bare = table.querySelector("thead td, tbody tr:not(:has(th[scope=row]))");
    if (bare) found.push(`cells without headers: ${bare.textContent}`);
  }
  const pictures = "svg:not([aria-hidden]):not([role=img][aria-label])";
  if (document.querySelector(pictures)) found.push("picture without a name");
  if (document.documentElement.lang !== "en") found.push("no language");
  for (const one of ["main", "h1"]) if (document.querySelectorAll(one).length !== 1) found.push(`not one ${one}`);
  return found;
}"""


def layer_of(number: int, size: int, *packages: str, kind: Any = "conda", **more: Any) -> LayerReport:
    layer = Layer(f"sha256:{number:064x}", f"sha256:{number:064x}", size)
    named = tuple(PackageIn(name, "1.0") for name in packages)
    sizes = tuple(PackageSize(name, "1.0", size // len(packages), "files", 10, "MIT") for name in packages)
    return LayerReport(Part(layer, kind, f"{kind} {number}", named), sizes, **more)


def report_with(*layers: LayerReport, **more: Any) -> Report:
    return Report("127.0.0.1:5000/team/model:abc@sha256:1", "sha256:" + "1" * 64, ours=True, layers=layers, **more)


def small() -> Report:
    layers = [
        layer_of(1, 30_000_000, kind="base", is_in_before=True),
        layer_of(2, 24_000_000, "numpy"),
        layer_of(3, 6_000_000, "idna", "certifi", HOSTILE, is_in_before=True, others=("abcabcabcabc",)),
        layer_of(4, 900_000, "torch", kind="pip"),
        layer_of(5, 400_000, kind="models"),
        *(
            layer_of(6 + place, 300_000, kind=kind)
            for place, kind in enumerate(KINDS)
            if kind not in ("base", "models")
        ),
    ]
    changes = (
        Change("base", "debian:12", "debian:12@sha256:" + "a" * 64, "debian:12@sha256:" + "b" * 64),
        Change("conda", HOSTILE, "", "2"),
        Change("conda", "numpy", "1.26.4", "2.1.3"),
        Change("models", "model iris 1", "sha256:" + "c" * 64, ""),
    )
    return report_with(
        *layers,
        facts={"base image": "debian:12", "commit": HOSTILE},
        against=Comparison("127.0.0.1:5000/team/model@sha256:0", changes, Exchange(36_000_000, 25_000_000, 1_000_000)),
        looked_at=("abcabcabcabc",),
        builds=(Build("environment", 1.8e9, (Span("solving", 0, 1.5, 1.5), Span("push", 1.5, 4, 7.25))),),
        notes=("A note.",),
    )


class Outline(HTMLParser):
    """What a page consists of, without its texts' bytes: headings, captions, columns and rows of tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.tables: dict[str, tuple[list[str], list[list[str]]]] = {}
        self._in: list[str] = []
        self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3", "caption", "th", "td"):
            self._text = ""
        if tag == "tr" and self.tables and "tbody" in self._in:
            self._rows.append([])
        if tag in ("thead", "tbody"):
            self._in.append(tag)

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3"):
            self.headings.append(self._text)
        elif tag == "caption":
            self.tables[self._text] = ([], [])
        elif tag in ("th", "td") and self._in:
            (self._columns if self._in[-1] == "thead" else self._rows[-1]).append(self._text)
        elif tag in ("thead", "tbody"):
            self._in.pop()

    @property
    def _columns(self) -> list[str]:
        return next(reversed(self.tables.values()))[0]

    @property
    def _rows(self) -> list[list[str]]:
        return next(reversed(self.tables.values()))[1]


def test_the_page_has_every_fact_in_a_table() -> None:
    outline = Outline(write_page(small()))

    assert outline.headings == [
        "127.0.0.1:5000/team/model:abc",
        "Layers and packages by size",
        "What changed",
        "Where bytes are shared",
        "Where time went in the build",
        "What it says of itself",
        "All layers and packages",
        "Layers",
        "Packages",
    ]
    tables = outline.tables
    assert next(iter(tables)) == "4 differences"
    assert tables["4 differences"][1][2] == ["conda packages", "numpy", "1.26.4", "2.1.3"]
    assert tables["4 differences"][1][3] == ["models", "model iris 1", "cccccccccccc", "gone"]
    assert [row[0] for row in tables["Bytes of this image that others have"][1]] == [
        "the image before",
        "the base image debian:12",
        "image abcabcabcabc of this repository",
        "nobody that is known",
    ]
    (timed,) = [rows for caption, (_, rows) in tables.items() if caption.startswith("The environment")]
    assert [row[:3] for row in timed] == [["solving", "1.5 s", "0.0 to 1.5 s"], ["push", "7.2 s", "1.5 to 4.0 s"]]
    columns, rows = tables["Packages, the biggest first"]
    assert columns == ["package", "version", "from", "bytes", "unpacked", "layer", "licence"]
    assert rows[0][:4] == ["numpy", "1.0", "conda packages", "24.0 MB"]
    assert len(tables["Layers, lowest first"][1]) == len(small().layers)


def test_an_image_without_packages_and_records_is_a_page_too() -> None:
    outline = Outline(
        write_page(Report("host/x:1@sha256:2", "sha256:2", ours=False, layers=(layer_of(1, 5, kind="other"),)))
    )

    assert "What changed" not in outline.headings
    assert list(outline.tables) == ["Bytes of this image that others have", "Layers, lowest first"]


def test_nothing_of_an_image_leaves_its_place() -> None:
    page = write_page(small())

    assert "<img" not in page
    assert page.count("</script>") == 2
    assert "\u202e" not in page.partition('<script type="application/json"')[0]
    facts = re.search(r'id="facts">(.*?)</script>', page, re.DOTALL)
    assert facts
    told = json.loads(facts[1])
    assert told["layers"][2]["packages"][2]["name"] == HOSTILE
    assert write_page(small()) == page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture
def told() -> list[str]:
    """What the browser says and asks for beyond the page itself."""
    return []


@pytest.fixture
def page(browser: Browser, told: list[str]) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.on("console", lambda message: told.append(message.text))
    opened.on("pageerror", lambda error: told.append(str(error)))
    opened.on("dialog", lambda dialog: told.append(dialog.message))
    opened.on("request", lambda request: told.append(request.url))
    yield opened
    opened.close()


def show(page: Page, report: Report, folder: Path) -> str:
    path = folder / "report.html"
    path.write_text(write_page(report), encoding="utf-8")
    page.goto(path.as_uri())
    return path.as_uri()


def test_by_keys_one_goes_in_and_out(page: Page, told: list[str], tmp_path: Path) -> None:
    url = show(page, small(), tmp_path)
    focused = "document.activeElement.getAttribute('aria-label')"

    page.locator("#map button[tabindex='0']").focus()
    assert page.locator("#map button[tabindex='0']").count() == 1  # one stop of the tab key
    seen = {page.evaluate(focused)}
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "End", "Home"):
        page.keyboard.press(key)
        seen.add(page.evaluate(focused))
    assert len(seen) >= 4
    page.locator("#map button[aria-label^='conda packages']").focus()
    page.keyboard.press("Enter")
    assert page.locator("#path [aria-current]").inner_text() == "conda packages"
    assert page.evaluate(focused).startswith("numpy 1.0, 24.0 MB")
    assert page.locator("#told").inner_text().startswith("numpy 1.0: 24.0 MB")
    page.locator("#map button[aria-label^='conda 3']").focus()
    page.keyboard.press("Enter")
    assert page.locator("#map button").count() == 3
    assert "<img src=x onerror=alert(1)>" in page.locator("#map").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate(focused).startswith("conda 3")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("#path li").count() == 1
    page.locator("input[value=new]").check()
    assert page.locator("#map .k-new").count() > 0
    page.fill("#find", "numpy")
    assert page.locator("#packages tbody tr:visible").count() == 1
    assert page.locator("#found").inner_text() == "1 package"
    assert told == [url]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(page: Page, told: list[str], tmp_path: Path, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    url = show(page, small(), tmp_path)

    assert {name: ratio for name, ratio in page.evaluate(CONTRASTS).items() if ratio < 4.5} == {}
    page.locator("input[value=new]").check() if scheme == "dark" else None
    assert {name: ratio for name, ratio in page.evaluate(CONTRASTS).items() if ratio < 4.5} == {}
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert dark == (scheme == "dark")
    assert page.evaluate(FAULTS) == []
    assert told == [url]


def test_a_thousand_packages_are_few_tiles(page: Page, told: list[str], tmp_path: Path) -> None:
    alone = [layer_of(number, 10**8 - number * 10**5, f"big-{number}") for number in range(1, 39)]
    bins = [layer_of(100 + at, 10**7, *(f"p{at}-{number}" for number in range(40)), kind="pip") for at in range(25)]

    url = show(page, report_with(*alone, *bins), tmp_path)

    assert 38 <= page.locator("#map button").count() <= 400
    page.locator("#map button[aria-label^='pip packages']").focus()
    page.keyboard.press("Enter")
    assert 25 <= page.locator("#map button").count() <= 400
    assert page.locator("#packages tbody tr").count() == 38 + 1000
    inside = page.evaluate(
        "[...map.children].every((one) => one.offsetLeft >= 0 && one.offsetTop + one.offsetHeight <= map.clientHeight)"
    )
    assert inside
    assert told == [url]


def test_on_a_telephone_nothing_sticks_out(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    show(page, small(), tmp_path)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_script_the_tables_are_there(browser: Browser, tmp_path: Path) -> None:
    opened = browser.new_page(java_script_enabled=False)
    show(opened, small(), tmp_path)

    assert opened.locator("#packages tbody tr").count() == 5
    assert not opened.locator("#map").is_visible()
    opened.close()
