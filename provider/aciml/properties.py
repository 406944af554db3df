"""The only codec between Pulumi's property values and plain Python values.

Pulumi's side has quirks that stop here: an unknown input arrives as a marker string and must be sent back as one, all
numbers are floats, and what is more than a plain value is a map with a signature in it.
Source: the engine's ``sdk/go/common/resource/plugin/rpc.go``. Nothing of the SDK is imported: it takes a tenth of a
second, in each process that knows a property (decisions/plugin.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from google.protobuf import struct_pb2

from .core.lean import lean

# constants of the protocol (``sdk/go/common/resource/properties.go``); `pulumi.runtime.rpc` has them too
MARKER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How a text says that the value is not known yet."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of a map that says what the map stands for: one of those below."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_FOREIGN = {
    "c44067f5952c0a294b673a41bacd8c17": "an asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
    "5cf8f73096256a8f31e491e813e4eb8e": "a resource",
}


class Unknown:
    """The one value that is not known before the update runs."""

    def __repr__(self) -> str:
        """Write it as Pulumi prints it."""
        return "<unknown>"

    def __bool__(self) -> bool:
        """Refuse to be tested: an unknown value is neither empty nor filled."""
        # either answer would be a guess, and a guess in a preview a false alarm or a miss
        raise TypeError("an unknown value was tested for truth; ask `is_unknown` first")


UNKNOWN = Unknown()
Values = dict[str, Any]


@lean(frozen=True)
class Secret:
    """A value that is encrypted in state and shown as ``[secret]``; ``repr`` hides it here too."""

    value: Any = field(repr=False)


def is_unknown(value: object) -> bool:
    """Tell whether the value, or any value inside it, is unknown."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return isinstance(value, Unknown) or (isinstance(value, Secret) and is_unknown(value.value))


def reveal(value: Any) -> Any:
    """Return the value without its secret wrapper, and the same for what is inside it."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(item) for item in value]
    return value


def known(values: Values) -> Values:
    """Return what is known, without secret wrappers."""
    return {name: reveal(value) for name, value in values.items() if not is_unknown(value)}


def partly(values: Values) -> Values:
    """Return what is known or has something known in it, without secret wrappers; ``UNKNOWN`` may be inside."""
    return {name: value for name, value in reveal(values).items() if not isinstance(value, Unknown)}


@lean(frozen=True)
class Foreign:
    """What no property of ours may be, as it came: an asset, an archive, a resource; ``words`` says which."""

    words: str
    said: struct_pb2.Value = field(repr=False)


def decode(properties: struct_pb2.Struct) -> Values:
    """Turn a map of Pulumi's values into plain ones; nulls are left out, whole numbers become ints."""
    # such names are the engine's own (`__defaults`, `__internal`)
    decoded = {name: _decode(value) for name, value in properties.fields.items() if not name.startswith("__")}
    return {name: value for name, value in decoded.items() if value is not None}


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Turn plain values into Pulumi's; ``None`` is left out.

    Raises:
        TypeError: a value has no Pulumi form.
    """
    properties = struct_pb2.Struct()
    for name, value in values.items():
        if value is not None:
            encode_into(properties.fields[name], value)
    return properties


def encode_into(target: struct_pb2.Value, value: Any) -> None:  # noqa: C901 - one case a kind of value
    """Write a plain value where a message has it."""
    if isinstance(value, Secret):
        wrapped = target.struct_value.fields
        wrapped[SIGNATURE].string_value = SECRET
        encode_into(wrapped["value"], value.value)
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, Unknown):
        target.string_value = MARKER
    elif isinstance(value, str):
        target.string_value = value
    # before numbers: a bool is an int for Python
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        target.struct_value.CopyFrom(encode(value))
    elif isinstance(value, list | tuple):
        # an empty list is one too, and no value that nobody has set
        target.list_value.SetInParent()
        for item in value:
            encode_into(target.list_value.values.add(), item)
    elif isinstance(value, Foreign):
        target.CopyFrom(value.said)
    else:
        raise TypeError(f"{type(value).__name__} has no Pulumi form")


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == MARKER else value.string_value
    if kind == "number_value":
        number = value.number_value
        # protobuf's Struct knows doubles alone, and an int is what models and messages want
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    return _decode_map(value) if kind == "struct_value" else None


def _decode_map(value: struct_pb2.Value) -> Any:
    """Return a map, or what its signature says that it is."""
    fields = value.struct_value.fields
    if SIGNATURE not in fields:
        return decode(value.struct_value)
    signature = fields[SIGNATURE].string_value
    if signature == SECRET:
        return _secret(fields)
    if signature == OUTPUT:
        is_secret = "secret" in fields and fields["secret"].bool_value
        # an output that is not known yet is sent without a value
        if "value" not in fields:
            return Secret(UNKNOWN) if is_secret else UNKNOWN
        return _secret(fields) if is_secret else _decode(fields["value"])
    if signature in _FOREIGN:
        return Foreign(_FOREIGN[signature], value)
    raise ValueError(f"a value has the signature {signature}, which is not known")


def _secret(fields: Mapping[str, struct_pb2.Value]) -> Secret | None:
    # a null is left out, secret or not
    plain = _decode(fields["value"]) if "value" in fields else None
    return None if plain is None else Secret(plain)
