"""A target in memory: a small working thing for tests, which also lives on over plugin processes if it has a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..home.place import Workspace
from ..protocol import Targets
from ..runs_on import RunsOn
from .apps import MemoryApps, is_app
from .registry import MemoryRegistries
from .service import Behaviour, MemoryServices, behaviour_by_name
from .world import Memory, World


class MemoryTarget(Targets):
    """Registries and services in one memory."""

    def __init__(
        self,
        path: Path | None = None,
        behaviour: Callable[[str], Behaviour] = behaviour_by_name,
        workspace: str = "",
    ) -> None:
        """Keep the world in the JSON file ``path`` if one is given, else in this object."""
        here, self._memory = Workspace(workspace), Memory(path)
        services = RunsOn(
            MemoryServices(self._memory, here, behaviour),
            lambda: MemoryApps(self._memory, here, behaviour),
            is_app,
            hands_over=True,
        )
        super().__init__(MemoryRegistries(self._memory, here), services)

    @property
    def taken_ports(self) -> set[int]:
        """Ports that are somebody else's; add to it to see what a caller does then."""
        return self._memory.taken_ports

    @contextmanager
    def world(self) -> Iterator[World]:
        """Give all there is, to look at and to change; changes are kept, also when the caller raises."""
        with self._memory.world() as world:
            yield world
