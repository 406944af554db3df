"""Conditions of roles: what they let through, and what only Azure can tell."""

from __future__ import annotations

import pytest

from aciml.targets.azure.registries.condition import allows
from aciml.targets.azure.registries.roles import DATA_ACTION

PLACE = "Microsoft.ContainerRegistry/registries/repositories"
NAME = f"@Request[{PLACE}:name]"
READS = f"ActionMatches{{'{PLACE}/content/read'}}"
ROWS = [
    (f"{NAME} StringEquals 'team/iris'", True),
    (f"{NAME} StringEquals 'Team/iris'", False),
    (f"{NAME} StringEqualsIgnoreCase 'Team/Iris'", True),
    (f"{NAME} StringEqualsIgnoreCase 'team'", False),
    (f"{NAME} StringStartsWith 'team/'", True),
    (f"{NAME} StringStartsWithIgnoreCase 'TEAM/'", True),
    (f"{NAME} StringLike 'team/*'", True),
    (f"{NAME} StringLike '*/tulip'", False),
    (f"{NAME} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'other', 'team/iris'}}", True),
    (f"( (!({READS})) OR ({NAME} StringEquals 'team/iris') )", True),
    (f"((!({READS}))OR({NAME} StringEquals 'tulip'))", False),
    (f"!({READS}) || {NAME} StringEquals 'tulip'", False),
    (f"(!(ActionMatches{{'{PLACE}/content/write'}})) OR ({NAME} StringEquals 'tulip')", True),
    (f"(!(ActionMatches{{'{PLACE}/*'}})) OR ({NAME} StringEquals 'tulip')", False),
    (f"NOT ({NAME} StringEquals 'tulip') AND {READS}", True),
    # what only Azure knows
    ("@Environment[Microsoft.Network/privateEndpoints] StringEquals 'x'", None),
    (f"{NAME} StringNotStartsWith 'x'", None),
    (f"{NAME} StringEquals 'tulip' OR @Principal[a:b] StringEquals 'x'", None),
    (f"{NAME} StringEquals 'team/iris' OR @Principal[a:b] StringEquals 'x'", True),
    (f"{NAME} StringEquals 'tulip' AND @Principal[a:b] StringEquals 'x'", False),
    ("something else", None),
    (f"({READS}", None),
    (f"{READS} )", None),
    ("", None),
]


@pytest.mark.parametrize(("condition", "expected"), ROWS)
def test_a_condition_about_names_of_repositories_is_judged_and_any_other_left_to_azure(
    condition: str,
    expected: bool | None,  # noqa: FBT001
) -> None:
    assert allows(condition, DATA_ACTION, "team/iris") is expected
    assert allows(condition.replace("\n", " \n "), DATA_ACTION, "team/iris") is expected
