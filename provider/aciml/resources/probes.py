"""The probes of a group that says nothing of them: they ask the server's own health port, which is not public."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..properties import UNKNOWN, Values, is_unknown, reveal

PROBES = ("livenessProbe", "readinessProbe")


def settled(defaults: Mapping[str, Any], given: Values) -> Values:
    """Return the defaults of a target with probes that fit what is given.

    Another command than the image's may not be our server, and without a health port nobody answers: no probes then.
    With a health port that is not known yet they are not known either.
    """
    port = reveal(given.get("healthPort"))
    rest = {name: value for name, value in defaults.items() if name not in PROBES}
    if "command" in given or port == 0:
        return rest
    if is_unknown(port):
        return {**rest, **{name: UNKNOWN for name in PROBES if name in defaults}}
    return {**rest, **{name: _at(defaults[name], port) for name in PROBES if name in defaults}}


def without_probes(defaults: Mapping[str, Any]) -> Values:
    """Return the defaults of a group that was not declared: what probes it has is seen."""
    return {name: value for name, value in defaults.items() if name not in PROBES}


def _at(probe: Mapping[str, Any], port: Any) -> dict[str, Any]:
    return {**probe, "httpGet": {**probe["httpGet"], **({"port": port} if port else {})}}
