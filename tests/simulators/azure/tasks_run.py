"""One run of ACR Tasks: its state as ARM shows it, its log as a blob that grows, its end by whatever comes first.

The log is written as the agents of ACR write it, lines ending in CRLF; the blob's metadata ``complete`` says that
nothing more comes (azure.md 3.2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aciml.core.progress import Silent

from .blobs import Blobs

ENDED = ("Succeeded", "Failed", "Canceled", "Error", "Timeout")
_SAID = {"Succeeded": "successful", "Canceled": "canceled", "Timeout": "timedout", "Error": "internalerror"}


class StoppedError(Exception):
    """The run is over before its work is; ``status`` is how."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


class FailedError(Exception):
    """A step of the run failed."""


@dataclass
class Run:
    """A run that was scheduled. ``request`` is the body of scheduleRun."""

    resource_id: str
    number: str
    login_server: str
    request: Mapping[str, Any]
    blobs: Blobs
    properties: dict[str, Any] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    began: float = 0.0
    deadline: float = float("inf")

    def __post_init__(self) -> None:
        platform = {"os": "Linux", "architecture": "amd64", **(self.request.get("platform") or {})}
        agent = self.request.get("agentConfiguration")
        self.properties |= {
            "runId": self.number, "status": "Queued", "runType": "QuickBuild", "createTime": _now(),
            "lastUpdatedTime": _now(), "platform": platform, "provisioningState": "Succeeded", "outputImages": [],
            "isArchiveEnabled": bool(self.request.get("isArchiveEnabled")),
            **({"agentConfiguration": agent} if agent else {}),
        }  # fmt: skip
        if self.request["type"] != "DockerBuildRequest":
            self.properties["runType"] = "QuickRun"

    @property
    def log_path(self) -> str:
        return f"logs/{self.number}/{self.resource_id.split('/')[8].lower()}/rawtext.log"

    @property
    def timeout(self) -> int:
        """Seconds that it may take."""
        return int(self.request.get("timeout") or 3600)

    def shown(self) -> dict[str, Any]:
        """Return the run as GET does."""
        kind = "Microsoft.ContainerRegistry/registries/runs"
        with self.lock:
            return {"id": self.resource_id, "name": self.number, "type": kind, "properties": dict(self.properties)}

    def begin(self) -> None:
        """Start to count the time."""
        self.began = time.monotonic()
        self.deadline = self.began + self.timeout
        self._change(status="Running", startTime=_now())

    def end(self, status: str, error: str = "") -> None:
        """End it, unless it has ended: the log first, so that who sees the end sees all of the log."""
        if self.ended.is_set():
            return
        took = "was successful after" if status == "Succeeded" else "failed after"
        seconds = round(time.monotonic() - self.began) if self.began else 0
        self.say("", f"Run ID: {self.number} {took} {seconds}s" + (f". Error: {error}" if error else ""))
        self.blobs.append(self.log_path, b"", complete=_SAID.get(status, status.lower()))
        self._change(status=status, finishTime=_now(), **({"runErrorMessage": error} if error else {}))
        self.ended.set()

    def note(self, *lines: str) -> None:
        """Write lines of the agent itself, which have the time."""
        self.say(*(f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S} {line}" for line in lines))

    def say(self, *lines: str) -> None:
        """Write whole lines."""
        self.write("".join(f"{line}\r\n" for line in lines))

    def write(self, text: str) -> None:
        """Write as it comes from a program."""
        self.blobs.append(self.log_path, text.replace("\r\n", "\n").replace("\n", "\r\n").encode())

    def check(self) -> None:
        """Return at once, or raise ``StoppedError``."""
        if self.cancelled.is_set():
            raise StoppedError("Canceled", "the run was canceled")
        if time.monotonic() > self.deadline:
            raise StoppedError("Timeout", f"the run took longer than {self.timeout} seconds")

    def output(self, images: list[dict[str, str]]) -> None:
        """Show what was pushed."""
        self._change(outputImages=images)

    def archive(self, *, enabled: bool) -> None:
        self._change(isArchiveEnabled=enabled)

    def _change(self, **properties: Any) -> None:
        with self.lock:
            self.properties |= {**properties, "lastUpdatedTime": _now()}


class Watch(Silent):
    """Lets a long call to Docker end with the run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def checkpoint(self) -> None:
        self._run.check()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
