"""Which resource answers to which type token."""

from __future__ import annotations

from ..images.tools import Tools
from ..settings import Settings
from ..targets.protocol import Target
from .environment import Environment
from .group import ContainerGroup
from .protocol import Resource
from .registry import ContainerRegistry
from .service import Service


def resource_types(target: Target, settings: Settings) -> dict[str, Resource]:
    """Return the resources over ``target``, by token."""
    tools = Tools(target, settings)
    return {
        "aciml:registry:ContainerRegistry": ContainerRegistry(target),
        "aciml:image:Environment": Environment(tools),
        "aciml:image:Service": Service(tools),
        "aciml:compute:ContainerGroup": ContainerGroup(target),
    }
