"""Log lines: ``2026-01-31 12:00:00,123 I [7] aciml.access - POST /score 200 1.234ms 17``, in UTC, to stderr."""

from __future__ import annotations

import io
import logging
import sys
import time

from .settings import Settings


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        record.letter = record.levelname[:1]
        return super().format(record)


def configure(settings: Settings) -> None:
    """Send everything that is logged to stderr, and let ``print()`` appear line by line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(letter)s [%(process)d] %(name)s - %(message)s"))
    level = settings.log_level.upper()
    known = isinstance(logging.getLevelName(level), int)
    logging.basicConfig(level=level if known else "INFO", handlers=[handler])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
