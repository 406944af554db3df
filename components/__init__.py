"""What a program declares: a registry, an environment image, a scoring service."""

from .environment import EnvironmentImage, EnvironmentImageArgs
from .registry import Registry, RegistryArgs
from .scoring import ScoringService, ScoringServiceArgs

__all__ = [
    "EnvironmentImage",
    "EnvironmentImageArgs",
    "Registry",
    "RegistryArgs",
    "ScoringService",
    "ScoringServiceArgs",
]
