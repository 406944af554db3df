"""Host names of environments, apps, revisions and labels."""

from __future__ import annotations

import hashlib

from ..world import World
from .kinds import plain

_WORDS = ("calm", "happy", "proud", "wise", "brave", "salmon", "thankful", "ashy")
_THINGS = ("sea", "mushroom", "hill", "rock", "field", "dune", "wave", "forest")


def default_domain(environment_id: str, location: str, salt: str) -> str:
    """Return the domain of a new environment, such as ``calmsea-1a2b3c4d.westeurope.azurecontainerapps.io``."""
    digest = hashlib.sha256(f"{environment_id.lower()} {salt}".encode()).hexdigest()
    number = int(digest[8:12], 16)
    words = f"{_WORDS[number % len(_WORDS)]}{_THINGS[number // 8 % len(_THINGS)]}"
    return f"{words}-{digest[:8]}.{plain(location)}.azurecontainerapps.io"


def domain_of(world: World, environment_id: str) -> str:
    """Return the domain of an environment that exists; empty of another."""
    found = world.get(environment_id) or {}
    return str((found.get("properties") or {}).get("defaultDomain") or "")


def parsed(left: str) -> tuple[str, str, str]:
    """Split the part of a host name before the domain into app, revision and label; the last two may be empty."""
    app, dashes, label = left.partition("---")
    if dashes:
        return app, "", label
    app, dashes, _ = left.partition("--")
    return app, left if dashes else "", ""
