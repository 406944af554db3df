"""The name that clients call while groups change behind it: a DNS label, Traffic Manager or Application Gateway.

How much gap each has is in ``decisions/rollout.md``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...core.errors import UserError
from ...core.progress import Progress
from ..protocol import GroupSpec
from .group_calls import Clock, pause
from .group_network import label_of
from .group_view import Seen, properties_in

if TYPE_CHECKING:
    from .session import AzureSession

NETWORK_API = "2023-09-01"
TRAFFIC_API = "2022-04-01"
LONGEST_LABEL = 63


@dataclass(frozen=True)
class Pointed:
    """Where clients find the service: host name or address.

    They remember for ``remembered`` seconds where it led before; ``same_port``: they call the group's own port.
    """

    host: str = ""
    remembered: float = 0.0
    same_port: bool = True


class StableName(Protocol):
    """What leads to the group that serves. Slots are ``blue``, ``green``, or empty for the group of the plain name."""

    @property
    def is_label(self) -> bool:
        """Tell whether it is the group's own DNS label, which no two groups can have."""

    def label(self, slot: str, *, serving: bool) -> str:
        """Return the label of the group in a slot; empty for none."""

    def holder(self, groups: Mapping[str, Seen]) -> str | None:
        """Return the slot of the group that it leads to; None if it leads to none of them."""

    def point_to(self, seen: Seen) -> Pointed:
        """Let it lead to a group from now on."""

    def pointed(self) -> Pointed:
        """Return where clients find the service; empty if that is the group's own name."""


def stable_name(session: AzureSession, spec: GroupSpec) -> StableName:
    """Return what a spec declares.

    Raises:
        UserError: nothing can lead from one group to another.
    """
    declared, label = spec.settings.get("stableName") or {}, label_of(spec, session.config)
    if endpoint := declared.get("trafficManagerEndpoint"):
        return Endpoint(session, str(endpoint), label)
    if gateway := declared.get("applicationGateway"):
        return Pool(session, str(gateway), str(declared.get("backendPool") or ""), label)
    if not label:
        advice = "set stableName, give the group a public address with a label, or take rollout in_place"
        raise UserError(f"service {spec.name} has no name that could move from one group to another", advice)
    if str(spec.settings.get("dnsNameLabelScope") or "") == "Noreuse":
        advice = "take another scope, set stableName, or take rollout in_place"
        raise UserError("dnsNameLabelScope Noreuse gives every group another host name, so it cannot move", advice)
    return Label(label)


def host_of(seen: Seen) -> str:
    """Return the host name of a group, else its address."""
    address = properties_in(seen).get("ipAddress") or {}
    return str(address.get("fqdn") or address.get("ip") or "")


def _beside(label: str, slot: str) -> str:
    ending = f"-{slot or 'base'}"
    return f"{label[: LONGEST_LABEL - len(ending)].rstrip('-')}{ending}" if label else ""


@dataclass(frozen=True)
class Label:
    """The DNS label of the group itself: one gives it up, then the other takes it, and nobody answers in between."""

    name: str
    is_label: bool = True

    def label(self, slot: str, *, serving: bool) -> str:
        """Return the label itself for the group that serves, one beside it for the other."""
        return self.name if serving else _beside(self.name, slot)

    def holder(self, groups: Mapping[str, Seen]) -> str | None:
        """Find the group with the label."""
        for slot, seen in groups.items():
            held = str((properties_in(seen).get("ipAddress") or {}).get("dnsNameLabel") or "")
            if held.lower() == self.name.lower():
                return slot
        return None

    def point_to(self, seen: Seen) -> Pointed:  # noqa: ARG002 - the label was put with the group
        """Do nothing more."""
        return Pointed()

    def pointed(self) -> Pointed:
        """Return nothing: it is the group's own name."""
        return Pointed()


class _Outside:
    """What has labels only to be reached: each slot keeps one of its own."""

    is_label = False
    _label: str

    def label(self, slot: str, *, serving: bool) -> str:  # noqa: ARG002 - the name outside moves, not the label
        """Return the slot's own label."""
        return _beside(self._label, slot) if slot else self._label

    def holder(self, groups: Mapping[str, Seen]) -> str | None:
        """Find the group with the host that it leads to."""
        target = self._target().lower()
        for slot, seen in groups.items():
            address = properties_in(seen).get("ipAddress") or {}
            if target and target in {str(address.get(name) or "").lower() for name in ("fqdn", "ip")}:
                return slot
        return None

    def _target(self) -> str:
        raise NotImplementedError


class Endpoint(_Outside):
    """An external endpoint of a Traffic Manager profile. Clients remember the old address for the profile's TTL."""

    def __init__(self, session: AzureSession, endpoint: str, label: str) -> None:
        """Use the endpoint with this ARM id."""
        self._session, self._id, self._label = session, endpoint, label

    def point_to(self, seen: Seen) -> Pointed:
        """Put the endpoint with another target."""
        found = _need(self._session, self._id, TRAFFIC_API, "trafficManagerEndpoint")
        properties = {**found["properties"], "target": host_of(seen)}
        for read_only in ("endpointMonitorStatus", "targetResourceId"):
            properties.pop(read_only, None)
        body = {"name": found.get("name"), "type": found.get("type"), "properties": properties}
        if found["properties"].get("target") != properties["target"]:
            self._session.call("PUT", self._id, TRAFFIC_API, body)
        return self.pointed()

    def pointed(self) -> Pointed:
        """Return the profile's name and TTL."""
        profile = self._session.call("GET", self._id.rsplit("/", 2)[0], TRAFFIC_API) or {}
        dns = (profile.get("properties") or {}).get("dnsConfig") or {}
        return Pointed(str(dns.get("fqdn") or ""), float(dns.get("ttl") or 0))

    def _target(self) -> str:
        found = _need(self._session, self._id, TRAFFIC_API, "trafficManagerEndpoint")
        return str(found["properties"].get("target") or "")


class Pool(_Outside):
    """A backend pool of an Application Gateway: it drains connections by its own settings."""

    def __init__(self, session: AzureSession, gateway: str, pool: str, label: str) -> None:
        """Use the pool of this name in the gateway with this ARM id."""
        self._session, self._id, self._pool, self._label = session, gateway, pool, label

    def point_to(self, seen: Seen) -> Pointed:
        """Put the gateway with another address in its pool."""
        gateway: Any = copy.deepcopy(self._gateway())
        host, address = host_of(seen), properties_in(seen).get("ipAddress") or {}
        target = {"fqdn": host} if address.get("fqdn") else {"ipAddress": host}
        pool = self._pool_in(gateway)
        if pool["properties"].get("backendAddresses") != [target]:
            pool["properties"] = {**pool["properties"], "backendAddresses": [target]}
            self._session.call("PUT", self._id, NETWORK_API, gateway)
        return self.pointed()

    def pointed(self) -> Pointed:
        """Return the host name or address of the gateway's first frontend."""
        frontends = self._gateway()["properties"].get("frontendIPConfigurations") or [{}]
        frontend = frontends[0].get("properties") or {}
        public = (frontend.get("publicIPAddress") or {}).get("id")
        found = (self._session.call("GET", str(public), NETWORK_API) or {}) if public else {}
        address = found.get("properties") or {}
        named = (address.get("dnsSettings") or {}).get("fqdn")
        return Pointed(
            str(named or address.get("ipAddress") or frontend.get("privateIPAddress") or ""), same_port=False
        )

    def _target(self) -> str:
        addresses = self._pool_in(self._gateway())["properties"].get("backendAddresses") or [{}]
        return str(addresses[0].get("fqdn") or addresses[0].get("ipAddress") or "")

    def _gateway(self) -> Any:
        return _need(self._session, self._id, NETWORK_API, "applicationGateway")

    def _pool_in(self, gateway: Mapping[str, Any]) -> dict[str, Any]:
        pools: list[dict[str, Any]] = gateway["properties"].get("backendAddressPools") or []
        found = next((pool for pool in pools if pool.get("name") == self._pool), None)
        if found is None:
            names = ", ".join(str(pool.get("name")) for pool in pools) or "none"
            raise UserError(
                f'application gateway {self._id} has no backend pool "{self._pool}" (it has: {names})',
                "correct stableName.backendPool",
            )
        found.setdefault("properties", {})
        return found


def wait_out(pointed: Pointed, progress: Progress, clock: Clock) -> None:
    """Wait as long as clients may still go to where the name led before."""
    seconds = min(pointed.remembered, clock.left)
    if seconds > 0:
        progress.say(f"{pointed.host} leads to the new group; the old one serves for {seconds:g} s more (DNS)")
        pause(seconds, progress)


def _need(session: AzureSession, id_: str, version: str, what: str) -> Any:
    found = session.call("GET", id_, version)
    if found is None:
        raise UserError(f"stableName.{what} {id_} does not exist", "create it first, or correct its id")
    return found
