"""Microsoft.App: environments, container apps, their revisions and replicas."""

from __future__ import annotations

from ..http import Router
from ..world import World
from . import environments, metrics, revisions, service, usages
from .life import Apps


def install(router: Router, world: World) -> None:
    """Answer for all of it."""
    apps = world.parts["apps"] = Apps(world)
    apps.polls.install(router)
    environments.install(router, world, apps)
    service.install(router, world, apps)
    revisions.install(router, world, apps)
    metrics.install(router, world, apps)
    usages.install(router, world, apps)
