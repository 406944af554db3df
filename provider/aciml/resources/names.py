"""Names of resources that were given none, like Pulumi's own autonaming: filled by ``check``, kept ever after."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..properties import Values, is_unknown, reveal


class Names:
    """Names of one kind of resource."""

    def __init__(self, default: Callable[[str], str]) -> None:
        """Take the target's names: ``default`` makes one of a urn."""
        self._default = default
        self._before: dict[str, Values] = {}
        self._lock = threading.Lock()

    def before(self, urn: str, old: Values | None) -> Values | None:
        """Return the old inputs, also where the engine leaves them out.

        It checks a resource that it replaces a second time, as if there were none, so that it may get another name.
        Ours is deleted first and keeps its name: its keys and its clients go by it.
        """
        # the engine checks resources side by side
        with self._lock:
            if old:
                self._before[urn] = old
            return self._before.get(urn)

    def filled(self, before: Values | None, new: Values, urn: str) -> Values:
        """Return inputs with a name: the given one, the one it has had, or the target's default."""
        if "name" in new:
            return new
        name = (before or {}).get("name")
        kept = name is not None and not is_unknown(name)
        return {**new, "name": reveal(name) if kept else self._default(urn)}
