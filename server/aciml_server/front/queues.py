"""Jobs that wait: one queue for those that go one by one, one for each model that takes many at once."""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict, List, Optional

from .jobs import Job

_HOPE = 0.1
"""Share of a batch's time that the next one waits for clients who just got their answers and may ask again."""
_LONGEST_HOPE = 0.002


class Batching:
    """``size`` is the most that a model takes at once; ``delay`` how long the first may wait for others, in seconds."""

    __slots__ = ("_hope", "_hoped", "_sent", "delay", "jobs", "out", "size")

    def __init__(self, size: int, delay: float) -> None:
        """Nothing waits."""
        self.size = size
        self.delay = delay
        self.jobs: Deque[Job] = deque()
        self.out = 0
        """Jobs of the batch that was taken last and is not answered."""
        self._sent = self._hope = 0.0
        self._hoped = 0

    def wait(self, now: float) -> float:
        """Return for how many seconds a fuller batch may still be waited for.

        Without a delay, too, a short while: as many as were there at the last answer are likely to ask again. One
        client alone never waits.
        """
        count = len(self.jobs)
        if count >= self.size:
            return 0.0
        # over as soon as as many are there as were at the last answer: nobody else is expected
        hope = self._hope - now if count < self._hoped else 0.0
        return max(hope, self.jobs[0].queued + self.delay - now) if self.delay else hope

    def take(self, now: float) -> List[Job]:
        """Take a batch, oldest first."""
        jobs = [self.jobs.popleft() for _ in range(min(self.size, len(self.jobs)))]
        self.out, self._sent = len(jobs), now
        return jobs

    def answered(self, now: float) -> None:
        """Note that the batch is answered."""
        self._hoped = len(self.jobs) + self.out
        self._hope = now + min(_HOPE * (now - self._sent), _LONGEST_HOPE)
        self.out = 0


class Queues:
    """All jobs that no worker has."""

    def __init__(self, delay_ms: float) -> None:
        """``delay_ms`` counts for models that do not say how long a batch may wait."""
        self._delay_ms = delay_ms
        self.single: Deque[Job] = deque()
        self.batched: Dict[int, Batching] = {}
        """By model; empty as long as no model takes batches."""

    def learn(self, facts: List[Dict[str, Any]]) -> None:
        """Take over which models take batches; what waits keeps its place."""
        # other scripts may take batches now; all are put in anew, in the order in which they came
        jobs = sorted(self, key=_by_age)
        batched: Dict[int, Batching] = {}
        for number, fact in enumerate(facts):
            if fact.get("batch"):
                delay = fact.get("batch_delay_ms")
                batched[number] = Batching(fact["batch"], (self._delay_ms if delay is None else delay) / 1000)
        self.single, self.batched = deque(), batched
        for job in jobs:
            self.add(job)

    def __len__(self) -> int:
        """Count all jobs."""
        return len(self.single) + sum(len(batching.jobs) for batching in self.batched.values())

    def __iter__(self) -> Any:
        """Yield all jobs, queue by queue."""
        yield from self.single
        for batching in self.batched.values():
            yield from batching.jobs

    def of(self, job: Job) -> Deque[Job]:
        """Return the queue where a job belongs."""
        batching = self.batched.get(job.model)
        return self.single if batching is None else batching.jobs

    def add(self, job: Job) -> None:
        """Put a job at the end."""
        self.of(job).append(job)

    def again(self, jobs: List[Job]) -> None:
        """Put jobs back to the beginning, in their order."""
        # each goes in front of the one before
        for job in reversed(jobs):
            self.of(job).appendleft(job)

    def remove(self, job: Job) -> bool:
        """Take a job out; tell if it was there."""
        try:
            self.of(job).remove(job)
        except ValueError:
            return False
        return True

    def late(self, before: float) -> List[Job]:
        """Take out the jobs that wait since before this time."""
        late = [job for job in self if job.queued < before]
        for job in late:
            self.remove(job)
        return late

    def oldest_batch(self) -> Optional[Batching]:
        """Return the batched queue whose first job waits longest, if one has jobs."""
        waiting = [batching for batching in self.batched.values() if batching.jobs]
        # by age and not by length: a model that is asked for seldom must not starve behind a busy one
        return min(waiting, key=lambda batching: batching.jobs[0].queued) if waiting else None


def _by_age(job: Job) -> float:
    return job.queued
