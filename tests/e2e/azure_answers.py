"""What a service says to those who ask it, while it changes."""

from __future__ import annotations

import functools
import json
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import groupby, pairwise
from typing import Any

PAUSE = 0.05  # seconds between two questions; each is work for the two sides of it


def ask(uri: str, key: str, body: str = "[1, 2, 3.5]", trusted: str = "") -> Any:
    """POST with a key and return the answer; ``trusted``: the PEM file that the server's certificate is checked by."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(uri, body.encode(), headers)
    handlers = [urllib.request.HTTPSHandler(context=_trusting(trusted))] if trusted else []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read())


@functools.cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """Read a file of authorities, which takes longer than to ask."""
    return ssl.create_default_context(cafile=authorities)


@dataclass
class Watched:
    """What was answered, and when."""

    seen: list[tuple[float, str]] = field(default_factory=list)

    @property
    def turns(self) -> list[str]:
        """Return the different answers in their order; an empty text where nobody answered."""
        return [answer for answer, _ in groupby(answer for _, answer in self.seen)]

    def gap(self) -> float:
        """Return the longest time in seconds from one answer to the next."""
        times = [when for when, answer in self.seen if answer]
        return max((later - sooner for sooner, later in pairwise(times)), default=0)


@contextmanager
def watching(uri: str, key: str) -> Iterator[Watched]:
    """Ask all the time in a thread; answers are kept as JSON."""
    watched, over = Watched(), threading.Event()

    def watch() -> None:
        while not over.wait(PAUSE):
            try:
                answer = json.dumps(ask(uri, key))
            except (OSError, HTTPException):
                answer = ""
            watched.seen.append((time.monotonic(), answer))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()
