"""Managed environments in ARM's JSON: which one an app is in, and the one that is made where there is none.

Source: the definitions of Microsoft.App 2026-01-01; Microsoft, "Container Apps environments".
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from .... import __version__
from ....core.errors import Finding
from ....model.container_app import CONSUMPTION, TIMEOUT, ContainerApp, WorkloadProfile
from ....model.diagnostics import LogAnalytics
from ....model.group import Group
from ....model.tag import VERSION
from ....model.volume import known_items
from ..groups.members import Json, given
from ..groups.network import subnet_id
from ..groups.place import Surroundings, location_of, resource_group_of
from .site import ENVIRONMENTS, Site, site_of

SHARED = "aciml-environment"
"""Tag of an environment that was made for services, and goes with the last of them."""
_LEAST_MINUTES = 4
# states that pass by themselves (EnvironmentProvisioningState); ScheduledForDelete passes to nothing
READY, BROKEN = "succeeded", frozenset({"failed", "canceled", "upgradefailed"})


def name_of(declared: Group, around: Surroundings) -> str:
    """Return name or id: the given one, or the one that all services of a resource group share in a region."""
    said = declared.runs.container_app
    # one for all: a subscription may have 15 in a region, and one costs nothing by itself
    return (said and said.environment) or f"aciml-{location_of(declared, around)}"


def environment_site(declared: Group, around: Surroundings) -> Site:
    """Return where the environment of an app is, or will be."""
    group = resource_group_of(declared, around)
    return site_of(around.subscription_id, name_of(declared, around), group, ENVIRONMENTS)


def to_arm(declared: Group, around: Surroundings) -> dict[str, Any]:
    """Return the request that makes the environment."""
    app = declared.runs.container_app or ContainerApp()
    subnet = subnet_id(declared, around)
    logs = declared.log_analytics
    analytics = {"customerId": logs.workspace_id, "sharedKey": logs.workspace_key} if logs else {}
    properties = given(
        vnetConfiguration=given(infrastructureSubnetId=subnet, internal=bool(app.internal) if subnet else None),
        zoneRedundant=True if app.zone_redundant else None,
        workloadProfiles=_profiles(app),
        appLogsConfiguration=(
            {"destination": "log-analytics", "logAnalyticsConfiguration": analytics} if analytics else None
        ),
        ingressConfiguration=_ingress(declared),
    )
    tags = {SHARED: "services of this resource group", VERSION: __version__}
    return {"location": location_of(declared, around), "tags": tags, "properties": properties}


def _profiles(app: ContainerApp) -> list[dict[str, Any]]:
    """Return the profiles: with Consumption alone a replica may have 4 cores, and without any only 2."""
    dedicated = [
        {
            "name": one.name,
            "workloadProfileType": one.type,
            # the service requires both of a dedicated profile
            "minimumCount": one.minimum_count or 0,
            "maximumCount": one.maximum_count or max(1, one.minimum_count or 0),
        }
        for one in app.workload_profiles
    ]
    return [{"name": CONSUMPTION, "workloadProfileType": CONSUMPTION}, *dedicated]


def _ingress(declared: Group) -> dict[str, Any] | None:
    """Return how long requests may take, if that is longer than by itself; it needs a dedicated profile."""
    wanted, app = declared.runs.replica_timeout or 0, declared.runs.container_app
    if wanted <= TIMEOUT or not app or not app.workload_profiles:
        return None
    # the service counts whole minutes here, and the user said seconds
    minutes = max(_LEAST_MINUTES, ceil(wanted / 60))
    return {"workloadProfileName": app.workload_profiles[0].name, "requestIdleTimeout": minutes}


def is_ours(seen: Json) -> bool:
    """Tell whether an environment was made for services: only such a one is changed or deleted."""
    return any(name.lower() == SHARED for name in seen.get("tags") or {})


def state_of(seen: Json) -> str:
    """Return its provisioning state, in lower case."""
    return str((seen.get("properties") or {}).get("provisioningState") or "").lower()


def id_in(app: Json) -> str:
    """Return the id of an app's environment; an answer has it by two names, of which the older one is deprecated."""
    properties = app.get("properties") or {}
    return str(properties.get("environmentId") or properties.get("managedEnvironmentId") or "")


def mismatches(wanted: Json, seen: Json) -> Iterator[str]:
    """Say what an environment that exists has otherwise and cannot change: its region and its network.

    Source: ``x-ms-mutability`` of vnetConfiguration, zoneRedundant; ARM of a location.
    """
    asked, has = wanted["properties"], seen.get("properties") or {}
    if (there := str(seen.get("location") or "").replace(" ", "").lower()) != wanted["location"]:
        yield f"it is in {there}, not in {wanted['location']}"
    subnet = (asked.get("vnetConfiguration") or {}).get("infrastructureSubnetId") or ""
    network = has.get("vnetConfiguration") or {}
    # only what is asked for counts: an environment that has a subnet takes an app that says none
    if subnet and subnet.lower() != str(network.get("infrastructureSubnetId") or "").lower():
        yield "it is in another subnet" if network.get("infrastructureSubnetId") else "it has no subnet"
    # one way alone: an app that does not ask for a private environment may live in one
    if (asked.get("vnetConfiguration") or {}).get("internal") and not network.get("internal"):
        yield "it has a public address"
    if asked.get("zoneRedundant") and not has.get("zoneRedundant"):
        yield "it is not zone redundant"


def lacks(wanted: Json, seen: Json) -> dict[str, Any]:
    """Return what an environment of ours lacks of what a service asks for, to be added; others' profiles stay."""
    asked, has = wanted["properties"], seen.get("properties") or {}
    found: dict[str, Any] = {}
    there = {str(one["name"]).lower(): dict(one) for one in has.get("workloadProfiles") or ()}
    profiles = {str(one["name"]).lower(): dict(one) for one in asked["workloadProfiles"]}
    # an environment without profiles is of the older kind, which cannot get any
    if there and any(_differ(one, there.get(name)) for name, one in profiles.items()):
        found["workloadProfiles"] = list({**there, **profiles}.values())
    logs = (asked.get("appLogsConfiguration") or {}).get("logAnalyticsConfiguration") or {}
    seen_logs = (has.get("appLogsConfiguration") or {}).get("logAnalyticsConfiguration") or {}
    if logs and str(logs["customerId"]).lower() != str(seen_logs.get("customerId") or "").lower():
        found["appLogsConfiguration"] = asked["appLogsConfiguration"]
    idle = asked.get("ingressConfiguration")
    before = int((has.get("ingressConfiguration") or {}).get("requestIdleTimeout") or 0)
    # the longest wish of all services counts
    if idle and before < idle["requestIdleTimeout"]:
        found["ingressConfiguration"] = idle
    return found


def as_seen(declared: Group, has: Group, around: Surroundings, seen: Json) -> Group:
    """Return an app in which what is declared of its environment is as the environment has it now.

    What others add there is theirs: only what is declared counts, and only in an environment of ours. What cannot be
    changed there (``mismatches``) shows as well: the next update says that another environment is needed.

    Args:
        declared: the app as it is wanted.
        has: the app as it is, with the environment's part as it is wanted.
        around: says region and subscription.
        seen: the environment; JSON of a GET.
    """
    wanted, there = to_arm(declared, around)["properties"], seen.get("properties") or {}
    said = has.runs.container_app or ContainerApp()
    app = said.but(workload_profiles=tuple(_profiles_seen(said, there)))
    # false and not said are one answer
    if bool(app.zone_redundant) != bool(there.get("zoneRedundant")):
        app = app.but(zone_redundant=bool(there.get("zoneRedundant")))
    network = there.get("vnetConfiguration") or {}
    if wanted.get("vnetConfiguration") and bool(app.internal) != bool(network.get("internal")):
        app = app.but(internal=bool(network.get("internal")))
    runs = has.runs.but(container_app=None if app.is_silent else app)
    idle = wanted.get("ingressConfiguration")
    minutes = int((there.get("ingressConfiguration") or {}).get("requestIdleTimeout") or 0)
    if idle and minutes < idle["requestIdleTimeout"]:
        runs = runs.but(replica_timeout=60 * minutes or TIMEOUT)
    return has.but(runs=runs, log_analytics=_logs_seen(declared.log_analytics, there))


def _profiles_seen(said: ContainerApp, there: Json) -> Iterator[WorkloadProfile]:
    """Give the declared profiles that are there, with the counts that they have."""
    known = {str(one["name"]).lower(): one for one in there.get("workloadProfiles") or ()}
    for one, wanted in zip(known_items(said.workload_profiles), _profiles(said)[1:], strict=True):
        seen = known.get(str(one.name).lower())
        if seen is not None and not _differ(wanted, seen):
            yield one
        # as it is there, so that the counts that somebody changed show as drift
        elif seen is not None:
            kind, least = str(seen.get("workloadProfileType") or one.type), seen.get("minimumCount")
            yield one.but(type=kind, minimum_count=least, maximum_count=seen.get("maximumCount"))


def _logs_seen(said: LogAnalytics | None, there: Json) -> LogAnalytics | None:
    logs = (there.get("appLogsConfiguration") or {}).get("logAnalyticsConfiguration") or {}
    workspace = str(logs.get("customerId") or "")
    if said is None or not workspace:
        return None
    # its key is in no answer
    return said if workspace.lower() == str(said.workspace_id).lower() else said.but(workspace_id=workspace)


def _differ(wanted: Json, seen: Json | None) -> bool:
    counts = ("minimumCount", "maximumCount")
    return seen is None or any(name in wanted and wanted[name] != seen.get(name) for name in counts)


def judge(old: Group | None, new: Group, around: Surroundings) -> Iterator[Finding]:
    """Report what an environment cannot change, where the same one is named before and after."""
    app = new.runs.container_app
    # another environment is another app, which is made anew
    if old is None or name_of(old, around).lower() != name_of(new, around).lower() or (app and app.has_id):
        return
    before, after = to_arm(old, around)["properties"], to_arm(new, around)["properties"]
    said = app or ContainerApp()
    advice = f"name another one by {new.runs.at('container_app')}.environment"
    if before.get("vnetConfiguration") != after.get("vnetConfiguration") and not new.network.unsure:
        where = new.network.at("subnet_id") if not said.knows("internal") else said.at("internal")
        yield Finding(where, f"an environment keeps its network from when it was made; {advice}")
    if bool(before.get("zoneRedundant")) != bool(after.get("zoneRedundant")) and not said.is_unsure("zone_redundant"):
        where = said.at("zone_redundant") if said.where else new.runs.at("container_app")
        yield Finding(where, f"whether an environment is zone redundant is said when it is made; {advice}")
