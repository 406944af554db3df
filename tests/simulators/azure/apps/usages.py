"""What a region and an environment have and allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import ArmError, Request, Response, Router
from ..world import World
from .kinds import ENVIRONMENT, ONE_ENVIRONMENT, Json, plain

if TYPE_CHECKING:
    from .life import Apps

IN_REGION = {"ManagedEnvironmentCount": 15.0}
IN_ENVIRONMENT = {"ManagedEnvironmentConsumptionCores": 100.0}
EVERYWHERE = 20
"""Environments of a subscription in all regions."""


def install(router: Router, world: World, apps: Apps) -> None:
    """Answer for usages."""

    def region(request: Request, location: str, **_: str) -> Response:
        used = {"ManagedEnvironmentCount": float(len(_in_region(world, location)))}
        limits = {name: world.quota(name, plain(location), limit) for name, limit in IN_REGION.items()}
        return Response(200, {"value": [_usage(name, used[name], limits[name]) for name in used]})

    def environment(request: Request, **_: str) -> Response:
        resource_id = request.path.rpartition("/")[0]
        world.need(resource_id)
        name = "ManagedEnvironmentConsumptionCores"
        limit = world.quota(name, "", IN_ENVIRONMENT[name])
        return Response(200, {"value": [_usage(name, cores_used(apps, resource_id), limit)]})

    router.add("GET", "/subscriptions/{subscription}/providers/Microsoft.App/locations/{location}/usages", region)
    router.add("GET", f"{ONE_ENVIRONMENT}/usages", environment)


def cores_of(template: Json) -> float:
    """Return the cores of one replica."""
    return sum(float((each.get("resources") or {}).get("cpu", 0.5)) for each in template.get("containers") or [])


def cores_used(apps: Apps, environment_id: str) -> float:
    """Return the cores of all replicas of an environment."""
    return sum(
        cores_of(revision.template) * len(revision.replicas)
        for app in apps.inside(environment_id)
        for revision in list(app.revisions.values())
    )


def check_count(world: World, location: str) -> None:
    """Raises ``ArmError`` 400 if a region, or the subscription, takes no more environments."""
    limit = world.quota("ManagedEnvironmentCount", plain(location), IN_REGION["ManagedEnvironmentCount"])
    if len(_in_region(world, location)) >= limit:
        raise too_many(world, location, limit)
    if len(world.of_kind(ENVIRONMENT)) >= EVERYWHERE:
        text = f"The subscription '{world.subscription}' cannot have more than {EVERYWHERE} Container App Environments."
        raise ArmError(400, "MaxNumberOfGlobalEnvironmentsInSubExceeded", text)


def too_many(world: World, location: str, limit: float) -> ArmError:
    """Return the refusal of one more environment."""
    what = f"{limit:g} Container App Environments in {location}"
    text = f"The subscription '{world.subscription}' cannot have more than {what}."
    return ArmError(400, "MaxNumberOfRegionalEnvironmentsInSubExceeded", text)


def _in_region(world: World, location: str) -> list[Json]:
    return [each for each in world.of_kind(ENVIRONMENT) if plain(each["location"]) == plain(location)]


def _usage(name: str, used: float, limit: float) -> Json:
    return {"unit": "Count", "currentValue": used, "limit": limit, "name": {"value": name, "localizedValue": name}}
