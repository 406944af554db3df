"""What a rollout without downtime moves from the group that serves to the new one."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.errors import Finding
from .network import address_type
from .said import Said

_WAYS = ("trafficManagerEndpoint", "applicationGateway")


def rollout_findings(said: Said) -> Iterator[Finding]:
    """Judge the rollout by how the group is reached."""
    if said.unsure("rollout"):
        return
    stable = said.inside("stableName")
    if said.get("rollout", "in_place") != "blue_green":
        if said.get("stableName"):
            why = "stableName is what rollout blue_green moves; write rollout: blue_green or drop it"
            yield said.finding("stableName", why)
        return
    yield from _stable(stable)
    kind, none = address_type(said), not said.get("stableName") and not said.unsure("stableName")
    no_gateway = not stable.get("applicationGateway") and not stable.unsure("applicationGateway")
    if kind == "None":
        why = "rollout blue_green proves the new group by its address, and this one has none"
        yield said.finding("rollout", f"{why}; write rollout: in_place")
    elif kind == "Private" and no_gateway and not said.unsure("stableName"):
        why = "a group with a private address has no label that could move to the new group"
        advice = "give stableName.applicationGateway and backendPool, or rollout: in_place"
        yield said.finding("stableName", f"{why}; {advice}")
    elif kind == "Public" and none and said.get("dnsNameLabel") == "":
        why = "nothing stays the same for callers when the new group takes over"
        yield said.finding("stableName", f"{why}; give stableName or dnsNameLabel, or rollout: in_place")


def _stable(stable: Said) -> Iterator[Finding]:
    ways, pool = [name for name in _WAYS if stable.get(name)], stable.get("backendPool")
    if len(ways) > 1 or (stable.values and not ways and not pool and not stable.unsure(*_WAYS, "backendPool")):
        yield Finding(stable.path, f"{stable.path} needs one of {' and '.join(_WAYS)}")
    gateway = stable.get("applicationGateway")
    if bool(gateway) != bool(pool) and not stable.unsure("applicationGateway", "backendPool"):
        why = "an application gateway and one of its backend pools go together; give both"
        yield stable.finding("applicationGateway" if pool else "backendPool", why)
