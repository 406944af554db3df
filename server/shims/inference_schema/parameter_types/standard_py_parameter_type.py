"""Python's own types, which may hold samples of other types."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any, Dict, List

from ._constants import DATE_FORMAT
from ._util import handle_standard_types
from .abstract_parameter_type import AbstractParameterType


class StandardPythonParameterType(AbstractParameterType):
    """A parameter like a sample of Python's own types."""

    def __init__(self, sample_input: Any) -> None:
        """Look for samples of other types in a dict or a list."""
        super().__init__(sample_input)
        self.sample_data_type_map: Dict[str, AbstractParameterType] = {}
        self.sample_data_type_list: List[AbstractParameterType] = []
        if self.sample_data_type is dict:
            found = sample_input.items()
            self.sample_data_type_map = {name: one for name, one in found if isinstance(one, AbstractParameterType)}
        elif self.sample_data_type in (list, tuple):
            self.sample_data_type_list = [one for one in sample_input if isinstance(one, AbstractParameterType)]

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert a text into a date, a time or bytes, if the sample is one; anything else has to be of its type.

        Raises:
            ValueError: it is not.
        """
        kind = self.sample_data_type
        if isinstance(input_data, str):
            if kind is dt.date:
                return dt.datetime.strptime(input_data, DATE_FORMAT).date()  # a day has no zone
            if kind is dt.datetime:
                return _moment(input_data)
            if kind is dt.time:
                return _moment(input_data).timetz()
            if kind in (bytes, bytearray):
                return kind(base64.b64decode(input_data.encode("utf-8")))
        if kind is float and type(input_data) is int:
            return input_data  # for convenience
        if not isinstance(input_data, kind):
            raise ValueError("Invalid input data type to parse. Expected: %s but got %s" % (kind, type(input_data)))
        return input_data

    def input_to_swagger(self) -> Dict[str, Any]:
        """Return the sample's schema.

        Raises:
            ValueError: the sample is None.
            TypeError: it is no JSON.
        """
        if self.sample_input is None:
            raise ValueError("Sample input cannot be None")
        schema = handle_standard_types(self.sample_input)
        try:
            json.dumps(schema)
        except TypeError as error:
            text = (
                "Invalid python data sample provided: ensure that the data is fully JSON serializable to be able to "
                "generate swagger schema from it. Actual error: %s"
            )
            raise TypeError(text % error) from None
        return schema


def _moment(text: str) -> Any:
    try:
        from dateutil import parser
    except ImportError:
        return _without_dateutil(text)
    return parser.parse(text)


def _without_dateutil(text: str) -> dt.datetime:
    """Read the forms that schemas and ISO 8601 have; a time alone is today's."""
    short = text.strip()
    short = short[:-1] + "+00:00" if short.endswith(("Z", "z")) else short
    zoned = short.replace(" +", "+").replace(" -", "-")  # "12:30:00.5 +0000"
    for form in ("%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%z"):
        for one in (zoned, short):
            try:
                return dt.datetime.strptime(one, form)
            except ValueError:
                pass
    try:
        return dt.datetime.fromisoformat(short)
    except ValueError:
        pass
    for form in ("%H:%M:%S.%f%z", "%H:%M:%S%z", "%H:%M:%S.%f", "%H:%M:%S", "%H:%M"):
        try:
            found = dt.datetime.strptime(zoned, form)
        except ValueError:
            continue
        return dt.datetime.combine(dt.date.today(), found.timetz())  # noqa: DTZ011  # as dateutil does
    raise ValueError("Unknown string format: %s" % text)
