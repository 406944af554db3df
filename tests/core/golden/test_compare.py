"""What counts as another answer."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.golden.compare import Difference, Rank, differences, judge
from aciml.core.golden.path import Pattern
from aciml.core.golden.request import Came, Expected, expected_of
from aciml.core.golden.table import facts, lines, sentence
from aciml.core.golden.tolerance import Rule, Rules, Tolerance

KIND = "application/json"
numbers = st.floats() | st.integers()
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def rules(**tolerances: Tolerance) -> Rules:
    """Rules of ``a_b=`` for the path ``$.a.b``, in their order."""
    said = [Rule(Pattern.parse("$." + name.replace("_", ".")), one) for name, one in tolerances.items()]
    return Rules(rules=tuple(said))


def came(value: Any, status: int = 200, kind: str = KIND) -> Came:
    return Came(status, json.dumps(value).encode(), kind)


def found(old: Any, new: Any, allowed: Rules | None = None) -> list[tuple[str, str, str]]:
    expected = Expected(200, "json", old, content_type=KIND)
    return [(one.path, one.old, one.new) for one in differences("r", expected, came(new), allowed)]


@given(values)
def test_what_was_recorded_is_the_same_again(value: Any) -> None:
    answer = came(value)

    assert list(differences("r", expected_of(answer), answer)) == []


@given(values, values)
def test_what_is_the_same_one_way_is_so_the_other_way_round(one: Any, other: Any) -> None:
    # nothing is allowed: a relative tolerance is of the old number
    exact = Rules(Tolerance())

    assert bool(found(one, other, exact)) == bool(found(other, one, exact))


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.floats(-2, 2),
    st.floats(1e-12, 0.5),
)
def test_a_number_passes_within_its_tolerance_and_not_beyond(old: float, part: float, relative: float) -> None:
    new = old + part * relative * old
    # what floats round is nobody's difference: look at the sides of the limit, not at the limit
    if abs(abs(part) - 1) < 1e-3 or abs(old) < 1e-290:
        return

    passes = not found([old], [new], Rules(Tolerance(relative=relative)))

    # a float32 of 1e-12 cannot be told from rounding at 1e-16
    assert passes == (abs(part) < 1 or new == old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (1, 1.0),
        (0.0, -0.0),
        (math.nan, math.nan),
        (math.inf, math.inf),
        (152.13348416, 152.13348416000001),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ('{"a": [1.5]}', '{"a":[1.5]}'),
        (10**400, 10**400),
    ],
)
def test_these_are_the_same(old: Any, new: Any) -> None:
    assert found(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "shown"),
    [
        (1, 2, "$", ("1", "2")),
        # an id is exact, whatever is allowed for what was computed
        (10**15, 10**15 + 1, "$", ("1000000000000000", "1000000000000001")),
        (10**400, 1.0, "$", None),
        (1, True, "$", ("1", "true")),
        (0, None, "$", ("0", "null")),
        (0.5, "0.5", "$", ("0.5", '"0.5"')),
        (1.0, math.nan, "$", ("1.0", "NaN")),
        (math.inf, -math.inf, "$", ("Infinity", "-Infinity")),
        ([1, 2], [2, 1], "$[0]", ("1", "2")),
        ([1, 2], [1, 2, 3], "$", ("2 items", "3 items")),
        ({"a": 1}, {"b": 1}, "$.a", ("1", "missing")),
        ({"a": {"b c": [0, "x"]}}, {"a": {"b c": [0, "y"]}}, "$.a['b c'][1]", ('"x"', '"y"')),
        ('{"a": [1.5]}', '{"a": [1.6]}', "$.a[0]", ("1.5", "1.6")),
        ("[1]", {"a": 1}, "$", ('"[1]"', '{"a": 1}')),
        (152.1, 152.1000001, "$", ("152.1", "152.1000001")),
    ],
)
def test_these_are_not(old: Any, new: Any, path: str, shown: tuple[str, str] | None) -> None:
    first = found(old, new)[0]

    assert first[0] == path
    assert shown is None or first[1:] == shown


def test_single_precision_is_another_model() -> None:
    assert found([152.13348416], [152.13348388671875]) != []


def test_the_last_rule_that_fits_counts() -> None:
    allowed = rules(a=Tolerance(absolute=1), a_b=Tolerance(), a_c=Tolerance(ignore=True))

    assert found({"a": {"x": 1.0}}, {"a": {"x": 1.9}}, allowed) == []
    assert found({"a": {"b": 1.0}}, {"a": {"b": 1.1}}, allowed) == [("$.a.b", "1.0", "1.1")]
    assert found({"a": {"c": "x"}}, {"a": {"c": [1]}}, allowed) == []
    assert found({"a": {"c": "x"}}, {"a": {}}, allowed) == []
    assert found({"a": {}}, {"a": {"c": 1}}, allowed) == []


def test_what_is_said_of_a_place_holds_for_whole_numbers_too() -> None:
    assert found({"a": 100}, {"a": 103}, rules(a=Tolerance(relative=0.05))) == []
    assert found({"a": 100}, {"a": 106}, rules(a=Tolerance(relative=0.05))) != []


def test_a_status_says_more_than_what_came_with_it() -> None:
    [one] = differences("r", Expected(200, "json", [1]), Came(500, b'{"message": "no\n model"}', KIND))

    assert (one.path, one.old, one.new, one.rank) == ("status", "200", '500 {"message": "no model"}', Rank.STATUS)


def test_no_answer_is_told_with_its_reason() -> None:
    [one] = differences("r", Expected(200), Came(0, why="refused"))

    assert one.new == "no answer: refused"


def test_another_kind_of_answer_is_one() -> None:
    picture = Came(200, b"\x89PNG", "image/png")
    assert list(differences("r", expected_of(picture), picture)) == []

    other = Came(200, b"\x89PNH", "image/jpeg")
    first, second = differences("r", expected_of(picture), other)

    assert (first.path, first.old, first.new) == ("content type", "image/png", "image/jpeg")
    assert second.new == f"4 bytes, sha256 {hashlib.sha256(other.body).hexdigest()[:12]}"


def test_a_charset_is_no_other_kind() -> None:
    assert list(differences("r", expected_of(came(1)), came(1, kind="Application/JSON; charset=utf-8"))) == []


def test_what_was_json_and_is_none_is_told_as_it_came() -> None:
    [one] = differences("r", Expected(200, "json", [1]), Came(200, b"<html>", KIND))

    assert one.new == "no JSON: <html>"


def test_long_texts_are_shown_where_they_part() -> None:
    [one] = differences("r", Expected(200, "text", "a" * 500 + "b" * 500), Came(200, b"a" * 500 + b"c" * 500))

    assert one.old.startswith('..."aaaaaaaaaab')
    assert one.new.startswith('..."aaaaaaaaaac')
    assert len(one.old) <= 60


def test_an_answer_nested_deeper_than_calls_go_is_compared() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]

    # the parser of JSON has a limit of its own: then it is no JSON, and no crash
    assert list(differences("r", Expected(200, "json", 1), Came(200, b"[" * 5000 + b"]" * 5000, KIND)))
    assert list(differences("r", Expected(200, "json", deep), came([1]), None))


def test_the_worst_come_first_and_all_are_counted() -> None:
    allowed = Rules()
    answers = [
        ("a", Expected(200, "json", [1.0, 2.0]), came([1.1, 2.0000001]), allowed),
        ("b", Expected(200, "json", [1.0]), came([1.0]), allowed),
        ("c", Expected(200, "json", {"x": "p"}), came({"x": "q"}), allowed),
        ("d", Expected(200), Came(503), allowed),
        ("e", Expected(200, "json", [0.0] * 5000), came([1.0] * 5000), allowed),
    ]

    verdict = judge(answers)

    assert [one.request for one in verdict.differences[:2]] == ["d", "c"]
    worst = [one for one in verdict.differences if one.request == "a"]
    assert [one.path for one in worst] == ["$[0]", "$[1]"]
    assert (verdict.requests, verdict.differing, verdict.total) == (5, 4, 5004)
    assert len(verdict.differences) < 200
    assert verdict.share == 0.8


def test_the_table_says_what_a_person_needs() -> None:
    verdict = judge([("one row", Expected(200, "json", {"p": [100.0]}), came({"p": [101.5]}), Rules())])

    assert list(lines(verdict, "golden.yaml")) == [
        "1 of 1 answer differ from golden.yaml; worst first:",
        "  request  path    old    new    off by",
        "  one row  $.p[0]  100.0  101.5  1.50%",
    ]
    assert facts(verdict)["differences"][0]["excess"] > 1e6
    json.dumps(facts(verdict), allow_nan=False)


def test_the_table_is_short_and_says_how_much_more_there_is() -> None:
    verdict = judge([("r", Expected(200, "json", [1.0] * 50), came([1.00001] * 50), Rules())])

    told = list(lines(verdict, "golden.yaml", most=3))

    assert told[-2] == "  and 47 more"
    assert "off by 1.0e-05 of the old ones at most" in told[-1]


def test_nothing_differs_in_a_sentence() -> None:
    assert sentence(judge([("r", Expected(), Came(200), Rules())]), "golden.yaml") == "1 answer: as in golden.yaml"


@given(st.lists(st.tuples(values, values), max_size=4))
def test_a_verdict_can_always_be_told(pairs: list[tuple[Any, Any]]) -> None:
    verdict = judge((str(i), Expected(200, "json", old), came(new), Rules()) for i, (old, new) in enumerate(pairs))

    assert len(list(lines(verdict, "golden.yaml"))) <= 24
    json.dumps(facts(verdict), allow_nan=False)
    assert all(isinstance(one, Difference) and len(one.old) <= 70 for one in verdict.differences)
