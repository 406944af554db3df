"""The rules of the provider and those of the emulated service, written apart, agree on random groups."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aciml.targets.azure.groups.account import foreseen_pull
from aciml.targets.azure.groups.change import plan
from aciml.targets.azure.groups.group import to_arm
from aciml.targets.protocol import GroupSpec
from tests.simulators.azure.groups_limits import check_body
from tests.simulators.azure.groups_rules import check_update
from tests.simulators.azure.http import ArmError

from .group_samples import PATIENT, PLACE, group, judged
from .test_seen import SECRET, declared

PAIR = st.tuples(declared(), SECRET, declared(), SECRET, st.sets(st.integers(0, 99)))


def _body(spec: GroupSpec) -> dict[str, Any]:
    return to_arm(spec, PLACE, foreseen_pull(spec.declared))


def _changed(old: dict[str, Any], new: dict[str, Any], which: set[int]) -> dict[str, Any]:
    """Some properties of the other group: a few, or many."""
    names = sorted(old.keys() | new.keys())
    taken = {name for index, name in enumerate(names) if index in which}
    kept = {name: value for name, value in old.items() if name not in taken}
    return kept | {name: value for name, value in new.items() if name in taken}


@PATIENT
@given(declared(), SECRET)
def test_what_is_not_refused_here_is_taken_there(plain: dict[str, Any], secret: dict[str, Any]) -> None:
    check_body("iris", _body(group(**{**plain, **secret})))


@PATIENT
@given(PAIR)
def test_what_is_put_is_never_an_invalid_update(
    pair: tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], set[int]],
) -> None:
    first, hidden, second, other, which = pair
    old, new = {**first, **hidden}, _changed({**first, **hidden}, {**second, **other}, which)
    if judged(old) or judged(new):
        return
    before, after = group(**old), group(**new)
    step = plan(before, after, PLACE)

    if step in ("put", "tags", "nothing"):
        check_update("iris", _body(before), _body(after))
    if step == "nothing":
        assert plan(after, before, PLACE) == "nothing"


@PATIENT
@given(PAIR)
def test_what_is_refused_there_is_a_new_group_here(
    pair: tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], set[int]],
) -> None:
    first, _, second, _, _ = pair
    before, after = group(**first), group(**second)
    with contextlib.suppress(ArmError):
        check_update("iris", _body(before), _body(after))
        return
    assert plan(before, after, PLACE) == "replace"
