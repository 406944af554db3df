"""One replica: a container group on Docker that requests are sent to."""

from __future__ import annotations

import datetime as dt
import secrets
import string
import threading
from collections.abc import Callable
from typing import Any

from ..group_runtime import PaperGroup, Runtime
from .kinds import Json

_LETTERS = string.ascii_lowercase + string.digits
CRASHES = 3
"""As many restarts of one container tell that it will not come up."""


def now() -> str:
    """Return the time as the service writes it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


class Replica:
    """Begun in a thread; ``ready`` once all its containers are. ``error`` says why it could not begin."""

    def __init__(self, revision: str, runtime: Runtime, body: Json, trouble: str = "") -> None:
        middle, end = (
            "".join(secrets.choice(_LETTERS) for _ in range(length)) for length in (10, 5)
        )  # as names of pods end
        self.name = f"{revision}-{middle}-{end}"
        self.created = now()
        self.error = ""
        self._runtime = runtime
        self._inside = 0
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._begin, args=(body, trouble), daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Tell whether it takes requests."""
        return isinstance(self._runtime, PaperGroup) or self._runtime.target() is not None

    @property
    def address(self) -> str:
        """Where it takes requests; empty while it does not."""
        return self._runtime.target() or ""

    @property
    def crashes(self) -> bool:
        """Tell whether a container ends again and again."""
        views = [*self._runtime.view()["containers"].values(), *self._runtime.view()["initContainers"].values()]
        return any(view["restartCount"] >= CRASHES for view in views)

    @property
    def busy(self) -> int:
        """How many requests are inside."""
        return self._inside

    def enter(self) -> None:
        """Count a request in."""
        with self._idle:
            self._inside += 1

    def leave(self) -> None:
        """Count a request out."""
        with self._idle:
            self._inside -= 1
            self._idle.notify_all()

    def know(self, host: str, address: str) -> None:
        """Let it find the name of another revision."""
        self._runtime.know(host, address)

    def end(self, grace: float) -> None:
        """Remove it, once it has answered what is inside or the grace is over."""
        with self._idle:
            self._idle.wait_for(lambda: self._inside == 0, grace)
        self._runtime.remove()
        self._thread.join()
        self._runtime.remove()  # what the thread began meanwhile

    def events(self) -> list[Json]:
        """What happened, oldest first."""
        view = self._runtime.view()
        own = [event for each in view["containers"].values() for event in each["events"]]
        ends = [_end(name, each) for name, each in view["containers"].items() if _last_end(each)]
        return [*view["events"], *own, *ends]

    def logs(self, container: str, tail: int | None) -> str:
        """The log of a container over its restarts, each line with its time."""
        return self._runtime.all_logs(container, tail)

    def shown(self, resource_id: str, endpoint: Callable[[str, str, str], str]) -> Json:
        """Return what GET says; ``endpoint`` gives the place of the log stream of a container."""
        view = self._runtime.view()
        running = self.ready or any(_state(each) == "Running" for each in view["containers"].values())
        return {
            "id": f"{resource_id}/replicas/{self.name}",
            "name": self.name,
            "type": "Microsoft.App/containerapps/revisions/replicas",
            "properties": {
                "createdTime": self.created,
                "runningState": "Running" if running else "NotRunning",
                "runningStateDetails": self.error,
                "containers": [self._container(name, each, endpoint) for name, each in view["containers"].items()],
                "initContainers": [
                    self._container(name, each, endpoint) for name, each in view["initContainers"].items()
                ],
            },
        }

    def _container(self, name: str, view: Json, endpoint: Callable[[str, str, str], str]) -> Json:
        state = _state(view)
        detail = (view.get("currentState") or {}).get("detailStatus", "")
        if not self.ready and _last_end(view):  # between two restarts it runs for a moment
            detail = f"{detail}: {_end(name, view)['message']}".lstrip(": ")
        return {
            "name": name,
            "containerId": f"containerd://{self.name}/{name}",
            "ready": self.ready and state == "Running",
            "started": state == "Running",
            "restartCount": view["restartCount"],
            "runningState": state,
            "runningStateDetails": detail,
            "logStreamEndpoint": endpoint(self.name, name, "logstream"),
            "execEndpoint": endpoint(self.name, name, "exec"),
        }

    def _begin(self, body: Json, trouble: str) -> None:
        try:
            self._runtime.deploy(body, trouble)
        except Exception as error:  # noqa: BLE001  # whatever it is, the replica does not come
            self.error = str(getattr(error, "message", error))


def _last_end(view: Json) -> Json:
    """Return how a container ended last; empty if it never has."""
    for name in ("currentState", "previousState"):
        if (view.get(name) or {}).get("state") == "Terminated":
            found: Json = view[name]
            return found
    return {}


def _end(name: str, view: Json) -> Json:
    """Return the event of an end, in the words of the service's system log."""
    last = _last_end(view)
    reason = "OOMKilled" if last.get("detailStatus") == "OOMKilled" else "ProcessExited"
    return {
        "name": "ContainerTerminated",
        "type": "Warning",
        "message": f"Container '{name}' was terminated with exit code '{last['exitCode']}' and reason '{reason}'",
        "count": max(1, view["restartCount"]),
        "lastTimestamp": last["finishTime"],
    }


def _state(view: Any) -> str:
    return str((view.get("currentState") or {}).get("state") or "Waiting")
