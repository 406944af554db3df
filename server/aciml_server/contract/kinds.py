"""The kind of any annotation: standard types are here, those of libraries and those made of others beside this."""

from __future__ import annotations

import base64
import datetime as dt
import enum
import inspect
from typing import Any, Callable, Dict, Optional

from . import arrays, composed
from .kind import Kind, Mismatch, choice, own


def kind_of(annotation: Any) -> Optional[Kind]:
    """Return the kind of an annotation; None if no JSON value can become it."""
    if annotation is inspect.Parameter.empty or annotation is Any or annotation is object:
        return Kind(lambda value: value, {}, None, frozenset((dict, list, str, int, float, bool, type(None))))
    # classes only: an annotation may be anything, also what has no hash
    simple = _SIMPLE.get(annotation) if isinstance(annotation, type) else None
    if annotation is None:
        simple = _SIMPLE[type(None)]
    if simple is not None:
        return simple
    # arrays before classes: those of libraries may look like sequences or mappings
    return arrays.kind_of(annotation) or composed.kind_of(annotation, kind_of) or _by_class(annotation)


def _by_class(annotation: Any) -> Optional[Kind]:
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, enum.Enum):
        # by value, not by name: that is how an enumeration is written as JSON, by us and by pydantic
        return choice([one.value for one in annotation], annotation)
    if hasattr(annotation, "model_validate") and hasattr(annotation, "model_json_schema"):
        return _pydantic(annotation)
    return None


def _pydantic(model: Any) -> Kind:
    def take(value: Any) -> Any:
        try:
            return model.model_validate(value)
        # pydantic's ValidationError is one, and needs no import to be caught
        except ValueError as error:
            first = error.errors()[0]  # type: ignore[attr-defined]
            wrong = Mismatch("%s: %s" % (model.__name__, first["msg"]), first.get("input"))
            # from the inside to the outside: `inside` puts each step in front
            for step in reversed(first["loc"]):
                wrong.inside("[%d]" % step if isinstance(step, int) else "." + step)
            raise wrong from None

    return Kind(take, model.model_json_schema(), {})


def _exactly(kind: type, wanted: str, schema: Dict[str, Any], example: Any) -> Kind:
    def take(value: Any) -> Any:
        if type(value) is kind:
            return value
        raise Mismatch(wanted, value)

    return Kind(take, schema, example, frozenset((kind,)))


def _number(value: Any) -> Any:
    # not isinstance: True is an int to Python, and no number to JSON
    if type(value) is float or type(value) is int:
        return value
    raise Mismatch("a number", value)


def _integer(value: Any) -> Any:
    if type(value) is int:
        return value
    # 1.0 is an integer (JSON schema 2020-12, validation, section 6.1.1)
    if type(value) is float and value.is_integer():
        return int(value)
    raise Mismatch("an integer", value)


def _moment(kind: Any, form: str) -> Kind:
    def take(value: Any) -> Any:
        if type(value) is str:
            text = value[:-1] + "+00:00" if value.endswith(("Z", "z")) else value  # Python 3.10 and older
            try:
                return kind.fromisoformat(text)
            except ValueError:
                pass
        raise Mismatch("a %s in the form of ISO 8601" % form, value)

    example = {"date": "2026-01-31", "time": "12:30:00", "date-time": "2026-01-31T12:30:00+00:00"}[form]
    return Kind(take, {"type": "string", "format": form}, example)


def _binary(make: Callable[[Any], Any]) -> Kind:
    def take(value: Any) -> Any:
        if type(value) is str:
            try:
                # without `validate` a text that is no base64 loses letters and passes (docs of `base64`)
                return make(base64.b64decode(value, validate=True))
            except ValueError:
                pass
        raise Mismatch("a string of base64", value)

    schema = {"type": "string", "contentEncoding": "base64"}
    return Kind(take, schema, "AAEC", media={"*": lambda body, parameters: make(body)})  # noqa: ARG005


_SIMPLE: Dict[Any, Kind] = {
    type(None): _exactly(type(None), "null", {"type": "null"}, None),
    bool: _exactly(bool, "a boolean", {"type": "boolean"}, True),
    str: _exactly(str, "a string", {"type": "string"}, "text"),
    int: Kind(_integer, {"type": "integer"}, 0, frozenset((int,))),
    # JSON has one kind of number (RFC 8259, section 6), and clients write whole ones without a point
    float: Kind(_number, {"type": "number"}, 0.0, frozenset((float, int))),
    bytes: _binary(bytes),
    bytearray: _binary(bytearray),
    memoryview: _binary(lambda body: memoryview(own(body))),
    dt.datetime: _moment(dt.datetime, "date-time"),
    dt.date: _moment(dt.date, "date"),
    dt.time: _moment(dt.time, "time"),
}
