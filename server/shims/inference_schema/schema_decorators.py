"""``@input_schema`` and ``@output_schema``."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable

from .parameter_types.abstract_parameter_type import AbstractParameterType
from .schema_util import note_input, note_output

Function = Callable[..., Any]


def input_schema(
    param_name: str,
    param_type: AbstractParameterType,
    convert_to_provided_type: bool = True,
    optional: bool = False,
) -> Callable[[Function], Function]:
    """Say what a parameter is by a sample; calls get it converted from what JSON has.

    Raises:
        Exception: ``param_type`` is none of the parameter types, or the function has no such parameter.
    """
    _check(param_type)
    schema, versions = param_type.input_to_swagger(), param_type.supported_versions()

    def decorate(func: Function) -> Function:
        note_input(func, param_name, schema, versions)
        # once, not in each call: to look at a signature costs more than many a conversion
        names = inspect.getfullargspec(inspect.unwrap(func)).args

        @functools.wraps(func)
        def converted(*args: Any, **kwargs: Any) -> Any:
            if convert_to_provided_type:
                if param_name in kwargs:
                    if not optional or kwargs[param_name]:
                        kwargs[param_name] = _deserialize_input_argument(kwargs[param_name], param_type, param_name)
                elif not optional:
                    args = _with_converted(args, names, param_name, param_type)
            return func(*args, **kwargs)

        return converted

    return decorate


def output_schema(output_type: AbstractParameterType) -> Callable[[Function], Function]:
    """Say what the result is by a sample; it is for the swagger document alone.

    Raises:
        Exception: ``output_type`` is none of the parameter types, or the function has such a decorator already.
    """
    _check(output_type)
    schema, versions = output_type.input_to_swagger(), output_type.supported_versions()

    def decorate(func: Function) -> Function:
        note_output(func, schema, versions)

        @functools.wraps(func)
        def unchanged(*args: Any, **kwargs: Any) -> Any:
            return func(*args, **kwargs)

        return unchanged

    return decorate


def _check(kind: Any) -> None:
    if not isinstance(kind, AbstractParameterType):
        raise Exception("Error, provided param_type must be a subclass of the AbstractParameterType.")


def _with_converted(args: Any, names: Any, name: str, kind: AbstractParameterType) -> Any:
    if name not in names:
        raise Exception('Error, provided param_name "%s" is not in the decorated function.' % name)
    at = names.index(name)
    return (*args[:at], _deserialize_input_argument(args[at], kind, name), *args[at + 1 :])


def _deserialize_input_argument(input_data: Any, param_type: Any, param_name: str) -> Any:
    """Convert a value by its type; nested types inside samples that are dicts or lists, too.

    Raises:
        ValueError: the value is not of that kind.
    """
    wanted = param_type.sample_data_type
    if wanted is dict:
        _demand(isinstance(input_data, dict), wanted, input_data)
        for name, kind in param_type.sample_data_type_map.items():
            if name in input_data:
                input_data[name] = _deserialize_input_argument(input_data[name], kind, name)
    elif wanted in (list, tuple):
        _demand(isinstance(input_data, (list, tuple)), wanted, input_data)
        if param_type.sample_data_type_list:
            kind = param_type.sample_data_type_list[0]
            input_data = [_deserialize_input_argument(one, kind, param_name) for one in input_data]
    elif not isinstance(input_data, wanted):
        input_data = param_type.deserialize_input(input_data)
    return input_data


def _demand(holds: bool, wanted: Any, value: Any) -> None:
    if not holds:
        raise ValueError("Invalid input data type to parse. Expected: %s but got %s" % (wanted, type(value)))
