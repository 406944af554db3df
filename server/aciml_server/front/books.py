"""What is written down of each request: access log and counts."""

from __future__ import annotations

import logging
import time

from ..settings import Settings
from .request import Request

_ACCESS = logging.getLogger("aciml.access")


class Books:
    """Told of each finished request, once."""

    def __init__(self, settings: Settings) -> None:
        """Begin with empty pages."""
        self._settings = settings

    def finished(self, request: Request) -> None:
        """Write a request down whose answer is written, or whose client left (status 499)."""
        if request.path != "/" and self._settings.access_log:
            took = (time.perf_counter() - request.started) * 1000
            _ACCESS.info("%s %s %d %.3fms %d", request.method, request.path, request.status, took, request.size)
