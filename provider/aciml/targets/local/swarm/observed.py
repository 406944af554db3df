"""A service in a swarm as somebody sees who looks after it: its replicas, what became of them, what they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ....core.errors import UserError
from ....core.progress import Progress
from ...observed import ContainerSeen, Event, LogLine, LogWish, NoSuchRun, Observed
from ..engine import docker_answers
from ..observed import seen_of, split
from .app import Apps, There
from .replicas import replicas_of
from .template import WORDS, Made, Task


def observe(apps: Apps, there: There) -> Observed:
    """Look at the replicas of all revisions that run; that which serves comes first."""
    serving = there.serving or next(iter(there.revisions), None)
    ordered = sorted(there.revisions, key=lambda one: one is not serving)
    seen: list[ContainerSeen] = []
    events: list[Event] = []
    for made in ordered:
        tasks = apps.services.tasks(made)
        seen += replicas_of(made, tasks)
        events += [_event(made, task) for task in tasks]
        if made.failed:
            events.append(Event("failed", f"revision {made.name} {made.failed}", made.updated, container=made.name))
    events.sort(key=lambda one: one.time)
    door = seen_of(there.entrance.container) if there.entrance else None
    return Observed(f'service "{there.app}" of the swarm', tuple(seen), tuple(events), door=door)


def _event(made: Made, task: Task) -> Event:
    code = f", exit code {task.exit_code}" if task.exit_code is not None else ""
    return Event(
        task.state, f"replica {made.name}.{task.slot}: {task.said}{code}", task.changed, container=task.container
    )


def read_log(apps: Apps, there: There, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
    """Give the lines of a replica, or those of all that the serving revision has.

    Raises:
        NoSuchRun: none of them has ended, or what it wrote is gone.
        UserError: there is no such replica.
    """
    made, slot = _chosen(there, wish)
    if made is None:
        return
    tasks = [task for task in apps.services.tasks(made) if not slot or task.slot == slot]
    if wish.previous:
        before = [task for task in tasks if not task.runs and task.fell and task.container]
        if not before:
            raise NoSuchRun(f"no replica of {made.name} has ended by itself", "aciml status tells what runs")
        yield from _tail(_lines(apps, f"/tasks/{before[0].id}/logs", wish, progress), wish)
        return
    if made.failed and (kept := made.labels.get(WORDS)):
        lines = [LogLine(line, made.updated) for line in kept.splitlines()]
        yield from lines[-wish.tail :] if wish.tail else lines
        return
    path = f"/tasks/{tasks[0].id}/logs" if slot and tasks else f"/services/{made.id}/logs"
    yield from _lines(apps, path, wish, progress)


def _chosen(there: There, wish: LogWish) -> tuple[Made | None, int]:
    serving = there.serving or next(iter(there.revisions), None)
    if not wish.container or serving is None:
        return serving, 0
    name, _, slot = wish.container.rpartition(".")
    found = there.named(name if slot.isdigit() else wish.container)
    if found is None:
        known = ", ".join(one.name for one in there.revisions)
        raise UserError(f'service "{there.app}" has no replica "{wish.container}"', f"its revisions are {known}")
    return found, int(slot) if slot.isdigit() else 0


def _tail(lines: Iterator[LogLine], wish: LogWish) -> Iterator[LogLine]:
    kept = list(lines)
    yield from kept[-wish.tail :] if wish.tail else kept


def _lines(apps: Apps, path: str, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
    # by the raw call: the package reads logs of services, and of tasks it does not
    api = apps.client.api
    since = datetime.fromisoformat(f"{wish.since[:19]}+00:00").timestamp() if wish.since else 0
    params: dict[str, Any] = {
        "stdout": True,
        "stderr": True,
        "timestamps": True,
        "follow": wish.follow and not wish.previous,
        "tail": wish.tail or "all",
        "since": int(since),
    }
    with docker_answers("read the log of a service"):
        url = f"{api.base_url}/v{api.api_version}{path}"
        response = api.get(url, params=params, stream=True, timeout=None if wish.follow else api.timeout)
        response.raise_for_status()
        with response:
            # the last four bytes of a head are the length of what follows (Engine API, "Attach to a container")
            for line in split(_frames(response.raw)):
                progress.checkpoint()
                if not wish.since or line.time > wish.since:
                    yield line


def _frames(stream: Any) -> Iterator[bytes]:
    """Give what the replicas wrote, out of frames of eight bytes of head and a length."""
    while len(head := stream.read(8)) == 8:
        yield stream.read(int.from_bytes(head[4:], "big"))
