"""Swagger schemas of numpy's dtypes."""

from __future__ import annotations

from typing import Any, Dict

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_SIMPLE: Dict[str, Dict[str, str]] = {
    **{name: {"type": "integer", "format": name} for name in _INTEGERS},
    "bool": {"type": "boolean"},
    "float16": {"type": "number", "format": "float"},
    "float32": {"type": "number", "format": "float"},
    "float64": {"type": "number", "format": "double"},
    "object": {"type": "object"},
}
_BEGINNINGS = (
    ("datetime", "date-time"),
    ("str", ""),
    ("bytes", "binary"),
    ("void", "binary"),
    ("timedelta", "timedelta"),
)


class Dtype2Swagger:
    """Schemas of dtypes."""

    @staticmethod
    def convert_dtype_to_swagger(dtype: Any) -> Dict[str, Any]:
        """Return the schema of one item.

        Raises:
            TypeError: it has no JSON form.
        """
        if len(dtype) > 0:
            fields = {name: Dtype2Swagger.convert_dtype_to_swagger(dtype[name]) for name in dtype.names}
            return {"type": "object", "properties": fields}
        if dtype.subdtype is None:
            return _simple(dtype.name.lower())
        return Dtype2Swagger.handle_swagger_array(
            Dtype2Swagger.convert_dtype_to_swagger(dtype.subdtype[0]), dtype.subdtype[1]
        )

    @staticmethod
    def handle_swagger_array(item_swagger_type: Dict[str, Any], shape: Any) -> Dict[str, Any]:
        """Return the schema of an array of such items."""
        schema: Dict[str, Any] = {"type": "array", "items": item_swagger_type}
        for _ in range(len(shape) - 1):
            schema = {"type": "array", "items": schema}
        return schema


def _simple(name: str) -> Dict[str, Any]:
    if name in _SIMPLE:
        return dict(_SIMPLE[name])
    for beginning, form in _BEGINNINGS:
        if name.startswith(beginning):
            return {"type": "string", "format": form} if form else {"type": "string"}
    raise TypeError("We currently do not support extracting schema from data of type %s" % name)
