"""The engine's account of a run (``--event-log``): what became of each resource, in the words of a preview.

So one ``up`` shows what a preview before it would. Source: Pulumi's ``sdk/go/common/apitype/events.go``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REFRESH = "refresh"
UNSEEN = (REFRESH, "create-replacement", "delete-replaced")
"""Steps of a refresh, and the two that a ``replace`` is made of."""
DEFAULT = "pulumi:providers:aciml::default"
"""A provider that the engine makes by itself, which a preview does not show."""


def steps_of(log: Path) -> Iterator[dict[str, Any]]:
    """Give the steps of a run as ``preview --json`` does: a replacement once, and none of a refresh."""
    for event in _events(log):
        facts = event.get("resourcePreEvent", {}).get("metadata")
        if facts and facts["op"] not in UNSEEN and DEFAULT not in facts["urn"]:
            yield _step(facts)


def refreshed_of(log: Path) -> Iterator[dict[str, Any]]:
    """Give what a refresh found of each resource."""
    urns = [
        event["resourcePreEvent"]["metadata"]["urn"]
        for event in _events(log)
        if event.get("resourcePreEvent", {}).get("metadata", {}).get("op") == REFRESH
    ]
    for event in _events(log):
        facts = event.get("resOutputsEvent", {}).get("metadata")
        if facts and facts["urn"] in urns:
            urns.remove(facts["urn"])  # what comes after it is of the update
            yield _step(facts)


def _step(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "op": facts["op"],
        "urn": facts["urn"],
        "detailedDiff": facts.get("detailedDiff") or {},
        "oldState": facts.get("old") or {},
        "newState": facts.get("new") or {},
    }


def _events(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        yield json.loads(line)
