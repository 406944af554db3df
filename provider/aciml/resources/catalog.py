"""Which resource answers to which type token."""

from __future__ import annotations

from ..images.tools import Tools
from ..settings import Settings
from ..targets.protocol import Target
from .environment import EnvironmentImage
from .group import ContainerGroup
from .protocol import Resource
from .registry import ContainerRegistry
from .service import ServiceImage


def resource_types(target: Target, settings: Settings) -> dict[str, Resource]:
    """Return the resources over ``target``, by token."""
    tools = Tools.of(target, settings)
    return {
        "aciml:registry:ContainerRegistry": ContainerRegistry(target),
        "aciml:image:Environment": EnvironmentImage(tools),
        "aciml:image:Service": ServiceImage(tools),
        "aciml:compute:ContainerGroup": ContainerGroup(target),
    }
