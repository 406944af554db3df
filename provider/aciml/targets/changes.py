"""Which fields of two specs differ. A name is an identity: another name is another thing."""

from __future__ import annotations

from dataclasses import fields

from .protocol import Action, GroupSpec, RegistrySpec


def changed_fields(old: RegistrySpec | GroupSpec, new: RegistrySpec | GroupSpec) -> dict[str, Action]:
    """Name the fields that differ: ``name`` replaces, all others are updated in place."""
    differing = (field.name for field in fields(new) if getattr(old, field.name) != getattr(new, field.name))
    return {name: "replace" if name == "name" else "update" for name in differing}
