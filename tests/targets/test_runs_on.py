"""Which kind of service each call reaches, and what a move between the two says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml.core.progress import Silent
from aciml.model.declared import read
from aciml.model.group import Group
from aciml.model.runs_on import APP
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import GroupFacts, GroupSpec
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


def test_where_there_are_no_apps_check_says_so_and_nothing_else_is_asked(tmp_path: Path) -> None:
    place = MemoryTarget(tmp_path / "world.json").service
    declared = replace(spec(runsOn="container_app").declared)

    (found,) = place.judge(None, declared, Silent())
    assert found.where == "runsOn"
    assert "container_group" in found.why
    assert place.defaults(APP) == place.defaults()


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
