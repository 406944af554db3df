"""What the decorators noted of a function."""

from __future__ import annotations

import copy
import inspect
from typing import Any, Callable, Dict, List

ALL_SUPPORTED_VERSIONS = ["2.0", "3.0", "3.1"]
_NOTES = "__inference_schema__"
_known: Dict[str, Dict[str, Any]] = {}


def get_input_schema(func: Callable[..., Any]) -> Dict[str, Any]:
    """Return the swagger schema of the parameters, with a sample in ``example``."""
    found: Dict[str, Any] = _notes(func).get("input_schema", {"type": "object"})
    return found


def get_output_schema(func: Callable[..., Any]) -> Dict[str, Any]:
    """Return the swagger schema of the result, with a sample in ``example``."""
    found: Dict[str, Any] = _notes(func).get("output_schema", {"type": "object"})
    return found


def get_supported_versions(func: Callable[..., Any]) -> List[str]:
    """Return the swagger versions that can hold all schemas of the function."""
    versions = _notes(func).get("versions", {})
    return sorted(version for version in ALL_SUPPORTED_VERSIONS if all(version in one for one in versions.values()))


def get_schemas_dict() -> Dict[str, Any]:
    """Return the schemas of all functions, by module and name."""
    return copy.deepcopy(_known)


def is_schema_decorated(func: Callable[..., Any]) -> bool:
    """Tell if a function has a schema."""
    return bool(_notes(func))


def note_input(func: Callable[..., Any], name: str, schema: Dict[str, Any], versions: List[str]) -> None:
    """Note the schema of one parameter."""
    notes = _begun(func)
    if "input_schema" not in notes:
        names = inspect.getfullargspec(inspect.unwrap(func)).args
        empty = {"type": "object", "properties": {one: {} for one in names}, "example": dict.fromkeys(names, "")}
        notes["input_schema"] = _known[_full_name(func)]["input_schema"] = empty
    item = copy.deepcopy(schema)
    notes["input_schema"]["example"][name] = item.pop("example")
    notes["input_schema"]["properties"][name] = item
    notes["versions"]["input_schema"] = versions


def note_output(func: Callable[..., Any], schema: Dict[str, Any], versions: List[str]) -> None:
    """Note the schema of the result.

    Raises:
        Exception: there is one already.
    """
    notes = _begun(func)
    if "output_schema" in notes:
        raise Exception("Error, output schema already defined for function: %s." % _full_name(func))
    notes["output_schema"] = _known[_full_name(func)]["output_schema"] = schema
    notes["versions"]["output_schema"] = versions


def _begun(func: Callable[..., Any]) -> Dict[str, Any]:
    bare = inspect.unwrap(func)
    if not hasattr(bare, _NOTES):
        setattr(bare, _NOTES, {"versions": {}})
        _known[_full_name(func)] = {}
    return _notes(func)


def _notes(func: Callable[..., Any]) -> Dict[str, Any]:
    # on the function itself, below all decorators: whichever of them is asked finds the same notes
    found: Dict[str, Any] = getattr(inspect.unwrap(func), _NOTES, {})
    return found


def _get_decorators(func: Callable[..., Any]) -> List[Callable[..., Any]]:
    """Return the function and what it wraps, outermost first."""
    # a private name of the package's; the server asks for it in both (contract/schema.py)
    found = [func]
    while hasattr(found[-1], "__wrapped__"):
        found.append(found[-1].__wrapped__)
    return found


def _full_name(func: Callable[..., Any]) -> str:
    bare = inspect.unwrap(func)
    return "%s.%s" % (getattr(bare, "__module__", "<unknown>"), getattr(bare, "__name__", "<unknown>"))
