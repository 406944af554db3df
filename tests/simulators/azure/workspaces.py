"""Azure ML workspaces, which are only read here: what a GET shows of one (2024-04-01, example Workspace/get.json)."""

from __future__ import annotations

from typing import Any

from .http import ArmError, Request, Response, Router
from .world import World

KIND = "Microsoft.MachineLearningServices/workspaces"
API = "2024-04-01"
_PLACE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/"


def install(router: Router, world: World) -> None:
    """Answer for workspaces."""

    def get(request: Request, **_: str) -> Response:
        # without a version ARM answers 400 before the provider is asked
        if request.query.get("api-version") != API:
            raise ArmError(400, "InvalidApiVersionParameter", f"The api-version is invalid; {API} is supported.")
        return Response(200, world.need(request.path))

    router.add("GET", f"{_PLACE}{KIND}/{{name}}", get)


def make_workspace(world: World, group: str, name: str, registry_id: str | None) -> dict[str, Any]:
    """Make a workspace; one that has built no image yet shows null for its registry."""
    resource_id = world.resource_id(group, KIND, name)
    near = f"/subscriptions/{world.subscription}/resourceGroups/{group}/providers"
    workspace = {
        "id": resource_id,
        "name": name,
        "type": KIND,
        "location": "westeurope",
        "identity": {"type": "SystemAssigned", "tenantId": world.tenant, "principalId": world.object_id},
        "sku": {"name": "Basic", "tier": "Basic"},
        "kind": "Default",
        "properties": {
            "containerRegistry": registry_id,
            "storageAccount": f"{near}/Microsoft.Storage/storageAccounts/{name}".lower(),
            "keyVault": f"{near}/Microsoft.KeyVault/vaults/{name}",
            "applicationInsights": f"{near}/microsoft.insights/components/{name}",
            "friendlyName": name,
            "hbiWorkspace": False,
            "publicNetworkAccess": "Enabled",
            "provisioningState": "Succeeded",
        },
    }
    world.put(resource_id, workspace)
    return workspace
