"""Shapes of inputs, and what differs between two of them."""

from __future__ import annotations

import pytest

from aciml.model.shape import Field, differing, range_of, shape_findings, sound
from aciml.properties import UNKNOWN, Secret

FIELDS = {
    "name": Field("name of it", kind="string", required=True),
    "port": Field("port", kind="integer"),
    "cpuCores": Field("cores", kind="number"),
    "authEnabled": Field("keys", kind="boolean"),
    "extraSteps": Field("lines", kind="array"),
    "models": Field("paths", kind="object"),
    "lock": Field("filled", kind="array", filled=True),
}


@pytest.mark.parametrize(
    ("values", "where", "why"),
    [
        ({}, "name", "name is missing; name of it"),
        ({"name": "a", "prot": 1}, "prot", "unknown property prot; did you mean port?"),
        ({"name": "a", "zzz": 1}, "zzz", "known are authEnabled, cpuCores, extraSteps, models, name, port"),
        ({"name": 3}, "name", "name must be a text, not a whole number"),
        ({"name": "a", "port": "80"}, "port", "port must be a whole number, not a text"),
        ({"name": "a", "port": True}, "port", "port must be a whole number, not true or false"),
        ({"name": "a", "port": 1.5}, "port", "port must be a whole number, not a number"),
        ({"name": "a", "authEnabled": 1}, "authEnabled", "must be true or false"),
        ({"name": "a", "extraSteps": "RUN x"}, "extraSteps", "must be a list, not a text"),
        ({"name": "a", "extraSteps": ["RUN x", 3]}, "extraSteps[1]", "must be a text"),
        ({"name": "a", "models": {"m": 1}}, 'models["m"]', "must be a text"),
        ({"name": Secret(3)}, "name", "must be a text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_shape_is_named_with_its_path(values: dict[str, object], where: str, why: str) -> None:
    (finding,) = shape_findings(values, FIELDS)

    assert finding.where == where
    assert why in finding.why


def test_right_shapes_and_unknown_values_pass() -> None:
    values = {"name": UNKNOWN, "port": 0, "cpuCores": 1, "authEnabled": False, "extraSteps": [UNKNOWN], "models": {}}

    assert shape_findings(values, FIELDS) == []


def test_a_wrong_value_is_not_repeated_because_it_may_be_a_secret() -> None:
    (finding,) = shape_findings({"name": "a", "port": "hush-hush"}, FIELDS)

    assert "hush" not in finding.why


WORDS = {
    "rollout": Field("how", kind="string", words=("in_place", "blue_green")),
    "sku": Field("what", kind="string", words=("Basic", "Premium"), any_case=True),
    "mode": Field("way", kind="string", words=("auto", "frozen"), blank=True),
    "off": Field("rules", kind="array", words=tuple(f"rule-{letter}" for letter in "abcdefghijklm")),
    "kind": Field("kind", kind="string", words=("one", "two"), secret=True),
    "port": Field("port", kind="integer", least=1, most=65535),
    "wait": Field("seconds", kind="number", least=0.5),
    "pin": Field("pin", kind="integer", most=9999, secret=True),
    "probe": Field("probe", kind="object", fields={"period": Field("seconds", kind="integer", least=1)}),
    "ports": Field(
        "ports", kind="array", of="object", fields={"protocol": Field("p", kind="string", words=("TCP", "UDP"))}
    ),
}


@pytest.mark.parametrize(
    ("values", "where", "why"),
    [
        ({"rollout": "bluegreen"}, "rollout", 'rollout is "bluegreen"; write in_place or blue_green; did you mean'),
        ({"rollout": "x"}, "rollout", 'rollout is "x"; write in_place or blue_green'),
        ({"rollout": ""}, "rollout", 'rollout is ""; write in_place or blue_green'),
        ({"rollout": "x" * 99}, "rollout", f'rollout is "{"x" * 60}..."; write'),
        ({"rollout": Secret("x")}, "rollout", "the secret text of rollout is none of its words; write in_place or"),
        ({"kind": "thre"}, "kind", "the secret text of kind is none of its words; write one or two"),
        ({"sku": "Standard"}, "sku", 'sku is "Standard"; write Basic or Premium'),
        ({"off": ["rule-a", "rule_b"]}, "off[1]", 'off[1] is "rule_b"; did you mean rule-b?'),
        ({"off": ["rule-a", "zz"]}, "off[1]", 'off[1] is "zz"; write rule-a, rule-b, '),
        ({"port": 0}, "port", "port is 0; write 1 to 65535"),
        ({"port": 70000}, "port", "port is 70000; write 1 to 65535"),
        ({"wait": 0.25}, "wait", "wait is 0.25; write 0.5 or more"),
        ({"pin": 123456}, "pin", "the secret number of pin is out of range; write 9999 or less"),
        ({"probe": {"period": 0}}, "probe.period", "in probe: period is 0; write 1 or more"),
        ({"probe": Secret({"period": -1})}, "probe.period", "in probe: "),
        ({"ports": [{}, {"protocol": "tcp"}]}, "ports[1].protocol", 'is "tcp"; write TCP or UDP; did you mean TCP?'),
    ],
)
def test_a_wrong_word_or_number_is_named_with_what_may_be_said(values: dict[str, object], where: str, why: str) -> None:
    (finding,) = shape_findings(values, WORDS)

    assert finding.where == where
    assert why in finding.why


def test_right_words_and_numbers_pass_and_so_do_unknown_ones() -> None:
    right = {"rollout": "in_place", "sku": "basic", "mode": "", "off": ["rule-a"], "port": 65535, "wait": 0.5}

    assert shape_findings(right, WORDS) == []
    assert shape_findings(dict.fromkeys(WORDS, UNKNOWN), WORDS) == []
    assert shape_findings({"off": [UNKNOWN], "probe": {"period": UNKNOWN}, "ports": [UNKNOWN]}, WORDS) == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = {"rollout": "x", "port": "80", "probe": {"period": 0, "perod": 1}, "prt": 1}

    assert sorted(finding.where for finding in shape_findings(wrong, WORDS)) == [
        "port",
        "probe.period",
        "probe.perod",
        "prt",
        "rollout",
    ]


def test_what_is_wrong_is_unknown_to_whoever_judges_further() -> None:
    given = {
        "rollout": "x",
        "sku": Secret("BASIC"),
        "port": True,
        "wait": 1,
        "off": ["rule-a", "zz", 3, UNKNOWN],
        "probe": {"period": 0, "perod": 1},
        "ports": [{"protocol": "TCP"}, 5],
        "prt": 1,
        "mode": None,
    }

    assert sound(given, WORDS) == {
        "rollout": UNKNOWN,
        "sku": "BASIC",
        "off": ["rule-a", UNKNOWN, UNKNOWN, UNKNOWN],
        "port": UNKNOWN,
        "wait": 1,
        "probe": {"period": UNKNOWN},
        "ports": [{"protocol": "TCP"}, UNKNOWN],
    }
    assert sound({"wait": 0.1, "port": "x", "rollout": "x"}, WORDS, ranges=False) == {
        "wait": 0.1,
        "port": UNKNOWN,
        "rollout": UNKNOWN,
    }


def test_a_range_is_told_by_the_bounds_it_has() -> None:
    bounds = [(1, 5), (0.1, None), (None, 5), (None, None), (1, 4294967295)]

    assert [range_of(Field("x", kind="number", least=least, most=most)) for least, most in bounds] == [
        "1 to 5",
        "0.1 or more",
        "5 or less",
        "",
        "1 to 4294967295",
    ]


def test_a_map_differs_by_its_entries() -> None:
    old = {"packages": {"numpy": "1.26.4", "six": "1"}, "a": 1, "ignored": 1, "key": Secret("x")}
    new = {"packages": {"numpy": "2.1.3", "scipy": "1", "six": "1"}, "a": 1, "ignored": 2, "key": "x"}

    assert differing(old, new, ("ignored",)) == ['packages["numpy"]', 'packages["scipy"]']
