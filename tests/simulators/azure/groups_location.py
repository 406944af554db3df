"""What a region has and allows for container groups, and the little things of the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .groups_limits import MOST, requested
from .groups_view import KIND
from .http import ArmError, Request, Response, Router
from .world import World

if TYPE_CHECKING:
    from .groups_life import Groups

Json = dict[str, Any]
QUOTAS = {"ContainerGroups": 100.0, "StandardCores": 100.0, "ConfidentialCores": 100.0, "StandardSpotCores": 100.0}
_HERE = "/subscriptions/{subscription}/providers/Microsoft.ContainerInstance/locations/{location}"
_VERBS = ("read", "write", "delete", "restart/action", "stop/action", "start/action")


def install(router: Router, world: World) -> None:
    """Answer for regions."""
    region = _Region(world)
    router.add("GET", f"{_HERE}/usages", region.usages)
    router.add("GET", f"{_HERE}/cachedImages", region.images)
    router.add("GET", f"{_HERE}/capabilities", region.capabilities)
    router.add("GET", "/providers/Microsoft.ContainerInstance/operations", region.operations)
    link = (
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{network}"
        "/subnets/{subnet}/providers/Microsoft.ContainerInstance/serviceAssociationLinks/default"
    )
    router.add("DELETE", link, region.unlink)


def usage(world: World, groups: Groups, region: str, but: str = "") -> dict[str, float]:
    """Return what the groups of a region use by quota; stopped ones use no cores."""
    used = dict.fromkeys(QUOTAS, 0.0)
    for each in world.of_kind(KIND):
        if _short(each["location"]) != _short(region) or each["id"].lower() == but.lower():
            continue
        used["ContainerGroups"] += 1
        runtime = groups.runtime(each["id"])
        if runtime is None or runtime.state() not in {"Stopped", "Succeeded", "Failed"}:
            used[_cores_of(each["properties"])] += requested(each["properties"])[0]
    return used


def check_quota(world: World, groups: Groups, resource_id: str, body: Json) -> None:
    """Raises ``ArmError`` 400 ContainerGroupQuotaReached."""
    used = usage(world, groups, body["location"], but=resource_id)
    asked = {"ContainerGroups": 1.0, _cores_of(body["properties"]): requested(body["properties"])[0]}
    for name, amount in asked.items():
        limit = world.quota(name, _short(body["location"]), QUOTAS[name])
        if used[name] + amount > limit:
            raise quota_reached(name, body["location"], limit, used[name], amount)


def quota_reached(name: str, region: str, limit: float, used: float, asked: float) -> ArmError:
    """Return the refusal."""
    text = (
        f"Resource type '{KIND}' container group quota '{name}' exceeded in region '{region}'. "
        f"Limit: '{limit:g}', Usage: '{used:g}' Requested: '{asked:g}'."
    )
    return ArmError(400, "ContainerGroupQuotaReached", text)


def _cores_of(properties: Json) -> str:
    if properties.get("priority") == "Spot":
        return "StandardSpotCores"
    return "ConfidentialCores" if properties.get("sku") == "Confidential" else "StandardCores"


def _short(region: str) -> str:
    return region.replace(" ", "").lower()


class _Region:
    def __init__(self, world: World) -> None:
        self._world = world

    def usages(self, request: Request, location: str, **_: str) -> Response:
        used = usage(self._world, self._world.parts["groups"], location)
        return Response(200, {"value": [self._usage(name, location, amount) for name, amount in used.items()]})

    def _usage(self, name: str, location: str, amount: float) -> Json:
        where = f"/subscriptions/{self._world.subscription}/providers/Microsoft.ContainerInstance/locations/{location}"
        return {
            "id": f"{where}/usages/{name}", "unit": "Count", "currentValue": round(amount),
            "limit": round(self._world.quota(name, _short(location), QUOTAS[name])),
            "name": {"value": name, "localizedValue": name},
        }  # fmt: skip

    def images(self, request: Request, **_: str) -> Response:
        known = ("ubuntu:16.04", "alpine:3.6", "nginx:latest")
        return Response(200, {"value": [{"osType": "Linux", "image": image} for image in known]})

    def capabilities(self, request: Request, location: str, **_: str) -> Response:
        cores, memory = MOST["Standard"]
        most = {"maxMemoryInGB": memory, "maxCpu": cores, "maxGpuCount": 0}
        value = [
            {
                "resourceType": "containerGroups", "osType": "Linux", "location": location, "ipAddressType": kind,
                "gpu": "None", "capabilities": most,
            }
            for kind in ("Public", "Private")
        ]  # fmt: skip
        return Response(200, {"value": value})

    def operations(self, request: Request) -> Response:
        value = [
            {"name": f"{KIND}/{verb}", "display": {"provider": "Microsoft Container Instance", "operation": verb}}
            for verb in _VERBS
        ]
        return Response(200, {"value": value})

    def unlink(self, request: Request, **_: str) -> Response:
        subnet = request.path.partition("/providers/Microsoft.ContainerInstance")[0]
        return Response(200 if self._world.get(subnet) else 204)
