"""What a GET of a container group says about its life: states, restarts, exit codes, events, addresses. Pure.

Source of the words: "Container states" and "Troubleshoot" of the service's documentation, API 2023-05-01.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...protocol import GroupFacts
from ..ownership import owner_in
from .variable import PORT, TLS_CERT

Seen = Mapping[str, Any]
"""JSON of a container group as ARM answers it."""

_STATES = {"Running": "Running", "Stopped": "Stopped", "Failed": "Failed", "Succeeded": "Stopped"}
# Unhealthy lasts, Repairing and all others pass; not to be shown is to be done (ARM, "asynchronous operations")
_SETTLED = frozenset({"", "succeeded", "failed", "canceled", "unhealthy", "stopped"})


@dataclass(frozen=True)
class Event:
    """One line of a container's history, and how often it happened."""

    name: str
    message: str
    count: int
    time: str = ""
    """RFC 3339, when it happened last; empty if the service does not say."""

    def __str__(self) -> str:
        """Say what happened and how often."""
        return f"{self.name}{f' ({self.count} times)' if self.count > 1 else ''}: {self.message}"


@dataclass(frozen=True)
class ContainerView:
    """One container of a group. ``state`` is Running, Waiting, Terminated or empty; ``detail`` says more.

    ``exit_code`` is that of the last end, None if it never ended; ``restarts`` counts since the group was put.
    """

    name: str
    is_init: bool
    state: str
    detail: str
    exit_code: int | None
    out_of_memory: bool
    restarts: int
    events: tuple[Event, ...]
    image: str = ""
    started: str = ""
    finished: str = ""

    def count(self, *names: str) -> int:
        """Count events by their names."""
        return sum(event.count for event in self.events if event.name in names)

    @property
    def is_pulling(self) -> bool:
        """Tell whether the image is on its way."""
        return self.state != "Running" and self.count("Pulling") > self.count("Pulled")


def properties_in(seen: Seen) -> Mapping[str, Any]:
    """Return ``properties``; empty if there are none."""
    return seen.get("properties") or {}


def containers_in(seen: Seen) -> tuple[ContainerView, ...]:
    """Return the containers, those that run before the others first."""
    properties = properties_in(seen)
    before = [_view(one, is_init=True) for one in properties.get("initContainers") or ()]
    return (*before, *(_view(one, is_init=False) for one in properties.get("containers") or ()))


def main_container(seen: Seen) -> ContainerView | None:
    """Return the container that serves: the first that is no init container."""
    return next((view for view in containers_in(seen) if not view.is_init), None)


def _view(container: Mapping[str, Any], *, is_init: bool) -> ContainerView:
    declared = container.get("properties") or {}
    view = declared.get("instanceView") or {}
    now, before = view.get("currentState") or {}, view.get("previousState") or {}
    # of a container that was started again only previousState still has the exit code
    ended = now if now.get("state") == "Terminated" else before
    code = ended.get("exitCode") if ended.get("state", "Terminated") == "Terminated" else None
    return ContainerView(
        name=str(container.get("name", "")),
        is_init=is_init,
        state=str(now.get("state") or ""),
        detail=str(now.get("detailStatus") or ""),
        exit_code=None if code is None else int(code),
        out_of_memory="OOMKilled" in {now.get("detailStatus"), before.get("detailStatus")},
        restarts=int(view.get("restartCount") or 0),
        events=tuple(_events(view.get("events") or ())),
        image=str(declared.get("image") or ""),
        started=str(now.get("startTime") or ""),
        finished=str(ended.get("finishTime") or ""),
    )


def _events(events: Iterable[Mapping[str, Any]]) -> Iterable[Event]:
    for event in events:
        name, message, last = (str(event.get(key) or "") for key in ("name", "message", "lastTimestamp"))
        yield Event(name, message, int(event.get("count") or 1), last)


def group_events(seen: Seen) -> tuple[Event, ...]:
    """Return what happened to the group as a whole."""
    return tuple(_events((properties_in(seen).get("instanceView") or {}).get("events") or ()))


def instance_state(seen: Seen) -> str:
    """Return the service's word for what the containers do; empty if it says nothing."""
    return str((properties_in(seen).get("instanceView") or {}).get("state") or "")


def provisioning_state(seen: Seen) -> str:
    """Return the service's word for how the last operation went."""
    return str(properties_in(seen).get("provisioningState") or "")


def state_in(seen: Seen) -> str:
    """Return Running, Stopped, Failed or Unknown; a group whose containers all ended well is Stopped."""
    # the containers first: an operation may have failed and the group come to run all the same
    if state := _STATES.get(instance_state(seen)):
        return state
    return "Failed" if provisioning_state(seen) == "Failed" else "Unknown"


def is_settled(seen: Seen) -> bool:
    """Tell whether no operation is under way; a group takes only one at a time."""
    return provisioning_state(seen).lower() in _SETTLED


def is_over(seen: Seen) -> bool:
    """Tell whether the group takes no updates any more and has to be made again.

    Source: "a container group that has terminated (Succeeded or Failed) or was deleted can't be updated". One whose
    last operation failed goes on trying, and has to be deleted too; unless it came to run after all.
    """
    return instance_state(seen) in {"Succeeded", "Failed"} or state_in(seen) == "Failed"


def port_in(seen: Seen) -> int:
    """Return the port that the service is called on: what it was told, else the first that is open; 0 if none is."""
    # the address may open more ports than one, and says of none that it is the service's
    told = _variables(seen).get(PORT, "")
    if told.isdigit():
        return int(told)
    address = properties_in(seen).get("ipAddress") or {}
    # a group without an address has its ports at the container alone
    ports = address.get("ports") or _first(seen).get("ports") or [{}]
    return int(ports[0].get("port") or 0)


def speaks_tls(seen: Seen) -> bool:
    """Tell whether the server was given a certificate."""
    return TLS_CERT in _variables(seen)


def _first(seen: Seen) -> Mapping[str, Any]:
    return (properties_in(seen).get("containers") or [{}])[0].get("properties") or {}


def _variables(seen: Seen) -> dict[str, str]:
    declared = _first(seen).get("environmentVariables") or ()
    return {str(variable.get("name")): str(variable.get("value") or "") for variable in declared}


def address_of(host: str, port: int, *, tls: bool) -> str:
    """Return ``host:port`` without the port that the scheme implies; empty without a host."""
    return host if not host or port in {0, 443 if tls else 80} else f"{host}:{port}"


def facts_in(seen: Seen, *, id_: str, name: str) -> GroupFacts:
    """Return what the target protocol tells of a group, without ``seen``; ``id_`` and ``name`` are the service's."""
    first, network = _first(seen), properties_in(seen).get("ipAddress") or {}
    requests = (first.get("resources") or {}).get("requests") or {}
    ip, fqdn, port = str(network.get("ip") or ""), str(network.get("fqdn") or ""), port_in(seen)
    return GroupFacts(
        id=id_,
        name=name,
        image=str(first.get("image") or ""),
        cpu=float(requests.get("cpu") or 0),
        memory_gb=float(requests.get("memoryInGB") or 0),
        port=port,
        address=address_of(fqdn or ip, port, tls=speaks_tls(seen)),
        state=state_in(seen),
        ip=ip,
        fqdn=fqdn,
        location=str(seen.get("location") or ""),
        owner=owner_in(seen.get("tags")),
    )
