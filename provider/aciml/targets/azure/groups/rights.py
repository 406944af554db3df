"""Rights of a container in ARM's JSON."""

from __future__ import annotations

from typing import Any

from ....model.confidential import SecurityContext
from ....model.declared import read, written
from .members import Json, given


def to_arm(context: SecurityContext | None) -> dict[str, Any] | None:
    """Return ``securityContext`` of the request; None if nothing is said."""
    said = written(context) if context else {}
    return given(**{**said, "capabilities": given(**said.get("capabilities", {}))}) if said else None


def same(rights: Json) -> dict[str, Any]:
    """Return what the rights of two containers are compared by; not to be privileged is the default."""
    capabilities = {name: sorted(items) for name, items in (rights.get("capabilities") or {}).items() if items}
    # an answer may say `privileged: false` where nothing was sent
    return given(**{**rights, "privileged": rights.get("privileged") or None, "capabilities": capabilities})


def from_arm(rights: Json) -> SecurityContext | None:
    """Return what ``same`` made of rights as they would be declared."""
    return read(SecurityContext, rights) if rights else None


def are_plain(context: SecurityContext | None) -> bool:
    """Tell whether nothing is said but that something may not be done: the service may fill that in."""
    # by identity: user 0 is root, and not nothing
    return context is None or all(value is False or value in ({}, []) for value in written(context).values())
