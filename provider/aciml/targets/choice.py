"""The one place where a target is chosen by its name."""

from __future__ import annotations

from collections.abc import Mapping

from ..settings import Settings
from .protocol import Target

# name -> why it cannot be used yet, or nothing
TARGETS: Mapping[str, str] = {
    "local": "",
    "memory": "",
    "azure": "the target azure is not built yet; use the stack local (aciml:target: local) until it is",
}


def choose_target(config: Mapping[str, str], settings: Settings) -> Target:
    """Return the target that ``config["target"]`` names; local without one. Nothing is contacted yet."""
    name = config.get("target", "local")
    if name == "memory":
        from .memory import MemoryTarget

        return MemoryTarget(settings.cache / "memory-target.json")
    if name == "azure":
        from .azure import AzureTarget

        return AzureTarget()
    from ..docker.engine import connect
    from .local import LocalTarget

    return LocalTarget(connect, settings)
