"""Probes of a container app in ARM's JSON. They are those of a group, in a list and with a type each.

There is no Startup probe of ours: the service has one by itself, which asks the port each second up to 240 times, and
the server's front listens on it long before the model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....model.probe import Probe
from ..groups import probe
from ..groups.members import Json

LIVENESS, READINESS = "Liveness", "Readiness"


def to_arm(liveness: Probe | None, readiness: Probe | None, *, port: int) -> list[dict[str, Any]]:
    """Return the probes of a container."""
    found = []
    for kind, one in ((LIVENESS, liveness), (READINESS, readiness)):
        said = probe.to_arm(one, port=port, tls=False)
        if said is None:
            continue
        if not said.get("initialDelaySeconds", 1):
            del said["initialDelaySeconds"]  # 1 to 60: none is not 0
        if asked := said.get("httpGet"):
            said["httpGet"] = {**asked, "scheme": str(asked["scheme"]).upper()}
        found.append({"type": kind, **said})
    return found


def from_arm(probes: Iterable[Json], kind: str) -> Probe | None:
    """Return the probe of a type as it would be declared; those that ask by TCP are the service's own."""
    for one in probes:
        if str(one.get("type")).lower() == kind.lower() and one.get("httpGet"):
            return probe.from_arm(probe.same(one))
    return None
