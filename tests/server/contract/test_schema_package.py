"""Our equivalent of inference-schema beside the package itself: same schemas, same conversions, same refusals."""

from __future__ import annotations

import copy
import datetime as dt
import importlib.util
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from ..conftest import packages

if TYPE_CHECKING:
    # each worker imports all files of tests, and one of them runs these: pandas is for that one
    import pandas as pd

FOLDER = Path(__file__).parents[3] / "server" / "shims" / "inference_schema"
MODULES = (
    "schema_decorators",
    "schema_util",
    *(f"parameter_types.{kind}_parameter_type" for kind in ("standard_py", "numpy", "pandas")),
)


class Package:
    """One of the two packages under one roof."""

    def __init__(self, name: str) -> None:
        self.modules = [importlib.import_module(f"{name}.{module}") for module in MODULES]
        self.decorators, self.util, *kinds = self.modules
        self.standard: Any = kinds[0].StandardPythonParameterType
        self.numpy: Any = kinds[1].NumpyParameterType
        self.pandas: Any = kinds[2].PandasParameterType


def _load_ours() -> str:
    name = "our_inference_schema"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        assert spec is not None
        assert spec.loader is not None
        module: ModuleType = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return name


@lru_cache
def own() -> Package:
    """Import ours, and pandas with it."""
    return Package(_load_ours())


@lru_cache
def theirs() -> Package:
    """Import the package from a folder of its own: what it pins is not for the environment of these tests."""
    folder = str(packages(sys.executable, ("inference-schema==1.8",)))
    before = set(sys.modules)
    sys.path.insert(0, folder)
    try:
        found = Package("inference_schema")
    finally:
        sys.path.remove(folder)
    for name in set(sys.modules) - before:
        if not name.startswith("inference_schema") and (sys.modules[name].__file__ or "").startswith(folder):
            del sys.modules[name]
    return found


@pytest.fixture(params=["ours", "theirs"])
def package(request: pytest.FixtureRequest) -> Package:
    return own() if request.param == "ours" else theirs()


Make = Callable[[Package], Any]

UTC = dt.UTC


def _frame(data: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(data)


def _frame_by(orient: str) -> Make:
    days = np.array(["2026-01-31", "2026-02-01"], "datetime64[ns]")
    return lambda package: package.pandas(_frame({"a": [1, 2], "b": ["x", "y"], "c": days}), orient=orient)


ROWS: dict[str, Make] = {
    "float": lambda p: p.standard(1.5),
    "bytes": lambda p: p.standard(b"\x00\x01"),
    "date": lambda p: p.standard(dt.date(2026, 1, 31)),
    "naive datetime": lambda p: p.standard(dt.datetime(2026, 1, 31, 12, 30)),  # noqa: DTZ001
    "aware datetime": lambda p: p.standard(dt.datetime(2026, 1, 31, 12, 30, 1, 5, UTC)),
    "time": lambda p: p.standard(dt.time(12, 30)),
    "range": lambda p: p.standard(range(3)),
    "list of samples": lambda p: p.standard([p.numpy(np.zeros((1, 2))), p.numpy(np.ones((1, 2)))]),
    "dict of samples": lambda p: p.standard({"a": p.pandas(_frame({"x": [1]})), "b": 1, "c": [p.standard("s")]}),
    "float32 of two dimensions": lambda p: p.numpy(np.zeros((2, 3), "f4")),
    "integers": lambda p: p.numpy(np.array([1, 2], "u1")),
    "booleans": lambda p: p.numpy(np.array([True])),
    "texts": lambda p: p.numpy(np.array(["a", "bc"])),
    "dates of numpy": lambda p: p.numpy(np.array(["2026-01-31"], "datetime64[s]")),
    "spans of numpy": lambda p: p.numpy(np.array([1, 2], "timedelta64[s]")),
    "records of numpy": lambda p: p.numpy(np.array([(1, 2.0, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")])),
    "arrays in records of numpy": lambda p: p.numpy(np.array([(1, [1, 2])], dtype=[("a", "i4"), ("b", "f8", (2,))])),
    "no rows": lambda p: p.numpy(np.zeros((0, 3))),
    **{
        f"frame by {orient}": _frame_by(orient)
        for orient in ("split", "records", "index", "columns", "values", "table")
    },
    "spans of pandas": lambda p: p.pandas(_frame({"t": np.array([1, 2], "timedelta64[D]").astype("timedelta64[ns]")})),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_same_sample_has_the_same_schema(name: str) -> None:
    ours, other = ROWS[name](own()), ROWS[name](theirs())

    assert ours.input_to_swagger() == other.input_to_swagger()
    assert ours.supported_versions() == other.supported_versions()


JSONS = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSONS, JSONS)
def test_any_json_has_the_same_schema_and_is_converted_alike(sample: Any, value: Any) -> None:
    ours, other = own().standard(sample), theirs().standard(sample)

    assert ours.input_to_swagger() == other.input_to_swagger()
    assert ours.supported_versions() == other.supported_versions()
    assert _called(own(), lambda p: p.standard(sample), value) == _called(theirs(), lambda p: p.standard(sample), value)


ARRAYS = st.lists(st.lists(st.integers(0, 9) | st.floats(0, 9) | st.just("x"), max_size=3), max_size=3)


@settings(deadline=None)
@given(ARRAYS, st.sampled_from(["float32 of two dimensions", "integers", "texts"]))
def test_arrays_are_made_alike(value: Any, name: str) -> None:
    assert _called(own(), ROWS[name], value) == _called(theirs(), ROWS[name], value)


GIVEN: list[tuple[str, Any]] = [
    ("float", 1),
    ("float", "1.5"),
    ("bytes", "AAEC"),
    ("bytes", 3),
    ("naive datetime", "2026-01-31 12:30:00.5"),
    ("naive datetime", "2026-01-31T12:30:00Z"),
    ("aware datetime", "2026-01-31 12:30:00.000000 +0100"),
    ("aware datetime", "no date"),
    ("time", "12:30:00.000000 +0000"),
    ("list of samples", [[[1, 2]], [[3, 4]]]),
    ("list of samples", {"a": 1}),
    ("dict of samples", {"a": [{"x": 2}], "b": 2}),
    ("dict of samples", {"a": [{"x": "no number"}]}),
    ("dates of numpy", ["2026-01-31", "2026-02-01T10:00"]),
    ("spans of numpy", ["1 days", "2 hours"]),
    ("spans of numpy", ["1"]),
    ("spans of numpy", ["1 moons"]),
    ("records of numpy", [{"a": 1, "b": 2, "c": "x"}, [3, 4, "y"]]),
    ("frame by records", [{"a": 5, "b": "z", "c": "2026-03-01"}]),
    ("frame by records", [{"a": 5}]),
    ("frame by split", {"columns": ["a", "b", "c"], "index": [0], "data": [[5, "z", "2026-03-01"]]}),
    ("frame by records", 3),
    ("spans of pandas", [{"t": "3 days"}]),
]


@pytest.mark.parametrize(("name", "value"), GIVEN)
def test_values_are_converted_alike(name: str, value: Any) -> None:
    assert _called(own(), ROWS[name], value) == _called(theirs(), ROWS[name], value)


def test_a_date_is_converted_although_the_package_cannot() -> None:
    assert own().standard(dt.date(2026, 1, 1)).deserialize_input("2026-01-31") == dt.date(2026, 1, 31)


def test_a_decorated_function_is_called_as_before(package: Package) -> None:
    @package.decorators.input_schema("b", package.numpy(np.zeros(2)), optional=True)  # type: ignore[untyped-decorator]
    @package.decorators.input_schema("a", package.standard(1.5))  # type: ignore[untyped-decorator]
    @package.decorators.output_schema(package.standard([1]))  # type: ignore[untyped-decorator]
    def score(a: Any, b: Any = None, request_headers: Any = None) -> Any:  # theirs knows functions by name
        return type(a), type(b)

    assert score(1) == (int, type(None))
    assert score(a=2.5, b=[1, 2]) == (float, np.ndarray)
    with pytest.raises(ValueError, match="Expected: <class 'float'> but got <class 'str'>"):
        score("text")
    assert package.util.is_schema_decorated(score)
    assert package.util.get_input_schema(score) == {
        "type": "object",
        "properties": {
            "a": {"type": "number", "format": "double"},
            "b": {"type": "array", "items": {"type": "number", "format": "double"}, "format": "numpy.ndarray"},
            "request_headers": {},
        },
        "example": {"a": 1.5, "b": [0.0, 0.0], "request_headers": ""},
    }
    assert package.util.get_output_schema(score)["example"] == [1]
    assert package.util.get_supported_versions(score) == ["2.0", "3.0", "3.1"]


def test_mixed_lists_are_not_for_swagger_2(package: Package) -> None:
    assert package.standard([1, "a"]).supported_versions() == ["3.0", "3.1"]


def test_a_sample_of_spark_names_the_package_it_needs() -> None:
    with pytest.raises(ImportError, match=r"inference-schema\[spark-support\]"):
        importlib.import_module("our_inference_schema.parameter_types.spark_parameter_type")


def _called(package: Package, make: Make, value: Any) -> Any:
    """Call a decorated function, and tell what it got, or what refused it."""

    @package.decorators.input_schema("data", make(package))  # type: ignore[untyped-decorator]
    def run(data: Any) -> Any:  # no closure: theirs takes what it closes over for the function
        return data

    try:
        got = run(data=copy.deepcopy(value))
    except Exception as error:  # noqa: BLE001  # theirs raises all kinds
        return type(error).__name__ if type(error) is not AttributeError else "ValueError"  # theirs: 3.encode()
    return _plain(got)


def _plain(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return "frame", value.to_dict("list"), value.dtypes.astype(str).to_dict()
    if isinstance(value, np.ndarray):
        return "array", str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return type(value), repr(value)
