"""A container group as somebody sees who looks after it: containers, events, logs.

The service keeps the log of the run of now alone: that of a run which has ended is gone as soon as the container starts
again, unless the group sends its logs to a workspace of Log Analytics.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ....core.progress import Progress
from ....model.group import Group
from ...observed import ContainerSeen, LogLine, LogWish, NoSuchRun, Observed
from ...observed import Event as SeenEvent
from ..arm.errors import AzureError, translated
from ..arm.polling import pause
from .calls import Site
from .state import ContainerView, Event, Seen, containers_in, group_events, is_settled, provisioning_state

if TYPE_CHECKING:
    from ..arm.session import AzureSession

FOLLOW_SECONDS = 2.0
"""Between two questions for a log that is followed: the service has no way to be told (`attach` needs a terminal)."""
FOLLOWED_LINES = 1000
"""Lines asked for again and again; who writes more in that time loses the oldest."""
_NO_LOG_YET = frozenset({"ContainerGroupDeploymentNotReady", "ContainerLogNotAvailable", "ContainerNotFound"})
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:\d\d)) ?(.*)")

Serving = Callable[[], "tuple[Site, Seen] | None"]
"""Looks for the physical group that serves: an update beside it makes another one the one to look at."""


def observe(site: Site, seen: Seen) -> Observed:
    """Return what a GET says."""
    views = containers_in(seen)
    events = [
        *(_event(one) for one in group_events(seen)),
        *(_event(one, view.name) for view in views for one in view.events),
    ]
    # stable: the service lists each container's in their order, and gives some of them one time
    ordered = tuple(sorted(events, key=lambda one: one.time))
    going_on = "" if is_settled(seen) else provisioning_state(seen)
    return Observed(f"{site.title} in {site.resource_group}", tuple(map(_container, views)), ordered, going_on)


def _container(view: ContainerView) -> ContainerSeen:
    return ContainerSeen(
        name=view.name,
        state=view.state or "Waiting",
        detail=view.detail,
        image=view.image,
        exit_code=view.exit_code,
        out_of_memory=view.out_of_memory,
        restarts=view.restarts,
        started=view.started,
        finished=view.finished,
        before=view.is_init,
    )


def _event(event: Event, container: str = "") -> SeenEvent:
    return SeenEvent(event.name, event.message, event.time, event.count, container)


def read_log(
    session: AzureSession, find: Serving, known: Group, wish: LogWish, progress: Progress
) -> Iterator[LogLine]:
    """Give the lines of a container's log.

    Args:
        session: asks.
        find: looks for the group that serves.
        known: what is declared of it; tells where older logs are.
        wish: which lines.
        progress: hears ctrl-C.

    Raises:
        NoSuchRun: the log of the run before is not there any more.
    """
    found = find()
    if found is None:
        return
    site, seen = found
    container = observe(site, seen).container(wish.container)
    # between two runs the log is still that of the one which has ended
    if wish.previous and container.state == "Running":
        raise _lost(site, container, known)
    given = ""
    for line in _lines(session, site, container.name, wish.tail):
        given = line.time or given
        if line.time >= wish.since or not line.time:
            yield line
    while wish.follow:
        pause(FOLLOW_SECONDS, progress)
        if (found := find()) is None:
            return
        for line in _lines(session, found[0], container.name, FOLLOWED_LINES):
            # by its time and not its place: what starts anew has a log of its own
            if line.time > given:
                given = line.time
                yield line


def _lines(session: AzureSession, site: Site, container: str, tail: int) -> list[LogLine]:
    options = {"tail": tail} if tail else {}
    try:
        with translated(f"reading the log of {site.title}"):
            logs = session.containers.containers.list_logs(
                site.resource_group, site.name, container, timestamps=True, **options
            )
    except AzureError as error:
        # it waits for its image, or its node: there is nothing to read yet
        if error.code in _NO_LOG_YET:
            return []
        raise
    return [_line(line) for line in (logs.content or "").splitlines()]


def _line(text: str) -> LogLine:
    found = _STAMP.match(text)
    return LogLine(found[2].rstrip(), found[1]) if found else LogLine(text.rstrip())


def _lost(site: Site, container: ContainerSeen, known: Group) -> NoSuchRun:
    if not container.restarts and container.exit_code is None:
        since = f", and runs since {container.started[:19]}" if container.started else ""
        return NoSuchRun(f'container "{container.name}" of {site.title} has not been restarted{since}')
    ended = f" (exit code {container.exit_code}, {container.finished[:19]})" if container.exit_code is not None else ""
    why = f'Container Instances keep no log of a run that has ended{ended}: container "{container.name}" runs again'
    workspace = known.log_analytics.workspace_id if known.log_analytics else None
    if workspace:
        query = f'ContainerInstanceLog_CL | where ContainerGroup_s == "{site.name}" | order by TimeGenerated asc'
        return NoSuchRun(why, f"it is in the workspace {workspace}: {query}")
    advice = "`aciml events` tells what happened; send logs to Log Analytics (azure.log_analytics) to keep them"
    return NoSuchRun(why, advice)
