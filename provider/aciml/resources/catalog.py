"""Which resource answers to which type token."""

from __future__ import annotations

from ..images.workshop import Workshop
from ..settings import Settings
from ..targets.protocol import Targets
from .environment import Environment
from .group import ContainerGroup
from .protocol import Resource
from .registry import ContainerRegistry
from .service import Service


def resource_types(targets: Targets, settings: Settings) -> dict[str, Resource]:
    """Return the resources over two places, by token."""
    shop = Workshop(targets, settings)
    return {
        "aciml:registry:ContainerRegistry": ContainerRegistry(targets.registry),
        "aciml:image:Environment": Environment(shop),
        "aciml:image:Service": Service(shop),
        "aciml:compute:ContainerGroup": ContainerGroup(targets.service),
    }
