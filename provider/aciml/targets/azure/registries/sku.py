"""What a registry can do: a higher sku first, a lower one last, each alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....model.registry import SKUS, Registry
from .part import Part


def _to_arm(registry: Registry) -> Mapping[str, str]:
    return {
        "name": str(registry.sku).capitalize()
    }  # the words of the specification; users may write them in any letter case


def _from_arm(seen: Any) -> Mapping[str, str]:
    return {"sku": str((seen or {}).get("name", SKUS[0]))}


PART = Part(("sku",), ("sku",), _to_arm, _from_arm, {"sku": str.lower})


def rank(sku: str | None) -> int:
    """Return how much a sku can do, from 0; a word that nobody knows is the least."""
    # the least, so that leaving an unknown sku counts as an upgrade and comes first
    return next((rank for rank, name in enumerate(SKUS) if name.lower() == str(sku).lower()), 0)
