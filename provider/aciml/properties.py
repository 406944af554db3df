"""The only codec between Pulumi's property values and plain Python values.

Pulumi's side has quirks that stop here: an unknown input arrives as a marker string and must be sent back as one,
integers are refused (numbers are floats), and a secret is a flag on a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc


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


@dataclass(frozen=True)
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


def decode(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Turn a map of Pulumi values into plain ones; nulls are left out, whole numbers become ints."""
    # such names are the engine's own (`__defaults`, `__internal`)
    decoded = {name: _decode(value) for name, value in properties.items() if not name.startswith("__")}
    return {name: value for name, value in decoded.items() if value is not None}


def encode(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Turn plain values into Pulumi ones; ``None`` is left out.

    Raises:
        TypeError: a value has no Pulumi form.
    """
    return {name: _encode(value) for name, value in values.items() if value is not None}


def _decode(value: PropertyValue) -> Any:
    plain = _decode_plain(value.value)
    return Secret(plain) if value.is_secret and plain is not None else plain


def _decode_plain(value: Any) -> Any:
    # the second is what arrives (pulumi 3.272), the first what the SDK's types promise
    if isinstance(value, Computed) or value == rpc.UNKNOWN:
        return UNKNOWN
    # protobuf's Struct knows doubles alone, and an int is what models and messages want
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return decode(value)
    if isinstance(value, tuple | list):
        return [_decode(item) for item in value]
    return value


def _encode(value: Any) -> PropertyValue:
    if isinstance(value, Secret):
        return _encode(value.value).with_secret(True)
    if isinstance(value, Unknown):
        # not PropertyValue.computed(): that raises when it is sent back
        return PropertyValue(rpc.UNKNOWN)
    if isinstance(value, Mapping):
        return PropertyValue(encode(value))
    if isinstance(value, list | tuple):
        return PropertyValue([_encode(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        # PropertyValue(3) fails: it takes floats alone
        return PropertyValue(float(value))
    return PropertyValue(value)
