"""What differences cost while something is not known yet."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from aciml.model.shape import Field
from aciml.properties import UNKNOWN, Values
from aciml.resources.costs import costs
from aciml.targets.protocol import Action

FIELDS = {
    "name": Field("name", kind="string"),
    "cores": Field("cores", kind="number", least=1),
    "size": Field("size", kind="string", words=("small", "big")),
    "tags": Field("tags", kind="object"),
}
OLD: Values = {"name": "a", "cores": 1, "size": "small", "tags": {"team": "x"}}


def ask(values: Values) -> Mapping[str, Action]:
    """A target on which another name is another thing, and tags say nothing."""
    found: dict[str, Action] = {}
    for name, value in values.items():
        if value != OLD.get(name) and name != "tags":
            found[name] = "replace" if name == "name" else "update"
    return found


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"cores": 2}, {"cores": "update"}),
        ({"name": "b"}, {"name": "replace"}),
        ({"tags": {"team": "y"}}, {}),
        ({"name": UNKNOWN}, {"name": "replace"}),
        ({"cores": UNKNOWN}, {"cores": "update"}),
        ({"size": UNKNOWN, "name": "b"}, {"size": "update", "name": "replace"}),
        ({"tags": UNKNOWN}, {"tags": "update"}),
    ],
    ids=[
        "known",
        "another thing",
        "no difference",
        "any other name",
        "any cores",
        "beside what is known",
        "never none",
    ],
)
def test_what_is_unknown_costs_what_any_value_costs(change: Values, wanted: Mapping[str, Action]) -> None:
    assert costs(sorted(change), OLD, {**OLD, **change}, FIELDS, ask, lambda path: path) == wanted


@pytest.mark.parametrize(("was", "wanted"), [("small", "update"), ("big", "replace")])
def test_a_cost_that_depends_on_what_is_unknown_is_that_of_what_was_there(was: str, wanted: Action) -> None:
    def by_size(values: Values) -> Mapping[str, Action]:
        return {"cores": "replace" if values["size"] == "big" else "update"} if values["cores"] != 1 else {}

    old = {**OLD, "size": was}
    new = {**old, "cores": 2, "size": UNKNOWN}

    assert costs(["cores"], old, new, FIELDS, by_size, lambda path: path) == {"cores": wanted}
