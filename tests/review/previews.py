"""Previews as the CLI writes them, made of what a test is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

URN = "urn:pulumi:prod::scoring::"
GROUP = f"{URN}aciml:index:ScoringService$aciml:compute:ContainerGroup::diabetes-group"
ENVIRONMENT = f"{URN}aciml:index:EnvironmentImage$aciml:image:Environment::environment-image"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def step(
    op: str, urn: str, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, **detail: str
) -> dict[str, Any]:
    """Return a step; ``detail`` has the kind of each property that differs (update, add, update-replace, ...)."""
    found: dict[str, Any] = {"op": op, "urn": urn}
    found |= {"oldState": {"urn": urn, "inputs": before}} if before is not None else {}
    found |= {"newState": {"urn": urn, "inputs": after}} if after is not None else {}
    found["detailedDiff"] = {path: {"kind": kind, "inputDiff": True} for path, kind in detail.items()} or None
    return found


def digest(*steps: Mapping[str, Any], told: Mapping[str, str] | None = None, same: int = 4, **severities: str) -> str:
    """Return what ``pulumi preview --json`` prints; ``told`` has one line by urn, ``severities`` texts by severity."""
    said = [{"urn": urn, "message": f"{text}\n", "severity": "info"} for urn, text in (told or {}).items()]
    said += [{"message": f"{severity}: {text}\n", "severity": severity} for severity, text in severities.items()]
    return json.dumps({"steps": steps, "diagnostics": said, "duration": 1, "changeSummary": {"same": same}}, indent=4)


def event_log(*steps: Mapping[str, Any], told: Mapping[str, str] | None = None) -> str:
    """Return the same as the engine's event log."""
    lines: list[dict[str, Any]] = [{"sequence": 0, "timestamp": 0, "preludeEvent": {"config": {}}}]
    for one in steps:
        facts = {"op": one["op"], "urn": one["urn"], "old": one.get("oldState"), "new": one.get("newState")}
        detail = {path: {"diffKind": kind["kind"]} for path, kind in (one["detailedDiff"] or {}).items()}
        lines.append({"sequence": 1, "resourcePreEvent": {"metadata": {**facts, "detailedDiff": detail}}})
    for urn, text in (told or {}).items():
        lines.append({"sequence": 2, "diagnosticEvent": {"urn": urn, "message": text, "severity": "info"}})
    lines.append({"diagnosticEvent": {"message": "noise", "severity": "debug"}})
    lines.append({"diagnosticEvent": {"message": "50 of 118 MB", "severity": "info", "ephemeral": True, "urn": GROUP}})
    return "\n".join(map(json.dumps, lines)) + "\n"


PACKAGES = step(
    "update",
    ENVIRONMENT,
    {
        "baseImage": "debian:12",
        "baseDigest": "sha256:" + "a" * 64,
        "packages": {"numpy": "1.26.4 py311_0", "python": "3.11.2 h1", "six": "1 b0"},
        "pipPackages": {"tabulate": "0.9.0"},
        "lock": "conda-forge/linux-64/numpy#sha256:" + "1" * 64,
    },
    {
        "baseImage": "debian:12",
        "baseDigest": "sha256:" + "b" * 64,
        "packages": {"numpy": "2.1.3 py311_0", "python": "3.11.2 h1", "six": "1 b1"},
        "pipPackages": {"packaging": "26.4"},
        "lock": "conda-forge/linux-64/numpy#sha256:" + "2" * 64,
    },
    **{'packages["numpy"]': "update", 'pipPackages["packaging"]': "add", "baseDigest": "update"},
)
GAP = "what it costs: a new group under the old name, deleted first: a gap of a minute or two; a new IP address"
REPLACED = step(
    "replace",
    GROUP,
    {"cpuCores": 1, "primaryKey": SECRET, "image": "a@sha256:1", "tags": {"x": "y"}},
    {"cpuCores": 2, "primaryKey": SECRET, "image": UNKNOWN, "tags": {}},
    **{"cpuCores": "update-replace", "image": "update", "primaryKey": "update", 'tags["x"]': "delete"},
)
