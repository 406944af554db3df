"""Registries as a program declares them, by the names of the wire."""

from __future__ import annotations

from typing import Any

from aciml.model.declared import read, written_leaves
from aciml.model.registry import Registry
from aciml.targets.protocol import RegistryFacts, RegistrySpec


def registry(**properties: Any) -> Registry:
    return read(Registry, properties)


def wanted_registry(name: str = "contoso", owner: str = "", known_as: str = "", **properties: Any) -> RegistrySpec:
    return RegistrySpec(registry(name=name, **properties), owner, known_as)


def drift_of(facts: RegistryFacts) -> dict[str, Any]:
    """Return what a target sees otherwise than it was declared."""
    return written_leaves(facts.seen, facts.drift) if facts.seen else {}
