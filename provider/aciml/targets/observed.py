"""What can be seen of a service that exists: its containers, what happened to them, what they wrote."""

from __future__ import annotations

from ..core.errors import UserError
from ..core.lean import lean


@lean(frozen=True)
class Event:
    """One thing that happened. ``time`` is the last one's, RFC 3339 in UTC, empty if nobody wrote it down.

    ``name`` is the place's own word (``die``, ``Killing``); ``container`` is empty if it is about the whole.
    """

    name: str
    message: str
    time: str = ""
    count: int = 1
    container: str = ""


@lean(frozen=True)
class ContainerSeen:
    """One container. ``state`` is Running, Waiting or Terminated, and ``detail`` the place's own word for why.

    ``exit_code`` is that of the last end, None if it never ended; ``restarts`` counts since it was made. Times are
    RFC 3339 in UTC, empty if they are not known. ``before`` is for one that runs before the others and then ends.
    """

    name: str
    state: str
    detail: str = ""
    image: str = ""
    exit_code: int | None = None
    out_of_memory: bool = False
    restarts: int = 0
    created: str = ""
    started: str = ""
    finished: str = ""
    before: bool = False


@lean(frozen=True)
class Observed:
    """A group as it is: containers in the order of the target, events oldest first; ``where`` names it for people.

    ``under_way`` is the place's word for an operation that goes on; empty if none does. ``door`` has the address in
    front of them and leads there; None where the containers are called themselves.
    """

    where: str
    containers: tuple[ContainerSeen, ...]
    events: tuple[Event, ...] = ()
    under_way: str = ""
    door: ContainerSeen | None = None

    @property
    def main(self) -> ContainerSeen | None:
        """The container that serves."""
        return next((one for one in self.containers if not one.before), None)

    def container(self, name: str) -> ContainerSeen:
        """Return a container by its name; the one that serves without a name.

        Raises:
            UserError: there is none.
        """
        found = self.main if not name else next((one for one in self.containers if one.name == name), None)
        if found is None:
            known = ", ".join(one.name for one in self.containers) or "none"
            raise UserError(f'{self.where} has no container "{name}"', f"its containers are {known}")
        return found


@lean(frozen=True)
class LogWish:
    """Which lines of a log. ``tail`` 0: all there are; ``since`` RFC 3339 in UTC, empty: from the beginning.

    ``previous``: those of the run that ended before the one of now. ``container`` empty: the one that serves.
    """

    tail: int = 0
    since: str = ""
    follow: bool = False
    previous: bool = False
    container: str = ""


@lean(frozen=True)
class LogLine:
    """A line as the container wrote it, and when (RFC 3339 in UTC; empty if the place does not tell)."""

    text: str
    time: str = ""


class NoSuchRun(UserError):
    """There is no log of a run before that of now."""
