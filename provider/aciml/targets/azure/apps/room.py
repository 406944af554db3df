"""What a region and an environment have left for container apps, warned of with numbers before anything is sent.

A full quota shows itself late otherwise: as a revision without a replica, and without a word (azure-container-apps,
issue 1417). Source: operations "Usages - List" and "Managed Environment Usages - List" of Microsoft.App.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....core.errors import OutageError, UserError
from ....core.progress import Progress
from ....model.group import Group
from ....model.scale import Scale
from . import environment
from .calls import AppCalls
from .site import Site

ENVIRONMENTS, CORES = "ManagedEnvironmentCount", "ManagedEnvironmentConsumptionCores"
_ADVICE = "retire revisions, ask for fewer cores or replicas, or have the quota raised (portal, Quotas)"


def warn(calls: AppCalls, old: Group | None, new: Group, progress: Progress) -> None:
    """Warn of what will be refused or never start; nothing is asked for an app that stays as it is.

    A warning, because what this update deletes or retires may free it first.
    """
    if not _asks_for_room(old, new):
        return
    try:
        for line in _lines(calls, new):
            progress.warn(line)
    except (OutageError, UserError) as error:
        # a preview may be run by somebody without a login; the service has the last word anyway
        progress.note(f"what is left of the quota for {new.name} could not be asked: {error}")


def _asks_for_room(old: Group | None, new: Group) -> bool:
    if new.name is None or new.size.is_unsure("cpu_cores") or new.runs.is_unsure("scale", "container_app"):
        return False
    if old is None:
        return True
    # a new revision is made beside the old one, which holds its cores until the new one is proven
    return (old.image, old.size, old.runs.scale) != (new.image, new.size, new.runs.scale)


def _lines(calls: AppCalls, new: Group) -> Iterator[str]:
    config = calls.session.config
    site = environment.environment_site(new, config)
    seen = calls.environment(site)
    if seen is None:
        yield from _one_more(calls, new)
        return
    if environment.state_of(seen) in environment.BROKEN:
        said = str((seen.get("properties") or {}).get("deploymentErrors") or "no reason is given")
        yield f"{site.title} has failed, and takes no apps: {said}"
    yield from _cores(calls, site, new)


def _one_more(calls: AppCalls, new: Group) -> Iterator[str]:
    """An environment is made: a region has room for so many."""
    app = new.runs.container_app
    if app and app.has_id:
        return
    location = str(environment.to_arm(new, calls.session.config)["location"])
    used, limit = _of(calls.usages(location), ENVIRONMENTS)
    if used + 1 > limit:
        yield (
            f"quota {ENVIRONMENTS} in {location}: {used:g} of {limit:g} are used, and {new.name} wants one that is "
            "made: name one that exists by containerApp.environment, or have the quota raised"
        )


def _cores(calls: AppCalls, site: Site, new: Group) -> Iterator[str]:
    said = new.runs.container_app
    profile = said.workload_profile if said else None
    # machines of one's own count otherwise
    if profile and profile.lower() != "consumption":
        return
    scale = new.runs.scale or Scale()
    # one replica at least: also one that may go to zero has to run to be proven
    wanted = float(new.size.cpu_cores or 0) * max(1, scale.least)
    used, limit = _of(calls.environment_usages(site), CORES)
    if used + wanted > limit:
        yield (
            f"quota {CORES} of {site.title}: {used:g} of {limit:g} cores are used, {max(0.0, limit - used):g} are "
            f"left; a revision of {new.name} wants {wanted:g}: {_ADVICE}"
        )


def _of(usages: list[Mapping[str, Any]], name: str) -> tuple[float, float]:
    """Return what is used of a quota, and its limit; no limit where none is told."""
    for one in usages:
        if str((one.get("name") or {}).get("value")) == name and one.get("limit") is not None:
            return float(one.get("currentValue") or 0), float(one["limit"])
    # an answer without this quota warns of nothing
    return 0.0, float("inf")
