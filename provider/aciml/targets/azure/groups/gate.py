"""The health gate of container groups: one passes when it answers 200 and its sample request gets what it should."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ....core.golden.table import SUBJECT
from ....core.progress import Progress
from ....model.declared import secrets_in
from ...golden import prove
from ...protocol import HEALTH_PATH, GroupSpec
from ...smoke import Answer, knock, run_smoke, trust
from ..arm.patience import NEW_SECONDS, Clock
from ..arm.polling import pause, spoken_time
from .failure import Failure, failure_in, late, restarts_in
from .state import Seen, address_of, containers_in, facts_in, main_container, properties_in, state_in

ASK_SECONDS = 0.5
"""Between two questions to the service."""
LOOK_SECONDS = 2.0
"""Between two looks at the group's containers."""
QUIET_SECONDS = 10.0
"""A container that cannot be asked from here has to run so long without a restart."""
LOG_TRIES = 20
"""How often a log is read, every ``ASK_SECONDS``, until it is that of a run which has ended."""
EMPTY_TRIES = 3
"""So often an ended run is asked for a log that seems empty."""
NAME_SECONDS = 60.0
"""How long a new host name may take until this machine knows it, once the address answers."""


Outcome = tuple[Seen, Failure | None]
"""The last look at the group, and why it does not serve; None if it does."""


@dataclass
class Gate:
    """Waits for one group.

    Args:
        spec: what it should be; ``startup_timeout`` and ``clock`` bound the wait, whichever is sooner.
        look: asks for the group.
        log: reads the last lines of a container.
        progress: hears what is waited for.
        clock: what is left of the operation's time.
    """

    spec: GroupSpec
    look: Callable[[], Seen | None]
    log: Callable[[str], tuple[str, ...]]
    progress: Progress
    clock: Clock
    _began: float = field(default_factory=time.monotonic)
    _looked: float = field(default_factory=time.monotonic)
    _named: float = 0.0
    _missed: float = 0.0
    _quiet: tuple[float, int] = (0.0, -1)

    def wait(self, seen: Seen, *, fresh: bool, before: Seen | None = None) -> Outcome:
        """Wait until the group serves, or until it is certain that it will not.

        Args:
            seen: the group as it was just seen.
            fresh: it was just put: every restart counts against it, else only those from now on.
            before: the group as it was before the PUT, if there was one.
        """
        # one that has run for months may have had some, and no page says whether a PUT begins to count anew
        earlier = restarts_in(before or {}) if fresh else restarts_in(seen)
        # the engine's time-out may be the shorter one; the message says which of them it was
        bound = min(self.spec.startup_timeout, self.clock.left)
        for looked in self._looks(seen):
            if looked is None:
                if self._may_come(fresh=fresh):
                    continue
                return seen, Failure("", "was deleted by somebody else", needs_hint=False)
            self._missed = 0.0
            # a count that is lower than before has begun anew, and all of it is of this run
            now_counted = restarts_in(looked)
            earlier = {name: min(count, now_counted.get(name, 0)) for name, count in earlier.items()}
            # before the question: a container in a crash loop may answer between two ends
            if found := failure_in(looked, earlier):
                return looked, self._with_log(found)
            answer = self._ask(looked)
            # the 200 alone is not believed, see `_still_runs`
            if answer.serves and (now := self._still_runs(looked)) is not None:
                return self._sample(now)
            if self._cannot_be_asked(looked, answer):
                return self._by_view(looked, bound, answer)
            if self._passed >= bound:
                return looked, self._with_log(late(looked, self._too_late(bound, answer)))
            self.progress.say(f"{self.spec.name}: {self._waiting_for(looked, answer)}")
        raise AssertionError  # pragma: no cover - looks have no end

    @property
    def _passed(self) -> float:
        return time.monotonic() - self._began

    def _may_come(self, *, fresh: bool) -> bool:
        """Tell whether a 404 is to be asked about again: for seconds Azure may not know what it has just made."""
        self._missed = self._missed or time.monotonic()
        return fresh and time.monotonic() - self._missed < NEW_SECONDS

    def _looks(self, seen: Seen) -> Iterator[Seen | None]:
        """Give the group again and again, looking anew every ``LOOK_SECONDS``."""
        now: Seen | None = seen
        while True:
            yield now
            pause(ASK_SECONDS, self.progress)
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                now, self._looked = self.look(), time.monotonic()

    def _ask(self, seen: Seen) -> Answer:
        """Ask ``/`` by name, or by address while this machine does not know the name yet."""
        view, base = main_container(seen), base_url(self.spec, seen)
        if not base:
            return Answer(0, why="no address")
        if view is not None and view.state == "Waiting":
            return Answer(0, why="not started")  # nobody listens; and an early question for the name is remembered
        answer = knock(base + HEALTH_PATH, self.spec.certificate)
        if answer.why != "unknown name":
            return answer
        direct = knock(base_url(self.spec, seen, by_ip=True) + HEALTH_PATH, self.spec.certificate)
        # what the address says is the truth about the server; the name only adds a failure of its own
        if not direct.serves:
            return direct
        self._named = self._named or time.monotonic()
        if time.monotonic() - self._named < NAME_SECONDS:
            return answer
        self.progress.warn(f"{self.spec.name} serves, but this machine does not know the name in {base} yet")
        return direct

    def _cannot_be_asked(self, seen: Seen, answer: Answer) -> bool:
        """Tell whether nobody here can ask the group, and its containers have run quietly for a while."""
        # a public group gets no such excuse: whoever cannot reach
        # it here would not know a dead one from a closed port
        private = str((properties_in(seen).get("ipAddress") or {}).get("type") or "None") != "Public"
        view = main_container(seen)
        if not private or not answer.why.startswith(("no address", "unreachable")) or view is None:
            return False
        # a failed probe counts like a restart: it is the service's own answer to the question that we cannot ask
        unhealthy = view.restarts + view.count("Unhealthy", "Killing")
        if view.state != "Running" or state_in(seen) != "Running":
            self._quiet = (0.0, -1)
            return False
        if unhealthy != self._quiet[1]:
            self._quiet = (time.monotonic(), unhealthy)
        return time.monotonic() - self._quiet[0] >= QUIET_SECONDS

    def _by_view(self, seen: Seen, bound: float, answer: Answer) -> Outcome:
        """Let a group pass that runs, when more cannot be known from here."""
        self.progress.note(
            f"{self.spec.name} cannot be asked from this machine ({answer.why}); its containers have run for "
            f"{min(QUIET_SECONDS, bound):g} s without a restart, that has to do"
        )
        if self.spec.smoke_test is not None:
            self.progress.warn(f"{self.spec.name}: the smoke test was not run, this machine does not reach the group")
        if self.spec.golden is not None:
            why = "were not asked for, this machine does not reach the group"
            self.progress.warn(f"{SUBJECT} of {self.spec.name} {why}")
        return seen, None

    def _still_runs(self, seen: Seen) -> Seen | None:
        """Look once more at a group that has answered: one that ends again and again may answer in between."""
        now, self._looked = self.look(), 0.0  # what is not believed is looked at again
        if now is None:
            return None
        before, after = main_container(seen), main_container(now)
        if before is None or after is None or not after.state:
            return now
        return now if after.state == "Running" and after.restarts == before.restarts else None

    def _sample(self, seen: Seen) -> Outcome:
        """Run the smoke test, then ask for the golden predictions."""
        base, smoke, wrong = base_url(self.spec, seen), self.spec.smoke_test, ""
        if smoke is not None:
            self.progress.say(f"{self.spec.name}: smoke test {smoke.path}")
            wrong = run_smoke(base, smoke, self.spec.declared.keys.shown, trust(self.spec.certificate))
        # who fails a sample need not be asked for more
        wrong = f"failed its smoke test: {wrong}" if wrong else prove(base, self.spec, self.progress)
        return seen, self._with_log(late(seen, wrong), hint=False) if wrong else None

    def _with_log(self, failure: Failure, *, hint: bool = True) -> Failure:
        """Read the log; of a container that ends again and again, that of a run which has ended.

        The log belongs to the run of now: just after a restart it has the first lines only, and not yet why it ends.
        """
        lines = self.log(failure.container) if failure.container else ()
        for tried in range(LOG_TRIES):
            if failure.exit_code is None:
                break
            down = self._is_down(failure.container)
            lines = max(lines, self.log(failure.container), key=len)  # it may start anew between the look and the log
            if down and (lines or tried >= EMPTY_TRIES):
                break
            pause(ASK_SECONDS, self.progress)
        return replace(failure, lines=lines, needs_hint=failure.needs_hint and hint)

    def _is_down(self, container: str) -> bool:
        """Tell whether a container does not run; one that is gone does not either."""
        now = self.look()
        return not any(view.name == container and view.state == "Running" for view in containers_in(now or {}))

    def _too_late(self, bound: float, answer: Answer) -> str:
        whose = "startup_timeout" if bound == self.spec.startup_timeout else "the operation's time-out"
        return f"did not answer 200 on {HEALTH_PATH} within {bound:g} seconds ({whose}; last seen: {answer})"

    def _waiting_for(self, seen: Seen, answer: Answer) -> str:
        passed = spoken_time(self._passed)
        for view in containers_in(seen):
            if view.is_pulling:
                return f"pulling image of {view.name} {passed}"
            if view.is_init and view.state == "Running":
                return f"init container {view.name} runs {passed}"
            if view.restarts and view.state != "Running":
                return f"container {view.name} ended with code {view.exit_code} and starts again {passed}"
        return f"waiting for {HEALTH_PATH} {passed} ({answer})"


def base_url(spec: GroupSpec, seen: Seen, *, by_ip: bool = False) -> str:
    """Return ``http(s)://host:port`` of a group as it is; empty if it has no address."""
    facts = facts_in(seen, id_="", name="")
    host = facts.ip if by_ip else facts.fqdn or facts.ip
    tls = spec.certificate is not None
    address = address_of(host, spec.declared.own_port, tls=tls)
    return f"http{'s' if tls else ''}://{address}" if address else ""


def secrets_of(spec: GroupSpec) -> list[str]:
    """Return all that must not be shown, however deep in what is declared: the table says what is secret."""
    return [*spec.declared.secure_environment().values(), *secrets_in(spec.declared)]
