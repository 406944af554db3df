"""The health gate of a revision: it answers 200 by its own name, and the sample request gets what it should.

It is asked while it has no traffic. A revision that has none to spare is asked all the same: the question starts it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypedDict

from ....core.errors import AcimlError
from ....core.golden.table import SUBJECT
from ....core.progress import Progress
from ... import golden as golden_answers
from ...protocol import HEALTH_PATH, GroupSpec
from ...smoke import Answer, ask, run_smoke
from ..arm.patience import NEW_SECONDS, Clock
from ..arm.polling import pause, spoken_time
from ..groups.gate import QUIET_SECONDS, secrets_of
from . import stream
from .calls import AppCalls
from .failure import Failure, failure_in, late
from .revision import Seen, containers_in, error_in, properties_in, ready_in, state_of
from .site import Site

LOOK_SECONDS = 1.0
"""Between two looks at a revision."""


class NotServing(AcimlError):
    """A revision is there and does not answer as it should; the message tells why, without secrets."""


@dataclass
class Gate:
    """Waits for one revision; ``spec`` and ``clock`` bound it. With ``sample`` the sample request is sent too.

    ``waited`` are the seconds of its start that somebody has waited already.
    """

    calls: AppCalls
    site: Site
    spec: GroupSpec
    revision: str
    progress: Progress
    clock: Clock
    sample: bool = True
    waited: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _missed: float = 0.0
    _quiet: float = 0.0

    def wait(self) -> None:
        """Wait until the revision serves.

        Raises:
            NotServing: it does not.
        """
        # whichever comes first; the message says which, for they are raised in two places
        bound = min(self.spec.startup_timeout, self.clock.left)
        while True:
            seen = self.calls.revision(self.site, self.revision)
            replicas = self.calls.replicas(self.site, self.revision) if seen else []
            if seen is None and not self._may_come():
                self._fail(Failure(f"failed: there is no revision {self.revision}; somebody has deleted it"))
            if seen is not None and (found := failure_in(seen, replicas)):
                self._fail(found)
            answer = self._ask(seen) if seen else Answer(0, why="not there yet")
            if answer.serves and seen is not None:
                self._sample(seen)
                return
            if seen is not None and self._cannot_be_asked(seen, ready_in(replicas), answer):
                self._by_view(answer)
                return
            if time.monotonic() - self._began + self.waited >= bound:
                whose = "startup_timeout" if bound == self.spec.startup_timeout else "the operation's time-out"
                what = f"did not answer 200 on {HEALTH_PATH} within {bound:g} seconds ({whose}; last seen: {answer})"
                self._fail(late(seen or {}, replicas, what))
            passed = spoken_time(time.monotonic() - self._began)
            state = state_of(seen) if seen else "not there yet"
            self.progress.say(f"{self.spec.name}: revision {self.revision} is {state} {passed} ({answer})")
            pause(LOOK_SECONDS, self.progress)

    def _may_come(self) -> bool:
        """Tell whether a 404 is to be asked about again: for seconds Azure may not know what it has just made."""
        self._missed = self._missed or time.monotonic()
        return time.monotonic() - self._missed < NEW_SECONDS

    def _ask(self, seen: Seen) -> Answer:
        base = base_url(seen)
        if not base:
            return Answer(0, why="no address")
        # until its containers are made the ingress answers for it, and that answer tells nothing of the script
        if state_of(seen) == "Starting":
            return Answer(0, why="not started")
        return ask(base + HEALTH_PATH, stream.trust(self.calls.session.ca_bundle))

    def _cannot_be_asked(self, seen: Seen, ready: int, answer: Answer) -> bool:
        """Tell whether nobody here can ask the app, and its replicas have been ready for a while."""
        if not (is_hidden(self.spec, answer) and ready and not error_in(seen)):
            self._quiet = 0.0
            return False
        # ready once is not ready: a script that dies a moment later would be taken for one that serves
        self._quiet = self._quiet or time.monotonic()
        return time.monotonic() - self._quiet >= QUIET_SECONDS

    def _by_view(self, answer: Answer) -> None:
        self.progress.note(
            f"{self.spec.name} cannot be asked from this machine ({answer}); its replicas have been ready for "
            f"{QUIET_SECONDS:g} s, that has to do"
        )
        if self.spec.smoke_test is not None:
            self.progress.warn(f"{self.spec.name}: the smoke test was not run, this machine does not reach the app")

    def _sample(self, seen: Seen) -> None:
        """Run the smoke test."""
        if self.spec.smoke_test is None or not self.sample:
            return
        self.progress.say(f"{self.spec.name}: smoke test {self.spec.smoke_test.path}")
        trust = stream.trust(self.calls.session.ca_bundle)
        wrong = run_smoke(base_url(seen), self.spec.smoke_test, self.spec.declared.keys.shown, trust)
        if wrong:
            replicas = self.calls.replicas(self.site, self.revision)
            # with no state of its own the failure is told by what was asked, and not by a probe that has passed
            found = late({"properties": {}}, replicas, f"failed its smoke test: {wrong}")
            self._fail(replace(found, exit_code=None))

    def _fail(self, failure: Failure) -> None:
        """Raise a failure with the last lines of the log."""
        lines = self._lines(failure) if failure.replica else ()
        text = replace(failure, lines=lines).describe(f'service "{self.spec.name}"', secrets_of(self.spec))
        raise NotServing(text)

    def _lines(self, failure: Failure) -> tuple[str, ...]:
        """Return the last lines of a container; none if they cannot be read: the failure has to be told anyhow."""
        for replica in self.calls.replicas(self.site, self.revision):
            for container in containers_in(replica):
                # the one that failed: others may write of their own, healthy work
                if replica.get("name") != failure.replica or container.get("name") != failure.container:
                    continue
                endpoint = str(container.get("logStreamEndpoint") or "")
                try:
                    token = self.calls.token(self.site)
                    found = stream.read(endpoint, token, self.calls.session.ca_bundle, tail=200)
                    return tuple(text.rstrip() for _, text in found)
                except AcimlError:
                    return ()
        return ()


def is_hidden(spec: GroupSpec, answer: Answer) -> bool:
    """Tell whether an answer says no more than that this machine does not reach the app."""
    app = spec.declared.runs.container_app
    # who is reached from everywhere gets no such excuse: nobody would know a dead one from a closed port
    inside = bool(app and (app.external is False or app.internal or app.has_id))
    # an app that is for its environment alone answers 404 to all others
    away = answer.why.startswith(("no address", "unreachable", "unknown name", "refused")) or answer.status == 404
    return inside and away


class Asking(TypedDict):
    """What a walk asks of a revision."""

    answers: Callable[[str], str]
    golden: Callable[[str], str]


def asking(calls: AppCalls, spec: GroupSpec, progress: Progress) -> Asking:
    """Return what a walk asks of a revision by its own URL: health, the sample request, golden answers."""
    key, proof = spec.declared.keys.shown, golden_answers.Proof(spec, progress)

    def answers(base: str) -> str:
        verify = stream.trust(calls.session.ca_bundle)
        answer = ask(base + HEALTH_PATH, verify)
        if not answer.serves:
            # its replicas are ready, as the service says (``canary``): more is not to be known from here
            return "" if is_hidden(spec, answer) else f"it answers {answer} on {HEALTH_PATH}"
        if spec.smoke_test is None:
            return ""
        wrong = run_smoke(base, spec.smoke_test, key, verify)
        return f"failed its smoke test: {wrong}" if wrong else ""

    def golden(base: str) -> str:
        if spec.golden is None:
            return ""
        verify = stream.trust(calls.session.ca_bundle)
        if is_hidden(spec, ask(base + HEALTH_PATH, verify)):
            progress.warn(f"{SUBJECT} of {spec.name} were not asked for, this machine does not reach the app")
            return ""
        return proof.of(base, verify)

    return {"answers": answers, "golden": golden}


def base_url(seen: Seen) -> str:
    """Return the URL of one revision, whatever its weight; empty if it has none."""
    host = str(properties_in(seen).get("fqdn") or "")
    return f"https://{host}" if host else ""
