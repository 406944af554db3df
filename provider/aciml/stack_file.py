"""Which values of the stack config are encrypted: the engine names the key that has one inside, not the value.

The stack's file says which: ``secure: …`` stands where the value is. But it is not always there to read: a config may
come from ``--config-file`` or from an environment of Pulumi ESC. So the file is asked the other way round: what it has
in clear, with the same value at the same path, is no secret, and all else of a key that has a secret is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .properties import Secret

_ENDS = (".yaml", ".yml", ".json")
"""Pulumi's projects and stacks are written in any of these (Pulumi, "Stack settings file"); JSON is YAML too."""


def config_in(start: Path, stack: str) -> Mapping[str, Any]:
    """Return the config of a stack's file, encrypted as it is; empty if there is no such file.

    Args:
        start: where to look for the project; with `main` a program and its plugins run below it.
        stack: name of the stack.
    """
    for folder in (start, *start.parents):
        for end in _ENDS:
            if (project := folder / f"Pulumi{end}").is_file():
                return _config_of(folder, _read(project), stack)
    return {}


def _config_of(folder: Path, project: Mapping[str, Any], stack: str) -> Mapping[str, Any]:
    # `config` is the older word for the folder; in newer projects it has values
    older = project.get("config")
    place = folder / str(project.get("stackConfigDir") or (older if isinstance(older, str) else "."))
    # what is not allowed in a file's name is written as a dash (pulumi, workspace/project.go: qnameFileName)
    name = f"Pulumi.{stack.replace('/', '-')}"
    config = next((_read(place / (name + end)) for end in _ENDS if (place / (name + end)).is_file()), {}).get("config")
    return config if isinstance(config, Mapping) else {}


def _read(path: Path) -> Mapping[str, Any]:
    # here: it takes as long to import as half of the model, and most stacks have no secret to look for
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def with_secrets(value: Any, clear: Any) -> Any:
    """Return a value of the config in which each text, number and truth that is not known to be clear is a ``Secret``.

    A map or list that was encrypted as a whole is one ``Secret``: the names in it may say something too. Where the file
    says nothing, only what is inside is hidden, so that a preview still names what it is about.

    Args:
        value: as the engine hands it over, decrypted.
        clear: what the stack's file has in its place; None if it has nothing.
    """
    if isinstance(clear, Mapping) and clear.keys() == {"secure"}:
        return Secret(value)
    if isinstance(value, Mapping) and isinstance(clear, Mapping):
        return {key: with_secrets(inner, clear.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(clear, list):
        return [with_secrets(inner, _at(clear, index)) for index, inner in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: with_secrets(inner, None) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_secrets(inner, None) for inner in value]
    return value if value is None or _is_same(value, clear) else Secret(value)


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _is_same(value: Any, clear: Any) -> bool:
    # the engine writes some numbers and dates in another form than the file; a text and its number are the same word
    if isinstance(clear, Mapping | list) or clear is None:
        return False
    if isinstance(value, int | float) and isinstance(clear, int | float):
        return bool(value == clear)
    return str(value).strip().lower() == str(clear).strip().lower()
