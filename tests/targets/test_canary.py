"""The walk over revisions in memory: each step, each way back, and what a killed run leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import Cancelled, OutageError
from aciml.core.golden.live import Compared, Pair
from aciml.core.golden.request import Came
from aciml.core.golden.tolerance import Rules
from aciml.core.progress import Progress
from aciml.model.traffic import CanaryStep, Gate, Tolerance, Traffic
from aciml.targets.canary import Probes, serving, told, walk
from aciml.targets.golden import rules_of
from aciml.targets.memory.revisions import MemoryRevisions
from aciml.targets.memory.world import Memory
from aciml.targets.protocol import GroupFacts, GroupFailed
from aciml.targets.revisions import NoCopies, Seen
from tests.heard import Heard
from tests.targets.azure.life import Killed
from tests.targets.test_revisions import revision

OLD, NEW = "s--old", "s--new"
FACTS = GroupFacts("id", "s", "image", 1, 1, 80, "127.0.0.1:80", "Running")
STEPS = (CanaryStep(percent=10, pause=30), CanaryStep(percent=50, pause=30))
GOOD = Seen(1000, 0, 20.0)


class Recorder(MemoryRevisions):
    """Keeps each change of the shares."""

    def __init__(self) -> None:
        super().__init__(Memory(), "s")
        self.shares: list[dict[str, int]] = []
        self.mirrors: list[int] = []
        self.clients = {OLD: GOOD, NEW: GOOD}

    def weigh(self, weights: Mapping[str, int], progress: Progress) -> None:
        super().weigh(weights, progress)
        self.shares.append({name: share for name, share in weights.items() if share})

    def mirror(self, source: str, to: str, percent: int, progress: Progress) -> None:
        super().mirror(source, to, percent, progress)
        self.mirrors.append(percent)


@dataclass
class Scene:
    """A service with an old revision that serves and a new one, and a clock that only waiting moves."""

    revisions: Recorder = field(default_factory=Recorder)
    hearer: Heard = field(default_factory=Heard)
    time: float = 1000.0
    answers: Callable[[str], str] = lambda _: ""
    golden: Callable[[str], str] = lambda _: ""
    rules: Rules = field(default_factory=Rules)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in (OLD, NEW):
            self.revisions.add(revision(name))

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def walk(self, traffic: Traffic | None = None, old: str | None = OLD) -> None:
        def golden(address: str) -> str:
            self.asked.append(address)
            return self.golden(address)

        probes = Probes(lambda: FACTS, self.answers, golden, self.rules, lambda: self.time, self.sleep)
        walk(self.revisions, NEW, old, traffic, probes, self.hearer)

    def failed(self, traffic: Traffic | None = None) -> str:
        with pytest.raises(GroupFailed) as caught:
            self.walk(traffic)
        assert caught.value.facts == FACTS
        return str(caught.value)

    @property
    def weights(self) -> dict[str, int]:
        return {one.name: one.weight for one in self.revisions.list() if one.weight}

    def state(self, name: str) -> str:
        return next(one.state for one in self.revisions.list() if one.name == name)


def traffic(*canary: CanaryStep, **said: Any) -> Traffic:
    return replace(Traffic(canary=canary or STEPS), **said)


def pair(old: str, new: str, id_: str = "id") -> Pair:
    """Return what both have answered to one request."""
    answers = (Came(200, f'{{"price": {text}}}'.encode(), "application/json") for text in (old, new))
    return Pair(id_, "/score", *answers)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_each_step_is_taken_and_looked_at(scene: Scene) -> None:
    scene.walk(traffic())

    assert scene.revisions.shares == [{NEW: 10, OLD: 90}, {NEW: 50, OLD: 50}, {NEW: 100}]
    assert scene.time == 1060
    # before the first step, and at the gate of each that has a pause
    assert scene.asked == [f"http://{NEW}.invalid"] * 3
    assert f"{NEW} at 10 %, 0 of 30 s: 1000 requests, 0 errors, p99 20 ms" in scene.hearer.lines
    assert f"{NEW} at 50 %: 1000 requests, 0 errors, p99 20 ms" in scene.hearer.notes


def test_without_any_word_all_requests_move_once_it_is_proven(scene: Scene) -> None:
    scene.walk()

    assert scene.revisions.shares == [{NEW: 100}]
    assert scene.state(OLD) == "Running"
    assert scene.hearer.notes[-1] == f"{OLD} stays warm; `aciml promote` goes back to it"


def test_a_first_revision_gets_all(scene: Scene) -> None:
    scene.revisions = Recorder()
    scene.revisions.add(revision(NEW, weight=0))
    scene.walk(traffic(), old=None)

    assert scene.weights == {NEW: 100}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda scene: scene.revisions.change(NEW, state="Failed", ready=0, error="exit code 3"),
         "failed at 0 %: it is Failed, 0 of 1 replicas answer: exit code 3"),
        (lambda scene: setattr(scene, "answers", lambda _: "answered 500"), "failed at 0 %: answered 500"),
        (lambda scene: setattr(scene, "golden", lambda _: "1 of 1 answer differ:\n  a  b"), "failed at 0 %: 1 of 1"),
    ],
)  # fmt: skip
def test_what_is_not_proven_gets_no_request(scene: Scene, spoil: Callable[[Scene], None], why: str) -> None:
    spoil(scene)

    told = scene.failed(traffic())

    assert why in told
    assert told.endswith(f"all requests go to {OLD}; it runs no more")
    assert scene.revisions.shares == [{OLD: 100}]
    assert scene.state(NEW) == "Stopped"
    assert scene.state(OLD) == "Running"


@pytest.mark.parametrize(
    ("met", "why"),
    [
        (Seen(100, 2), "2 of 100 requests failed (2.0%), and traffic.gate.maxErrorRate allows 1.0%"),
        (Seen(100, 0, 41.0), f"its 99th percentile is 41.0 ms, that of {OLD} 20.0 ms, and traffic.gate.maxP99Ratio"),
    ],
)
def test_clients_that_meet_something_bad_go_back(scene: Scene, met: Seen, why: str) -> None:
    scene.revisions.clients[NEW] = met

    told = scene.failed(traffic())

    assert "failed at 10 %" in told
    assert why in told
    assert scene.revisions.shares == [{NEW: 10, OLD: 90}, {OLD: 100}]
    assert scene.state(NEW) == "Stopped"


def test_errors_end_a_pause_at_once_and_slowness_may_pass(scene: Scene) -> None:
    scene.revisions.clients[NEW] = Seen(100, 50)
    scene.failed(traffic())
    assert scene.time == 1000

    slow = Scene()
    slow.revisions.clients[NEW] = Seen(100, 0, 400.0)
    slow.failed(traffic())
    assert slow.time == 1030


def test_answers_that_begin_to_differ_go_back_with_their_table(scene: Scene) -> None:
    scene.golden = lambda _: "failed its golden predictions:\n  table" if scene.time > 1000 else ""

    told = scene.failed(traffic())

    assert f"revision {NEW} failed at 10 %: failed its golden predictions:\n  table\n" in told
    # the warning is one line
    assert scene.hearer.warnings == [
        f"revision {NEW} failed at 10 %: failed its golden predictions:; all requests go back to {OLD}"
    ]
    assert scene.weights == {OLD: 100}


def test_one_that_serves_alone_is_not_replaced_by_what_was_before_it(scene: Scene) -> None:
    scene.revisions.weigh({NEW: 100}, scene.hearer)
    scene.golden = lambda _: "2 of 3 answers differ"

    told = scene.failed(traffic())

    assert told.endswith("2 of 3 answers differ\nit had all requests before, and has them still")
    assert scene.weights == {NEW: 100}


def test_few_requests_say_nothing(scene: Scene) -> None:
    scene.revisions.clients[NEW] = Seen(5, 5)

    scene.walk(traffic())

    assert scene.weights == {NEW: 100}
    assert f"{NEW}: 5 requests say nothing of rates, 20 would" in scene.hearer.notes


def test_the_gate_is_as_declared(scene: Scene) -> None:
    scene.revisions.clients[NEW] = Seen(10, 5, 100.0)
    scene.walk(traffic(gate=Gate(max_error_rate=0.5, max_p99_ratio=5)))
    assert scene.weights == {NEW: 100}

    strict = Scene()
    strict.revisions.clients[NEW] = Seen(3, 1)
    assert "1 of 3" in strict.failed(traffic(gate=Gate(min_requests=3, max_error_rate=0)))


def test_a_replica_that_is_moved_may_come_back(scene: Scene) -> None:
    scene.revisions.change(NEW, ready=0)
    slept = scene.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        if scene.time > 1010:
            scene.revisions.change(NEW, ready=1)

    scene.sleep = sleep  # type: ignore[method-assign]
    scene.walk(traffic())

    assert scene.weights == {NEW: 100}


def test_the_last_step_has_a_gate_if_it_has_a_pause(scene: Scene) -> None:
    met = {10: GOOD, 100: Seen(100, 0, 300.0)}
    seen = scene.revisions.seen

    def of(revision: str, since: float) -> Seen:
        # with all requests at the new one nobody asks the old one
        if revision == NEW:
            return met[scene.weights.get(NEW, 10)]
        return seen(revision, since) if scene.weights.get(OLD) else Seen()

    scene.revisions.seen = of  # type: ignore[method-assign]
    steps = (CanaryStep(percent=10, pause=5), CanaryStep(percent=100, pause=5))

    told = scene.failed(traffic(*steps))

    assert "failed at 100 %: its 99th percentile is 300.0 ms, that of s--old 20.0 ms" in told
    assert scene.weights == {OLD: 100}


def test_a_held_one_gets_no_request_and_says_where_it_is(scene: Scene) -> None:
    scene.walk(Traffic(hold=True))

    assert scene.weights == {OLD: 100}
    assert scene.state(NEW) == "Running"
    assert f"{NEW} is held at 0 %, reached at http://{NEW}.invalid; {OLD} serves" in scene.hearer.notes[-1]


def test_a_held_one_is_told_by_its_label_too(scene: Scene) -> None:
    scene.revisions.change(NEW, label="candidate")
    scene.walk(Traffic(hold=True))

    assert f"reached at http://{NEW}.invalid and http://candidate.invalid; {OLD} serves" in scene.hearer.notes[-1]


def test_copies_come_before_the_first_request_and_end(scene: Scene) -> None:
    scene.revisions.compared = [Compared(same=37, lost=5), Compared((pair("1", "2"), pair("3", "5")), failed=1)]

    scene.walk(traffic(shadow=20))

    assert scene.revisions.mirrors == [20, 0]
    assert scene.revisions.mirrored is None
    told = "3 of 40 live answers differ (7.5%); 1 got no answer; 5 more were not compared for want of room"
    assert any(note.startswith(f"{NEW} with copies of 20 %: 1000 requests") for note in scene.hearer.notes)
    assert any(note.endswith(told) for note in scene.hearer.notes)
    [table] = [note for note in scene.hearer.notes if f"{told} from {OLD}; worst first:" in note]
    # the worse one is above
    assert [line.split()[2:5] for line in table.splitlines()[2:4]] == [["$.price", "1", "2"], ["$.price", "3", "5"]]
    assert scene.time == 1090


@pytest.mark.parametrize(("allowed", "fails"), [(0.0, True), (0.04, True), (0.06, False), (None, False)])
def test_too_many_live_answers_that_differ_end_it(scene: Scene, allowed: float | None, fails: bool) -> None:  # noqa: FBT001
    scene.revisions.compared = [Compared(same=95), Compared(tuple(pair("1", "2", str(n)) for n in range(5)))]
    said = traffic(shadow=20, gate=Gate(max_differing=allowed))
    if not fails:
        scene.walk(said)
        assert scene.weights == {NEW: 100}
        return

    text = scene.failed(said)
    assert f"traffic.gate.maxDiffering allows {allowed:.1%}, and 5 of 100 live answers differ (5.0%)" in text
    assert f"all requests go back to {OLD}" in scene.hearer.warnings[-1]
    assert "$.price" in text
    assert scene.weights == {OLD: 100}
    assert scene.state(NEW) == "Stopped"


def test_few_live_answers_say_nothing_and_a_tolerance_lets_numbers_pass(scene: Scene) -> None:
    scene.revisions.compared = [Compared((pair("1", "2"),))]
    scene.walk(traffic(shadow=20, gate=Gate(max_differing=0.0)))
    assert scene.weights == {NEW: 100}

    again = Scene(rules=rules_of(traffic(tolerances=(Tolerance(path="$.price", relative=0.2),))))
    again.revisions.compared = [Compared(tuple(pair("10", "11", str(n)) for n in range(50)))]
    again.walk(traffic(shadow=20, gate=Gate(max_differing=0.0)))
    assert again.weights == {NEW: 100}


def test_live_answers_that_cannot_become_good_end_it_before_the_pause_is_over(scene: Scene) -> None:
    scene.revisions.compared = [Compared(tuple(pair("1", "2", str(n)) for n in range(20)))]

    text = scene.failed(traffic(shadow=20, gate=Gate(max_differing=0.5)))

    assert "maxDiffering allows 50.0%, and 20 of 20 live answers differ (100.0%)" in text
    # half of the pause of 30 s: as many equal ones may still come until then
    assert scene.time == 1016


def test_copies_go_on_until_there_are_enough_answers_and_not_for_ever(scene: Scene) -> None:
    scene.revisions.compared = [Compared(same=1)] * 25
    scene.walk(traffic(shadow=20, gate=Gate(max_differing=0.0)))
    # 20 looks, two seconds apart, the first at once; then the two steps of the canary
    assert scene.time == 1000 + 38 + 60

    rare = Scene()
    rare.revisions.compared = [Compared(same=3)]
    rare.walk(traffic(shadow=20, gate=Gate(max_differing=0.0)))
    assert rare.time == 1000 + 5 * 30 + 60
    assert any(note.endswith("0 of 3 live answers differ (0.0%), too few to judge by") for note in rare.hearer.notes)

    nobody = Scene()
    nobody.revisions.clients = {}
    nobody.walk(traffic(shadow=20, gate=Gate(max_differing=0.0)))
    assert nobody.time == 1000 + 30 + 60


def test_a_revision_that_sends_no_copies_is_no_reason_to_refuse_the_next_one(scene: Scene) -> None:
    def refuses(source: str, to: str, percent: int, progress: Progress) -> None:
        raise NoCopies(f"{source} sends no copies", "drop shadow")

    scene.revisions.mirror = refuses  # type: ignore[method-assign]
    scene.walk(traffic(shadow=20))

    assert scene.hearer.warnings == [f"{NEW}: this step is left out: {OLD} sends no copies"]
    assert scene.weights == {NEW: 100}


def test_copies_that_fail_end_it_before_a_client_meets_it(scene: Scene) -> None:
    scene.revisions.clients[NEW] = Seen(100, 90)

    assert "failed with copies of 20 %: 90 of 100" in scene.failed(traffic(shadow=20))
    assert scene.revisions.shares == [{OLD: 100}]
    assert scene.revisions.mirrored is None


@pytest.mark.parametrize("previous", [0, 1, 2])
def test_so_many_old_ones_stay_warm(scene: Scene, previous: int) -> None:
    for name in ("s--b", "s--a"):
        scene.revisions.add(revision(name, replicas=2, ready=2))

    scene.walk(traffic(previous=previous))

    warm = [one.name for one in scene.revisions.list() if one.active and one.name != NEW]
    # the one that has served first, then the newest
    assert sorted(warm) == sorted([OLD, "s--a", "s--b"][:previous])


def test_ctrl_c_leaves_the_shares_and_says_so(scene: Scene) -> None:
    scene.hearer = Heard(stop_at=8)

    with pytest.raises(Cancelled):
        scene.walk(traffic())

    assert scene.weights == {NEW: 10, OLD: 90}
    [said] = scene.hearer.warnings
    assert f"{NEW} has 10 % of the requests and {OLD} the rest; the same command goes on" in said


def test_ctrl_c_ends_copies(scene: Scene) -> None:
    scene.hearer = Heard(stop_at=4)

    with pytest.raises(Cancelled):
        scene.walk(traffic(shadow=100))

    assert scene.revisions.mirrors == [100, 0]


@given(st.integers(1, 60), st.sampled_from([(), (10, 50), (1, 2, 3), (100,)]), st.booleans())
def test_a_killed_run_is_gone_on_with(stop_at: int, percents: tuple[int, ...], shadow: bool) -> None:  # noqa: FBT001
    scene = Scene()
    said = traffic(*(CanaryStep(percent=one, pause=6) for one in percents), shadow=10 if shadow else None)
    scene.hearer = Heard(stop_at=stop_at, error=Killed())
    with suppress(Killed):
        scene.walk(said)
    reached = scene.weights.get(NEW, 0)
    # at every moment each request has somebody who answers it
    assert sum(scene.weights.values()) == 100
    scene.hearer, scene.revisions.shares = Heard(), []

    scene.walk(said, serving(scene.revisions.list(), NEW))

    assert scene.weights == {NEW: 100}
    # never back down on the way
    assert all(shares[NEW] >= reached for shares in scene.revisions.shares)


def test_a_killed_run_whose_program_says_the_old_one_again_goes_back(scene: Scene) -> None:
    scene.revisions.weigh({NEW: 10, OLD: 90}, scene.hearer)
    probes = Probes(lambda: FACTS, now=lambda: scene.time, sleep=scene.sleep)

    walk(scene.revisions, OLD, serving(scene.revisions.list(), OLD), traffic(), probes, scene.hearer)

    assert scene.revisions.shares[1:] == [{OLD: 100}]


def test_a_way_back_that_fails_says_how_to_go_it(scene: Scene) -> None:
    scene.golden = lambda _: "differs" if scene.time > 1000 else ""
    weigh = scene.revisions.weigh

    def outage(weights: Mapping[str, int], progress: Progress) -> None:
        if weights == {OLD: 100}:
            raise OutageError("the way in does not answer")
        weigh(weights, progress)

    scene.revisions.weigh = outage  # type: ignore[method-assign]

    told = scene.failed(traffic())

    assert f"and the requests could not be sent back to {OLD}: the way in does not answer" in told
    assert told.endswith(f"`aciml traffic --set {OLD}=100` tries it again")


def test_who_serves_is_who_has_the_most_requests() -> None:
    there = [revision("a", weight=10), revision("b", weight=60), revision("c", weight=30)]

    assert serving(there, "a") == "b"
    assert serving(there, "b") == "c"
    assert serving([revision("a", weight=100), revision("b"), revision("c")], "a") == "b"
    assert serving([revision("a"), revision("b", state="Stopped")], "a") is None


def test_a_preview_says_the_steps() -> None:
    assert told(None) == (
        "a new revision is proven at 0 % (health), then gets 100 %; a step that fails goes back; the address stays"
    )
    assert told(traffic(golden="golden.yaml", shadow=20)) == (
        "a new revision is proven at 0 % (health, the answers of golden.yaml), then gets copies of 20 % of the"
        " requests for 30 s, then gets 10 % for 30 s, 50 % for 30 s, 100 %; a step that fails goes back; the address"
        " stays"
    )
    assert told(Traffic(hold=True)).endswith("(health), and is held there; the address stays")
