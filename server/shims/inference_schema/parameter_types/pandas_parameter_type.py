"""Data frames of pandas."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any, Dict
from warnings import warn

import pandas as pd

from ._util import get_swagger_for_list, get_swagger_for_nested_dict
from .abstract_parameter_type import AbstractParameterType

_ORIENTS = ("split", "records", "index", "columns", "values", "table")


class PandasParameterType(AbstractParameterType):
    """A parameter like a sample frame: of its columns' types, and with as many columns."""

    def __init__(
        self,
        sample_input: Any,
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        """Take the sample, what of it is enforced, and the form of its JSON (``orient`` of pandas).

        Raises:
            Exception: it is no data frame, or there is no such form.
        """
        if not isinstance(sample_input, pd.DataFrame):
            raise Exception("Invalid sample input provided, must provide a sample Pandas Dataframe.")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        if apply_column_names:
            text = "apply_column_names is a deprecated parameter and will be removed in a future update"
            warn(text, DeprecationWarning, stacklevel=2)
        self.apply_column_names = apply_column_names
        if orient not in _ORIENTS:
            raise Exception("Invalid orient provided, must be one of %s" % (_ORIENTS,))
        self.orient = orient

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert a list or an object into a data frame.

        Raises:
            ValueError: it does not have as many columns as the sample.
            Exception: it is of another type, or pandas cannot read it.
        """
        if isinstance(input_data, pd.DataFrame):
            return input_data
        if not isinstance(input_data, (list, dict)):
            raise Exception("Error, unable to convert input of type %s into Pandas Dataframe" % type(input_data))
        # pandas 2.1 deprecates a text in the place of a file; and
        # `dtype=False` keeps it from guessing types, which the sample has
        text = StringIO(json.dumps(input_data))
        frame = pd.read_json(text, orient=self.orient, dtype=False)  # type: ignore[call-overload]
        if self.apply_column_names:
            frame.columns = self.sample_input.columns.copy()
        if self.enforce_column_type:
            frame = self._typed(frame)
        if self.enforce_shape and frame.shape[1] != self.sample_input.shape[1]:
            text = "Invalid input data frame: data frame has size %d on dimension #1, while expected value is %d"
            raise ValueError(text % (frame.shape[1], self.sample_input.shape[1]))
        return frame

    def _typed(self, frame: Any) -> Any:
        known = self.sample_input.dtypes.to_dict()
        types = {name: known.get(name, object) for name in frame.columns}
        for name, kind in types.items():
            if str(kind).startswith("timedelta"):
                frame[name] = pd.to_timedelta(frame[name])
        try:
            return frame.astype(dtype=types)
        except TypeError as error:
            if "Cannot use .astype to convert from timezone-naive dtype to timezone-aware dtype" not in str(error):
                raise
            text = (
                "As of pandas 2.0, can no longer convert from timezone-naive dtype to timezone-aware dtype. Please make"
                " sure that the provided input data matches the expected timezone handling of the provided deployment"
                " sample."
            )
            raise Exception(text) from error

    def input_to_swagger(self) -> Dict[str, Any]:
        """Return the schema of the sample."""
        sample = json.loads(self.sample_input.to_json(orient=self.orient, date_format="iso"))
        listed = self.orient in ("records", "values")
        schema = get_swagger_for_list(sample) if listed else get_swagger_for_nested_dict(sample)
        for name in self.sample_input.columns:
            kind = str(self.sample_input.dtypes[name])
            form = {"datetime": "date-time", "timedelt": "timedelta"}.get(kind[:8])
            if form:
                for cell in self._cells(schema, str(name)):
                    cell["format"] = form
        schema["format"] = "pandas.DataFrame:%s" % self.orient
        return schema

    def _cells(self, schema: Any, name: str) -> Any:
        """Return the schemas of a column's cells, where the form of the JSON has some of their own."""
        if self.orient == "records":
            return [schema["items"]["properties"][name]]
        if self.orient == "index":
            return [row["properties"][name] for row in schema["properties"].values()]
        if self.orient == "columns":
            return list(schema["properties"][name]["properties"].values())
        if self.orient == "table":
            return [schema["properties"]["data"]["items"]["properties"][name]]
        return []
