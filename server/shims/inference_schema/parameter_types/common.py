"""All parameter types by one import; each brings its library along when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "AbstractParameterType": "abstract_parameter_type",
    "NumpyParameterType": "numpy_parameter_type",
    "PandasParameterType": "pandas_parameter_type",
    "SparkParameterType": "spark_parameter_type",
    "StandardPythonParameterType": "standard_py_parameter_type",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    return getattr(importlib.import_module("." + _MODULES[name], __package__), name)
