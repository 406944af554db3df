"""Identities of a container group in ARM's JSON: its own, those that are listed, and those that serve for something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....model.access import Access, Account
from ....model.group import Group
from . import account
from .members import Json, given


def to_arm(declared: Group, accounts: Iterable[Account]) -> dict[str, Any]:
    """Return the identities; those that pull or decrypt must be the group's own, so they are added.

    ``None`` is said in so many words: no source tells whether leaving it out takes away what is there.
    """
    access = declared.access
    named = [*access.identities, access.pull_identity, declared.encryption.cmk_identity]
    # one that pulls and is not the group's own is answered with InvalidImageRegistryIdentity
    named += [one.identity for one in accounts]
    # ids are equal in whatever case; of several spellings the first is sent
    users = {name.lower(): name for name in reversed(named) if name}
    kinds = ["SystemAssigned"] * bool(access.system_assigned_identity) + ["UserAssigned"] * bool(users)
    assigned: dict[str, dict[str, Any]] = {users[key]: {} for key in sorted(users)}
    return given(type=", ".join(kinds) or "None", userAssignedIdentities=assigned)


def same(identity: Json) -> dict[str, Any]:
    """Return what the identities of two groups are compared by: an answer adds what the directory knows of each."""
    users = sorted(identity.get("userAssignedIdentities") or {}, key=str.lower)
    return {"system": "systemassigned" in str(identity.get("type") or "").lower(), "users": users}


def folded(identity: Json) -> dict[str, Any]:
    """Return identities in which the letter case does not count."""
    # ARM minds no letter case in ids, and answers another than it was given
    return {**identity, "users": sorted(name.lower() for name in identity["users"])}


def from_arm(group: Json, known: Group | None) -> Access:
    """Return who a group is, as it would be declared.

    An account of ours with an identity is ``pull_identity``; one with a password is no property. Identities that serve
    for something else, and are not listed, are assigned by us.
    """
    ours, others = account.from_arm(group, known)
    pulls = ours.identity if ours and (known is None or known.access.pull_identity) else None
    # an answer has one list of identities and does not say what each is for
    used = {one.identity.lower() for one in (*others, *([ours] if ours else [])) if one.identity}
    used |= {str(group["encryption"].get("identity")).lower()}
    listed = {name.lower() for name in (known.access.identities if known else ())}
    users = [name for name in group["identity"]["users"] if name.lower() in listed or name.lower() not in used]
    return Access(
        system_assigned_identity=group["identity"]["system"],
        identities=tuple(users),
        pull_identity=pulls,
        image_registry_credentials=others,
    )
