"""How an update reaches those who call: how it is proven, and what moves from the group that serves to the new one."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .network import Network, address_type
from .shape import Field

BLUE_GREEN = "blue_green"
# v1 gave up on Docker after 30 tries of a second, which a large model's init() did not meet
STARTUP_SECONDS = 300
"""How long a service may take to answer if nothing is said and its place says no more."""
_WAYS = ("traffic_manager_endpoint", "application_gateway")


@lean(frozen=True, kw_only=True)
class SmokeTest(Declared):
    """A sample request, and what its answer has to be: compared as JSON, or by its status alone."""

    path: Annotated[str, Field("path to ask; /score without it")] = "/score"
    method: Annotated[Literal["POST", "GET"], Field("POST or GET")] = "POST"
    body: Annotated[str | None, Field("body of the request")] = None
    # v1 answered 415 without it wherever the script's input was typed
    content_type: Annotated[str, Field("its content type; application/json without it")] = "application/json"
    # RFC 9110, 15: the statuses that there are
    expect_status: Annotated[int, Field("status that must come; 200 without it", least=100, most=599)] = 200
    expect_json: Annotated[Mapping[str, Any] | None, Field("JSON that must come")] = None


@lean(frozen=True, kw_only=True)
class StableName(Declared):
    """What leads clients to the group that serves; without it the group's own label does."""

    traffic_manager_endpoint: Annotated[
        str | None, Field("ARM id of an external endpoint of a Traffic Manager profile")
    ] = None
    application_gateway: Annotated[str | None, Field("ARM id of an Application Gateway")] = None
    backend_pool: Annotated[str | None, Field("name of its backend pool")] = None


@lean(frozen=True, kw_only=True)
class Rollout(Declared):
    """What an update has to prove, and what happens if it does not. Times are in seconds."""

    # no default of the table: a cloud, which has to pull first, gives longer than this machine
    startup_timeout: Annotated[
        float | None, Field("seconds within which / must answer 200", least=0, unit="seconds", cost=cost.OURS)
    ] = None
    smoke_test: Annotated[
        SmokeTest | None, Field("a request that must succeed before the update is done", cost=cost.OURS)
    ] = None
    rollback: Annotated[
        bool | None,
        Field("an update that fails goes back to what served before; true if not said", default=True, cost=cost.OURS),
    ] = None
    # blue_green needs quota for two groups at once, and has a gap
    # too where nothing but the label moves (decisions/rollout.md)
    rollout: Annotated[
        Literal["in_place", "blue_green"] | None,
        Field(
            "in_place, or blue_green: a second group is made and proven before it takes over",
            default="in_place",
            scope="cloud",
            cost=cost.OURS,
        ),
    ] = None
    stable_name: Annotated[
        StableName | None,
        Field("what points to the group that serves (blue_green)", scope="cloud", cost=cost.OURS),
    ] = None

    @property
    def is_blue_green(self) -> bool:
        """Tell whether updates are made beside what serves."""
        return self.rollout == BLUE_GREEN


def rollout_findings(said: Rollout, network: Network, *, spot: bool | None) -> Iterator[Finding]:
    """Judge the rollout by how the group is reached; ``spot`` None: that is not known yet."""
    if said.is_unsure("rollout"):
        return
    stable, unsure = said.stable_name, said.is_unsure("stable_name")
    given = bool(stable and not stable.is_silent)
    if not said.is_blue_green:
        if given:
            why = "stableName is what rollout blue_green moves; write rollout: blue_green or drop it"
            yield said.finding("stable_name", why)
        return
    if stable and given:
        yield from _stable(stable)
    kind = address_type(network, spot=spot)
    gateway = bool(stable and (stable.application_gateway or stable.is_unsure("application_gateway")))
    if kind == "None":
        why = "rollout blue_green proves the new group by its address, and this one has none"
        yield said.finding("rollout", f"{why}; write rollout: in_place")
    elif kind == "Private" and not gateway and not unsure:
        why = "a group with a private address has no label that could move to the new group"
        advice = "give stableName.applicationGateway and backendPool, or rollout: in_place"
        yield said.finding("stable_name", f"{why}; {advice}")
    # an empty label is none; without any word one is made of the name
    elif kind == "Public" and not given and not unsure and network.dns_name_label == "":
        why = "nothing stays the same for callers when the new group takes over"
        yield said.finding("stable_name", f"{why}; give stableName or dnsNameLabel, or rollout: in_place")


_ALL = (*_WAYS, "backend_pool")


def _stable(stable: StableName) -> Iterator[Finding]:
    ways, pool = [name for name in _WAYS if getattr(stable, name)], stable.backend_pool
    if len(ways) > 1 or (not ways and not pool and not stable.is_unsure(*_ALL)):
        words = " and ".join(map(StableName().at, _WAYS))
        yield Finding(stable.where, f"{stable.where} needs one of {words}")
    gateway = stable.application_gateway
    if bool(gateway) != bool(pool) and not stable.is_unsure("application_gateway", "backend_pool"):
        why = "an application gateway and one of its backend pools go together; give both"
        yield stable.finding("application_gateway" if pool else "backend_pool", why)
