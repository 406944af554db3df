"""The tables of fields: each word and range of theirs is held, and is what the rest of the project means by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, get_args

import pytest

from aciml.blobs.compress import NAMES
from aciml.core.builder import Builder
from aciml.model import environment, group, registry, service
from aciml.model.rollout import SmokeTest
from aciml.model.server import SETTINGS
from aciml.model.shape import TYPES, Field, Fields, shape_findings
from aciml.resources import group_spec
from aciml.resources.registry import DEFAULTS
from tests.resources.test_server_settings import variables_of_server

TABLES = {
    "registry": registry.FIELDS,
    "environment": environment.FIELDS,
    "service": service.FIELDS,
    "group": group.FIELDS,
}


@dataclass(frozen=True)
class Place:
    """A field somewhere in a table; ``parents`` are the maps and lists that it is in."""

    table: str
    parents: tuple[tuple[str, Field], ...]
    name: str
    field: Field

    def __str__(self) -> str:
        return ".".join([self.table, *(name for name, _ in self.parents), self.name])

    @property
    def path(self) -> str:
        """The property path of a value there, of the first item in each list."""
        inner = [name + ("[0]" if field.kind == "array" else "") for name, field in self.parents]
        return ".".join([*inner, self.name + ("[0]" if self.field.kind == "array" else "")])

    def holding(self, value: Any) -> dict[str, Any]:
        """Return properties with this value there, and nothing else."""
        held: dict[str, Any] = {self.name: [value] if self.field.kind == "array" else value}
        for name, field in reversed(self.parents):
            held = {name: [held] if field.kind == "array" else held}
        return held

    def said_of(self, value: Any) -> list[str]:
        """Return what is said of this value there."""
        found = shape_findings(self.holding(value), TABLES[self.table])
        return [finding.why for finding in found if finding.where == self.path]


def places(table: str, inner: Fields, parents: tuple[tuple[str, Field], ...] = ()) -> Iterator[Place]:
    for name, field in inner.items():
        yield Place(table, parents, name, field)
        if field.fields:
            yield from places(table, field.fields, (*parents, (name, field)))


ALL = [place for table, inner in TABLES.items() for place in places(table, inner)]
WORDED = [place for place in ALL if place.field.words]
BOUNDED = [place for place in ALL if place.field.least is not None or place.field.most is not None]


@pytest.mark.parametrize("place", WORDED, ids=str)
def test_a_word_that_does_not_exist_is_refused_with_those_that_do(place: Place) -> None:
    (why,) = place.said_of("no-such-word")
    assert 'is "no-such-word"; write ' in why
    assert all(word in why for word in place.field.words)

    (why,) = place.said_of(f"-{place.field.words[0].swapcase()}_")
    assert f"did you mean {place.field.words[0]}?" in why

    for word in place.field.words:
        assert place.said_of(word) == []
        assert bool(place.said_of(word.swapcase())) is not place.field.any_case


@pytest.mark.parametrize("place", BOUNDED, ids=str)
def test_a_number_out_of_its_range_is_refused_with_the_range(place: Place) -> None:
    step = 1 if place.field.kind == "integer" else 0.0001
    for bound, beyond in ((place.field.least, -step), (place.field.most, step)):
        if bound is not None:
            assert place.said_of(bound) == []
            (why,) = place.said_of(bound + beyond)
            assert f"{place.name} is {bound + beyond:.15g}; write " in why
            assert f"{bound:.15g}" in why.rpartition("write")[2]


@pytest.mark.parametrize("place", ALL, ids=str)
def test_a_field_is_well_formed(place: Place) -> None:
    field = place.field
    kind = field.of if field.kind == "array" else field.kind

    assert field.kind in TYPES
    assert field.of in (*TYPES, "any")
    assert field.doc
    assert not field.words or kind == "string"
    assert field.any_case is False or field.words
    assert field.blank is False or field.words
    assert (field.least is None and field.most is None) or kind in ("integer", "number")
    assert not field.unit or kind in ("integer", "number")
    if field.default is not None:
        assert place.said_of(field.default) == []
        assert not field.required


def test_what_check_fills_is_what_the_table_says() -> None:
    for filled, table in ((group_spec.DEFAULTS, group.FIELDS), (DEFAULTS, registry.FIELDS)):
        for name, value in filled.items():
            assert table[name].default in (None, value)
    unsaid = {
        "cpuCores",
        "memoryGb",
        "startupTimeout",
        "environmentVariables",
    }  # they depend on the target, or are empty
    assert {name for name in group_spec.DEFAULTS if group.FIELDS[name].default is None} == unsaid


def test_a_smoke_test_is_by_itself_what_the_table_says() -> None:
    inner = group.FIELDS["smokeTest"].fields
    assert inner
    silent = SmokeTest()
    said = {"path": silent.path, "method": silent.method, "contentType": silent.content_type}

    assert {name: inner[name].default for name in said} == said
    assert inner["expectStatus"].default == silent.expect_status


def test_the_server_does_by_itself_what_the_table_says() -> None:
    from aciml_server.settings import VARIABLES, Settings

    assert variables_of_server()
    own = {field.name: getattr(Settings(), field.name) for field in fields(Settings)}
    by_variable = {variable: own[name] for name, variables in VARIABLES.items() for variable in variables}
    for name, setting in SETTINGS.items():
        default, variable = setting.part.row.default, setting.variable
        if default is not None:
            assert by_variable[variable.name] == default * variable.times, name


def test_the_server_takes_all_that_the_table_lets_through_in_its_unit() -> None:
    from aciml_server.settings import TABLE

    by_variable = {variable: one for one in TABLE.values() for variable in one.variables}
    for name, setting in SETTINGS.items():
        row, variable = setting.part.row, setting.variable
        ours = by_variable[variable.name]
        assert not row.unit or ours.unit == ("bytes" if variable.times > 1 else row.unit), name
        assert ours.secret >= row.secret, name
        for bound in (bound for bound in (row.least, row.most) if bound is not None):
            text = variable.text(bound)
            assert text in {"off", "auto"} or abs(ours.read(text) - bound * variable.times) < 1, name


def test_words_that_code_branches_on_are_those_of_the_table() -> None:
    assert set(environment.FIELDS["compression"].words) == set(NAMES)
    assert set(environment.FIELDS["builder"].words) == set(get_args(Builder))
