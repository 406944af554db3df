"""Replicas of a revision in ARM's JSON. Source: Microsoft, "Set scaling rules in Azure Container Apps"."""

from __future__ import annotations

from typing import Any

from ....model.scale import CONCURRENT_REQUESTS, COOL_DOWN, Scale
from ..groups.members import Json

_RULE = "requests"


def to_arm(said: Scale | None) -> dict[str, Any]:
    """Return ``scale`` of a template; all of it is said, so that another default of the service changes nothing."""
    scale = said or Scale()
    concurrent = scale.concurrent_requests or CONCURRENT_REQUESTS
    return {
        "minReplicas": scale.least,
        "maxReplicas": scale.greatest,
        "cooldownPeriod": scale.cool_down or COOL_DOWN,
        # metadata are texts: a number is refused
        "rules": [{"name": _RULE, "http": {"metadata": {"concurrentRequests": str(concurrent)}}}],
    }


def from_arm(scale: Json) -> Scale:
    """Return the replicas of a template as they would be declared; the service's defaults where it says nothing."""
    rules = [one["http"] for one in scale.get("rules") or () if one.get("http")]
    said = str((rules[0].get("metadata") or {}).get("concurrentRequests") or "") if rules else ""
    most = scale.get("maxReplicas")
    return Scale(
        min_replicas=int(scale.get("minReplicas") or 0),
        max_replicas=10 if most is None else int(most),
        concurrent_requests=int(said) if said.isdigit() else CONCURRENT_REQUESTS,
        cool_down=int(scale.get("cooldownPeriod") or COOL_DOWN),
    )
