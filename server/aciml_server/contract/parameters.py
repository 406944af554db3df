"""What a function of the script can be called with. Source: azureml-inference-server-http 1.5, written anew."""

from __future__ import annotations

import inspect
from typing import Any, Callable, NamedTuple, Tuple

from ..values import ScriptError

HEADERS = "request_headers"


class Parameters(NamedTuple):
    """``data`` are all parameters but ``request_headers``, which ``headers`` tells of; at least one.

    ``named`` is the name of the first of them if it cannot be given by position: behind a ``*``, or behind the headers.
    """

    data: Tuple[inspect.Parameter, ...]
    headers: bool
    named: str = ""


def look_at(function: Callable[..., Any], name: str) -> Parameters:
    """Return the parameters of a function that is called ``name``.

    Raises:
        ScriptError: it takes parameters without names, or none for data.
    """
    try:
        found = list(inspect.signature(function).parameters.values())
    # what is written in C has none, or not one that can be asked for
    except (TypeError, ValueError):
        raise ScriptError("%s() has no signature: write it as def %s(raw_data)" % (name, name)) from None
    # v1 does not start with others, either: values are given by name
    usual = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wrong = [str(one) for one in found if one.kind not in usual]
    if wrong:
        text = "%s() cannot take positional-only arguments, *args or **kwargs (%s): name them, as in %s(raw_data)"
        raise ScriptError(text % (name, ", ".join(wrong), name))
    # v1's name for it; nothing but the name tells it from data
    data = tuple(one for one in found if one.name != HEADERS)
    if not data:
        text = "%s() takes no data: give it a parameter%s, as in %s(raw_data)"
        raise ScriptError(text % (name, " beside " + HEADERS if found else "", name))
    first = data[0]
    named = first.kind is inspect.Parameter.KEYWORD_ONLY or first is not found[0]
    return Parameters(data, len(data) < len(found), first.name if named else "")


def demand_defaults(parameters: Parameters, name: str, why: str) -> None:
    """Refuse more than one parameter without a default.

    Raises:
        ScriptError: nothing would ever be given for one of them.
    """
    bare = [one.name for one in parameters.data[1:] if one.default is inspect.Parameter.empty]
    if bare:
        text = "%s() gets one argument (%s), and nothing for %s: give defaults, or annotate all parameters with types"
        raise ScriptError(text % (name, why, ", ".join(bare)))
