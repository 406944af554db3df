"""The workers together: gives jobs out, watches the clock, and never loses a job that was not begun."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Callable, Coroutine, Dict, List, Optional, Set

from .. import wire
from ..answers import head_of, refusal, timed_out
from ..settings import Settings
from ..values import Answer
from .backend import Backend
from .crew import Crew
from .jobs import Job
from .overtime import Overtime
from .queues import Queues
from .reload import Reload

_LOG = logging.getLogger("aciml.workers")
_AHEAD = 32
"""Jobs that a worker may have at once, if they are quick."""
_GLANCE = 0.002
"""Seconds of work that a worker may have before it; so one that is slow keeps no jobs from another."""
_LONG_GLANCE = 0.016
"""The same for the only worker, which should not wait for the next job while the front is busy."""
_STREAMS = 100
"""Streamed answers that a worker may have open at once."""
_BLINK = 0.02
"""Seconds after which finished answers are taken from a worker that is busy with the next job."""


class Pool:
    """A queue and the workers behind it.

    ``on_ready`` is called at each worker that can serve, ``on_fatal`` with an exit code.
    """

    def __init__(self, settings: Settings, on_ready: Callable[[], None], on_fatal: Callable[[int], None]) -> None:
        """Start the processes at once; ``connect`` listens to them."""
        self._settings = settings
        self._on_ready = on_ready
        self._on_fatal = on_fatal
        self._overtime = Overtime(settings)
        self._queues = Queues(settings.batch_delay_ms)
        self._concurrent: Dict[int, bool] = {}
        self._pumps = False
        self._alarm: Optional[asyncio.TimerHandle] = None
        self._tasks: Set["asyncio.Future[None]"] = set()
        self._seq = 0
        self.facts: List[Dict[str, Any]] = []
        self.in_flight = 0
        self.batches: Dict[int, int] = {}
        """How many batches there were, by size."""
        self.crew = Crew(settings, self, on_fatal)

    async def connect(self) -> None:
        """Listen to all workers, and keep the clock."""
        await self.crew.connect()
        self._watch()
        if self._settings.reload:
            self._keep(Reload(self._settings, self.crew.renew).run())

    # what others see

    @property
    def backends(self) -> List[Backend]:
        """Return all workers."""
        return self.crew.backends

    @property
    def restarts(self) -> int:
        """Tell how many workers were replaced."""
        return self.crew.restarts

    @property
    def ends(self) -> Dict[str, int]:
        """Tell how often a worker ended that nobody asked to, by reason."""
        return self.crew.ends

    @property
    def is_ready(self) -> bool:
        """Tell if a worker can serve now."""
        return self.crew.is_ready

    @property
    def failing(self) -> bool:
        """Tell if workers end again and again."""
        return self.crew.failing

    @property
    def last_failure(self) -> str:
        """Return the sentence about the last worker that ended."""
        return self.crew.last_failure

    @property
    def queued(self) -> int:
        """Tell how many jobs wait for a worker."""
        return len(self._queues)

    # jobs

    def submit(self, job: Job) -> None:
        """Queue a job, or send it at once."""
        # a frame has 32 bits for it; no job lives until its number comes again
        self._seq = (self._seq + 1) & 0x7FFFFFFF
        job.seq = self._seq
        self.in_flight += 1
        job.queued = now = time.monotonic()
        queues = self._queues
        if queues.batched:
            queues.add(job)
            self._pump_soon()
            return
        # who waits goes first, even if a worker could take this one
        best = None if queues.single else self._free(job.model)
        if best is None:
            queues.single.append(job)
        else:
            self._give(best, job, now)

    def _give(self, backend: Backend, job: Job, now: float) -> None:
        backend.send(job, now)
        # one was sent ahead: if it is slow, the answer of the first must not wait for it
        if len(backend.jobs) == 2 and not backend.glancing:
            backend.glancing = True
            asyncio.get_running_loop().call_later(_BLINK, self._glance, backend)

    def withdraw(self, job: Job) -> None:
        """Forget a job whose client left; what runs already goes on for nobody, a stream ends."""
        job.gone = True
        backend: Optional[Backend] = job.backend
        if backend is None:
            if self._queues.remove(job):
                self.in_flight -= 1
        elif job.seq in backend.jobs or job.seq in backend.streaming:
            backend.command(wire.pack(wire.CANCEL, job.seq))

    def _free(self, model: int) -> Optional[Backend]:
        best, least = None, 1 << 30
        concurrent = self._concurrent.get(model)
        for backend in self.crew.backends:
            if backend.ready and not backend.ended and not backend.retiring:
                load = len(backend.jobs) + len(backend.streaming)
                if load < least and (load == 0 or self._may_have(backend, load, concurrent)):
                    best, least = backend, load
        return best

    def _may_have(self, backend: Backend, load: int, concurrent: Optional[bool]) -> bool:  # noqa: FBT001
        """Tell if one more job is fine for a worker that has some."""
        if concurrent:
            return load < self._settings.async_concurrency
        if not backend.jobs:  # between the pieces of streams, which may wait for slow clients
            return load < _STREAMS
        # a cost of 0 is one that nobody knows yet: then nothing is sent ahead
        glance = _LONG_GLANCE if len(self.crew.backends) == 1 else _GLANCE
        return load < _AHEAD and 0 < (load + 1) * backend.cost < glance and not backend.streaming

    def _pump_soon(self) -> None:
        """Give out what waits when all that arrived together is read: it may fill one batch."""
        if not self._pumps:
            self._pumps = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pumps = False
        queues = self._queues
        if queues.batched:
            self._pump_batches()
        single = queues.single
        while single:
            backend = self._free(single[0].model)
            if backend is None:
                return
            self._give(backend, single.popleft(), time.monotonic())

    def _pump_batches(self) -> None:
        queues = self._queues
        while True:
            batching = queues.oldest_batch()
            if batching is None:
                return
            # by age over all queues, or a model with many requests would keep the others from the workers
            if queues.single and queues.single[0].queued < batching.jobs[0].queued:
                backend = self._free(queues.single[0].model)
                if backend is None:
                    return
                self._give(backend, queues.single.popleft(), time.monotonic())
                continue
            backend = self._idle()
            if backend is None:
                return
            now = time.monotonic()
            wait = batching.wait(now)
            if wait > 0:
                if self._alarm is not None:
                    self._alarm.cancel()
                self._alarm = asyncio.get_running_loop().call_later(wait, self._pump_soon)
                return
            jobs = batching.take(now)
            self.batches[len(jobs)] = self.batches.get(len(jobs), 0) + 1
            backend.send_batch(jobs, now)

    def _idle(self) -> Optional[Backend]:
        for backend in self.crew.backends:
            if backend.ready and not (backend.jobs or backend.ended or backend.retiring):
                return backend
        return None

    # what workers tell

    def ready(self, backend: Backend) -> None:
        """Take a worker into service."""
        self.facts = backend.facts
        self._concurrent = {number: fact["concurrent"] for number, fact in enumerate(self.facts)}
        self._queues.learn(self.facts)
        self.crew.ready(backend)
        self._on_ready()
        self._pump()

    def done(self, count: int) -> None:
        """Count answered jobs, and give out the next."""
        self.in_flight -= count
        queues = self._queues
        for batching in queues.batched.values():
            if batching.out:
                batching.answered(time.monotonic())
        if queues.single or queues.batched:
            self._pump()

    def lost(self, backend: Backend) -> None:
        """Answer the job that a dead worker had begun with 502, and queue the others again."""
        # first what was done: those jobs are answered by this, and are not among the ones that are left
        begun = backend.read_journal()
        jobs, backend.jobs = list(backend.jobs.values()), type(backend.jobs)()
        guilty = self._begun(backend, jobs, begun)
        again = jobs[len(guilty) :]
        for job in again:
            job.backend = None
        self._queues.again([job for job in again if not job.gone])
        self.in_flight -= sum(job.gone for job in again)
        streams = list(backend.streaming.values())
        backend.streaming.clear()
        self._keep(self._bury(backend, guilty, streams))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; the loop alone would forget it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _begun(self, backend: Backend, jobs: List[Job], mark: Optional[int]) -> List[Job]:
        """Return the jobs that a worker had begun: the one with the mark, and those of its batch, or all before it."""
        # the journal has the number of what runs; -1: it was idle, and nobody is to blame
        # of several that wait the journal names the one that was begun
        place = next((place for place, job in enumerate(jobs) if job.seq == mark), -1)
        if place < 0:
            return []
        if backend.concurrent:
            return jobs[: place + 1]
        # a batch is one call: whichever of its jobs it was, all of them are in it
        if jobs[place].model in self._queues.batched:
            return jobs
        return jobs[: place + 1]

    async def _bury(self, backend: Backend, guilty: List[Job], streams: List[Job]) -> None:
        for job in streams:
            job.broken()
        # a stream has begun its answer: nothing can be told any more, and the connection ends
        self._pump()
        sentence = await self.crew.bury(backend)
        # the sentence names the exit code or the signal, for the log and for the client
        for job in guilty:
            if self._overtime.blames(job, backend, batched=job.model in self._queues.batched):
                _fail(job, timed_out(self._settings.scoring_timeout_ms))
            else:
                # 502: the script gave no answer at all, while 500 says that its `run` raised
                _fail(job, refusal(502, "the worker that ran this request ended: %s" % sentence, failed=True))
        self.in_flight -= len(guilty) + len(streams)
        self._pump()

    # the clock

    def _watch(self) -> None:
        # again and again by itself: a loop over all workers that sleeps would not end with the pool
        asyncio.get_running_loop().call_later(self._overtime.tick, self._watch)
        now = time.monotonic()
        for backend in list(self.crew.backends):
            if backend.ready and not backend.ended:
                # where no pidfd tells of an end: Python 3.8, Linux before 5.3, other systems
                # a process that has ended says so once: its pipe is closed, and its jobs are given to others
                if backend.process.poll() is not None:
                    backend.process_ended()
                elif backend.retiring:
                    self.crew.release(backend)
            if not backend.ended:
                # a worker that is silent for too long is ended, and told
                self._overtime.look_at(backend, now)
        if self._settings.queue_timeout and self.queued:
            for job in self._queues.late(now - self._settings.queue_timeout):
                self.in_flight -= 1
                text = "no worker was free for %g seconds" % self._settings.queue_timeout
                _fail(job, refusal(503, text, (("retry-after", "1"),)))
        self.crew.reap()

    def _glance(self, backend: Backend) -> None:
        backend.glancing = False
        # one job has its answer taken when it is done; several may have some that wait
        if len(backend.jobs) > 1 and not backend.ended:
            if time.monotonic() - backend.since > _BLINK / 2:
                backend.glean()
            if len(backend.jobs) > 1:
                backend.glancing = True
                asyncio.get_running_loop().call_later(_BLINK, self._glance, backend)

    # the end

    async def finish(self) -> None:
        """Let all workers go, with nothing left to do; end those that do not."""
        await self.crew.finish()

    def kill(self) -> None:
        """End all workers."""
        # at once: who is asked to end now has had its time
        self.crew.kill()


def _fail(job: Job, answer: Answer) -> None:
    # who has gone gets no answer, and its job is not counted twice
    if not job.gone:
        late = wire.LATE if answer.late else 0
        job.answered(answer.status, head_of(answer), answer.body, wire.FAILED | late)
