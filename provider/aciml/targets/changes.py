"""Which fields of two specs differ. A name is an identity: another name is another thing."""

from __future__ import annotations

from dataclasses import fields

from ..model.declared import differing
from .protocol import Action, GroupSpec, RegistrySpec


def changed_properties(old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
    """Name the properties that differ, by the names of ``leaves``: ``name`` replaces, all others change in place."""
    names = set(differing(old.declared, new.declared))
    if old.certificate != new.certificate:
        names |= {"ssl_enabled", "certificate_hash"}
    return {name: "replace" if name == "name" else "update" for name in sorted(names)}


def changed_fields(old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
    """Name the fields and settings that differ: ``name`` replaces, all others are updated in place.

    ``owner`` and ``known_as`` are no properties; ``settings`` are named one by one.
    """
    plain = (field.name for field in fields(new) if field.name not in ("owner", "known_as", "settings"))
    differing = {name for name in plain if getattr(old, name) != getattr(new, name)}
    keys = old.settings.keys() | new.settings.keys()
    differing |= {key for key in keys if old.settings.get(key) != new.settings.get(key)}
    return {name: "replace" if name == "name" else "update" for name in sorted(differing)}
