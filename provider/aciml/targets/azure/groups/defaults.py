"""What holds for a container group that says nothing, and what the service would refuse, said before anything is sent.

What every target judges is in ``model/group.py``; here is what only this service wants. What is free in a region only
the service knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from ....core.errors import Finding
from ....model.container import name_finding
from ....model.declared import read
from ....model.group import Group
from ....model.network import LABEL_SCOPE, Network, reserved_finding
from ....model.rollout import Rollout
from ....model.service_kind import ServiceKind
from ....model.size import Size
from ..region import plain_location
from . import size, variable
from .probe import LIVENESS, READINESS

DEFAULTS: Group = read(Group, {}).but(
    # v1's 0.1 cores and 0.5 GiB are less than the service gives to a group
    size=Size(cpu_cores=1, memory_gb=1),
    # pulling an image of some gigabytes takes the service minutes, so it gets ten to answer
    updates=Rollout(startup_timeout=600, rollout="in_place"),
    kind=ServiceKind(os_type="Linux", restart_policy="Always", sku="Standard", priority="Regular"),
    network=Network(dns_name_label_scope=LABEL_SCOPE),
    liveness_probe=LIVENESS,
    readiness_probe=READINESS,
)
SPOT_REGIONS = ("eastus2", "westeurope", "westus")
"""Source: Microsoft's page "Spot containers"."""


def judge_group(declared: Group) -> list[Finding]:
    """Report what the service would refuse of what is right elsewhere; what is not known yet is passed over."""
    return [*_findings(declared)]


def _findings(declared: Group) -> Iterator[Finding]:
    if declared.name is not None:
        yield from name_finding(declared.at("name"), declared.name)
    yield from size.judge(declared)
    yield from reserved_finding(declared.at("port"), declared.port or 0)
    yield from variable.judge(declared)
    if declared.sandbox.read_only_root:
        # containerInstance.json 2023-05-01, SecurityContextDefinition: it has no word for that
        why = "Container Instances cannot make a container's root read-only"
        yield declared.sandbox.finding("read_only_root", f"{why}; drop it: the user writes in its own folders alone")
    place = declared.place
    # only what is said: the provider's own location is judged with its configuration
    location = plain_location(place.location or "")
    if declared.kind.is_spot and location and location not in SPOT_REGIONS:
        yield place.finding("location", f"Spot groups run in {', '.join(SPOT_REGIONS)}, not in {location}")
