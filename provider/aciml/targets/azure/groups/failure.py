"""Why a container group does not serve, told as early as it can be known: exit code, restarts, events, log lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ...hints import hint
from .state import (
    ContainerView,
    Event,
    Seen,
    containers_in,
    group_events,
    instance_state,
    main_container,
    properties_in,
)

RESTARTS = 2
"""A container that ended so often is in a crash loop; one end may be a dependency that was late."""
FAILED_PULLS = 3
"""So many failed tries to pull an image are no passing trouble."""
# the end of a log says why; more would push what to do off the screen
SHOWN_LINES = 20
SHOWN_EVENTS = 6


@dataclass(frozen=True)
class Failure:
    """Why a group does not serve; ``what`` begins with the subject's verb. ``lines`` are the last log lines.

    ``container`` is empty if it is the group as a whole; ``exit_code`` None while the container runs.
    """

    container: str
    what: str
    exit_code: int | None = None
    out_of_memory: bool = False
    events: tuple[Event, ...] = ()
    lines: tuple[str, ...] = ()
    needs_hint: bool = True

    def with_log(self, lines: tuple[str, ...]) -> Failure:
        """Return the same with log lines."""
        return replace(self, lines=lines)

    def describe(self, subject: str, secrets: Iterable[str] = ()) -> str:
        """Tell it to the user: exit code, hint, events and the last log lines, ``secrets`` blotted out."""
        said = hint(self.lines, self.exit_code, out_of_memory=self.out_of_memory) if self.needs_hint else ""
        parts = [f"{subject} {self.what}{f': {said}' if said else ''}"]
        if self.events:
            parts.append("\n  ".join(("last events:", *map(str, self.events[-SHOWN_EVENTS:]))))
        if self.lines:
            parts.append("\n  ".join((f'last log lines of container "{self.container}":', *self.lines[-SHOWN_LINES:])))
        elif self.container:
            parts.append(f'container "{self.container}" wrote nothing to its log')
        return blotted("\n".join(parts), secrets)


def blotted(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secrets in it, the longest first."""
    # one secret may be the beginning of another, whose rest would be left to read
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def restarts_in(seen: Seen) -> dict[str, int]:
    """Return how often each container was restarted: those of before an operation do not count against it."""
    return {view.name: view.restarts for view in containers_in(seen)}


def failure_in(seen: Seen, before: Mapping[str, int]) -> Failure | None:
    """Return why the group will not serve any more, if that is certain.

    Args:
        seen: the group.
        before: restarts that do not count, by container.
    """
    policy = str(properties_in(seen).get("restartPolicy") or "Always")
    for view in containers_in(seen):
        if found := _crash_loop(view, before.get(view.name, 0)) or _lost_image(view) or _ended(view, policy):
            return found
    # the last to be asked: of a group that ended no container may say why
    if instance_state(seen) not in {"Failed", "Succeeded"}:
        return None
    main = main_container(seen)
    what = f"ended, its state is {instance_state(seen)}"
    return Failure(main.name if main else "", what, main.exit_code if main else None, events=group_events(seen))


def late(seen: Seen, what: str) -> Failure:
    """Return the failure of a group that runs but was not ready in time."""
    view = main_container(seen)
    if view is None:
        return Failure("", what, events=group_events(seen))
    code = view.exit_code if view.state != "Running" else None
    runs = view.state == "Running" or code is not None
    return Failure(view.name, what, code, view.out_of_memory, (*group_events(seen), *view.events), needs_hint=runs)


def _crash_loop(view: ContainerView, before: int) -> Failure | None:
    restarts = view.restarts - before
    # the service itself has called it a loop
    enough = 1 if view.detail == "CrashLoopBackOff" else RESTARTS
    ill = [event for event in view.events if event.name == "Unhealthy" and not event.message.startswith("Readiness")]
    # the code of a container that a probe had killed is that of the signal, and explains nothing
    probed = bool(view.count("Killing") and ill)  # who is not ready yet is not restarted
    if restarts < enough or (view.exit_code is None and not probed):
        return None
    if probed and (view.state == "Running" or view.exit_code is None):
        return _of(view, f"was restarted {restarts} times because its liveness probe failed")
    ends = restarts + (view.state != "Running")
    return _of(view, f"exited with code {view.exit_code}, {ends} times")


def _lost_image(view: ContainerView) -> Failure | None:
    """Find an image that cannot be pulled; the service refuses most of these at once."""
    if view.state == "Running" or view.exit_code is not None:
        return None
    # BackOff is said of pulls and of restarts alike, so the words have to tell
    tries = [event for event in view.events if event.name in {"Failed", "BackOff"} and "pull" in event.message.lower()]
    if sum(event.count for event in tries) < FAILED_PULLS and view.detail != "ImagePullBackOff":
        return None
    return replace(_of(view, "cannot start, its image cannot be pulled"), needs_hint=False)


def _ended(view: ContainerView, policy: str) -> Failure | None:
    # by that policy an end is followed by a start, and only a loop of them is a failure
    if view.state != "Terminated" or policy == "Always":
        return None
    fails = view.exit_code not in {0, None}
    # an init container has to end well, and what fails under OnFailure is started again
    if (view.is_init and not fails) or (policy == "OnFailure" and fails):
        return None
    return _of(view, f"exited with code {view.exit_code}")


def _of(view: ContainerView, what: str) -> Failure:
    kind = "init container" if view.is_init else "container"
    return Failure(view.name, f'failed: {kind} "{view.name}" {what}', view.exit_code, view.out_of_memory, view.events)
