"""The replicas of a revision as somebody sees who looks after them: the slots of its service, and what was in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...observed import ContainerSeen
from .template import Made, Task

_RUNS = {"running": "Running"}
_ENDED = frozenset({"complete", "failed", "rejected", "shutdown", "orphaned", "remove"})


def replicas_of(made: Made, tasks: Sequence[Task]) -> Iterator[ContainerSeen]:
    """Give the newest task of each slot, and how many there were before it."""
    for slot in sorted({task.slot for task in tasks}):
        mine = [task for task in tasks if task.slot == slot]
        # one that is about to be started is not what people ask about while another one is there
        shown = next((task for task in mine if task.runs), mine[0])
        # one that ended by itself says more than one that was ended
        codes = [task for task in mine if task.exit_code is not None]
        ended = next((task for task in codes if task.fell), next(iter(codes), None))
        state = _RUNS.get(shown.state, "Terminated" if shown.state in _ENDED else "Waiting")
        yield ContainerSeen(
            f"{made.name}.{slot}",
            state,
            "" if state == "Running" else shown.said or shown.state,
            made.image,
            ended.exit_code if ended else None,
            restarts=sum(task.fell for task in mine),
            created=shown.created,
            started=shown.changed if state == "Running" else "",
            finished=ended.changed if ended else "",
        )
    if not tasks and made.failed:
        # Docker has forgotten its tasks; it was noted why they ended
        code = made.failed.rpartition("exited with code ")[2]
        exit_code = int(code) if code.isdigit() else None
        yield ContainerSeen(f"{made.name}.1", "Terminated", made.failed, made.image, exit_code, finished=made.updated)
