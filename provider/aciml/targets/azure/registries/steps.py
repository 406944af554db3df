"""From a registry as it is to one as it is wanted: which requests, in which order."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ....core.casing import camel_case
from ....model.declared import leaves, with_leaves
from ....model.registry import Registry
from ..ownership import OWNER_TAG, owner_in, version_in
from ..tagged import dropped, merged
from .body import CHANGEABLE, DEFAULTS, body_of, differing, from_arm
from .identity import is_less
from .sku import rank


@dataclass(frozen=True)
class Step:
    """One request, and the properties that it is about, by their names on the wire."""

    method: Literal["PATCH", "PUT"]
    body: Mapping[str, Any]
    names: tuple[str, ...]


def wanted(seen: Mapping[str, Any], old: Registry | None, new: Registry, *, ours: bool) -> Registry:
    """Return a registry with all properties as they have to be.

    What is not declared is the default for a registry of ours, and stays as it is for one that is not; there, only
    what ``old`` declared and ``new`` does not is taken back.
    """
    now = from_arm(seen)
    said, before, usual, found = leaves(new), leaves(old or Registry()), leaves(DEFAULTS), leaves(now)

    def value_of(name: str) -> Any:
        if said[name] is not None:
            return said[name]
        return usual[name] if ours or before[name] is not None else found[name]

    whole = with_leaves(now, {name: value_of(name) for name in CHANGEABLE})
    # a tag that nobody declared is somebody else's, such as a policy's, whoever made the registry
    gone = dropped((old.tags if old else None) or {}, new.tags or {})
    return whole.but(tags=merged(new.tags or {}, now.tags, gone))


def steps(seen: Mapping[str, Any], wanted: Registry, owner: str) -> list[Step]:
    """Return what to send, in order; nothing if nothing differs.

    A higher sku comes first and alone, so that what needs it is taken; a lower one last and alone, after what needs
    the higher one is taken back. ``owner`` is the value of our tag, empty for none.

    Source: terraform-provider-azurerm, container_registry_resource.go, applyContainerRegistrySku.
    """
    now = from_arm(seen)
    names = differing(wanted, now)
    # a PATCH of tags replaces all of them, so ours goes along each time, and alone if it is missing
    if owner != owner_in(seen.get("tags")) and "tags" not in names:
        names.append("tags")
    rest = [name for name in names if name != "sku"]
    # the version stays that of the maker: another aciml alone is no change
    mine = {OWNER_TAG: owner, **version_in(seen.get("tags"))} if owner else {}
    sent = wanted.but(tags={**(wanted.tags or {}), **mine})
    move = Step("PATCH", body_of(sent, ["sku"]), ("sku",))
    up = rank(wanted.sku) > rank(now.sku)
    # a PUT says the sku too, and would take the registry down to the one of before
    by_then = {**seen, **move.body} if up else seen
    others = [_step(by_then, now, sent, rest)] if rest else []
    if "sku" not in names:
        return others
    return [move, *others] if up else [*others, move]


def _step(seen: Mapping[str, Any], now: Registry, sent: Registry, names: Sequence[str]) -> Step:
    body, told = body_of(sent, names), tuple(map(camel_case, names))
    if not is_less(now.identity, sent.identity):
        return Step("PATCH", body, told)
    # a PATCH only adds identities, so the whole registry is sent, as azure-cli's "acr identity remove" does
    return Step("PUT", _merged(seen, {**body, **body_of(sent, ["identities"])}), told)


def _merged(seen: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the registry as it is, with the parts of ``body`` in their places; lists and identity are whole."""
    merged = copy.deepcopy(dict(seen))
    for name, value in body.items():
        inner = merged.get(name)
        nested = name not in ("identity", "tags") and isinstance(value, Mapping) and isinstance(inner, Mapping)
        merged[name] = _merged(inner or {}, value) if nested else value
    return merged
