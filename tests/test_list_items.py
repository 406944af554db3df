"""A list whose item comes or goes shows that item, and none that stands behind it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aciml.list_items import changed_items

ITEMS = st.lists(st.sampled_from("abcd"), max_size=8)


def test_what_stands_behind_a_new_item_is_no_change() -> None:
    assert changed_items(["pip", "six"], ["packaging", "pip", "six"]) == {0: "added"}
    assert changed_items(["a", "b", "c"], ["a", "c"]) == {1: "removed"}
    assert changed_items(["a", "b", "c"], ["a", "x", "c"]) == {1: "changed"}
    assert changed_items([{"a": 1}, {"b": 2}], [{"c": 3}, {"a": 1}, {"b": 2}]) == {0: "added"}


@given(before=ITEMS, after=ITEMS)
def test_what_is_named_is_all_that_differs(before: list[str], after: list[str]) -> None:
    found = changed_items(before, after)

    assert bool(found) == (before != after)
    gone = {index for index, change in found.items() if change != "added"}
    come = {index for index, change in found.items() if change != "removed"}
    assert [one for index, one in enumerate(before) if index not in gone] == [
        one for index, one in enumerate(after) if index not in come
    ]
    assert len(found) <= max(len(before), len(after))


def test_very_long_lists_are_shown_whole() -> None:
    assert changed_items(["a"] * 501, ["b"]) == {}
