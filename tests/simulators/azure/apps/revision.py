"""One revision of an app: its template, its replicas, and what has become of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .kinds import Json
from .replica import Replica, now

MOST = 10
GRACE = 30.0
"""Seconds, as the service gives them."""
COOL_DOWN = 300


@dataclass
class Revision:
    """``make`` begins one more replica; ``clock`` is in seconds. ``state`` is that of provisioning.

    ``threads`` takes those that end replicas, so that somebody can wait for them.
    """

    name: str
    template: Json
    make: Callable[[], Replica]
    clock: Callable[[], float]
    threads: list[threading.Thread]
    created: str = field(default_factory=now)
    active: bool = True
    state: str = "Provisioning"
    error: str = ""
    last_active: str = ""
    replicas: list[Replica] = field(default_factory=list)
    touched: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._turn = 0
        self.touched = self.clock()

    @property
    def suffix(self) -> str:
        """What follows the app's name."""
        return self.name.rpartition("--")[2]

    @property
    def least(self) -> int:
        """Replicas that always run."""
        return int(self._scale.get("minReplicas") or 0)

    @property
    def most(self) -> int:
        """Replicas that run at most."""
        most = self._scale.get("maxReplicas")
        return MOST if most is None else int(most)

    @property
    def ready(self) -> list[Replica]:
        """Replicas that take requests."""
        with self._lock:
            return [each for each in self.replicas if each.ready]

    @property
    def health(self) -> str:
        """Healthy, Unhealthy or None."""
        if not self.active or (not self.replicas and self.state == "Provisioned"):
            return "None"
        if self.state == "Provisioning":
            return "None"
        return "Healthy" if self.state == "Provisioned" and self.ready else "Unhealthy"

    @property
    def running(self) -> str:
        """The running state; Degraded: some replicas take no requests."""
        if not self.active:
            return "Stopped"
        if self.state == "Failed":
            return "Failed"
        if self.state == "Provisioning":
            return "Processing"
        ready = len(self.ready)
        return "Running" if ready == len(self.replicas) else "Degraded" if ready else "Processing"

    def scale_to(self, count: int) -> None:
        """Begin or end replicas until there are so many; the oldest stay."""
        with self._lock:
            while len(self.replicas) < count:
                self.replicas.append(self.make())
            gone, self.replicas = self.replicas[count:], self.replicas[:count]
        self._end(gone)

    def renew(self) -> None:
        """Begin new replicas, and end the old ones once the new ones take requests."""
        with self._lock:
            old = list(self.replicas)
            new = [self.make() for _ in old]
        threading.Thread(target=self._swap, args=(old, new), daemon=True).start()

    def end(self) -> None:
        """End all replicas, each in its time."""
        self.scale_to(0)

    def drop(self) -> None:
        """End all replicas at once, and wait for it."""
        with self._lock:
            gone, self.replicas = self.replicas, []
        threads = [threading.Thread(target=each.end, args=(0,)) for each in gone]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def pick(self) -> Replica | None:
        """Return whose turn it is among the replicas that take requests, counted in; None if there is none."""
        with self._lock:
            self.touched = self.clock()
            self.last_active = now()
            ready = self.ready
            if not ready:
                return None
            self._turn += 1
            chosen = ready[self._turn % len(ready)]
            chosen.enter()
            self._grow(ready)
            return chosen

    def wake(self) -> None:
        """Begin a replica for a request that found none."""
        with self._lock:
            self.touched = self.clock()
            if self.active and not self.replicas and self.most:
                self.scale_to(1)

    def cool(self) -> None:
        """Go back to the least number of replicas once nothing was asked for long enough."""
        wait = self._scale.get("cooldownPeriod") or COOL_DOWN
        with self._lock:
            idle = self.clock() - self.touched >= wait and not any(each.busy for each in self.replicas)
            if self.state == "Provisioned" and idle and len(self.replicas) > self.least:
                self.scale_to(self.least)

    @property
    def _scale(self) -> Json:
        return self.template.get("scale") or {}

    def _grow(self, ready: list[Replica]) -> None:
        """Begin one more replica if more is inside than the rule wants for each."""
        rules = self._scale.get("rules") or []
        said = next((rule["http"].get("metadata") or {} for rule in rules if rule.get("http")), {})
        wanted = int(said.get("concurrentRequests") or 10)
        inside = sum(each.busy for each in ready)
        if inside > wanted * len(self.replicas) and len(self.replicas) < self.most:
            self.scale_to(len(self.replicas) + 1)

    def _swap(self, old: list[Replica], new: list[Replica]) -> None:
        while not all(each.ready or each.error or each.crashes for each in new):
            if not self.active:
                break
            time.sleep(0.05)
        with self._lock:
            self.replicas = [*new, *[each for each in self.replicas if each not in old]] if self.active else []
        self._end(old if self.active else [*old, *new])

    def _end(self, gone: list[Replica]) -> None:
        grace = float(self.template.get("terminationGracePeriodSeconds") or GRACE)
        for each in gone:
            thread = threading.Thread(target=each.end, args=(grace,), daemon=True)
            self.threads.append(thread)
            thread.start()
