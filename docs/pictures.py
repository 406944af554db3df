"""``python -m docs pictures``: take the pictures of the README and the site from a real run, by headless Chromium.

Run by hand, when what they show has changed: the example ``two-models`` is brought up on this machine's Docker,
changed, previewed, updated, reported, and removed. Nothing in a picture is drawn for it but the frame of the comment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).with_name("pages") / "pictures"
EXAMPLE = ROOT / "examples" / "two-models"
LARGEST = 200_000  # bytes of a picture: people read the page on telephones, and git keeps each for ever
WIDTH = 1100
# what a reviewer is to see: another version of a package, and a script that was edited
CHANGES = {
    "conda.yml": ("numpy==2.3.5", "numpy==2.4.6"),
    "src/wine.py": ("Which grower has made this wine?", "Which of three growers has made this wine?"),
}
_FRAME = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>comment</title><style>
body {{ margin: 0; padding: 20px; background: #fff; color: #1f2328; font: 14px/1.5 system-ui, "Segoe UI", sans-serif; }}
.who {{ padding: 8px 16px; background: #ddf4ff; border: 1px solid #b6e3ff; border-radius: 6px 6px 0 0; }}
.text {{ padding: 4px 16px 16px; border: 1px solid #b6e3ff; border-top: 0; border-radius: 0 0 6px 6px; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #d1d9e0; padding: 5px 12px; text-align: left; }}
tr:nth-child(2n) td {{ background: #f6f8fa; }} code {{ background: #eff1f3; padding: 2px 5px; border-radius: 6px; }}
pre {{ background: #f6f8fa; padding: 12px; border-radius: 6px; overflow: auto; }} pre code {{ padding: 0; }}
summary {{ cursor: pointer; }} a {{ color: #0969da; }}
</style></head><body><div class="who"><b>pipeline</b> commented on this pull request</div>
<div class="text">{}</div></body></html>"""


def draw() -> int:
    """Write the pictures; 1 if one is larger than a page should load."""
    with tempfile.TemporaryDirectory() as folder:
        run = _Run(Path(folder))
        try:
            run.prepare()
            taken = _photographed(run.files())
        finally:
            run.clean()
    late = [path.name for path in taken if path.stat().st_size >= LARGEST]
    sys.stdout.write("".join(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes\n" for path in taken))
    return 1 if late else 0


class _Run:
    """A copy of the example with a stack, a state and a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self._home, self._folder = folder, folder / "two-models"
        self._environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT / ".venv/packages"),
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
        }

    def prepare(self) -> None:
        """Bring the example up as it was before the change."""
        (self._home / "state").mkdir()
        shutil.copytree(EXAMPLE, self._folder, ignore=shutil.ignore_patterns("models", "__pycache__"))
        project = self._folder / "Pulumi.yaml"
        # by its path, so that the engine does not warn of a plugin on PATH, with a folder of this machine
        plugins = json.dumps({"providers": [{"name": "aciml", "path": str(ROOT / "provider")}]})
        project.write_text(f"{project.read_text()}plugins: {plugins}\n")
        for name, (old, new) in CHANGES.items():
            self._change(name, new, old)
        self._do("uv", "run", "--quiet", "--script", "train.py")
        self._do("pulumi", "stack", "init", "prod")
        (self._folder / "Pulumi.prod.yaml").write_text("config:\n  aciml:target: local\n")
        self._do("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")

    def files(self) -> dict[str, str]:
        """Change the example, update it, and return what to photograph: name of the picture to URL."""
        for name, (old, new) in CHANGES.items():
            self._change(name, old, new)
        preview = self._home / "preview.json"
        preview.write_text(self._do("pulumi", "preview", "--json"))
        comment = self._home / "comment.html"
        text = self._do("aciml", "comment", str(preview), "--report", "https://example.com/runs/17/report.html")
        comment.write_text(_FRAME.format(_as_html(text)))
        self._do("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")
        page = self._home / "report.html"
        self._do("aciml", "report", "--stack", "prod", "--output", str(page))
        outputs = json.loads(self._do("pulumi", "stack", "output", "--json"))
        docs = str(outputs["scoring_uri"]).rpartition("/")[0] + "/docs"
        return {"comment": comment.as_uri(), "report": page.as_uri(), "docs": docs}

    def clean(self) -> None:
        """Remove the stack and what it made."""
        subprocess.run(
            ["pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", "prod"],
            cwd=self._folder, env=self._environ, check=False, capture_output=True,
        )  # fmt: skip
        listed = ["docker", "volume", "ls", "-q", "--filter", "label=io.aciml.project=two-models"]
        for name in subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split():
            subprocess.run(["docker", "volume", "rm", name], capture_output=True, check=False)

    def _change(self, name: str, old: str, new: str) -> None:
        path = self._folder / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise SystemExit(f"{name} of the example does not say {old!r} any more: mend CHANGES")
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _do(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self._folder, env=self._environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout


def _as_html(text: str) -> str:
    """Return Markdown as a service of reviews shows it: tables, fences, folded parts."""
    import markdown  # type: ignore[import-untyped]

    # folded parts are HTML, in which a plain Markdown reader reads no Markdown unless it is told to
    folded = text.replace("<details>", '<details markdown="1">').replace("\\~", "~")
    rendered: str = markdown.markdown(folded, extensions=["tables", "md_in_html", "pymdownx.superfences"])
    return rendered


def _photographed(pages: dict[str, str]) -> list[Path]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("there is no Chromium here; apt-get install chromium")
    PICTURES.mkdir(parents=True, exist_ok=True)
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, url in pages.items():
            page = browser.new_page(color_scheme="light", viewport={"width": WIDTH, "height": 900})
            page.goto(url, wait_until="networkidle")
            taken.append(PICTURES / f"{name}.png")
            _ARRANGED[name](page, taken[-1])
            page.close()
        browser.close()
    return taken


def _comment(page: Page, path: Path) -> None:
    end = page.evaluate("document.querySelector('.text').getBoundingClientRect().bottom")
    page.screenshot(path=path, full_page=True, clip=_clip(end + 20))


def _report(page: Page, path: Path) -> None:
    """Show figures, map and what changed: from the top to the end of that section."""
    page.locator("#map button").first.wait_for()
    end = page.evaluate("document.getElementById('shared').getBoundingClientRect().top")
    page.screenshot(path=path, full_page=True, clip=_clip(end))


def _docs(page: Page, path: Path) -> None:
    """Show one operation opened."""
    page.locator(".opblock-summary").first.wait_for()
    page.locator(".opblock-post .opblock-summary").first.click()
    page.locator(".opblock-body").first.wait_for()
    page.mouse.move(0, 0)
    end = page.evaluate("document.querySelector('.opblock.is-open .execute-wrapper').getBoundingClientRect().bottom")
    page.screenshot(path=path, full_page=True, clip=_clip(end + 20))


def _clip(height: float) -> Any:
    return {"x": 0, "y": 0, "width": WIDTH, "height": min(height, 1400)}


_ARRANGED: dict[str, Callable[[Page, Path], None]] = {"comment": _comment, "report": _report, "docs": _docs}
