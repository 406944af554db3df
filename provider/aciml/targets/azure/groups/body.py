"""The request that makes a container group: always the full model, because the service resets what is left out.

Source: containerInstance.json 2023-05-01; Microsoft's page "Update containers in Azure Container Instances" (properties
that are not given go back to their defaults, so all of them are sent with every PUT, secrets too).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from ....core.reference import Reference
from ....model.tag import DESCRIPTION
from ....model.volume import TLS_VOLUME
from ...protocol import GroupSpec, Settings
from ..ownership import owner_tags
from .container import CERTIFICATE_FILE, CLIENTS_FILE, KEY_FILE, given, init_container, serving_container
from .network import Place, address, dns_config, subnet_id


def group_body(spec: GroupSpec, config: Place, pull: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the JSON of the PUT, with all secrets in it.

    Args:
        spec: the group; its ``name`` is the container's too, the group's own is in the URL.
        config: says subscription, resource group and region where the spec does not.
        pull: the entry of ``imageRegistryCredentials`` that the image needs; one that the spec gives for the same
            server wins.

    Returns:
        Equal specs give equal JSON: what has no order of its own is sorted.
    """
    settings = spec.settings
    accounts = _accounts(settings, pull)
    properties = {
        "containers": [serving_container(spec)],
        "initContainers": [init_container(declared) for declared in settings.get("initContainers") or ()],
        "imageRegistryCredentials": accounts,
        "restartPolicy": settings.get("restartPolicy") or "Always",
        "osType": settings.get("osType") or "Linux",
        "ipAddress": address(spec, config),
        "volumes": _volumes(spec),
        "diagnostics": _diagnostics(settings),
        "subnetIds": [{"id": subnet}] if (subnet := subnet_id(spec, config)) else None,
        "dnsConfig": dns_config(settings),
        "sku": settings.get("sku") or "Standard",
        "priority": "Spot" if settings.get("priority") == "Spot" else None,
        "confidentialComputeProperties": given(ccePolicy=settings.get("ccePolicy")),
        "encryptionProperties": _encryption(settings),
    }
    return given(
        location=plain_location(settings.get("location") or config.location),
        tags=tags_of(spec),
        identity=_identity(settings, accounts),
        zones=sorted(str(zone) for zone in settings.get("zones") or ()),
        properties=given(**properties),
    )


def pull_server(image: str) -> str:
    """Return the host that an image is pulled from, as credentials name it."""
    return Reference.parse(image).registry


def foreseen_pull(spec: GroupSpec) -> dict[str, str] | None:
    """Return what is known of the pull entry without asking anybody: that of ``pullIdentity``."""
    identity = spec.settings.get("pullIdentity")
    return {"server": pull_server(spec.image), "identity": str(identity)} if identity else None


def plain_location(text: str) -> str:
    """Return ``westeurope`` for ``West Europe``: both are names of the region."""
    return text.replace(" ", "").lower()


def tags_of(spec: GroupSpec) -> dict[str, str]:
    """Return all tags: those of v1's ``tags`` and ``properties``, the description, and the owner."""
    settings = spec.settings
    named = {**(settings.get("properties") or {}), **(settings.get("tags") or {})}
    named |= {**given(**{DESCRIPTION: settings.get("description")}), **owner_tags(spec.owner)}
    return {name: str(named[name]) for name in sorted(named)}


def _identity(settings: Settings, accounts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the identities; those that pull or decrypt must be the group's own, so they are added.

    ``None`` is said in so many words: no source tells whether leaving it out takes away what is there.
    """
    named = [*(settings.get("identities") or ()), settings.get("pullIdentity"), settings.get("cmkIdentity")]
    named += [account.get("identity") for account in accounts]
    users = {str(name).lower(): str(name) for name in reversed(named) if name}
    kinds = ["SystemAssigned"] * bool(settings.get("systemAssignedIdentity")) + ["UserAssigned"] * bool(users)
    assigned: dict[str, dict[str, Any]] = {users[key]: {} for key in sorted(users)}
    return given(type=", ".join(kinds) or "None", userAssignedIdentities=assigned)


def _accounts(settings: Settings, pull: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    entries = {str(entry["server"]).lower(): given(**entry) for entry in (pull,) if entry}
    for entry in settings.get("imageRegistryCredentials") or ():
        entries[str(entry["server"]).lower()] = given(**entry)
    return [entries[server] for server in sorted(entries)]


def _volumes(spec: GroupSpec) -> list[dict[str, Any]]:
    volumes = [_volume(declared) for declared in spec.settings.get("volumes") or ()]
    if spec.certificate:
        files = {CERTIFICATE_FILE: _base64(spec.certificate.chain), KEY_FILE: _base64(spec.certificate.key)}
        files |= {CLIENTS_FILE: _base64(spec.certificate.authorities)} if spec.certificate.authorities else {}
        volumes.append({"name": TLS_VOLUME, "secret": files})
    return sorted(volumes, key=lambda volume: str(volume["name"]))


def _volume(declared: Mapping[str, Any]) -> dict[str, Any]:
    volume: dict[str, Any] = {"name": declared["name"]}
    for kind in ("azureFile", "gitRepo"):
        if kind in declared:
            volume[kind] = given(**declared[kind])
    if "emptyDir" in declared:
        volume["emptyDir"] = {}
    if "secret" in declared:
        files = declared["secret"] or {}
        volume["secret"] = {name: _base64(str(files[name]).encode()) for name in sorted(files)}
    return volume


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _diagnostics(settings: Settings) -> dict[str, Any] | None:
    workspace = settings.get("logAnalytics")
    return {"logAnalytics": given(**workspace)} if workspace else None


def _encryption(settings: Settings) -> dict[str, Any] | None:
    names = {"vaultBaseUrl": "cmkVaultBaseUrl", "keyName": "cmkKeyName", "keyVersion": "cmkKeyVersion"}
    if not all(settings.get(name) for name in names.values()):
        return None
    key = {arm: str(settings[name]).rstrip("/") for arm, name in names.items()}
    return given(**key, identity=settings.get("cmkIdentity"))
