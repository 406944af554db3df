"""What a GET of a revision says about its life. Pure.

Source of the words: RevisionProvisioningState, RevisionRunningState, RevisionHealthState of Microsoft.App 2026-01-01;
the running state is an open list, of which portals show more words than the definitions have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...revisions import Revision, RevisionState
from ..groups.members import Json
from .traffic import weights_in

Seen = Mapping[str, Any]
_RUNNING = frozenset({"running", "runningatmaxscale", "degraded", "scaledtozero"})
# what ``revisions.revision_name`` makes of a template
_OURS = re.compile(r"r[0-9a-f]{10}")
_GONE = frozenset({"deprovisioning", "deprovisioned"})


def is_our_name(name: str) -> bool:
    """Tell whether a revision has a name as those that are made here; so has nothing at all."""
    return not name or bool(_OURS.fullmatch(name.rpartition("--")[2]))


def properties_in(seen: Seen) -> Json:
    """Return ``properties``; empty if there are none."""
    return seen.get("properties") or {}


def name_of(seen: Seen) -> str:
    """Return the name."""
    return str(seen.get("name") or "")


def is_active(seen: Seen) -> bool:
    """Tell whether it can get requests."""
    # an answer that leaves it out is of one that runs
    return properties_in(seen).get("active") is not False


def template_of(seen: Seen) -> Json:
    """Return the template; it has no secrets, only their names."""
    return properties_in(seen).get("template") or {}


def state_of(seen: Seen) -> RevisionState:
    """Return the state in the words of all places."""
    said = properties_in(seen)
    provisioned, running = (str(said.get(name) or "").lower() for name in ("provisioningState", "runningState"))
    # first: a revision that failed and was retired is stopped, and nobody has to look into it
    if not is_active(seen) or provisioned in _GONE or running == "stopped":
        return "Stopped"
    if provisioned == "failed" or running in {"failed", "activationfailed"}:
        return "Failed"
    if provisioned == "provisioning":
        return "Starting"
    # no word about a failure and none about a start: who answers is asked anyway
    healthy = str(said.get("healthState") or "").lower()
    if running in _RUNNING or healthy == "healthy" or (provisioned == "provisioned" and not said.get("replicas")):
        return "Running"
    return "Starting" if running in {"processing", "activating"} else "Unknown"


def error_in(seen: Seen) -> str:
    """Return why it failed, in the service's words; empty if it says nothing."""
    return " ".join(str(properties_in(seen).get("provisioningError") or "").split())


def containers_in(replica: Json) -> list[Json]:
    """Return the containers of a replica."""
    return list(properties_in(replica).get("containers") or ())


def ready_in(replicas: Iterable[Json]) -> int:
    """Count the replicas of which all containers are ready."""
    return sum(
        bool(containers) and all(one.get("ready") for one in containers) for containers in map(containers_in, replicas)
    )


def told(seen: Seen, traffic: Iterable[Json], ready: int) -> Revision:
    """Return a revision as all places tell it.

    Args:
        seen: a GET.
        traffic: entries by name.
        ready: replicas that answer.
    """
    entries = list(traffic)
    name, said = name_of(seen), properties_in(seen)
    container = (template_of(seen).get("containers") or [{}])[0]
    label = next((str(one["label"]) for one in entries if one.get("revisionName") == name and one.get("label")), "")
    return Revision(
        name=name,
        image=str(container.get("image") or ""),
        created=str(said.get("createdTime") or ""),
        weight=weights_in(entries).get(name, 0),
        replicas=int(said.get("replicas") or 0),
        ready=ready,
        state=state_of(seen),
        label=label,
        error=error_in(seen),
    )
