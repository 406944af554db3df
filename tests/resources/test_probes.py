"""Probes of a group that says nothing of them."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.model.declared import read
from aciml.model.group import Group
from aciml.properties import UNKNOWN, Secret, Values
from aciml.resources.probes import settled, without_probes

PROBES: Values = {
    "livenessProbe": {"httpGet": {"path": "/live", "port": 5000}, "periodSeconds": 10},
    "readinessProbe": {"httpGet": {"path": "/ready", "port": 5000}},
}
DEFAULTS = read(Group, {**PROBES, "startupTimeout": 600})


def ports(values: Values) -> list[Any]:
    return [values[name]["httpGet"]["port"] for name in PROBES]


def test_they_ask_the_servers_health_port() -> None:
    assert ports(settled(DEFAULTS, {})) == [5000, 5000]
    assert ports(settled(DEFAULTS, {"healthPort": 6000})) == [6000, 6000]
    assert ports(settled(DEFAULTS, {"healthPort": Secret(6000)})) == [6000, 6000]


@pytest.mark.parametrize("given", [{"healthPort": 0}, {"command": ["serve"]}, {"command": UNKNOWN}])
def test_where_nobody_may_answer_there_are_none(given: Values) -> None:
    values = settled(DEFAULTS, given)

    assert not PROBES.keys() & values.keys()
    assert values["startupTimeout"] == 600


def test_with_a_port_that_is_not_known_yet_they_are_not_known() -> None:
    values = settled(DEFAULTS, {"healthPort": UNKNOWN})

    assert all(values[name] is UNKNOWN for name in PROBES)


def test_a_port_of_the_wrong_kind_is_left_to_whoever_judges_it() -> None:
    assert ports(settled(DEFAULTS, {"healthPort": "many"})) == [5000, 5000]


def test_a_group_that_was_not_declared_has_those_that_are_seen() -> None:
    assert not PROBES.keys() & without_probes(DEFAULTS).keys()


def test_a_target_without_probes_gets_none() -> None:
    assert settled(read(Group, {}), {"healthPort": UNKNOWN}) == without_probes(read(Group, {}))
