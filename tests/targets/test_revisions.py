"""What is promised of revisions, held by those in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.progress import Silent
from aciml.targets.memory.revisions import MemoryRevisions
from aciml.targets.memory.world import Memory
from aciml.targets.revisions import NoSuchRevision, Revision, Seen, WrongWeights, find, require_weights, revision_name
from tests.contract.compared import nothing_is_compared_where_nothing_is_copied

PROGRESS = Silent()


def revision(name: str, **properties: object) -> Revision:
    facts = {"image": "r/i@sha256:0", "created": "2026-11-27T00:00:00Z", "weight": 0, "replicas": 1, "ready": 1}
    return Revision(**{"name": name, "state": "Running", **facts, **properties})  # type: ignore[arg-type]


@pytest.fixture
def revisions() -> MemoryRevisions:
    made = MemoryRevisions(Memory(), "s")
    for name in ("s--old", "s--new"):
        made.add(revision(name))
    return made


def weights(revisions: MemoryRevisions) -> dict[str, int]:
    return {one.name: one.weight for one in revisions.list()}


def test_the_first_gets_all_requests_and_the_next_one_none(revisions: MemoryRevisions) -> None:
    assert weights(revisions) == {"s--new": 0, "s--old": 100}


def test_who_is_not_named_gets_nothing(revisions: MemoryRevisions) -> None:
    revisions.weigh({"s--new": 100}, PROGRESS)

    assert weights(revisions) == {"s--new": 100, "s--old": 0}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"s--new": 60, "s--old": 30}, "the weights sum up to 90 and not to 100: s--new 60, s--old 30"),
        ({"s--new": 120, "s--old": -20}, "s--new cannot get 120 % of the requests"),
        ({}, "the weights sum up to 0 and not to 100: none"),
        ({"s--nwe": 100}, 'there is no revision "s--nwe"; did you mean "s--new"?'),
    ],
)
def test_weights_that_cannot_be_change_nothing(revisions: MemoryRevisions, wrong: dict[str, int], said: str) -> None:
    with pytest.raises((WrongWeights, NoSuchRevision)) as caught:
        revisions.weigh(wrong, PROGRESS)

    assert said in str(caught.value)
    assert weights(revisions) == {"s--new": 0, "s--old": 100}


def test_a_retired_one_gets_requests_only_when_it_is_active_again(revisions: MemoryRevisions) -> None:
    revisions.retire("s--new", PROGRESS)
    with pytest.raises(WrongWeights, match="retired"):
        revisions.weigh({"s--new": 100}, PROGRESS)

    revisions.activate("s--new", PROGRESS)
    revisions.weigh({"s--new": 100}, PROGRESS)

    assert weights(revisions) == {"s--new": 100, "s--old": 0}


def test_one_with_requests_is_not_retired(revisions: MemoryRevisions) -> None:
    with pytest.raises(WrongWeights, match="gets 100 % of the requests"):
        revisions.retire("s--old", PROGRESS)


def test_a_mirror_is_ended_by_none(revisions: MemoryRevisions) -> None:
    nothing_is_compared_where_nothing_is_copied(revisions, "s--old", "s--new")
    revisions.mirror("s--old", "s--new", 20, PROGRESS)
    assert revisions.mirrored == ("s--old", "s--new", 20)

    revisions.mirror("s--old", "s--new", 0, PROGRESS)
    assert revisions.mirrored is None


def test_they_live_on_in_the_next_process(tmp_path: Path) -> None:
    first = MemoryRevisions(Memory(tmp_path / "memory.json"), "s")
    first.add(revision("s--a"))

    assert MemoryRevisions(Memory(tmp_path / "memory.json"), "s").list() == first.list()


def test_one_is_found_by_name_label_or_suffix() -> None:
    there = [revision("s--a", label="b"), revision("s--b")]

    assert find(there, "s--b").name == "s--b"
    assert find(there, "b").name == "s--a"
    assert find(there, "a").name == "s--a"
    assert find([revision("a--b--rc")], "rc").name == "a--b--rc"
    with pytest.raises(NoSuchRevision, match="there are none yet"):
        find([], "a")
    with pytest.raises(NoSuchRevision):
        find(there, "")


def test_zero_replicas_are_healthy_and_a_failed_one_is_not() -> None:
    assert revision("a", replicas=0, ready=0).healthy
    assert not revision("a", ready=0).healthy
    assert not revision("a", state="Failed").healthy


def test_weights_are_judged_without_anybody() -> None:
    require_weights({"a": 30, "b": 70}, [revision("a"), revision("b")])


def test_a_rate_of_nothing_is_nothing() -> None:
    assert Seen().error_rate == 0
    assert Seen(requests=200, errors=1).error_rate == 0.005


def test_the_same_template_is_the_same_revision() -> None:
    name = revision_name("scoring", {"image": "a@sha256:1", "env": {"A": "1"}})

    assert name == revision_name("scoring", {"env": {"A": "1"}, "image": "a@sha256:1"})
    assert name != revision_name("scoring", {"image": "a@sha256:2", "env": {"A": "1"}})
    # Container Apps: a letter first, a letter or digit last
    assert name.startswith("scoring--r")
    assert name[-1].isalnum()
    assert len(revision_name("a" * 32, {})) <= 54
