"""How a service in a swarm differs from what was declared, and what is to be seen of it for an import."""

from __future__ import annotations

from ....model.declared import known_leaves, read
from ....model.group import Group
from ....model.runs_on import APP, RunsOn
from ....model.scale import Scale
from ....model.server import Server, taken_out
from ...image_told import IMAGE_DIGEST
from ...protocol import Drift, GroupSpec
from .template import FILES, Made

_OURS = {IMAGE_DIGEST, *FILES.values()}


def drift(spec: GroupSpec, serving: Made) -> Drift:
    """Return what somebody has changed by hand: how many replicas run. A revision itself never changes."""
    said = spec.declared.runs.scale
    wanted = max(1, said.least) if said else 1
    if serving.replicas in (0, wanted):  # one that was stopped is told by its state
        return Drift(spec.declared, ())
    scale = (said or Scale()).but(min_replicas=serving.replicas)
    return Drift(spec.declared.but(runs=spec.declared.runs.but(scale=scale)), ("scale",))


def imported(shown: Made) -> Drift:
    """Return what can be seen of a service that nobody declared here: neither its keys nor its secure variables."""
    seen = {name: text for name, text in shown.environment.items() if name not in _OURS}
    server, plain = taken_out(seen, Server(), (), secret=False)
    scale = Scale(min_replicas=shown.replicas) if shown.replicas > 1 else None
    runs = RunsOn(runs_on=APP, scale=scale)
    now = read(Group, {}).but(runs=runs, server=server, environment_variables=plain or None)
    return Drift(now, tuple(known_leaves(now)))
