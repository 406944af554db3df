"""Swagger schemas of Python's own types."""

from __future__ import annotations

import base64
from datetime import date, datetime, time, timezone
from typing import Any, Callable, Dict

from ._constants import DATE_FORMAT, DATETIME_FORMAT, TIME_FORMAT
from .abstract_parameter_type import AbstractParameterType


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode("utf-8")


_SAMPLES: Dict[type, Any] = {
    int: ({"type": "integer", "format": "int64"}, lambda value: value),
    bytes: ({"type": "string", "format": "byte"}, _base64),
    str: ({"type": "string"}, lambda value: value),
    float: ({"type": "number", "format": "double"}, lambda value: value),
    bool: ({"type": "boolean"}, lambda value: value),
    date: ({"type": "string", "format": "date"}, lambda value: value.strftime(DATE_FORMAT)),
    datetime: ({"type": "string", "format": "date-time"}, lambda value: _utc(value).strftime(DATETIME_FORMAT)),
    time: (
        {"type": "string", "format": "time"},
        lambda value: _utc(value.replace(fold=0)).strftime(TIME_FORMAT),
    ),
    bytearray: ({"type": "string", "format": "byte"}, _base64),
}


def handle_standard_types(sample_input: Any) -> Dict[str, Any]:
    """Return the schema of a sample."""
    kind = type(sample_input)
    if kind in _SAMPLES:
        schema, form = _SAMPLES[kind]
        return {**schema, "example": form(sample_input)}
    if kind in (list, tuple, range):
        return get_swagger_for_list(sample_input)
    if kind is dict:
        return get_swagger_for_nested_dict(sample_input)
    return {"type": "object", "example": sample_input}


def get_swagger_for_list(python_data: Any) -> Dict[str, Any]:
    """Return the schema of a list: the last item's is that of all."""
    example = []
    items: Dict[str, Any] = {"type": "object"}
    if python_data:
        nested = issubclass(type(python_data[0]), AbstractParameterType)
        for data in python_data:
            items = data.input_to_swagger() if nested else handle_standard_types(data)
            example.append(items.pop("example"))
    return {"type": "array", "items": items, "example": example}


def get_swagger_for_nested_dict(python_data: Dict[str, Any]) -> Dict[str, Any]:
    """Return the schema of an object whose keys are all needed."""
    properties, example = {}, {}
    for key, data in python_data.items():
        nested: Callable[[], Dict[str, Any]] = getattr(
            data, "input_to_swagger", lambda data=data: handle_standard_types(data)
        )
        item = nested()
        example[key] = item.pop("example")
        properties[key] = item
    return {"type": "object", "required": list(python_data), "properties": properties, "example": example}
