"""Stable names outside of the groups: an endpoint of a Traffic Manager, a backend pool of an Application Gateway."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ....core.errors import UserError
from .pointer import Pointed, host_of, label_beside
from .slots import BASE, SLOTS
from .state import Seen, properties_in

if TYPE_CHECKING:
    from ..arm.session import AzureSession

NETWORK_API = "2023-09-01"
TRAFFIC_API = "2022-04-01"


class _Outside:
    """What has labels only to be reached: each slot keeps one of its own."""

    is_label = False
    _label: str

    def label(self, slot: str, *, serving: bool) -> str:  # noqa: ARG002 - the name outside moves, not the label
        """Return the slot's own label."""
        return label_beside(self._label, slot) if slot else self._label

    def holder(self, groups: Mapping[str, Seen]) -> str | None:
        """Find the group with the host that it leads to."""
        for target in self._targets():
            for slot, seen in groups.items():
                if target.lower() in _hosts(seen):
                    return slot
        return None

    def _targets(self) -> list[str]:
        """Return the hosts that it leads to now."""
        raise NotImplementedError


class Endpoint(_Outside):
    """An external endpoint of a Traffic Manager profile. Clients remember the old address for the profile's TTL."""

    def __init__(self, session: AzureSession, endpoint: str, label: str) -> None:
        """Use the endpoint with this ARM id."""
        self._session, self._id, self._label = session, endpoint, label

    def point_to(self, seen: Seen, before: Iterable[Seen] = ()) -> Pointed:  # noqa: ARG002 - an endpoint has one target
        """Put the endpoint with another target."""
        found = _need(self._session, self._id, TRAFFIC_API, "trafficManagerEndpoint")
        properties = {**found["properties"], "target": host_of(seen)}
        for read_only in ("endpointMonitorStatus", "targetResourceId"):
            properties.pop(read_only, None)
        body = {"name": found.get("name"), "type": found.get("type"), "properties": properties}
        # nothing for nothing: each PUT is a change of a name that clients use now
        if found["properties"].get("target") != properties["target"]:
            self._session.call("PUT", self._id, TRAFFIC_API, body)
        return self.pointed()

    def forget(self, groups: Iterable[Seen]) -> None:
        """Do nothing: an endpoint has to have a target, and who declared it removes it."""

    def pointed(self) -> Pointed:
        """Return the profile's name and TTL."""
        # the name and the TTL belong to the profile, whose id is that of the endpoint without its last two parts
        profile = self._session.call("GET", self._id.rsplit("/", 2)[0], TRAFFIC_API) or {}
        dns = (profile.get("properties") or {}).get("dnsConfig") or {}
        return Pointed(str(dns.get("fqdn") or ""), float(dns.get("ttl") or 0))

    def _targets(self) -> list[str]:
        found = _need(self._session, self._id, TRAFFIC_API, "trafficManagerEndpoint")
        target = found["properties"].get("target")
        return [str(target)] if target else []


class Pool(_Outside):
    """A backend pool of an Application Gateway: it drains connections by its own settings."""

    def __init__(self, session: AzureSession, gateway: str, pool: str, label: str) -> None:
        """Use the pool of this name in the gateway with this ARM id."""
        self._session, self._id, self._pool, self._label = session, gateway, pool, label

    def point_to(self, seen: Seen, before: Iterable[Seen] = ()) -> Pointed:
        """Put the gateway with another address in its pool, and with the addresses of others as they are."""
        # a pool is no resource of its own: the whole gateway is read, changed and put (PATCH takes tags alone)
        gateway: Any = copy.deepcopy(self._gateway())
        host, address = host_of(seen), properties_in(seen).get("ipAddress") or {}
        # by name where there is one: the address of a group may change when it restarts
        target = {"fqdn": host} if address.get("fqdn") else {"ipAddress": host}
        pool = self._pool_in(gateway)
        had = pool["properties"].get("backendAddresses") or []
        ours = {*_hosts(seen), *self._labelled(host)}.union(*map(_hosts, before))
        # others may be replicas of ours: a pool of several services is how Container Instances have them
        others = [one for one in had if _backend(one).lower() not in ours]
        if had != [*others, target]:
            pool["properties"] = {**pool["properties"], "backendAddresses": [*others, target]}
            self._session.call("PUT", self._id, NETWORK_API, gateway)
        return replace(self.pointed(), shared=tuple(map(_backend, others)))

    def forget(self, groups: Iterable[Seen]) -> None:
        """Take the addresses of these groups out of the pool; those of others stay. Fine if the gateway is gone."""
        if self._session.call("GET", self._id, NETWORK_API) is None:
            return
        gateway: Any = copy.deepcopy(self._gateway())
        pool = self._pool_in(gateway)
        had = pool["properties"].get("backendAddresses") or []
        gone = {host for seen in groups for host in {*_hosts(seen), *self._labelled(host_of(seen))}}
        others = [one for one in had if _backend(one).lower() not in gone]
        if had != others:
            pool["properties"] = {**pool["properties"], "backendAddresses": others}
            self._session.call("PUT", self._id, NETWORK_API, gateway)

    def _labelled(self, host: str) -> set[str]:
        """Return the hosts of the service's groups, also of one that is gone: its name is in the pool still."""
        domain = host.partition(".")[2].lower()
        labels = [self.label(slot, serving=False) for slot in (*SLOTS, BASE)]
        return {f"{label.lower()}.{domain}" for label in labels if label and domain}

    def pointed(self) -> Pointed:
        """Return the host name or address of the gateway's first frontend."""
        gateway = self._gateway()["properties"]
        # the first: which of its listeners belongs to the pool only its rules say
        frontend = (gateway.get("frontendIPConfigurations") or [{}])[0].get("properties") or {}
        public = (frontend.get("publicIPAddress") or {}).get("id")
        found = (self._session.call("GET", str(public), NETWORK_API) or {}) if public else {}
        address = found.get("properties") or {}
        host = (address.get("dnsSettings") or {}).get("fqdn") or address.get("ipAddress")
        return Pointed(str(host or frontend.get("privateIPAddress") or ""), _drain_seconds(gateway), same_port=False)

    def _targets(self) -> list[str]:
        addresses = self._pool_in(self._gateway())["properties"].get("backendAddresses") or []
        return [host for one in addresses if (host := _backend(one))]

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


def _hosts(seen: Seen) -> set[str]:
    """Return the name and the address of a group, as far as it has them."""
    address = properties_in(seen).get("ipAddress") or {}
    return {str(address[name]).lower() for name in ("fqdn", "ip") if address.get(name)}


def _backend(address: Mapping[str, Any]) -> str:
    return str(address.get("fqdn") or address.get("ipAddress") or "")


def _drain_seconds(gateway: Mapping[str, Any]) -> float:
    """Return the longest time that a gateway lets connections to an address end that has left its pool."""
    settings = gateway.get("backendHttpSettingsCollection") or ()
    drains = [(one.get("properties") or {}).get("connectionDraining") or {} for one in settings]
    # the longest of all: which settings a pool goes by depends on rules that others write
    return max((float(one.get("drainTimeoutInSec") or 0) for one in drains if one.get("enabled")), default=0.0)


def _need(session: AzureSession, id_: str, version: str, what: str) -> Any:
    found = session.call("GET", id_, version)
    if found is None:
        raise UserError(f"stableName.{what} {id_} does not exist", "create it first, or correct its id")
    return found
