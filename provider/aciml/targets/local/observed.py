"""A container on Docker as somebody sees who looks after it: its state, the engine's memory of it, its log."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...core.progress import Progress
from ..observed import ContainerSeen, Event, LogLine, LogWish, NoSuchRun, Observed
from .engine import DOOR, FRONT, KIND, NAME, LocalEngine, docker_answers, image_of

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

GROUP = "group"
POLL_SECONDS = 0.5
GONE_SECONDS = 5.0
"""How long a log that is followed waits for a container that has ended to start again, or for its successor."""
# what Docker's own health checks and `docker exec` leave would push everything else out of sight
_NOISE = ("exec_", "top", "attach", "resize", "archive-path", "extract-to-dir", "copy")
_STATES = {"running": "Running", "paused": "Waiting", "created": "Waiting", "restarting": "Waiting"}
_ZERO = "0001-01-01T00:00:00Z"  # Go's time of nothing
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:\d\d) ")


def observe(client: docker.DockerClient, container: Container, door: ContainerSeen | None = None) -> Observed:
    """Look at a container and its door, and at what the engine remembers of it and of those before it."""
    # the label and not the container's id: those that an update has replaced belong to the story
    events = tuple(_events(client, str(container.labels.get(NAME, ""))))
    ends = [one for one in events if one.name == "die" and one.container == str(container.id)]
    # of a container that runs again the engine has forgotten its last exit code, but for the event
    code = _code(ends[-1]) if container.status in {"running", "paused"} and ends else None
    seen = seen_of(container, code, _starts(events, container) - 1)
    return Observed(f'container "{container.name}"', (seen,), events, door=door)


def doors_of(client: docker.DockerClient) -> list[ContainerSeen]:
    """Return the doors of all services of this engine, by whomever they were made, those that do not run too."""
    found: list[Container] = []
    with docker_answers("list its containers"):
        for kind in (FRONT, DOOR):
            found += client.containers.list(all=True, filters={"label": f"{KIND}={kind}"}, ignore_removed=True)
    return sorted(map(seen_of, found), key=lambda one: one.name)


def seen_of(container: Container, code: int | None = None, starts: int = 0) -> ContainerSeen:
    """Return a container as it is.

    Args:
        container: of the engine.
        code: how it ended last, if it runs again.
        starts: how often it was started anew, as far as events tell.
    """
    state = container.attrs["State"]
    if container.status not in _STATES or container.status == "restarting":
        code = int(state.get("ExitCode") or 0)
    return ContainerSeen(
        name=str(container.name),
        state=_STATES.get(container.status, "Terminated"),
        detail=container.status if container.status != "running" else "",
        image=image_of(container),
        exit_code=code,
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=max(int(container.attrs.get("RestartCount") or 0), starts),
        created=_utc(container.attrs.get("Created")),
        started=_utc(state.get("StartedAt")),
        finished=_utc(state.get("FinishedAt")),
    )


def read_log(
    engine: LocalEngine, find: Callable[[], Container | None], wish: LogWish, progress: Progress
) -> Iterator[LogLine]:
    """Give the lines of a container's log; those that are followed end when it is gone, or stays stopped.

    Args:
        engine: that has it.
        find: looks for it, by its name: an update puts another one in its place.
        wish: which lines.
        progress: hears ctrl-C.
    """
    container = find()
    if container is None:
        return
    if wish.previous:
        yield from _previous(engine.client, container, wish)
        return
    since = wish.since
    while True:
        for line in _lines(container, wish, _utc(since)):
            since = line.time or since
            yield line
        if not wish.follow:
            return
        following = _await(find, str(container.id), str(container.attrs["State"].get("StartedAt")), progress)
        if following is None:
            return
        # the first call has given the old lines; what comes from here on is new
        since = since if following.id == container.id else ""
        container, wish = following, LogWish(follow=True)


def _previous(client: docker.DockerClient, container: Container, wish: LogWish) -> Iterator[LogLine]:
    """Give the lines of the run before that of now: Docker keeps one log for all runs of a container."""
    begun = _utc(container.attrs["State"].get("StartedAt"))
    ends = [
        one.time
        for one in _events(client, str(container.labels.get(NAME, "")))
        if one.name == "die" and one.container == str(container.id) and one.time < begun
    ]
    # between two ends, since an event is a moment later than what it tells of; the engine remembers few of them, and
    # without the earlier one all that was written before is the best there is
    from_ = ends[-2] if len(ends) > 1 else ""
    lines: Iterable[LogLine] = (
        line
        for line in _lines(container, LogWish(), "")
        if line.time < begun and line.time >= from_ and line.time >= _utc(wish.since)
    )
    kept = deque(lines, maxlen=wish.tail or None)
    if not kept:
        made = f"it was made {_utc(container.attrs.get('Created'))[:19]} and started {begun[:19]}"
        raise NoSuchRun(f'container "{container.name}" has no run before that of now', made)
    yield from kept


def _lines(container: Container, wish: LogWish, since: str) -> Iterator[LogLine]:
    from docker.errors import NotFound

    options: dict[str, Any] = {"tail": wish.tail or "all"}
    if since:
        options["since"] = _seconds(since)
    with docker_answers(f'read the log of container "{container.name}"'):
        try:
            chunks = container.logs(stream=True, follow=wish.follow, timestamps=True, **options)
        except NotFound:
            return
        for line in split(chunks):
            if line.time > since or not since:
                yield line


def split(chunks: Iterable[bytes]) -> Iterator[LogLine]:
    """Give the lines of what Docker writes of a log that it was asked for with times."""
    rest = b""
    for chunk in chunks:
        # a line above 16 KiB comes in several pieces, and each of them begins with a time (moby, `partial`)
        rest += _STAMP.sub(b"", chunk, count=1) if rest and _STAMP.match(chunk) else chunk
        *whole, rest = rest.split(b"\n")
        yield from map(_line, whole)
    if rest:
        yield _line(rest)


def _line(raw: bytes) -> LogLine:
    stamp = _STAMP.match(raw)
    text = raw[stamp.end() :] if stamp else raw
    return LogLine(text.decode(errors="replace").rstrip("\r"), _utc(stamp.group().decode().strip()) if stamp else "")


def _await(find: Callable[[], Container | None], known: str, begun: str, progress: Progress) -> Container | None:
    """Wait until a container runs again, or its successor does; None if neither comes."""
    end = time.monotonic() + GONE_SECONDS
    while True:
        progress.checkpoint()
        container = find()
        if container is not None and container.status == "running":
            another = container.id != known or str(container.attrs["State"].get("StartedAt")) != begun
            if another:
                return container
        waits = container is not None and container.status in {"restarting", "running"}
        if time.monotonic() >= end and not waits:
            return None
        time.sleep(POLL_SECONDS)


def _events(client: docker.DockerClient, name: str) -> Iterator[Event]:
    with docker_answers("tell its events"):
        # an end in the past: the engine answers from its memory and does not wait for more
        found = client.api.events(
            since=0, until=int(time.time()) + 1, filters={"type": "container", "label": f"{NAME}={name}"}, decode=True
        )
        for one in _ended(found):
            attributes = (one.get("Actor") or {}).get("Attributes") or {}
            action = str(one.get("Action") or one.get("status") or "")
            if attributes.get(KIND) == GROUP and not action.startswith(_NOISE):
                yield _event(one, action, attributes)


def _ended(events: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    now = time.time()
    for one in events:
        # what happens while we read is for the next look
        if float(one.get("time") or 0) > now + 1:
            return
        yield one


def _event(one: Mapping[str, Any], action: str, attributes: Mapping[str, str]) -> Event:
    nanoseconds = int(one.get("timeNano") or 0) or int(one.get("time") or 0) * 10**9
    moment = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    when = f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9 // 10**6:03d}"
    said = {"exitCode": "exit code", "signal": "signal", "oldName": "was"}
    words = [f"{said[key]} {attributes[key]}" for key in said if attributes.get(key)]
    name, _, more = action.partition(": ")
    who = attributes.get("name", "")
    return Event(name, ", ".join(filter(None, (f"container {who}" if who else "", more, *words))), when,
                 container=str((one.get("Actor") or {}).get("ID") or one.get("id") or ""))  # fmt: skip


def _code(event: Event) -> int | None:
    found = re.search(r"exit code (\d+)", event.message)
    return int(found[1]) if found else None


def _starts(events: Iterable[Event], container: Container) -> int:
    """Count starts: the engine's own counter begins anew whenever somebody starts or restarts by hand."""
    return sum(one.name == "start" and one.container == str(container.id) for one in events)


def _utc(when: object) -> str:
    """Return Docker's time in UTC, such that times are compared as texts; empty if there is none."""
    text = str(when or "")
    if not text or text.startswith(_ZERO[:10]):
        return ""
    if text.endswith("Z"):
        day, _, fraction = text[:-1].partition(".")
        return f"{day}.{fraction:0<9}Z"
    # Podman writes times of its own zone
    day, fraction, zone = re.sub(r"(\.\d+)?([+-]\d\d:\d\d)$", r"|\1|\2", text).split("|")
    moment = datetime.fromisoformat(f"{day}{zone}").astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction[1:]:0<9}Z"


def _seconds(when: str) -> float:
    moment = datetime.fromisoformat(f"{when[:19]}+00:00")
    # a float has no nanoseconds: earlier rather than later, what comes twice is left out
    return moment.timestamp() + float(f"0.{when[20:].rstrip('Z') or '0'}") - 0.001
