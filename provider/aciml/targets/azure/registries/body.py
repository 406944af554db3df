"""A registry in ARM's words (API 2025-11-01), and back in ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...protocol import RegistrySpec, Settings
from ..config import AzureConfig
from ..ownership import owner_in, owner_of, owner_tags, without_owner
from .rules import DEFAULTS, plain_location, plain_rule, same

SYSTEM, USER = "SystemAssigned", "UserAssigned"


@dataclass(frozen=True)
class _Part:
    """A part of the body that is sent whole: which properties it holds, where it stands, how it is written."""

    names: tuple[str, ...]
    path: tuple[str, ...]
    write: Callable[[Settings], Any]


def _enabled(name: str, on: str = "Enabled", off: str = "Disabled") -> Callable[[Settings], str]:
    return lambda settings: on if settings[name] else off


def _plain(name: str) -> Callable[[Settings], Any]:
    return lambda settings: settings[name]


def _identity(settings: Settings) -> dict[str, Any]:
    ids = settings["identities"]
    kinds = [kind for kind, there in ((SYSTEM, settings["systemAssignedIdentity"]), (USER, ids)) if there]
    body: dict[str, Any] = {"type": ", ".join(kinds) or "None"}
    return {**body, "userAssignedIdentities": {one: {} for one in ids}} if ids else body


def _network(settings: Settings) -> dict[str, Any]:
    rules = [{"action": "Allow", "value": plain_rule(rule)} for rule in settings["ipRules"]]
    return {"defaultAction": settings["networkDefaultAction"].capitalize(), "ipRules": rules}


def _retention(settings: Settings) -> dict[str, Any]:
    days = settings["retentionDays"]
    return {"status": "disabled"} if days is None else {"status": "enabled", "days": int(days)}


def _encryption(settings: Settings) -> dict[str, Any]:
    key = settings["encryption"]
    return {"status": "enabled", "keyVaultProperties": dict(key)} if key else {"status": "disabled"}


_PARTS = (
    _Part(("sku",), ("sku",), lambda settings: {"name": settings["sku"].capitalize()}),
    _Part(("tags",), ("tags",), lambda settings: dict(settings["tags"])),
    _Part(("systemAssignedIdentity", "identities"), ("identity",), _identity),
    _Part(("adminUserEnabled",), ("properties", "adminUserEnabled"), _plain("adminUserEnabled")),
    _Part(("publicNetworkAccess",), ("properties", "publicNetworkAccess"), _enabled("publicNetworkAccess")),
    _Part(("ipRules", "networkDefaultAction"), ("properties", "networkRuleSet"), _network),
    _Part(
        ("trustedServicesBypass",),
        ("properties", "networkRuleBypassOptions"),
        _enabled("trustedServicesBypass", "AzureServices", "None"),
    ),
    _Part(("retentionDays",), ("properties", "policies", "retentionPolicy"), _retention),
    _Part(
        ("exportPolicy",),
        ("properties", "policies", "exportPolicy", "status"),
        _enabled("exportPolicy", "enabled", "disabled"),
    ),
    _Part(("anonymousPull",), ("properties", "anonymousPullEnabled"), _plain("anonymousPull")),
    _Part(("zoneRedundancy",), ("properties", "zoneRedundancy"), _enabled("zoneRedundancy")),
    _Part(("dataEndpointEnabled",), ("properties", "dataEndpointEnabled"), _plain("dataEndpointEnabled")),
    _Part(("encryption",), ("properties", "encryption"), _encryption),
)


def body_of(settings: Settings, names: Iterable[str]) -> dict[str, Any]:
    """Write the parts of the body that hold the named properties; ``settings`` has a value for all in these parts."""
    wanted, body = set(names), dict[str, Any]()
    for part in _PARTS:
        if wanted & set(part.names):
            inner = body
            for step in part.path[:-1]:
                inner = inner.setdefault(step, {})
            inner[part.path[-1]] = part.write(settings)
    return body


def registry_body(spec: RegistrySpec, config: AzureConfig) -> dict[str, Any]:
    """Return the body of the PUT that makes a registry.

    What has its default is left out, since lesser skus refuse some properties even so; ``properties`` has to be there.
    """
    settings = {**DEFAULTS, **{name: value for name, value in spec.settings.items() if value is not None}}
    said = [name for name, value in settings.items() if name not in DEFAULTS or not same(name, value, DEFAULTS[name])]
    settings["tags"] = {**settings["tags"], **owner_tags(spec.owner)}
    location = plain_location(settings.get("location") or config.location)
    return {"location": location, **body_of(settings, {"sku", "tags", "adminUserEnabled", *said})}


def settings_of(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Read all properties that a registry has now from the JSON of a GET; what is off and has no value is None."""
    properties = seen.get("properties") or {}
    identity, network = seen.get("identity") or {}, properties.get("networkRuleSet") or {}
    policies = properties.get("policies") or {}
    retention, export = policies.get("retentionPolicy") or {}, policies.get("exportPolicy") or {}
    return {
        "resourceGroup": resource_group_of(str(seen.get("id", ""))),
        "location": plain_location(str(seen.get("location", ""))),
        "sku": str((seen.get("sku") or {}).get("name", DEFAULTS["sku"])),
        "adminUserEnabled": bool(properties.get("adminUserEnabled")),
        "publicNetworkAccess": _is(properties.get("publicNetworkAccess"), "enabled", default=True),
        "ipRules": [plain_rule(str(rule["value"])) for rule in network.get("ipRules") or ()],
        "networkDefaultAction": str(network.get("defaultAction") or "Allow"),
        "trustedServicesBypass": _is(properties.get("networkRuleBypassOptions"), "azureservices", default=True),
        "retentionDays": retention.get("days", 7) if _is(retention.get("status"), "enabled") else None,
        "anonymousPull": bool(properties.get("anonymousPullEnabled")),
        "zoneRedundancy": _is(properties.get("zoneRedundancy"), "enabled"),
        "dataEndpointEnabled": bool(properties.get("dataEndpointEnabled")),
        "exportPolicy": _is(export.get("status"), "enabled", default=True),
        "systemAssignedIdentity": SYSTEM.lower() in str(identity.get("type", "")).lower(),
        "identities": list(identity.get("userAssignedIdentities") or ()),
        "encryption": _key(properties.get("encryption") or {}),
        "tags": without_owner(seen.get("tags")),
    }


def resource_group_of(resource_id: str) -> str:
    """Return the resource group in an ARM id; empty if there is none."""
    parts = resource_id.split("/")
    lower = [part.lower() for part in parts]
    return parts[lower.index("resourcegroups") + 1] if "resourcegroups" in lower[:-1] else ""


def registry_seen(seen: Mapping[str, Any], known: RegistrySpec | None) -> dict[str, Any]:
    """Return properties that differ from what was declared; without ``known`` all that are not the default.

    Of an adopted registry only what was declared counts; the rest is its own affair.
    ``zoneRedundancy`` never counts: Azure turns it on by itself, and no update could turn it off.
    """
    now = settings_of(seen)
    if known is None:
        always = ("resourceGroup", "location", "sku")
        return {name: value for name, value in now.items() if name in always or not same(name, value, _default(name))}
    said = {name: value for name, value in known.settings.items() if value is not None}
    ours = is_ours(seen, known.owner, known.known_as) or not said.get("adopt")
    wanted = {**DEFAULTS, **said} if ours else dict(said)
    if not ours and "tags" in said:
        now["tags"] = {name: value for name, value in now["tags"].items() if name in said["tags"]}
    names = [name for name in wanted if name in now and name != "zoneRedundancy"]
    return {name: now[name] for name in names if not same(name, wanted[name], now[name])}


def is_ours(seen: Mapping[str, Any], owner: str, known_as: str = "") -> bool:
    """Whether our tag says that we made it.

    ``owner`` is a urn, empty for any; ``known_as`` what the tag was when state last looked, empty if that is not known.
    """
    tag = owner_in(seen.get("tags"))
    return bool(tag) and (not owner or tag in {owner_of(owner), known_as})


def _default(name: str) -> Any:
    return DEFAULTS.get(name, False)


def _is(value: Any, word: str, *, default: bool = False) -> bool:
    return default if value is None else str(value).lower() == word


def _key(encryption: Mapping[str, Any]) -> dict[str, str] | None:
    if not _is(encryption.get("status"), "enabled"):
        return None
    key = encryption.get("keyVaultProperties") or {}
    return {name: str(key.get(name, "")) for name in ("keyIdentifier", "identity")}
