"""The shares of the requests in ARM's JSON: always by the name of a revision, labels kept.

``latestRevision`` would give a new revision traffic before it is proven, so it is sent with the first one alone: an
entry that names a revision which does not exist yet lets the service wait for it until "Operation expired"
(terraform-provider-azurerm issue 27221).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..groups.members import Json

FIRST: list[dict[str, Any]] = [{"latestRevision": True, "weight": 100}]
Entries = list[dict[str, Any]]


def pinned(traffic: Iterable[Json], latest_ready: str, active: Iterable[str]) -> Entries:
    """Return what is shared now, by names.

    Args:
        traffic: as a GET has it.
        latest_ready: what ``latestRevision`` means: the latest that is ready.
        active: names of the revisions that are active; deactivated ones may stay in an answer (issue 410).

    Returns:
        Entries by name, the weights sum up to 100; ``FIRST`` where no revision is ready.
    """
    known = set(active)
    found: dict[str, dict[str, Any]] = {}
    for one in traffic:
        name = latest_ready if one.get("latestRevision") else str(one.get("revisionName") or "")
        if not name or name not in known:
            continue
        entry = found.setdefault(name, {"revisionName": name, "weight": 0})
        # `latestRevision` and a name may mean one revision: then it has two entries, and the sum of them
        entry["weight"] += int(one.get("weight") or 0)
        if one.get("label"):
            entry["label"] = str(one["label"])
    total = sum(entry["weight"] for entry in found.values())
    if total == 100:
        return list(found.values())
    # its share went with a revision that is gone: what is ready has all of it
    if latest_ready in known:
        return weighed(list(found.values()), {latest_ready: 100})
    return [dict(one) for one in FIRST]


def weighed(entries: Iterable[Json], weights: Mapping[str, int]) -> Entries:
    """Return entries with these weights: who is not named gets none, and stays for its label alone."""
    labels = {
        str(one["revisionName"]): str(one["label"]) for one in entries if one.get("label") and one.get("revisionName")
    }
    # without share and label an entry says nothing, and each revision that ever served would stay in the list
    names = [*(name for name, weight in weights.items() if weight), *(name for name in labels if not weights.get(name))]
    return [
        {"revisionName": name, "weight": weights.get(name, 0), **({"label": labels[name]} if name in labels else {})}
        for name in names
    ]


def labelled(entries: Iterable[Json], label: str, revision: str) -> Entries:
    """Return entries in which a label leads to a revision: it sits on one entry alone."""
    moved = [{key: value for key, value in one.items() if key != "label" or value != label} for one in entries]
    kept = [one for one in moved if one.get("weight") or one.get("label") or one.get("revisionName") == revision]
    if not any(one.get("revisionName") == revision for one in kept):
        kept.append({"revisionName": revision, "weight": 0})
    return [{**one, "label": label} if one.get("revisionName") == revision else one for one in kept]


def label_holder(entries: Iterable[Json], label: str) -> str:
    """Return the revision that a label leads to; empty if nobody has it, or it is the latest one, whichever that is."""
    return next((str(one.get("revisionName") or "") for one in entries if one.get("label") == label), "")


def without(entries: Iterable[Json], revision: str) -> Entries:
    """Return entries without a revision that is to be deactivated."""
    return [dict(one) for one in entries if one.get("revisionName") != revision]


def weights_in(entries: Iterable[Json]) -> dict[str, int]:
    """Return the weights by name."""
    return {str(one["revisionName"]): int(one.get("weight") or 0) for one in entries if one.get("revisionName")}


def same(one: Iterable[Json], other: Iterable[Json]) -> bool:
    """Tell whether two lists share the requests, and name revisions, in the same way."""
    # as sets, and without entries that share nothing: an answer has its own order, and drops those
    return _comparable(one) == _comparable(other)


def _comparable(entries: Iterable[Json]) -> set[tuple[str, bool, int, str]]:
    return {
        (
            str(one.get("revisionName") or ""),
            bool(one.get("latestRevision")),
            int(one.get("weight") or 0),
            str(one.get("label") or ""),
        )
        for one in entries
        if one.get("weight") or one.get("label")
    }
