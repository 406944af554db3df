"""One run of ACR Tasks from the queue to its end: its state, its log, and ctrl-C."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ....core.errors import OutageError, UserError
from ....core.progress import Progress
from ..arm.errors import AzureError, translated
from ..arm.polling import spoken_time
from .blob_link import BlobLink
from .log import TaskLog

if TYPE_CHECKING:
    from azure.mgmt.containerregistrytasks.models import Run

    from ..arm.session import AzureSession

_ENDED = frozenset({"Succeeded", "Failed", "Canceled", "Error", "Timeout"})
_HEAR = 0.2  # seconds between two looks at ctrl-C
_SLOWEST = 5  # times the usual pause, when a log is quiet
_LATE = 20  # looks at a log that is not complete though its run has ended
_SILENCE = 120.0  # seconds without an answer after which a run is given up
_TAIL = 15  # lines in a message
_TEMPORARY = frozenset({0, 408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Registry:
    """Where a run belongs; ``by_caller``: the registry asks for the caller's own rights (ABAC)."""

    resource_group: str
    name: str
    by_caller: bool = False


@dataclass(frozen=True)
class _State:
    status: str
    created: datetime | None
    started: datetime | None
    finished: datetime | None
    error: str

    @classmethod
    def of(cls, run: Run) -> _State:
        return cls(
            # a status that the SDK does not know yet is a plain text
            str(getattr(run.status, "value", run.status) or "Queued"),
            run.create_time,
            run.start_time,
            run.finish_time,
            " ".join(str(run.run_error_message or "").split()),
        )

    @property
    def queued(self) -> float:
        return _between(self.created, self.started or self.finished)

    @property
    def took(self) -> float:
        return _between(self.started, self.finished)


class TaskRun:
    """A run that was scheduled."""

    def __init__(
        self, session: AzureSession, registry: Registry, run_id: str, progress: Progress, *, look: float
    ) -> None:
        """``look``: seconds between two looks at it."""
        self._session, self._registry, self._id, self._progress = session, registry, run_id, progress
        self._look_seconds = look
        self._name = f"ACR run {run_id}"
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._began = self._answered = time.monotonic()
        self._log = TaskLog(self._open_log)
        self._log_lost = False

    def follow(self, hear: Callable[[str], None], limit: int) -> None:
        """Wait for the end and let the log be heard; whatever ends the wait before ends the run too.

        Args:
            hear: gets each line of the log.
            limit: seconds that the run may take, for messages.

        Raises:
            UserError: it failed, or took longer than it may.
            OutageError: ACR broke it off, or does not answer.
            Cancelled: the user stopped it.
        """
        try:
            state = self._until_end(hear)
        except BaseException:  # also ctrl-C: nobody would pay attention to what goes on
            self._cancel()
            raise
        finally:
            self._log.close()
        # the time in the queue beside it: it is Azure's, and no change of the steps shortens it
        self._progress.note(f"{self._name} took {spoken_time(state.took)}, queued {spoken_time(state.queued)}")
        if state.status != "Succeeded":
            raise self._failure(state, limit)

    def _until_end(self, hear: Callable[[str], None]) -> _State:
        quiet = late = 0
        while True:
            self._progress.checkpoint()
            self._check_time()
            state = self._look()
            lines = self._read_log()
            for line in lines:
                self._tail.append(line)
                hear(line)
            if state and state.status in _ENDED:
                late += 1  # the state is ahead of the log, which is a blob that is written in pieces
                if self._log.complete or self._log_lost or late > _LATE:
                    return state
            elif state and not self._tail:
                self._say_waiting(state)
            # a long RUN line says nothing for minutes: it is asked for less often, up to five times the usual pause
            quiet = 0 if lines or late else quiet + 1
            self._pause(self._look_seconds * min(_SLOWEST, 1 + quiet // 5))

    def _say_waiting(self, state: _State) -> None:
        passed = spoken_time(time.monotonic() - self._began)
        self._progress.say(f"{self._name} {'is queued' if state.status == 'Queued' else 'starts'}: {passed}")

    def _look(self) -> _State | None:
        """Return the state; None if ACR did not answer this time."""
        try:
            with translated(f"looking at {self._name}"):
                run = self._session.tasks.runs.get(self._registry.resource_group, self._registry.name, self._id)
        except AzureError as error:
            # the run goes on whatever happens on the way to us, so it is not given up for one bad minute
            if error.status not in _TEMPORARY or time.monotonic() - self._answered > _SILENCE:
                raise
            self._progress.say(error.message)
            return None
        self._answered = time.monotonic()
        return _State.of(run)

    def _read_log(self) -> list[str]:
        """Return new lines. A log that cannot be read is no reason to give up a run."""
        # one warning, not one a second
        if self._log_lost or self._log.complete:
            return []
        try:
            return self._log.read()
        except OutageError as error:
            self._log_lost = True
            self._progress.warn(
                f"the log of {self._name} cannot be read ({error.message}); its state is followed alone"
            )
            return []

    def _open_log(self) -> BlobLink:
        with translated(f"asking for the log of {self._name}"):
            found = self._session.tasks.runs.get_log_sas_url(
                self._registry.resource_group, self._registry.name, self._id
            )
        if not found.log_link:
            raise OutageError("ACR gave no link to it")
        return BlobLink(found.log_link, self._session.ca_bundle)

    def _check_time(self) -> None:
        passed = time.monotonic() - self._began
        if self._progress.timeout and passed > self._progress.timeout:
            message = f"{self._name} was not done after {spoken_time(passed)}, its time in the queue included"
            raise UserError(f"{message}; it was cancelled", "allow more time (customTimeouts)")

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._progress.checkpoint()
            time.sleep(min(left, _HEAR))

    def _cancel(self) -> None:
        # ValueError: the SDK stumbles on the empty body of 202
        with suppress(AzureError, ValueError), translated(f"cancelling {self._name}"):
            self._session.tasks.runs.cancel(self._registry.resource_group, self._registry.name, self._id)

    def _failure(self, state: _State, limit: int) -> UserError | OutageError:
        lines = "".join(f"\n    {line}" for line in self._tail if line.strip())
        why = f": {state.error}" if state.error else ""
        # whether the build failed is told by the status alone: a step may print "returned a non-zero code" and go on
        if state.status == "Timeout":
            advice = "allow more time (customTimeouts; ACR takes 28800 s at most), or make the steps faster"
            return UserError(f"{self._name} was stopped at its limit of {limit} s{lines}\n", advice)
        if state.status == "Failed":
            return UserError(f"{self._name} failed after {spoken_time(state.took)}{why}{lines}\n", "mend the steps")
        if state.status == "Canceled":
            return OutageError(f"{self._name} was cancelled by somebody else", "run the same command again")
        return OutageError(f"{self._name} broke down in ACR{why}{lines}\n", "run the same command again")


def _between(first: datetime | None, last: datetime | None) -> float:
    return max(0.0, (last - first).total_seconds()) if first and last else 0.0
