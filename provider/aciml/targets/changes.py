"""Which fields of two specs of a group differ. A name is an identity: another name is another group."""

from __future__ import annotations

from dataclasses import fields

from .protocol import Action, GroupSpec


def changed_fields(old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
    """Name the fields and settings that differ: ``name`` replaces, all others are updated in place.

    ``owner`` and ``known_as`` are no properties; ``settings`` are named one by one.
    """
    plain = (field.name for field in fields(new) if field.name not in ("owner", "known_as", "settings"))
    differing = {name for name in plain if getattr(old, name) != getattr(new, name)}
    keys = old.settings.keys() | new.settings.keys()
    differing |= {key for key in keys if old.settings.get(key) != new.settings.get(key)}
    return {name: "replace" if name == "name" else "update" for name in sorted(differing)}
