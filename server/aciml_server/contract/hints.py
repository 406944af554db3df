"""Annotations of the script's functions, resolved."""

from __future__ import annotations

import inspect
import logging
import typing
from typing import Any, Callable, Dict

from .parameters import Parameters

_LOG = logging.getLogger("aciml")


def of(function: Callable[..., Any]) -> Dict[str, Any]:
    """Return the annotations by name, ``return`` among them; none, and a warning, if one of them cannot be resolved."""
    # behind decorators that use `functools.wraps`: those copy the annotations, but not the names that these stand for
    bare = inspect.unwrap(function)
    if not getattr(bare, "__annotations__", None) and not inspect.isfunction(bare):
        bare = getattr(bare, "__call__", bare)  # noqa: B004  # of an object with __call__
    try:
        return of_class(bare)
    except Exception as error:  # noqa: BLE001  # whatever the names stand for is evaluated
        _LOG.warning("the annotations of %s() are ignored: %s", getattr(bare, "__name__", "run"), error)
        return {}


def of_class(owner: Any) -> Dict[str, Any]:
    """Return the annotations of a class or a function.

    Raises:
        Exception: one of them cannot be resolved.
    """
    # without it `Annotated` and a TypedDict's `NotRequired` are taken away, and with them what they say
    if "include_extras" in inspect.signature(typing.get_type_hints).parameters:  # Python 3.9
        return typing.get_type_hints(owner, include_extras=True)
    return typing.get_type_hints(owner)


def resolve(function: Callable[..., Any], parameters: Parameters) -> Parameters:
    """Return the parameters with their annotations resolved; ``Any`` and what cannot be resolved become none."""
    none = inspect.Parameter.empty
    # most scripts: nothing is evaluated, and nothing can fail or be warned of
    if all(one.annotation is none for one in parameters.data):
        return parameters
    found = of(function)
    kinds = {one.name: found.get(one.name, none) for one in parameters.data}
    data = tuple(one.replace(annotation=none if kinds[one.name] is Any else kinds[one.name]) for one in parameters.data)
    return parameters._replace(data=data)
