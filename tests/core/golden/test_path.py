"""Places in a JSON value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.golden.path import Key, PathError, Pattern, spoken

places = st.lists(st.integers(0, 1000) | st.text(max_size=6)).map(tuple)


@given(places)
def test_a_place_as_it_is_written_is_that_place(place: tuple[Key, ...]) -> None:
    pattern = Pattern.parse(spoken(place))

    assert pattern.covers(place)
    assert [step.key for step in pattern.steps] == list(place)


@pytest.mark.parametrize(
    ("pattern", "place", "covered"),
    [
        ("$", (), True),
        ("$", ("a", 0), True),
        ("$.a", ("a",), True),
        ("$.a", ("a", "b", 3), True),
        ("$.a", ("b",), False),
        ("$.a.b", ("a",), False),
        ("$[*].score", (7, "score"), True),
        ("$[*].score", (7, "label"), False),
        ("$.*", ("x",), True),
        ("$.*", (0,), True),
        ("$.*", (), False),
        ("$..score", ("a", 0, "score"), True),
        ("$..score", ("score",), True),
        ("$..score", ("a", 0), False),
        ("$..a..b", ("x", "a", "y", "b"), True),
        ("$..[0]", ("a", 0), True),
        ("$['a b']", ("a b",), True),
        ('$["a"][0]', ("a", 0), True),
        ("$[0]", ("0",), False),
        ("$['0']", (0,), False),
        ("$.größe-2", ("größe-2",), True),
        (r"$['it\'s']", ("it's",), True),
    ],
)
def test_what_a_path_covers(pattern: str, place: tuple[Key, ...], covered: bool) -> None:  # noqa: FBT001
    assert Pattern.parse(pattern).covers(place) is covered


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("predictions", "does not begin with $"),
        ("", "does not begin with $"),
        ("$.", 'from "." on'),
        ("$.a[", 'from "[" on'),
        ("$[1:2]", 'from "[1:2]" on'),
        ("$[?(@.a)]", "write .name, [0], [*], ['name'] or ..name"),
        ("$a", 'from "a" on'),
        ("$.a b", 'from " b" on'),
        ("$[-1]", 'from "[-1]" on'),
    ],
)
def test_what_is_no_path_is_told_from_where_on(wrong: str, said: str) -> None:
    with pytest.raises(PathError) as caught:
        Pattern.parse(wrong)

    assert said in str(caught.value)
