"""Arrays of numpy."""

from __future__ import annotations

from typing import Any, Dict

import numpy as np

from ._swagger_from_dtype import Dtype2Swagger
from .abstract_parameter_type import AbstractParameterType

_UNITS = {
    "years": "Y", "months": "M", "weeks": "W", "days": "D", "hours": "h", "minutes": "m", "seconds": "s",
    "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns", "picoseconds": "ps", "femtoseconds": "fs",
    "attoseconds": "as",
}  # fmt: skip


class NumpyParameterType(AbstractParameterType):
    """A parameter like a sample array: of its dtype, and of its shape but for the first dimension."""

    def __init__(self, sample_input: Any, enforce_column_type: bool = True, enforce_shape: bool = True) -> None:
        """Take the sample, and what of it is enforced.

        Raises:
            Exception: it is no array.
        """
        if not isinstance(sample_input, np.ndarray):
            raise Exception("Invalid sample input provided, must provide a sample Numpy array.")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert a list into an array.

        Raises:
            ValueError: it is no list, or the array is not like the sample.
        """
        if isinstance(input_data, np.ndarray):
            return input_data
        if not isinstance(input_data, list):
            raise ValueError("Invalid input format: expected an array of items.")
        if self.enforce_column_type:
            dtype = self.sample_input.dtype
            # a list is a row to numpy and no record, and it reads no span of time from a text
            if len(dtype) > 0 or dtype.kind in "mM":
                input_data = [self._preprocess_json_input(one, dtype) for one in input_data]
            input_array = np.array(input_data, dtype=dtype)
        else:
            input_array = np.array(input_data)
        if self.enforce_shape:
            self._check_shape(input_array.shape)
        return input_array

    def _check_shape(self, shape: Any) -> None:
        expected = self.sample_input.shape
        if len(shape) != len(expected):
            text = "Invalid input array: an array with %d dimensions is expected; input has %d [shape %s]"
            raise ValueError(text % (len(expected), len(shape), shape))
        for dim in range(1, len(expected)):
            if shape[dim] != expected[dim]:
                text = "Invalid input array: array has size %d on dimension #%d, while expected value is %d"
                raise ValueError(text % (shape[dim], dim, expected[dim]))

    def input_to_swagger(self) -> Dict[str, Any]:
        """Return the schema of the sample.

        Raises:
            TypeError: its dtype has no JSON form.
        """
        item = Dtype2Swagger.convert_dtype_to_swagger(self.sample_input.dtype)
        schema = Dtype2Swagger.handle_swagger_array(item, self.sample_input.shape)
        schema["example"] = self._get_swagger_sample(self.sample_input, len(self.sample_input), schema["items"])
        schema["format"] = "numpy.ndarray"
        return schema

    @classmethod
    def _preprocess_json_input(cls, json_input: Any, sample_dtype: Any) -> Any:
        if len(sample_dtype) > 0:
            keys = sample_dtype.names if type(json_input) is dict else range(len(sample_dtype))
            return tuple(cls._preprocess_json_input(json_input[key], sample_dtype[i]) for i, key in enumerate(keys))
        if sample_dtype.kind == "M":
            return np.datetime64(json_input)
        if sample_dtype.kind == "m":
            return cls._parse_timedelta(json_input)
        return json_input

    @classmethod
    def _parse_timedelta(cls, timedelta_str: str) -> Any:
        value, _, unit = timedelta_str.strip().partition(" ")
        if not unit:
            text = "Invalid numpy.timestamp64 value specified: %s. Format should be <value> <time_unit_code>"
            raise ValueError(text % timedelta_str)
        if unit.strip().lower() not in _UNITS:
            text = "Invalid numpy.timestamp64 value specified: %s. Unrecognized time unit code"
            raise ValueError(text % timedelta_str)
        return np.timedelta64(int(value), _UNITS[unit.strip().lower()])
