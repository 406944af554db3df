"""A headless Chromium, told what to do over WebDriver (https://www.w3.org/TR/webdriver2/) by plain HTTP."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
_OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,1600"]


class Browser:
    """One window. ``logs`` are the console's lines: what the page says, and what its policy forbids."""

    def __init__(self, port: int, folder: Path) -> None:
        """Open the window."""
        self._port = port
        options = {"args": [*_OPTIONS, f"--user-data-dir={folder}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self._do("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"

    def _do(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            content = json.dumps(body or {}) if method == "POST" else None
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def open(self, url: str) -> None:
        """Load a page."""
        self._do("POST", self._session + "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return its value."""
        return self._do("POST", self._session + "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script: str, *arguments: Any) -> Any:
        """Run a script until its value is true."""
        until = time.monotonic() + PATIENCE
        while not (value := self.run(script, *arguments)):
            assert time.monotonic() < until, f"never true: {script}\n" + self.run("return document.body.innerText")
        return value

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector, as soon as it is there."""
        self.wait("const e = document.querySelector(arguments[0]); if (e) { e.click(); } return !!e", selector)

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of a field, as if it were typed."""
        key = self.wait("return document.querySelector(arguments[0])", selector)
        element = f"{self._session}/element/{next(iter(key.values()))}"
        self._do("POST", element + "/clear")
        self._do("POST", element + "/value", {"text": text})

    @property
    def logs(self) -> list[str]:
        """Return what the console said since it was asked last."""
        return [line["message"] for line in self._do("POST", self._session + "/se/log", {"type": "browser"})]

    def picture(self, path: Path) -> None:
        """Save what the window shows."""
        import base64

        path.write_bytes(base64.b64decode(self._do("GET", self._session + "/screenshot")))

    def close(self) -> None:
        """Close the window."""
        self._do("DELETE", self._session)


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium; the test is skipped where Debian's ``chromium-driver`` or its like is not installed."""
    program = shutil.which("chromedriver")
    if program is None:
        pytest.skip("no chromedriver here: apt-get install chromium chromium-driver")
    process, port = _start(program)
    try:
        browser = Browser(port, folder)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        _stop(process)


def _start(program: str) -> tuple[subprocess.Popen[str], int]:
    said = ""
    for _ in range(5):  # it looks for a free port and takes it later, when another may have it
        process = subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if "successfully on port" in line:
                return process, int(line.rstrip().rstrip(".").rpartition(" ")[2])
            said += line
        _stop(process)
    raise AssertionError(f"{program} does not start:\n{said}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(PATIENCE)
    assert process.stdout is not None
    process.stdout.close()
