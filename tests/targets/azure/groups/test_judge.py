"""What this service alone refuses, before anything is sent: what was written, where, and the sentence that comes back.

What every target refuses is in ``tests/model/test_group_rules.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.errors import Finding
from aciml.model.declared import written
from aciml.model.group import FIELDS
from aciml.model.rules import group_of
from aciml.properties import UNKNOWN
from aciml.targets.azure.groups import defaults

from .group_samples import SUBNET, properties
from .test_body import EVERYTHING


def judge(given: dict[str, Any]) -> list[Finding]:
    return defaults.judge_group(group_of(given))


CONFIDENTIAL = {"sku": "Confidential"}
SPOT = {"priority": "Spot"}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"cpuCores": 0.5}, "cpuCores", "cpuCores is 0.5; a Standard group has 1 to 31 cores"),
    ({"cpuCores": 32}, "cpuCores", "cpuCores is 32; a Standard group has 1 to 31 cores"),
    ({"cpuCores": 32, **CONFIDENTIAL}, "cpuCores", "cpuCores is 32; a Confidential group has 1 to 31 cores"),
    ({"cpuCores": 8, **SPOT}, "cpuCores", "cpuCores is 8; a Spot group has 1 to 4 cores"),
    ({"cpuCores": 1.25}, "cpuCores", "cpuCores is 1.25; the service takes one decimal place, write 1.2"),
    ({"memoryGb": 0.5}, "memoryGb", "memoryGb is 0.5; a Standard group has 1 to 240 GiB"),
    ({"memoryGb": 241}, "memoryGb", "memoryGb is 241; a Standard group has 1 to 240 GiB"),
    ({"memoryGb": 200, **CONFIDENTIAL}, "memoryGb", "memoryGb is 200; a Confidential group has 1 to 180 GiB"),
    ({"memoryGb": 32, **SPOT}, "memoryGb", "memoryGb is 32; a Spot group has 1 to 16 GiB"),
    ({"port": 22}, "port", "port 22 cannot be opened: 22 is reserved by the service; choose another"),
    ({"port": 25000}, "port", "port 25000 cannot be opened: 20000 to 30000 are reserved by the service"),
    (
        {**SPOT, "location": "North Europe"},
        "location",
        "Spot groups run in eastus2, westeurope, westus, not in northeurope",
    ),
    ({"readOnlyRoot": True}, "readOnlyRoot", "Container Instances cannot make a container's root read-only; drop it"),
    ({"name": "Iris"}, "name", '"Iris" is no container name; use 1 to 63 lower-case letters, digits and single -'),
    ({"name": "a--b"}, "name", '"a--b" is no container name'),
    ({"name": "x" * 64}, "name", "is no container name"),
    ({"environmentVariables": {"A" * 64: "1"}}, f'environmentVariables["{"A" * 64}"]', "is no variable name"),
    (
        {"environmentVariables": {"ACIML_PORT": "1"}},
        'environmentVariables["ACIML_PORT"]',
        "ACIML_PORT is set by the property port; use that",
    ),
    (
        {"secureEnvironmentVariables": {"ACIML_IMAGE_DIGEST": "1"}},
        'secureEnvironmentVariables["ACIML_IMAGE_DIGEST"]',
        "ACIML_IMAGE_DIGEST is set by the property image; use that",
    ),
]


@pytest.mark.parametrize(("given", "where", "why"), REFUSED, ids=[f"{where}: {why}"[:60] for _, where, why in REFUSED])
def test_it_is_refused_and_said_where_and_why(given: dict[str, Any], where: str, why: str) -> None:
    (finding,) = judge(properties(**given))

    assert finding.where == where
    assert why in finding.why


@pytest.mark.parametrize(
    "given",
    [
        {},
        EVERYTHING,
        {"cpuCores": 31, "memoryGb": 240},
        {"cpuCores": 32, "memoryGb": 180, "subnetId": SUBNET, **CONFIDENTIAL},
        {"cpuCores": 4, "memoryGb": 16, **SPOT},
        {**SPOT, "location": "West US"},
        {"port": 8080},
    ],
    ids=lambda given: ", ".join(given) or "nothing said",
)
def test_what_the_service_takes_is_not_refused(given: dict[str, Any]) -> None:
    assert judge(properties(**given)) == []


def test_nothing_known_is_nothing_refused() -> None:
    assert judge(dict.fromkeys(FIELDS, UNKNOWN)) == []
    assert judge({}) == []


def test_several_things_are_said_at_once() -> None:
    found = judge(properties(cpuCores=64, memoryGb=999, port=22))

    assert [finding.where for finding in found] == ["cpuCores", "memoryGb", "port"]


def test_the_defaults_are_properties_and_good_words() -> None:
    said = written(defaults.DEFAULTS)

    assert set(said) <= set(FIELDS)
    assert all(said[name] in FIELDS[name].words for name in said if FIELDS[name].words)
