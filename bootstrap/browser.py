"""Chromium, in which tests try the page ``/docs`` of the server."""

from __future__ import annotations

import shutil

from . import apt
from .say import Missing, phase, say


def ensure_browser() -> None:
    """Install Chromium and its driver where apt can; tests that need them are skipped elsewhere."""
    if shutil.which("chromedriver") or not apt.can_install():
        return
    try:
        with phase("installing Chromium for the tests of /docs"):
            apt.install("chromium", "chromium-driver")
    except Missing as missing:
        say(f"{missing}; tests in a browser are skipped")
