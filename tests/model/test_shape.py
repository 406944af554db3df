"""Shapes of inputs, and what differs between two of them."""

from __future__ import annotations

import pytest

from aciml.model.shape import Field, differing, shape_findings
from aciml.properties import UNKNOWN, Secret

FIELDS = {
    "name": Field("string", "name of it", required=True),
    "port": Field("integer", "port"),
    "cpuCores": Field("number", "cores"),
    "authEnabled": Field("boolean", "keys"),
    "extraSteps": Field("array", "lines"),
    "models": Field("object", "paths"),
    "lock": Field("array", "filled", filled=True),
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


def test_a_map_differs_by_its_entries() -> None:
    old = {"packages": {"numpy": "1.26.4", "six": "1"}, "a": 1, "ignored": 1, "key": Secret("x")}
    new = {"packages": {"numpy": "2.1.3", "scipy": "1", "six": "1"}, "a": 1, "ignored": 2, "key": "x"}

    assert differing(old, new, ("ignored",)) == ['packages["numpy"]', 'packages["scipy"]']
