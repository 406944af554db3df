"""Apps and revisions as GET shows them: what only the service says is filled in, secrets are left out."""

from __future__ import annotations

import copy

from ..http import ArmError
from ..registries_identity import identity_of
from ..world import World
from .kinds import APP, Json, plain, shown_location, without_provider
from .life import App, Apps
from .replica import Replica
from .revision import Revision
from .rules import mode
from .shape import environment_of, system_principal

_OUTBOUND = ["20.50.0.1", "20.50.0.2"]


def shown_app(apps: Apps, app: App) -> Json:
    """Return what GET says."""
    body = copy.deepcopy(app.body)
    properties = body["properties"]
    environment = environment_of(properties)
    latest = app.revisions.get(app.latest)
    filled: Json = {
        "provisioningState": app.state,
        "runningStatus": _running(app),
        "managedEnvironmentId": environment,
        "environmentId": environment,
        "outboundIpAddresses": _OUTBOUND,
        "latestRevisionName": app.latest,
        "latestReadyRevisionName": app.latest_ready,
        "latestRevisionFqdn": apps.ingress.address(app, latest.name) if latest and app.ingress else "",
        "customDomainVerificationId": apps.world.subscription.replace("-", "").upper() * 2,
        "configuration": _configuration(apps, app),
        "template": shown_template(properties.get("template") or {}),
        "eventStreamEndpoint": f"{_stream(apps.world, app)}/eventstream",
    }
    if profiles := (apps.world.get(environment) or {"properties": {}})["properties"].get("workloadProfiles"):
        filled["workloadProfileName"] = properties.get("workloadProfileName") or profiles[0]["name"]
    identity = _identity(apps.world, app)
    return {
        "id": app.id, "name": app.name, "type": APP, "location": shown_location(body["location"]),
        "tags": dict((apps.world.get(app.id) or {}).get("tags") or {}),
        "identity": identity or {"type": "None"},
        "properties": {**properties, **filled},
        **{field: body[field] for field in ("kind", "managedBy") if body.get(field)},
    }  # fmt: skip


def shown_revision(apps: Apps, app: App, revision: Revision) -> Json:
    """Return what GET says about one revision."""
    revision.cool()
    properties: Json = {
        "createdTime": revision.created,
        "fqdn": apps.ingress.address(app, revision.name) if app.ingress else None,
        "template": shown_template(revision.template),
        "active": revision.active,
        "replicas": len(revision.replicas),
        "trafficWeight": app.weights().get(revision.name, 0),
        "healthState": revision.health,
        "provisioningState": revision.state if revision.active else "Deprovisioned",
        "runningState": "Stopped" if app.stopped else revision.running,
    }
    if revision.error:
        properties["provisioningError"] = revision.error
    if revision.last_active:
        properties["lastActiveTime"] = revision.last_active
    return {
        "id": f"{app.id}/revisions/{revision.name}",
        "name": revision.name,
        "type": "Microsoft.App/containerapps/revisions",
        "properties": {name: value for name, value in properties.items() if value is not None},
    }


def shown_replica(apps: Apps, app: App, revision: Revision, replica: Replica) -> Json:
    """Return what GET says about one replica."""
    stream = _stream(apps.world, app)

    def endpoint(name: str, container: str, what: str) -> str:
        return f"{stream}/revisions/{revision.name}/replicas/{name}/containers/{container}/{what}"

    return replica.shown(f"{app.id}/revisions/{revision.name}", endpoint)


def shown_template(template: Json) -> Json:
    """Return a template with the service's own words in it."""
    made = copy.deepcopy(template)
    made["revisionSuffix"] = template.get("revisionSuffix") or ""
    for each in [*(made.get("containers") or []), *(made.get("initContainers") or [])]:
        resources = each.setdefault("resources", {})
        resources.setdefault("cpu", 0.5)
        resources.setdefault("memory", "1Gi")
        resources["ephemeralStorage"] = _disk(float(resources["cpu"]))
    scale = made.setdefault("scale", {})
    for name, value in (("maxReplicas", 10), ("cooldownPeriod", 300), ("pollingInterval", 30)):
        scale.setdefault(name, value)
    return made


def check_location(name: str, old: str, new: str) -> None:
    """Raises ``ArmError`` 409 for another region."""
    if plain(old) != plain(new):
        text = (
            f"The resource '{name}' already exists in location '{plain(old)}'. A resource with the same name cannot be "
            f"created in location '{plain(new)}'. Please select a new resource name."
        )
        raise ArmError(409, "InvalidResourceLocation", text)


def _configuration(apps: Apps, app: App) -> Json:
    made = copy.deepcopy(app.configuration)
    made["activeRevisionsMode"] = mode(made)
    made.setdefault("maxInactiveRevisions", 100)
    if made.get("secrets"):
        keys = ("name", "keyVaultUrl", "identity")
        made["secrets"] = [{key: each[key] for key in keys if each.get(key)} for each in made["secrets"]]
    for each in made.get("registries") or []:
        for field in ("username", "passwordSecretRef", "identity"):
            each.setdefault(field, "")
    if ingress := made.get("ingress"):
        ingress["fqdn"] = apps.ingress.address(app)
        ingress["transport"] = str(ingress.get("transport") or "auto").capitalize()
        ingress.setdefault("external", False)
        ingress.setdefault("allowInsecure", False)
        ingress.setdefault("exposedPort", 0)
        ingress["traffic"] = app.traffic
    return made


def _identity(world: World, app: App) -> Json:
    identity = identity_of(world, app.body.get("identity"), None)
    if "SystemAssigned" in str(identity.get("type")):
        identity["principalId"] = system_principal(app.id)
    return identity


def _running(app: App) -> str:
    if app.stopped:
        return "Stopped"
    return "Progressing" if app.state == "InProgress" and not app.latest_ready else "Running"


def _disk(cores: float) -> str:
    return next(f"{gib}Gi" for most, gib in ((0.25, 1), (0.5, 2), (1, 4), (1000, 8)) if cores <= most)


def _stream(world: World, app: App) -> str:
    return f"{world.base}/stream{without_provider(app.id)}"
