"""Policies of a registry: how long untagged manifests stay, and whether images may leave it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....model.registry import Registry
from .part import Part, switch

_USUAL_DAYS = 7  # what ARM takes for a retention without days


def _retention_to_arm(registry: Registry) -> Mapping[str, Any]:
    days = registry.retention_days
    return {"status": "disabled"} if days is None else {"status": "enabled", "days": int(days)}


def _retention_from_arm(seen: Any) -> Mapping[str, int | None]:
    """A retention that is off shows days too, which say nothing then."""
    seen = seen or {}
    enabled = str(seen.get("status")).lower() == "enabled"
    return {"retention_days": seen.get("days", _USUAL_DAYS) if enabled else None}


RETENTION = Part(
    ("retention_days",), ("properties", "policies", "retentionPolicy"), _retention_to_arm, _retention_from_arm
)
EXPORT = switch(
    "export_policy", "properties", "policies", "exportPolicy", "status", on="enabled", off="disabled", default=True
)
