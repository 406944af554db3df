"""How a service in a swarm differs from what was declared, and what is to be seen of it for an import."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ....model.declared import known_leaves, read
from ....model.group import Group
from ....model.insights import CONNECTION, Insights
from ....model.keys import Keys
from ....model.runs_on import APP, RunsOn
from ....model.scale import Scale
from ....model.server import Server, taken_out
from ...image_told import IMAGE_DIGEST
from ...protocol import Drift, GroupSpec
from .template import FILES, KEYS, VARIABLES, Made, file_of

_OURS = {IMAGE_DIGEST, *FILES.values()}


def drift(spec: GroupSpec, serving: Made) -> Drift:
    """Return what somebody has changed by hand: how many replicas run. A revision itself never changes."""
    said = spec.declared.runs.scale
    wanted = max(1, said.least) if said else 1
    if serving.replicas in (0, wanted):  # one that was stopped is told by its state
        return Drift(spec.declared, ())
    scale = (said or Scale()).but(min_replicas=serving.replicas)
    return Drift(spec.declared.but(runs=spec.declared.runs.but(scale=scale)), ("scale",))


def imported(shown: Made, secrets: Mapping[str, bytes]) -> Drift:
    """Return what can be seen of a service that nobody declared here.

    Args:
        shown: the revision that serves.
        secrets: what its replicas have in files, by the file's name: all that a program has to say, so that the next
            update takes nothing away. Without them it is seen that there are keys, and not which.
    """
    seen = {name: text for name, text in shown.environment.items() if name not in _OURS}
    server, plain = taken_out(seen, Server(), (), secret=False)
    hidden = dict(json.loads(secrets.get(VARIABLES) or b"{}"))
    connection = hidden.pop(CONNECTION, None)
    server, hidden = taken_out(hidden, server, (), secret=True)
    scale = Scale(min_replicas=shown.replicas) if shown.replicas > 1 else None
    runs = RunsOn(runs_on=APP, scale=scale)
    now = read(Group, {}).but(
        runs=runs,
        keys=_keys(shown, secrets),
        insights=Insights(enable_app_insights=True, app_insights_connection_string=connection)
        if connection
        else Insights(),
        server=server,
        environment_variables=plain or None,
        secure_environment_variables=hidden or None,
    )
    return Drift(now, tuple(known_leaves(now)))


def _keys(shown: Made, secrets: Mapping[str, bytes]) -> Keys:
    """Return the keys of an import: a program without them would open the service to everybody."""
    if not any(file_of(name) == KEYS for name in shown.secrets):
        return Keys()
    # one a line, the first key first (``secret_files``)
    first, _, second = secrets.get(KEYS, b"").decode().partition("\n")
    return Keys(auth_enabled=True, primary_key=first or None, secondary_key=second or None)
