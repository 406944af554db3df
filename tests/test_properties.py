"""The codec between Pulumi's values and plain ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from aciml.properties import UNKNOWN, Secret, decode, encode, is_unknown, reveal

LEAVES = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text(), st.just(UNKNOWN)).filter(
    lambda value: value != rpc.UNKNOWN
)
KEYS = st.text(min_size=1).filter(lambda key: not key.startswith("__"))
# a few of each: what is nested shows what there is to show, and more of it is made again and again
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=10)


@given(st.dictionaries(KEYS, VALUES | VALUES.map(Secret), max_size=4))
def test_what_is_encoded_decodes_to_itself(values: dict[str, object]) -> None:
    assert decode(encode(values)) == values


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_it_survives_the_wire(values: dict[str, object]) -> None:
    wire = PropertyValue.marshal_map(encode(values))

    assert decode(PropertyValue.unmarshal_map(wire)) == values


def test_an_unknown_value_is_the_marker_that_the_engine_reads() -> None:
    assert encode({"digest": UNKNOWN})["digest"].value == rpc.UNKNOWN


def test_null_is_left_out() -> None:
    assert decode({"a": PropertyValue(None), "b": PropertyValue("x")}) == {"b": "x"}


def test_unknowns_are_found_at_any_depth() -> None:
    assert is_unknown({"a": [{"b": Secret([UNKNOWN])}]})
    assert not is_unknown({"a": [{"b": Secret([1])}]})


def test_an_unknown_value_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="unknown"):
        bool(UNKNOWN)


def test_a_secret_does_not_show_in_text() -> None:
    assert "hush" not in repr(Secret("hush"))
    assert reveal({"k": Secret({"inner": Secret("hush")})}) == {"k": {"inner": "hush"}}
