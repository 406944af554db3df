"""A container app as somebody sees who looks after it: replicas of what serves, and their logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.errors import AcimlError
from ....core.progress import Progress
from ....model.group import Group
from ...observed import ContainerSeen, Event, LogLine, LogWish, NoSuchRun, Observed
from ..arm.polling import pause
from ..groups.members import Json
from . import stream
from .calls import AppCalls, Seen, state_of
from .failure import code_in
from .revision import containers_in, error_in, name_of, properties_in, template_of
from .site import Site

Serving = Callable[[], "tuple[Site, Seen, Seen | None] | None"]
AGAIN_SECONDS = 2.0
"""Before a stream that has ended is opened anew: a replica that went is followed by another one."""
_SETTLED = frozenset({"", "succeeded", "failed", "canceled"})


def observe(calls: AppCalls, site: Site, seen: Seen, serves: Seen | None) -> Observed:
    """Return what GETs of app, revision and replicas say."""
    name = name_of(serves) if serves else ""
    containers = replicas_of(calls, site, serves) if serves else ()
    why = error_in(serves) if serves else ""
    events = (*_events(calls, site, seen, name), *((Event("ProvisioningFailed", why),) if why else ()))
    going_on = "" if state_of(seen) in _SETTLED else state_of(seen)
    where = f"{site.title} in {site.resource_group}"
    return Observed(f"{where}, revision {name}" if name else where, containers, events, going_on)


def replicas_of(calls: AppCalls, site: Site, of: Seen) -> tuple[ContainerSeen, ...]:
    """Return the replicas of one revision."""
    image = str((template_of(of).get("containers") or [{}])[0].get("image") or "")
    found = calls.replicas(site, name_of(of))
    return tuple(_container(replica, one, image) for replica in found for one in containers_in(replica))


def _events(calls: AppCalls, site: Site, seen: Seen, revision: str) -> tuple[Event, ...]:
    """Return what the service's log says of a revision; nothing where it cannot be read, all else is known by GETs."""
    endpoint = str(properties_in(seen).get("eventStreamEndpoint") or "")
    if not endpoint:
        return ()
    try:
        found = stream.events(endpoint, calls.token(site), calls.session.ca_bundle)
    except AcimlError:
        return ()
    # a replica's name begins with that of its revision; what is about the whole has none
    return tuple(one for one in found if not one.container or one.container.startswith(f"{revision}-"))


def _container(replica: Json, container: Json, image: str) -> ContainerSeen:
    state = str(container.get("runningState") or "Waiting")
    details = str(container.get("runningStateDetails") or properties_in(replica).get("runningStateDetails") or "")
    return ContainerSeen(
        # of several replicas each has a container of one name
        name=str(replica.get("name") or ""),
        state=state if state in {"Running", "Waiting", "Terminated"} else "Waiting",
        detail=details,
        image=image,
        exit_code=code_in(details),
        restarts=int(container.get("restartCount") or 0),
        created=str(properties_in(replica).get("createdTime") or ""),
        started=str(properties_in(replica).get("createdTime") or "") if container.get("started") else "",
    )


def read_log(calls: AppCalls, find: Serving, known: Group, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
    """Give the lines of a replica's log.

    Raises:
        NoSuchRun: the log of the run before is not there any more.
    """
    found = find()
    if found is None:
        return
    site, seen, serves = found
    container = observe(calls, site, seen, serves).container(wish.container)
    if wish.previous:
        raise _lost(site, container, known)
    given = ""
    first = True
    while serves is not None and (first or wish.follow):
        endpoint = _endpoint(calls, site, name_of(serves), container.name)
        tail = wish.tail if first else stream.MOST_LINES
        if endpoint:
            bundle = calls.session.ca_bundle
            for time, text in stream.read(endpoint, calls.token(site), bundle, tail=tail, follow=wish.follow):
                progress.checkpoint()
                # by its time and not its place: a stream that is opened anew begins before its end
                if (not time or time > given) and (time >= wish.since or not time):
                    given = time or given
                    yield LogLine(text.rstrip(), time)
        first = False
        if not wish.follow or (found := find()) is None:
            return
        pause(AGAIN_SECONDS, progress)
        site, seen, serves = found
        names = [one.name for one in observe(calls, site, seen, serves).containers]
        if container.name not in names:
            return


def _endpoint(calls: AppCalls, site: Site, revision: str, replica: str) -> str:
    for one in calls.replicas(site, revision):
        if one.get("name") == replica:
            return next((str(each.get("logStreamEndpoint") or "") for each in containers_in(one)), "")
    return ""


def _lost(site: Site, container: ContainerSeen, known: Group) -> NoSuchRun:
    if not container.restarts:
        return NoSuchRun(f'replica "{container.name}" of {site.title} has not been restarted')
    why = f'Container Apps keep no log of a run that has ended: replica "{container.name}" runs again'
    if known.log_analytics:
        query = f'ContainerAppConsoleLogs_CL | where ContainerAppName_s == "{site.name}" | order by TimeGenerated asc'
        return NoSuchRun(why, f"it is in the workspace {known.log_analytics.workspace_id}: {query}")
    return NoSuchRun(why, "send logs to Log Analytics (azure.log_analytics) to keep them")
