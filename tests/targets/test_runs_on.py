"""Which kind of service each call reaches, and what a move between the two says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.model.declared import read
from aciml.model.group import Group
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import GroupFacts, GroupFailed, GroupSpec
from aciml.targets.runs_on import TO_APP, TO_GROUP, RunsOn

IMAGE = f"127.0.0.1:5000/score@sha256:{'a' * 64}"


class Kind:
    """Remembers who was asked what."""

    name = "memory"
    has_labels = starts_as_root = False

    def __init__(self, word: str, asked: list[str]) -> None:
        self._word, self._asked = word, asked

    def __getattr__(self, call: str) -> Any:
        def ask(*_: Any, **__: Any) -> Any:
            self._asked.append(f"{self._word}.{call}")
            return []

        return ask


def spec(**words: Any) -> GroupSpec:
    return GroupSpec(read(Group, {"name": "score", "image": IMAGE, **words}))


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def both(asked: list[str]) -> RunsOn:
    return RunsOn(Kind("groups", asked), lambda: Kind("apps", asked), lambda id_: id_.startswith("app:"))


def test_each_call_reaches_the_kind_that_is_declared_or_that_the_id_is_of(both: RunsOn, asked: list[str]) -> None:
    for wanted, id_ in ((spec(), "plain"), (spec(runsOn="container_app"), "app:1")):
        both.defaults(wanted.declared.runs.runs_on or "")
        both.judge(None, wanted.declared, Silent())
        both.changes(wanted, wanted)
        both.effect({"image": "update"}, wanted.declared)
        both.create(wanted, Silent())
        both.update(id_, wanted, wanted, Silent())
        both.read(id_, wanted)
        both.delete(id_, Silent())
        both.observe(id_, wanted)

    calls = ("defaults", "judge", "changes", "effect", "create", "update", "read", "delete", "observe")
    assert asked == [f"{word}.{call}" for word in ("groups", "apps") for call in calls]


def test_a_move_is_a_replacement_that_says_so(both: RunsOn, asked: list[str]) -> None:
    group, app = spec(), spec(runsOn="container_app", scale={"minReplicas": 2})

    assert both.changes(group, app) == both.changes(app, group) == {"runs_on": "replace"}
    assert both.effect({"runs_on": "replace"}, app.declared) == TO_APP
    assert both.effect({"runs_on": "replace"}, group.declared) == TO_GROUP
    assert asked == []


def test_where_there_are_no_apps_check_says_so_and_nothing_else_is_asked(asked: list[str]) -> None:
    why = "there are no apps here; write runsOn: container_group"
    place = RunsOn(Kind("groups", asked), None, lambda _: False, why)
    declared = replace(spec(runsOn="container_app").declared)

    (found,) = place.judge(None, declared, Silent())
    assert found.where == "runsOn"
    assert "container_group" in found.why
    assert asked == []
    with pytest.raises(UserError, match="there are no apps here"):
        place.create(spec(runsOn="container_app"), Silent())


def test_apps_in_memory_have_revisions_that_walk_and_are_kept(tmp_path: Path) -> None:
    place = MemoryTarget(tmp_path / "world.json").service
    steps = {"canary": [{"percent": 10}, {"percent": 50}]}
    first, second = (spec(runsOn="container_app", environmentVariables={"A": one}, traffic=steps) for one in "12")
    facts = place.create(first, Silent())
    place.update(facts.id, first, second, Silent())

    again = MemoryTarget(tmp_path / "world.json").service
    revisions = again.revisions(facts.id, second)
    assert revisions is not None
    assert [one.weight for one in revisions.list()] == [100, 0]
    # the same content is the same revision, and a group of that name is another service
    again.update(facts.id, second, first, Silent())
    assert [one.weight for one in revisions.list()] == [0, 100]
    assert again.create(spec(), Silent()).id != facts.id
    with pytest.raises(GroupFailed) as failed:
        again.update(
            facts.id, first, replace(first, declared=first.declared.but(image=f"x/exits@sha256:{'b' * 64}")), Silent()
        )
    assert failed.value.facts is not None
    assert failed.value.facts.image == IMAGE
    again.delete(facts.id, Silent())
    assert again.read(facts.id) is None
    assert again.revisions(facts.id, first) is None


def test_apps_are_opened_at_the_first_call_about_one() -> None:
    opened: list[str] = []

    def open_apps() -> Any:
        opened.append("apps")
        return Kind("apps", [])

    place = RunsOn(Kind("groups", []), open_apps, lambda id_: id_ == "app")
    place.judge(None, spec().declared, Silent())
    place.read("plain")
    assert opened == []
    place.read("app")
    place.read("app")
    assert opened == ["apps"]


def test_facts_say_the_scheme_of_the_way_in() -> None:
    from aciml.resources.group_spec import state_of

    facts = GroupFacts("i", "score", IMAGE, 1, 2, 443, "score.example", "Running", scheme="https")

    assert state_of({}, {}, spec().declared, facts)["scoringUri"] == "https://score.example/score"
    assert state_of({}, {}, spec().declared, replace(facts, scheme=""))["scoringUri"] == "http://score.example/score"
