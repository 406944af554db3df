"""The codec between Pulumi's values and plain ones."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue, ResourceReference
from pulumi.runtime import rpc

from aciml.model.shape import Field, kind_findings
from aciml.properties import MARKER, OUTPUT, SECRET, SIGNATURE, UNKNOWN, Secret, decode, encode, is_unknown, reveal

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
    wire = encode(values).SerializeToString()

    assert decode(struct_pb2.Struct.FromString(wire)) == values


@given(st.dictionaries(KEYS, VALUES | VALUES.map(Secret), max_size=4))
def test_the_sdks_own_codec_reads_and_writes_the_same(values: dict[str, object]) -> None:
    theirs = PropertyValue.unmarshal_map(encode(values))

    assert decode(PropertyValue.marshal_map(theirs)) == values


def test_constants_of_the_protocol_are_those_of_the_sdk() -> None:
    assert (
        rpc.UNKNOWN,
        rpc._special_sig_key,
        rpc._special_secret_sig,
        rpc._special_output_value_sig,
    ) == (MARKER, SIGNATURE, SECRET, OUTPUT)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pulumi.FileAsset("a.txt"), "an asset"),
        (pulumi.StringAsset("hush"), "an asset"),
        (pulumi.AssetArchive({"a": pulumi.StringAsset("hush")}), "an archive"),
        (ResourceReference("urn:pulumi:a::b::c:d:E::f"), "a resource"),
    ],
)
def test_what_no_property_may_be_is_named_and_goes_back_as_it_came(value: Any, words: str) -> None:
    wire = PropertyValue.marshal_map({"name": PropertyValue(value)})
    (found,) = decode(wire).values()

    assert [one.why for one in kind_findings({"name": found}, {"name": Field("a name", kind="string")})] == [
        f"name must be a text, not {words}"
    ]
    assert encode({"name": found}) == wire


@pytest.mark.parametrize(
    ("parts", "plain"),
    [
        ({}, UNKNOWN),
        ({"secret": True}, Secret(UNKNOWN)),
        ({"value": 2.0}, 2),
        ({"value": "hush", "secret": True, "dependencies": ["urn"]}, Secret("hush")),
        ({"value": None, "secret": True}, None),
    ],
)
def test_an_output_value_is_what_it_holds(parts: dict[str, Any], plain: object) -> None:
    wire = struct_pb2.Struct()
    wire.update({"a": {SIGNATURE: OUTPUT, **parts}})

    assert decode(wire).get("a") == plain


def test_a_signature_that_nobody_knows_is_no_map() -> None:
    wire = struct_pb2.Struct()
    wire.update({"a": {SIGNATURE: "new"}})

    with pytest.raises(ValueError, match="signature new"):
        decode(wire)


def test_an_unknown_value_is_the_marker_that_the_engine_reads() -> None:
    assert encode({"digest": UNKNOWN})["digest"] == rpc.UNKNOWN


def test_null_is_left_out() -> None:
    wire = struct_pb2.Struct()
    wire.update({"a": None, "b": "x"})

    assert decode(wire) == {"b": "x"}


def test_unknowns_are_found_at_any_depth() -> None:
    assert is_unknown({"a": [{"b": Secret([UNKNOWN])}]})
    assert not is_unknown({"a": [{"b": Secret([1])}]})


def test_an_unknown_value_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="unknown"):
        bool(UNKNOWN)


def test_a_secret_does_not_show_in_text() -> None:
    assert "hush" not in repr(Secret("hush"))
    assert reveal({"k": Secret({"inner": Secret("hush")})}) == {"k": {"inner": "hush"}}
