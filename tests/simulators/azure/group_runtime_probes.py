"""Probes of a container, as it runs them itself: a command, or a request that is answered with 200 to 399."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import requests
from docker.errors import DockerException

from .group_runtime_state import Events

Json = dict[str, Any]


class Probes:
    """The probes of one run of a container."""

    def __init__(self, address: str, execute: Callable[[list[str]], int], events: Events) -> None:
        self._address, self._execute, self._events = address, execute, events
        self._closed = threading.Event()

    def watch(self, what: str, probe: Json, tell: Callable[[bool], None]) -> None:
        """Probe in a thread; ``tell`` hears of each change, and of each failure once more."""
        threading.Thread(target=self._watch, args=(what, probe, tell), daemon=True).start()

    def close(self) -> None:
        """Probe no more."""
        self._closed.set()

    def _watch(self, what: str, probe: Json, tell: Callable[[bool], None]) -> None:
        good = bad = 0
        self._closed.wait(probe.get("initialDelaySeconds") or 0)
        while not self._closed.is_set():
            trouble = self._ask(probe)
            if self._closed.is_set():
                return
            good, bad = (0, bad + 1) if trouble else (good + 1, 0)
            if trouble:
                self._events.add("Unhealthy", f"{what} probe failed: {trouble}", "Warning")
            if bad >= (probe.get("failureThreshold") or 3):
                tell(False)
                bad = 0
            elif good == (probe.get("successThreshold") or 1):
                tell(True)
            self._closed.wait(probe.get("periodSeconds") or 10)

    def _ask(self, probe: Json) -> str:
        """Return what is wrong; empty if nothing is."""
        try:
            if probe.get("exec"):
                code = self._execute(list(probe["exec"].get("command") or []))
                return f"command ended with {code}" if code else ""
            status = self._get(probe["httpGet"], probe.get("timeoutSeconds") or 1)
        except (requests.RequestException, DockerException, OSError) as error:
            return type(error).__name__
        return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"

    def _get(self, ask: Json, timeout: float) -> int:
        url = f"{(ask.get('scheme') or 'http').lower()}://{self._address}:{ask['port']}{_path(ask)}"
        headers = {each["name"]: each["value"] for each in ask.get("httpHeaders") or []}
        with requests.Session() as session, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a probe does not look at certificates
            session.trust_env = False
            return session.get(url, headers=headers, timeout=timeout, verify=False, allow_redirects=False).status_code


def _path(ask: Json) -> str:
    path = str(ask.get("path") or "/")
    return path if path.startswith("/") else f"/{path}"
