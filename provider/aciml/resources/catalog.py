"""Which resource answers to which type token."""

from __future__ import annotations

from ..images.tools import Tools
from ..settings import Settings
from ..targets.protocol import Targets
from .environment import EnvironmentImage
from .group import ContainerGroup
from .protocol import Resource
from .registry import ContainerRegistry
from .service import ServiceImage


def resource_types(targets: Targets, settings: Settings) -> dict[str, Resource]:
    """Return the resources over two places, by token."""
    tools = Tools.of(targets, settings)
    return {
        "aciml:registry:ContainerRegistry": ContainerRegistry(targets.registry),
        "aciml:image:Environment": EnvironmentImage(tools),
        "aciml:image:Service": ServiceImage(tools),
        "aciml:compute:ContainerGroup": ContainerGroup(targets.service),
    }
