"""Keys of a service: made once by ``check``, kept in the inputs, whoever replaces the group."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.properties import UNKNOWN, Secret, Unknown, Values, reveal
from aciml.resources.group import ContainerGroup
from aciml.resources.protocol import Existing
from aciml.targets.memory import MemoryTarget

IMAGE = f"127.0.0.1:5000/a:b@sha256:{'0' * 64}"
SAID: Values = {"name": "iris", "image": IMAGE, "authEnabled": True}
PRIMARY, SECONDARY = BOTH = ("primaryKey", "secondaryKey")


@pytest.fixture
def target() -> MemoryTarget:
    return MemoryTarget(workspace="here")


def plugin(target: MemoryTarget) -> ContainerGroup:
    """One process of the plugin: what it remembers is its own."""
    return ContainerGroup(target.service)


def checked(group: ContainerGroup, old: Values | None, **changes: Any) -> Values:
    answer = group.check(old, {**SAID, **changes}, Silent())
    assert answer.findings == []
    return answer.inputs


def made(target: MemoryTarget, **changes: Any) -> tuple[Values, Existing]:
    """A group that exists: its inputs, and what create said of it."""
    inputs = checked(plugin(target), None, **changes)
    existing = plugin(target).create(inputs, Silent(), preview=False)
    return inputs, Existing(existing.id, existing.state, inputs)


def of_before(existing: Existing) -> Existing:
    """The same as versions before 0.3 wrote it: keys that were made are in the outputs alone."""
    inputs = {name: value for name, value in existing.inputs.items() if name not in BOTH}
    return Existing(existing.id, existing.state, inputs)


def keys(values: Values) -> list[Any]:
    return [reveal(values[name]) for name in BOTH]


def test_both_are_made_as_secrets_and_nothing_differs_afterwards(target: MemoryTarget) -> None:
    inputs, existing = made(target)
    again = checked(plugin(target), inputs)

    assert all(isinstance(inputs[name], Secret) and len(reveal(inputs[name])) >= 32 for name in BOTH)
    assert inputs[PRIMARY] != inputs[SECONDARY]
    assert keys(existing.state) == keys(inputs) == keys(again)
    assert plugin(target).diff(inputs, existing.state, again).detail == {}


def test_they_survive_a_rename_that_one_process_decides_and_another_makes(target: MemoryTarget) -> None:
    inputs, existing = made(target)
    first = plugin(target)
    renamed = checked(first, inputs, name="tulip")

    assert first.diff(inputs, existing.state, renamed).replaces == ["name"]
    engine_asks_again = first.check(None, {**SAID, "name": "tulip"}, Silent()).inputs
    after = plugin(target).create(engine_asks_again, Silent(), preview=False)

    assert keys(after.state) == keys(existing.state)


def test_another_word_makes_one_key_anew_and_a_given_one_that_is_given_no_more_stays(target: MemoryTarget) -> None:
    inputs, existing = made(target, primaryKey=Secret("given"))
    kept = checked(plugin(target), inputs)
    rotated = checked(plugin(target), inputs, rotatePrimaryKey="november")

    assert reveal(kept[PRIMARY]) == "given"
    assert reveal(rotated[PRIMARY]) not in ("given", None)
    assert rotated[SECONDARY] == inputs[SECONDARY]
    detail = plugin(target).diff(inputs, existing.state, rotated).detail
    assert detail == {"rotatePrimaryKey": "update", "primaryKey": "update"}


def test_there_are_none_where_nobody_asks_and_new_ones_when_somebody_asks_again(target: MemoryTarget) -> None:
    inputs, _ = made(target)
    without = checked(plugin(target), inputs, authEnabled=False)
    again = checked(plugin(target), without)

    assert not without.keys() & set(BOTH)
    assert not set(keys(again)) & set(keys(inputs))


def test_a_preview_foresees_what_is_kept_and_not_what_each_run_makes_anew(target: MemoryTarget) -> None:
    group = plugin(target)
    new = group.create(checked(group, None), Silent(), preview=True).state
    inputs, existing = made(target)
    kept = group.update(existing, checked(group, inputs, cpuCores=2), Silent(), preview=True)
    rotated = group.update(existing, checked(group, inputs, rotatePrimaryKey="a"), Silent(), preview=True)

    assert all(isinstance(reveal(new[name]), Unknown) for name in BOTH)
    assert keys(kept) == keys(inputs)
    assert isinstance(reveal(rotated[PRIMARY]), Unknown)
    assert rotated[SECONDARY] == inputs[SECONDARY]


def test_a_word_that_is_not_known_yet_lets_nobody_say_what_the_key_will_be(target: MemoryTarget) -> None:
    inputs, _ = made(target)
    unsure = checked(plugin(target), inputs, rotatePrimaryKey=UNKNOWN)

    assert isinstance(reveal(unsure[PRIMARY]), Unknown)
    assert unsure[SECONDARY] == inputs[SECONDARY]


def test_a_stack_of_before_shows_no_change_and_keeps_its_keys(target: MemoryTarget) -> None:
    old = of_before(made(target)[1])
    inputs = checked(plugin(target), old.inputs)
    bigger = checked(plugin(target), old.inputs, cpuCores=2)

    assert not inputs.keys() & set(BOTH)
    assert plugin(target).diff(old.inputs, old.state, inputs).detail == {}
    assert keys(plugin(target).update(old, bigger, Silent(), preview=True)) == keys(old.state)
    assert keys(plugin(target).update(old, bigger, Silent(), preview=False)) == keys(old.state)


def test_a_stack_of_before_is_not_made_anew_until_a_refresh_has_taken_its_keys_over(target: MemoryTarget) -> None:
    old = of_before(made(target)[1])
    renamed = checked(plugin(target), old.inputs, name="tulip")

    with pytest.raises(UserError, match="would be lost; run `pulumi refresh` once"):
        plugin(target).diff(old.inputs, old.state, renamed)

    refreshed = plugin(target).read(old, Silent())
    assert refreshed is not None
    assert keys(refreshed.inputs) == keys(old.state)
    assert all(isinstance(refreshed.inputs[name], Secret) for name in BOTH)
    renamed = checked(plugin(target), refreshed.inputs, name="tulip")
    assert plugin(target).diff(refreshed.inputs, refreshed.state, renamed).replaces == ["name"]
    assert keys(plugin(target).create(renamed, Silent(), preview=False).state) == keys(old.state)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"primaryKey": "a" * 20}, {"primaryKey": "b" * 20}, "the primary key of before is refused from then on, "),
        ({"secondaryKey": "a" * 20}, {"secondaryKey": "b" * 20}, "from then on, the primary one holds"),
        (dict.fromkeys(BOTH, "a" * 20), dict.fromkeys(BOTH, "b" * 20), "both keys of before are refused"),
        ({"authEnabled": False}, {}, "whoever calls needs a key from then on"),
        ({}, {"authEnabled": False}, "nobody is asked for a key any more"),
        ({}, {"cpuCores": 2}, ""),
    ],
)
def test_a_preview_says_what_a_change_of_keys_means_for_callers(
    target: MemoryTarget, old: Values, new: Values, told: str
) -> None:
    keys = dict.fromkeys(BOTH, "k" * 20)

    effect = plugin(target).diff({**SAID, **keys, **old}, {}, {**SAID, **keys, **new}).effect

    assert told in effect
    assert ("key" in effect) == bool(told)
