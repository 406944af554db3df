"""What all parameter types have in common."""

from __future__ import annotations

import base64
import datetime as dt
from abc import ABC, abstractmethod
from typing import Any, Dict, List


class AbstractParameterType(ABC):
    """A type of parameter, known by a sample. Users write others by ``deserialize_input`` and ``input_to_swagger``."""

    def __init__(self, sample_input: Any) -> None:
        """Keep the sample, and its type."""
        self.sample_input = sample_input
        self.sample_data_type = type(sample_input)

    def supported_versions(self) -> List[str]:
        """Return the swagger versions that can hold the sample's schema: 2.0 knows no lists of mixed types."""
        fits = self._supports_swagger_2(self.input_to_swagger()["example"])
        return ["2.0", "3.0", "3.1"] if fits else ["3.0", "3.1"]

    def _supports_swagger_2(self, obj: Any) -> bool:
        if type(obj) is list and obj:
            same = all(type(one) is type(obj[0]) for one in obj)
            return same and all(self._supports_swagger_2(one) for one in obj if type(one) is list)
        if type(obj) is dict:
            return all(self._supports_swagger_2(one) for one in obj.values())
        return True

    @abstractmethod
    def deserialize_input(self, input_data: Any) -> Any:
        """Convert what JSON has into the parameter's type."""

    @abstractmethod
    def input_to_swagger(self) -> Dict[str, Any]:
        """Return the sample's swagger schema, and itself as ``example``."""

    @classmethod
    def _date_item_to_string(cls, date_item: Any) -> str:
        text: str = date_item.astype(dt.datetime).strftime("%Y-%m-%d")
        return text

    @classmethod
    def _timestamp_item_to_string(cls, date_item: Any) -> str:
        item = date_item if hasattr(date_item, "strftime") else date_item.astype(dt.datetime)
        text: str = item.strftime("%Y-%m-%d %H:%M:%S,%f")
        return text

    @classmethod
    def _get_swagger_sample(cls, iterable_records: Any, max_count: int, item_schema: Any) -> List[Any]:
        return [cls._get_data_record_swagger_sample(item_schema, iterable_records[i]) for i in range(max_count)]

    @classmethod
    def _get_data_record_swagger_sample(cls, item_swagger_schema: Any, data_item: Any) -> Any:
        kind = item_swagger_schema["type"]
        inner = cls._get_data_record_swagger_sample
        if kind == "object":
            if "properties" in item_swagger_schema:
                return {name: inner(one, data_item[name]) for name, one in item_swagger_schema["properties"].items()}
            if "additionalProperties" in item_swagger_schema:
                return {name: inner(item_swagger_schema["additionalProperties"], data_item[name]) for name in data_item}
        elif kind == "array":
            return [inner(item_swagger_schema["items"], data_item[i]) for i in range(len(data_item))]
        elif kind in _SCALARS:
            return _SCALARS[kind](data_item)
        elif kind == "string":
            return cls._text(item_swagger_schema.get("format"), data_item)
        return str(data_item)

    @classmethod
    def _text(cls, form: Any, data_item: Any) -> str:
        if form == "date":
            return cls._date_item_to_string(data_item)
        if form == "date-time":
            return cls._timestamp_item_to_string(data_item)
        if form == "binary":
            return base64.b64encode(data_item).decode("utf-8")
        return str(data_item)


_SCALARS = {"number": float, "integer": int, "bool": bool}
