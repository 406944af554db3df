"""Shares of the requests: which may be declared, and whose turn is next."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .kinds import Json
from .rules import need

_LABEL = re.compile(r"(?=.{1,63}$)(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
ALL_TO_LATEST = [{"latestRevision": True, "weight": 100}]


def check_traffic(traffic: list[Json], active: set[str], known: set[str], *, single: bool) -> None:
    """Look at the entries of an ingress; ``active`` are names of revisions that run, ``known`` of all.

    Raises:
        ArmError: 400, ContainerAppInvalidTraffic (no source quotes a code).
    """
    if not traffic:
        return
    for each in traffic:
        _check_entry(each, active, known)
    total = sum(each.get("weight") or 0 for each in traffic)
    _need(total == 100, f"The sum of the traffic weights must be 100, and is {total}.")
    latest = [each for each in traffic if each.get("latestRevision")]
    _need(len(latest) <= 1, "Only one traffic entry can have latestRevision set to true.")
    names = [each["revisionName"] for each in traffic if each.get("revisionName")]
    _need(len(set(names)) == len(names), "A revision is named by two traffic entries.")
    labels = [each["label"] for each in traffic if each.get("label")]
    _need(len(set(labels)) == len(labels), "A label is given to two traffic entries.")
    # revisions of Single come and go by themselves
    _need(
        not single or (len(traffic) == 1 and latest), "In single revision mode all traffic goes to the latest revision."
    )


def _check_entry(entry: Json, active: set[str], known: set[str]) -> None:
    name, weight, label = entry.get("revisionName"), entry.get("weight") or 0, entry.get("label")
    _need(
        bool(name) != bool(entry.get("latestRevision")), "A traffic entry needs one of revisionName and latestRevision."
    )
    _need(isinstance(weight, int) and 0 <= weight <= 100, f"The traffic weight {weight} must be between 0 and 100.")
    _need(not label or _LABEL.fullmatch(label), f"The traffic label '{label}' is invalid.")
    _need(not name or name in known, f"The revision '{name}' of a traffic entry does not exist.")
    # deactivated ones may stay in the list that is returned, and are sent back then; they get nothing
    _need(not name or name in active or not weight, f"The revision '{name}' of a traffic entry is not active.")


def _need(condition: object, message: str) -> None:
    need(condition, "ContainerAppInvalidTraffic", message)


class Turns:
    """Shares kept exactly: among any hundred choices in a row each name has its weight."""

    def __init__(self) -> None:
        self._credit: dict[str, int] = {}

    def next(self, weights: Mapping[str, int]) -> str:
        """Return whose turn it is; empty if nobody has a weight."""
        total = sum(weights.values())
        if not total:
            return ""
        credit = {name: self._credit.get(name, 0) + weight for name, weight in weights.items() if weight}
        chosen = max(credit, key=lambda name: credit[name])
        credit[chosen] -= total
        self._credit = credit
        return chosen
