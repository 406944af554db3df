"""Probes of a container, as it runs them itself: a command, or a request that is answered with 200 to 399."""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import requests
from docker.errors import DockerException

from .group_runtime_state import Events

Json = dict[str, Any]
_EAGER = 0.05  # seconds


class Probes:
    """The probes of one run of a container.

    ``eager``: what does not succeed yet is asked again and again, and counts once a period; so nobody waits for a
    period's end to learn of a start.
    """

    def __init__(
        self, address: str, execute: Callable[[list[str]], int], events: Events, *, eager: bool = False
    ) -> None:
        self._address, self._execute, self._events, self._eager = address, execute, events, eager
        self._closed = threading.Event()

    def watch(self, what: str, probe: Json, tell: Callable[[bool], None], *, once: bool = False) -> None:
        """Probe in a thread; ``tell`` hears of each change, and of each failure once more.

        ``once``: no more after it has succeeded.
        """
        threading.Thread(target=self._watch, args=(what, probe, tell, once), daemon=True).start()

    def close(self) -> None:
        """Probe no more."""
        self._closed.set()

    def _watch(self, what: str, probe: Json, tell: Callable[[bool], None], once: bool) -> None:  # noqa: FBT001  # a thread's argument
        good = bad = 0
        delay = probe.get("initialDelaySeconds") or 0
        counts = time.monotonic() + delay
        self._closed.wait(0 if self._eager else delay)
        while not self._closed.is_set():
            trouble = self._ask(probe)
            if self._closed.is_set():
                return
            if trouble and not good and self._eager and time.monotonic() < counts:
                self._closed.wait(_EAGER)
                continue
            counts = time.monotonic() + (probe.get("periodSeconds") or 10)
            good, bad = (0, bad + 1) if trouble else (good + 1, 0)
            if trouble:
                self._events.add("Unhealthy", f"{what} probe failed: {trouble}", "Warning")
            if bad >= (probe.get("failureThreshold") or 3):
                tell(False)
                bad = 0
            elif good == (probe.get("successThreshold") or 1):
                tell(True)
                if once:
                    return
            wait = probe.get("periodSeconds") or 10
            self._closed.wait(_EAGER if trouble and self._eager else wait)

    def _ask(self, probe: Json) -> str:
        """Return what is wrong; empty if nothing is."""
        try:
            if probe.get("exec"):
                code = self._execute(list(probe["exec"].get("command") or []))
                return f"command ended with {code}" if code else ""
            timeout = probe.get("timeoutSeconds") or 1
            if probe.get("tcpSocket"):
                socket.create_connection((self._address, probe["tcpSocket"]["port"]), timeout).close()
                return ""
            status = self._get(probe["httpGet"], timeout)
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
