"""The walk of a new revision to its traffic: step by step, with a gate behind each, and a way back from every one.

Nothing of it is remembered: the weights themselves say how far a run came. So a run that was killed is gone on with by
the next one, and one that declares the old revision again brings the requests back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from ..core.errors import AcimlError, Cancelled
from ..core.golden.live import Live
from ..core.golden.tolerance import Rules
from ..core.progress import Progress, Through
from ..model.traffic import ERROR_RATE, P99_RATIO, PAUSE, REQUESTS, CanaryStep, Gate, Traffic
from .protocol import GroupFacts, GroupFailed
from .revisions import WHOLE, NoCopies, Revision, Revisions, Seen, find

LOOK_SECONDS = 2.0
"""Between two looks at what clients meet."""
RECOVERY_SECONDS = 20.0
"""How long a revision may be without a replica that answers, when a gate is asked: one that was moved comes back."""
_LONGER = 5
"""How many pauses copies are sent for at most, until as many answers were compared as the gate wants."""


def _nothing(_: str) -> str:
    return ""


@dataclass(frozen=True)
class Probes:
    """What a gate asks beside what clients meet.

    Args:
        facts: describes what serves, for state to keep when a step fails.
        answers: takes the base URL of a revision, and tells why it does not serve (health, smoke test); empty if it
            does.
        golden: takes the same, and tells what of the golden answers differs; empty if nothing does.
        rules: by how much live answers may differ.
        now: seconds, as ``time.time``.
        sleep: waits so many seconds.
    """

    facts: Callable[[], GroupFacts | None]
    answers: Callable[[str], str] = _nothing
    golden: Callable[[str], str] = _nothing
    rules: Rules = field(default_factory=Rules)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def told(traffic: Traffic | None) -> str:
    """Say which steps a new revision takes, for a preview."""
    said = traffic or Traffic()
    proof = ["health", *([f"the answers of {said.golden}"] if said.golden else [])]
    parts = [f"a new revision is proven at 0 % ({', '.join(proof)})"]
    if said.shadow:
        parts.append(f"gets copies of {said.shadow} % of the requests for {_shadow_seconds(said)} s")
    if said.hold:
        return f"{', then '.join(parts)}, and is held there; the address stays"
    steps = ", ".join(
        f"{step.percent} % for {step.seconds} s" if step.seconds else f"{step.percent} %" for step in said.steps
    )
    return f"{', then '.join([*parts, f'gets {steps}'])}; a step that fails goes back; the address stays"


def serving(revisions: Sequence[Revision], new: str) -> str | None:
    """Return the revision that ``new`` is to follow: the one with the most requests beside it; None if there is none.

    While ``new`` has all of them, it is the newest other one that still runs.
    """
    others = [one for one in revisions if one.name != new and one.active]
    # `max` takes the first of equals, and the newest comes first
    return max(others, key=lambda one: one.weight).name if others else None


def walk(
    revisions: Revisions, new: str, old: str | None, traffic: Traffic | None, probes: Probes, progress: Progress
) -> None:
    """Bring a revision that runs to all requests, or to as many as are declared.

    Args:
        revisions: those of the service.
        new: the revision that shall serve; it is active, and has the weight that a run of before has given it.
        old: the one that serves, see ``serving``; None for a first one.
        traffic: what is declared.
        probes: what is asked at each gate.
        progress: hears of each step.

    Raises:
        GroupFailed: a gate said no. All requests go to ``old`` again, and ``new`` runs no more; without an old one it
            stays as it is.
        Cancelled: the user asked to stop. The weights stay, and the same command goes on from there.
    """
    _Walk(revisions, new, old, traffic or Traffic(), probes, progress).go()


@dataclass
class _Walk:
    revisions: Revisions
    new: str
    old: str | None
    traffic: Traffic
    probes: Probes
    progress: Progress
    _before: Seen = field(default_factory=Seen)
    """What clients met at the old one when it still had requests: behind the last step nobody asks it."""
    _began_at: int = 0
    _live: Live | None = None
    """Live answers of both, while requests are copied."""

    def go(self) -> None:
        weight = self._began_at = find(self.revisions.list(), self.new).weight
        try:
            # each time, also where a run of before has proven it: since then it may have died, or an image of another
            # day runs
            self._prove("at 0 %" if not weight else f"at {weight} %")
            # nobody to share with: there are no steps from nothing
            if self.old is None:
                self._weigh(WHOLE)
                return
            # once it has requests of its own it is judged by those
            if self.traffic.shadow and not weight:
                self._shadow(self.old)
            if self.traffic.hold and weight < WHOLE:
                self._hold(self.old)
                return
            for step in self._left(weight):
                self._step(step)
        except Cancelled:
            self._tell_stop()
            raise
        self._keep()

    def _left(self, weight: int) -> Iterator[CanaryStep]:
        """Give the steps from the one that a run of before was in: whether its gate was asked, nobody knows."""
        if weight < WHOLE:
            # with all of them only the proof is left to do
            yield from (step for step in self.traffic.steps if step.percent >= weight)

    def _prove(self, when: str) -> None:
        self.progress.say(f"{self.new}: proving it {when}")
        if why := self._sick() or self._unproven():
            self._fail(when, why)

    def _unproven(self) -> str:
        """Ask the revision itself, whatever its weight."""
        address = self.revisions.address(self.new)
        return self.probes.answers(address) or self.probes.golden(address)

    def _sick(self) -> str:
        """Tell why the revision does not run; one that has lost its replicas gets a while to come back."""
        began = self.probes.now()
        while True:
            one = find(self.revisions.list(), self.new)
            if one.healthy:
                return ""
            if one.state == "Failed" or self.probes.now() - began >= RECOVERY_SECONDS:
                return _state(one)
            self.progress.checkpoint()
            self.probes.sleep(LOOK_SECONDS)

    def _shadow(self, old: str) -> None:
        """Let the new one see copies of what the old one gets; their answers reach nobody, and are compared."""
        percent, seconds = self.traffic.shadow or 0, _shadow_seconds(self.traffic)
        try:
            self.revisions.mirror(old, self.new, percent, self.progress)
        except NoCopies as error:
            # a revision of before, made by an older release: to refuse would be to refuse its successor for ever
            self.progress.warn(f"{self.new}: this step is left out: {error.message}")
            return
        self._live = live = Live(self.probes.rules)
        when = f"with copies of {percent} %"
        since = self.probes.now()
        try:
            seen = self._look(when, since, seconds)
            self._gate(when, seen)
        finally:
            self._live = None
            # whatever ended it: copies that nobody looks at are load and nothing else
            self.revisions.mirror(old, self.new, 0, _Calm(self.progress))
        judged = (self.traffic.gate or Gate()).max_differing is not None
        few = ", too few to judge by" if judged and self._few(live) else ""
        self.progress.note(f"{self.new} {when}{_met(seen)}; {live.sentence()}{few}")
        if live.differing:
            self.progress.note(live.table(old))

    def _compared(self, gone: float = 1.0) -> str:
        """Compare live answers, and judge them by what is allowed; ``gone``: how much of the pause is over."""
        live, gate = self._live, self.traffic.gate or Gate()
        if live is None or self.old is None:
            return ""
        if (found := self.revisions.compare(self.old, self.new)) is not None:
            live.add(found)
        if gate.max_differing is None or self._few(live):
            return ""
        # within a pause only what no later answer makes good, if as many come as until now
        if live.share * min(1.0, gone) <= gate.max_differing:
            return ""
        return f"traffic.gate.maxDiffering allows {gate.max_differing:.1%}, and {live.table(self.old)}"

    def _few(self, live: Live) -> bool:
        return live.requests < ((self.traffic.gate and self.traffic.gate.min_requests) or REQUESTS)

    def _lacks_answers(self) -> bool:
        """Tell whether a gate of live answers has too few to judge by, though somebody asks."""
        live, gate = self._live, self.traffic.gate
        if live is None or gate is None or gate.max_differing is None:
            return False
        return self._few(live) and bool(live.requests or self._before.requests)

    def _hold(self, old: str) -> None:
        self._weigh(0)
        places = filter(None, (self.revisions.address(self.new), self.revisions.label_address(self.new)))
        self.progress.note(
            f"{self.new} is held at 0 %, reached at {' and '.join(places)}; {old} serves."
            " `aciml promote` lets it serve, or drop hold from traffic"
        )

    def _step(self, step: CanaryStep) -> None:
        when = f"at {step.percent} %"
        self._weigh(step.percent)
        since = self.probes.now()
        seen = self._look(when, since, step.seconds)
        self._gate(when, seen, proof=bool(step.seconds))
        self.progress.note(f"{self.new} {when}{_met(seen) if step.seconds else ''}")

    def _weigh(self, percent: int) -> None:
        """Give the new one so much, and all the rest to the old one; others get nothing."""
        self.progress.say(f"{self.new}: {percent} % of the requests")
        shares = {self.new: percent} if self.old is None else {self.new: percent, self.old: WHOLE - percent}
        now = {one.name: one.weight for one in self.revisions.list() if one.weight}
        # what holds already is not sent again: in a cloud each write is an operation of half a minute
        if now != {name: share for name, share in shares.items() if share}:
            self.revisions.weigh(shares, self.progress)

    def _look(self, when: str, since: float, seconds: float) -> Seen:
        """Watch what clients meet until the pause is over; what is certainly too bad ends it at once.

        Where live answers are to be judged and too few have come, it goes on for a while: a gate that was asked for and
        says nothing would let everything through.
        """
        end = since + seconds
        while True:
            self.progress.checkpoint()
            seen, now = self.revisions.seen(self.new, since), self.probes.now()
            # the last count with requests in it: at 100 % of the new one nobody asks the old one any more
            if self.old is not None and (before := self.revisions.seen(self.old, since)).requests:
                self._before = before
            # at each look: servers keep only so many answers, and what is not fetched in time is gone
            differing = self._compared((now - since) / seconds if seconds else 1.0)
            if now >= end and not (now < since + _LONGER * seconds and self._lacks_answers()):
                return seen
            if why := self._rates(seen, early=True) or self._gone() or differing:
                self._fail(when, why)
            live = f"; {self._live.sentence()}" if self._live else ""
            self.progress.say(f"{self.new} {when}, {max(0, now - since):.0f} of {seconds:g} s{_met(seen)}{live}")
            self.probes.sleep(min(LOOK_SECONDS, end - now) if now < end else LOOK_SECONDS)

    def _gone(self) -> str:
        one = find(self.revisions.list(), self.new)
        return _state(one) if one.state in ("Failed", "Stopped") else ""

    def _gate(self, when: str, seen: Seen, *, proof: bool = True) -> None:
        # the cheapest question first; golden answers may be a thousand requests
        why = self._sick() or self._rates(seen) or self._compared() or (self._unproven() if proof else "")
        if why:
            self._fail(when, why)

    def _rates(self, seen: Seen, *, early: bool = False) -> str:
        """Judge what clients met; ``early`` within a pause, when slowness may still pass."""
        gate = self.traffic.gate or Gate()
        least = gate.min_requests or REQUESTS
        # of three requests one failure is 33 %, and chance
        if seen.requests < least:
            if seen.requests and not early:
                self.progress.note(f"{self.new}: {seen.requests} requests say nothing of rates, {least} would")
            return ""
        allowed = ERROR_RATE if gate.max_error_rate is None else gate.max_error_rate
        if seen.error_rate > allowed:
            rate = f"{seen.errors} of {seen.requests} requests failed ({seen.error_rate:.1%})"
            return f"{rate}, and traffic.gate.maxErrorRate allows {allowed:.1%}"
        # the first requests to a new process are slow everywhere: in the middle of a step that may still pass
        return "" if early else self._slowness(seen, gate, least)

    def _slowness(self, seen: Seen, gate: Gate, least: int) -> str:
        before, ratio = self._before, gate.max_p99_ratio or P99_RATIO
        # without enough requests on both sides the ratio is one of two accidents
        if seen.p99_ms is None or not before.p99_ms or before.requests < least:
            return ""
        if seen.p99_ms <= ratio * before.p99_ms:
            return ""
        told = f"its 99th percentile is {seen.p99_ms:.1f} ms, that of {self.old} {before.p99_ms:.1f} ms"
        return f"{told}, and traffic.gate.maxP99Ratio allows {ratio:g} times that"

    def _fail(self, when: str, why: str) -> NoReturn:
        """Send all requests back, let the new one run no more, and tell why."""
        message = f"revision {self.new} failed {when}: {why}"
        # a reason may be a table of many lines: what was done about it stands below
        if self._began_at == WHOLE:
            # it was let through before; another file of answers is no reason to bring back an image of last month
            raise GroupFailed(f"{message}\nit had all requests before, and has them still", self.probes.facts())
        if self.old is None:
            raise GroupFailed(
                f"{message}\nthere is no revision of before; it stays for a look at it", self.probes.facts()
            )
        calm = _Calm(self.progress)
        self.progress.warn(f"{message.splitlines()[0]}; all requests go back to {self.old}")
        try:
            # ctrl-C does not reach this: half a way back would leave clients with what has just failed
            self.revisions.weigh({self.old: WHOLE}, calm)
            self.revisions.mirror(self.old, self.new, 0, calm)
        except AcimlError as error:
            text = f"{message}\nand the requests could not be sent back to {self.old}: {error.message}"
            advice = f"`aciml traffic --set {self.old}=100` tries it again"
            raise GroupFailed(text, self.probes.facts(), advice) from error
        kept = "it runs no more"
        try:
            self.revisions.retire(self.new, calm)
        except AcimlError as error:
            # clients do not meet it any more, which is what counts; the next update retires it
            kept = f"it still runs, with no requests ({error.message})"
        raise GroupFailed(f"{message}\nall requests go to {self.old}; {kept}", self.probes.facts())

    def _keep(self) -> None:
        """Let as many old ones run as are declared, and no more."""
        others = [one for one in self.revisions.list() if one.name != self.new]
        # the one that has just served is the one to go back to, whenever it was made
        others.sort(key=lambda one: one.name != self.old)
        # one that somebody gave a weight by hand serves clients, and is not ours to end
        warm = [one for one in others if one.active and not one.weight]
        for one in warm[self.traffic.kept :]:
            self.progress.say(f"retiring {one.name}")
            self.revisions.retire(one.name, self.progress)
        if kept := warm[: self.traffic.kept]:
            self.progress.note(f"{', '.join(one.name for one in kept)} stays warm; `aciml promote` goes back to it")

    def _tell_stop(self) -> None:
        if self.old is None:
            return
        weight = next((one.weight for one in self.revisions.list() if one.name == self.new), 0)
        self.progress.warn(
            f"stopped: {self.new} has {weight} % of the requests and {self.old} the rest; the same command goes on,"
            f" `aciml traffic --set {self.old}=100` sends all back"
        )


class _Calm(Through):
    """Progress that nobody can stop, and without a limit: a way back is gone to its end."""

    def __init__(self, inner: Progress) -> None:
        super().__init__(inner)
        self.timeout = 0.0

    def checkpoint(self) -> None:
        pass


def _shadow_seconds(traffic: Traffic) -> int:
    """Return how long copies are looked at: as long as the first step."""
    return next((step.seconds for step in traffic.steps if step.seconds), PAUSE)


def _state(one: Revision) -> str:
    why = f": {one.error}" if one.error else ""
    return f"it is {one.state}, {one.ready} of {one.replicas} replicas answer{why}"


def _met(seen: Seen) -> str:
    p99 = "" if seen.p99_ms is None else f", p99 {seen.p99_ms:.0f} ms"
    return f": {seen.requests} requests, {seen.errors} errors{p99}"
