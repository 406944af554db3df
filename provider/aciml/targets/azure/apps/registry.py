"""How a container app pulls its image, in ARM's JSON: by a user-assigned identity, or with a password as a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....model.access import Account
from ..groups.members import Json
from .secret import Secrets


def to_arm(accounts: Iterable[Account], secrets: Secrets) -> list[dict[str, Any]]:
    """Return ``registries`` of the configuration."""
    return [_registry(one, secrets) for one in accounts]


def _registry(account: Account, secrets: Secrets) -> dict[str, Any]:
    if account.identity:
        return {"server": account.server, "identity": account.identity}
    about = f"registry {account.server}"
    return {
        "server": account.server,
        "username": account.username,
        "passwordSecretRef": secrets.put(about, account.password or ""),
    }


def settings_to_arm(access_identities: Iterable[str], pull: str | None) -> list[dict[str, Any]]:
    """Return ``identitySettings``: an identity that pulls, and is said for nothing else, is no affair of the script."""
    listed = {one.lower() for one in access_identities}
    if not pull or pull.lower() in listed:
        return []
    # None: no container may ask for its tokens (Microsoft, "Managed identities in Azure Container Apps")
    return [{"identity": pull, "lifecycle": "None"}]


def from_arm(registries: Iterable[Json]) -> list[dict[str, Any]]:
    """Return registries in the words of a container group, whose way back to a declaration serves here too."""
    found = []
    for one in registries:
        entry: dict[str, Any] = {"server": str(one.get("server") or "")}
        if one.get("identity"):
            entry["identity"] = str(one["identity"])
        elif one.get("username"):
            entry["username"] = str(one["username"])
        found.append(entry)
    return sorted(found, key=lambda entry: entry["server"].lower())


def secrets_of(registries: Iterable[Json]) -> Mapping[str, str]:
    """Return the names of the secrets with passwords, by host in lower case."""
    return {
        str(one["server"]).lower(): str(one["passwordSecretRef"]) for one in registries if one.get("passwordSecretRef")
    }
