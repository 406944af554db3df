"""The local target: Docker on this machine.

Names: a registry is the container and the volume ``aciml-registry-<name>``, a group the container ``aciml-<name>``;
the container's name is the id in the state, so it outlives the container. Labels ``aciml.kind`` and ``aciml.name``
say what it is, those that begin with ``io.aciml.`` whose it is; what is not ours by them is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...settings import Settings as MachineSettings
from ..home.place import Workspace
from ..protocol import RegistryTarget, ServiceTarget, Targets
from ..runs_on import RunsOn
from .engine import LocalEngine
from .registry import LocalRegistries
from .service import LocalServices

if TYPE_CHECKING:
    import docker

    from .group import LocalGroups


def is_swarm(id_: str) -> bool:
    """Tell the id of a service of Swarm from the name of a container."""
    return id_.startswith("swarm:")


class LocalTarget(Targets):
    """Services in Docker, and registries there too unless they are elsewhere.

    Nothing is contacted and ``docker`` is not imported before the first call.
    """

    def __init__(
        self,
        engine: Callable[[], docker.DockerClient],
        settings: MachineSettings,
        workspace: str = "",
        elsewhere: RegistryTarget | None = None,
    ) -> None:
        """Run containers in the engine that ``engine`` connects to; images come from the mirrors of ``settings``.

        ``elsewhere`` is where registries are if not here; services pull from them by its login.
        """
        here = Workspace(workspace)
        held = LocalEngine(engine, here.name)
        registries = elsewhere or LocalRegistries(held, settings.registries, here)

        def groups() -> LocalGroups:
            from .behind import GroupsBehind

            return GroupsBehind(held, settings, registries.credentials)

        def apps() -> ServiceTarget:
            # here, because few services need it, and the plugin starts for all
            from .swarm.app import Apps
            from .swarm.service import SwarmServices

            return SwarmServices(Apps(held, settings, registries.credentials), here)

        super().__init__(
            registries, RunsOn(LocalServices(groups, here, doors=settings.door), apps, is_swarm, hands_over=True)
        )
