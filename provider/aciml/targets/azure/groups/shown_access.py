"""Accounts and identities of a container group in the words of the resource's properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import UserError
from ...protocol import GroupSpec
from .body import pull_server
from .container import given

Json = Mapping[str, Any]


def shown_access(group: Json, known: GroupSpec | None) -> dict[str, Any]:
    """Return the properties of a filled description that say who may what.

    The account of the image's own registry is made by us unless it was declared: one with an identity is
    ``pullIdentity``, one with a password is none of the properties. Identities that serve for something else, and are
    not listed, are assigned by us.
    """
    accounts = [{name: value for name, value in item.items() if name != "password"} for item in _accounts(group)]
    own = next((item for item in accounts if _is_ours(item, group, known)), {})
    others = [item for item in accounts if item is not own]
    pulls = own.get("identity") if known is None or known.settings.get("pullIdentity") else None
    identity = group["identity"]
    used = {str(item.get("identity")).lower() for item in (*accounts, group["encryption"])}
    listed = {str(name).lower() for name in (known.settings.get("identities") or () if known else ())}
    users = [name for name in identity["users"] if name.lower() in listed or name.lower() not in used]
    return {
        "systemAssignedIdentity": identity["system"],
        **given(imageRegistryCredentials=others, pullIdentity=pulls, identities=users),
    }


def _accounts(group: Json) -> list[dict[str, Any]]:
    return list(group["imageRegistryCredentials"])


def _is_ours(account: Json, group: Json, known: GroupSpec | None) -> bool:
    image = known.image if known else str(group["containers"][0]["image"])
    if str(account["server"]).lower() != server_of(image):
        return False
    declared = (known.settings.get("imageRegistryCredentials") or ()) if known else ()
    return all(str(item["server"]).lower() != str(account["server"]).lower() for item in declared)


def server_of(image: str) -> str:
    """Return the host of an image in lower case; empty for what is no reference, which only others' groups have."""
    try:
        return pull_server(image).lower()
    except UserError:
        return ""
