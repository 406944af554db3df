"""What a container has gone through, in the words of an instance view."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

Json = dict[str, Any]


def now() -> str:
    """Return the time as the service writes it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Events:
    """Events of a container or a group; what happens again is counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Json] = []

    def add(self, name: str, message: str, kind: str = "Normal") -> None:
        """Note an event."""
        with self._lock:
            for event in self._events:
                if (event["name"], event["message"]) == (name, message):
                    event["count"] += 1
                    event["lastTimestamp"] = now()
                    return
            time = now()
            self._events.append(
                {
                    "count": 1,
                    "firstTimestamp": time,
                    "lastTimestamp": time,
                    "name": name,
                    "message": message,
                    "type": kind,
                }
            )

    def list(self) -> list[Json]:
        """Return all events, oldest first."""
        with self._lock:
            return [dict(event) for event in self._events]


class History:
    """States of one container. ``phase`` is Waiting, Running or Terminated."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.restarts = 0
        self.current: Json | None = None
        self.previous: Json | None = None

    @property
    def phase(self) -> str:
        """The state that the container is in."""
        return str(self.current["state"]) if self.current else "Waiting"

    @property
    def exit_code(self) -> int | None:
        """Exit code of what ended last."""
        for state in (self.current, self.previous):
            if state and state["state"] == "Terminated":
                return int(state["exitCode"])
        return None

    def started(self) -> None:
        """It runs."""
        if self.current is not None and self.current["state"] == "Terminated":
            self.previous = self.current
        self.current = {"state": "Running", "startTime": now(), "detailStatus": ""}

    def ended(self, code: int, detail: str = "") -> None:
        """It ended."""
        begun = (self.current or {}).get("startTime", now())
        said = detail or ("Completed" if code == 0 else "Error")
        self.current = {
            "state": "Terminated", "startTime": begun, "finishTime": now(), "exitCode": code, "detailStatus": said,
        }  # fmt: skip

    def waits(self, detail: str) -> None:
        """It will be started again."""
        if self.current is not None and self.current["state"] == "Terminated":
            self.previous = self.current
        self.current = {"state": "Waiting", "detailStatus": detail}

    def view(self) -> Json:
        """Return the instance view."""
        view: Json = {"restartCount": self.restarts, "events": self.events.list()}
        if self.current:
            view["currentState"] = dict(self.current)
        if self.previous:
            view["previousState"] = dict(self.previous)
        return view


def group_state(histories: list[History], policy: str, *, stopped: bool) -> str:
    """Return the state of a group: Pending, Running, Stopped, Succeeded or Failed."""
    if stopped:
        return "Stopped"
    phases = [each.phase for each in histories]
    if phases and all(phase == "Terminated" for phase in phases) and policy != "Always":
        return "Succeeded" if all(each.exit_code == 0 for each in histories) else "Failed"
    return "Running" if any(each.current for each in histories) else "Pending"
