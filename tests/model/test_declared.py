"""Declared values: the table that a class makes, and values read from the wire and written back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.model.declared import SPREAD, Declared, Named, read, table_of, wire_paths, written
from aciml.model.shape import Cost, Field, shape_findings, sound
from aciml.properties import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Door(Declared):
    number: Annotated[int, Field("its number", least=1, most=99)]
    sign: Annotated[str, Field("what is written on it")] = "/"


@dataclass(frozen=True, kw_only=True)
class Roof(Declared):
    roof_kind: Annotated[Literal["flat", "steep"] | None, Field("its form", cost=Cost("replace", "builders"))] = None
    bare: Annotated[bool, Named("isBare"), Field("nothing on it")] = False


@dataclass(frozen=True, kw_only=True)
class House(Declared):
    name: Annotated[str, Field("its name")]
    doors: Annotated[tuple[Door, ...], Field("all doors")] = ()
    front_door: Annotated[Door | None, Field("one of them", scope="cloud")] = None
    rooms: Annotated[tuple[str, ...], Field("names of rooms")] = ()
    notes: Annotated[Mapping[str, str], Field("what else", secret=True)] = field(default_factory=dict)
    more: Annotated[Mapping[str, Any] | None, Field("anything")] = None
    height: Annotated[float | None, Field("metres", unit="m")] = None
    roof: Annotated[Roof, SPREAD] = field(default_factory=Roof)


def test_a_module_whose_annotations_are_texts_is_told() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Shed(Declared):
        name: "Annotated[str, Field('its name')]"

    with pytest.raises(TypeError, match="name is declared by a text"):
        table_of(Shed)


def test_the_table_has_kinds_defaults_and_what_is_spread() -> None:
    table = table_of(House)

    assert list(table) == ["name", "doors", "frontDoor", "rooms", "notes", "more", "height", "roofKind", "isBare"]
    assert {name: (row.kind, row.of) for name, row in table.items()} == {
        "name": ("string", "string"),
        "doors": ("array", "object"),
        "frontDoor": ("object", "string"),
        "rooms": ("array", "string"),
        "notes": ("object", "string"),
        "more": ("object", "any"),
        "height": ("number", "string"),
        "roofKind": ("string", "string"),
        "isBare": ("boolean", "string"),
    }
    assert table["name"].required
    assert not table["doors"].required
    assert table["roofKind"].words == ("flat", "steep")
    assert table["isBare"].default is False
    inner = table["doors"].fields or {}
    assert (inner["number"].required, inner["sign"].default) == (True, "/")
    assert wire_paths(House)["isBare"] == ("roof", "bare")


def test_what_is_wrong_is_found_by_the_table() -> None:
    found = shape_findings({"doors": [{"number": 100}, {"nmber": 1}], "roofKind": "tall"}, table_of(House))

    assert [finding.where for finding in found] == [
        "name", "doors[1].nmber", "doors[1].number", "doors[0].number", "roofKind",
    ]  # fmt: skip


def test_what_is_not_known_is_told_apart_from_what_is_not_given() -> None:
    values = {"name": UNKNOWN, "doors": [{"number": UNKNOWN}, UNKNOWN], "rooms": ["hall", UNKNOWN], "isBare": UNKNOWN}
    house = read(House, sound(values, table_of(House)))

    assert house.unsure == {"name"}
    assert house.is_unsure("name", "height")
    assert not house.is_unsure("height")
    assert isinstance(house.doors[0], Door)
    assert house.doors[0].at("number") == "doors[0].number"
    assert house.doors[0].is_unsure("number")
    assert [*house.texts("rooms")] == [("rooms[0]", "hall")]
    assert house.roof.is_unsure("bare")
    assert house.at("notes", "key") == 'notes["key"]'
    assert house.knows("doors", "front_door", "height") == ["doors"]
    with pytest.raises(KeyError):
        house.at("windows")


TEXTS = st.text(max_size=5)
DOORS = st.fixed_dictionaries({"number": st.integers(1, 99), "sign": TEXTS})
HOUSES = st.fixed_dictionaries(
    {"name": TEXTS},
    optional={
        "doors": st.lists(DOORS, min_size=1, max_size=3),
        "frontDoor": DOORS,
        "rooms": st.lists(TEXTS, min_size=1, max_size=3),
        "notes": st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=2),
        "height": st.floats(0, 9),
        "roofKind": st.sampled_from(["flat", "steep"]),
    },
)


@given(HOUSES)
def test_what_is_read_is_written_again(values: dict[str, Any]) -> None:
    house = read(House, sound(values, table_of(House)))

    assert written(house) == {**values, "isBare": False}
    assert read(House, written(house)) == house
