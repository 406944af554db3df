"""From a registry as it is to one as it is wanted: which requests, in which order."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ....model.registry import SKUS
from ...protocol import RegistrySpec, Settings
from ..ownership import OWNER_TAG, owner_in, version_in
from .body import body_of, settings_of
from .rules import DEFAULTS, same

_FIXED = ("resourceGroup", "location", "zoneRedundancy", "adopt")


@dataclass(frozen=True)
class Step:
    """One request, and the properties that it is about."""

    method: Literal["PATCH", "PUT"]
    body: Mapping[str, Any]
    names: tuple[str, ...]


def wanted_settings(seen: Mapping[str, Any], old: Settings | None, new: RegistrySpec, *, ours: bool) -> dict[str, Any]:
    """Return all properties as they have to be.

    What is not declared is the default for a registry of ours, and stays as it is for one that is not; there, only
    what ``old`` declared and ``new`` does not is taken back.
    """
    now = settings_of(seen)
    said = {name: value for name, value in new.settings.items() if value is not None and name not in _FIXED}
    withdrawn = {name for name in (old or {}) if name in DEFAULTS and name not in said}
    base = {name: DEFAULTS[name] if ours or name in withdrawn else now[name] for name in DEFAULTS}
    wanted = {**base, **said}
    if not ours:
        mine = (old or {}).get("tags") or {}
        others = {name: value for name, value in now["tags"].items() if name not in mine}
        wanted["tags"] = {**others, **said.get("tags", {})}
    return wanted


def steps(seen: Mapping[str, Any], wanted: Settings, owner: str) -> list[Step]:
    """Return what to send, in order; nothing if nothing differs.

    A higher sku comes first and alone, so that what needs it is taken; a lower one last and alone, after what needs
    the higher one is taken back. ``owner`` is the value of our tag, empty for none.

    Source: terraform-provider-azurerm, container_registry_resource.go, applyContainerRegistrySku.
    """
    now = settings_of(seen)
    names = [name for name in wanted if not same(name, wanted[name], now[name])]
    if owner != owner_in(seen.get("tags")) and "tags" not in names:
        names.append("tags")
    rest = [name for name in names if name != "sku"]
    mine = {OWNER_TAG: owner, **version_in(seen.get("tags"))} if owner else {}
    sent = {**wanted, "tags": {**wanted["tags"], **mine}}
    move = Step("PATCH", body_of(sent, ["sku"]), ("sku",))
    up = _rank(wanted["sku"]) > _rank(now["sku"])
    by_then = {**seen, **move.body} if up else seen
    others = [_step(by_then, now, sent, rest)] if rest else []
    if "sku" not in names:
        return others
    return [move, *others] if up else [*others, move]


def _step(seen: Mapping[str, Any], now: Settings, sent: Settings, names: Iterable[str]) -> Step:
    body = body_of(sent, names)
    if not _loses_identity(now, sent):
        return Step("PATCH", body, tuple(names))
    # a PATCH only adds identities; azure-cli's "acr identity remove" sends the whole registry too
    return Step("PUT", _merged(seen, {**body, "identity": body_of(sent, ["identities"])["identity"]}), tuple(names))


def _loses_identity(now: Settings, sent: Settings) -> bool:
    kept = {one.lower() for one in sent["identities"]}
    system = now["systemAssignedIdentity"] and not sent["systemAssignedIdentity"]
    return bool(system or any(one.lower() not in kept for one in now["identities"]))


def _merged(seen: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the registry as it is, with the parts of ``body`` in their places; lists and identity are whole."""
    merged = copy.deepcopy(dict(seen))
    for name, value in body.items():
        inner = merged.get(name)
        nested = name not in ("identity", "tags") and isinstance(value, Mapping) and isinstance(inner, Mapping)
        merged[name] = _merged(inner or {}, value) if nested else value
    return merged


def _rank(sku: str) -> int:
    return next((rank for rank, name in enumerate(SKUS) if name.lower() == sku.lower()), 0)
