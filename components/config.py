"""The stack config as one frozen value, read strictly: a key nobody knows is an error, with a suggestion."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

import pulumi


@dataclass(frozen=True)
class StackConfig:
    """The sections of ``stacks/Pulumi.<stack>.yaml``; each holds arguments of the component of the same name."""

    registry: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    service: Mapping[str, Any] = field(default_factory=dict)


def read_config(allowed: Mapping[str, type], wired: Mapping[str, set[str]]) -> StackConfig:
    """Read the stack's config.

    Args:
        allowed: section name to the args class whose fields are its keys.
        wired: section name to the fields that the program sets itself.

    Raises:
        pulumi.RunError: all unknown and missing keys at once, each with its path and what to do.
    """
    config = pulumi.Config()
    problems = _unknown_sections(config.name, allowed)
    sections: dict[str, Mapping[str, Any]] = {}
    for name, args in allowed.items():
        keys = {f.name for f in fields(args)} - wired.get(name, set())
        section = _section(config, name, problems)
        problems += [_unknown(f"{config.name}:{name}.{key}", key, keys) for key in section if key not in keys]
        sections[name] = section
    if problems:
        raise pulumi.RunError("stack config: " + "; ".join(problems))
    return StackConfig(**{name: _with_secrets(section) for name, section in sections.items()})


def _section(config: pulumi.Config, name: str, problems: list[str]) -> Mapping[str, Any]:
    try:
        section = config.get_object(name) or {}
    except pulumi.ConfigTypeError:
        section = None
    if isinstance(section, Mapping):
        return section
    problems.append(f"{config.name}:{name} must be a map")
    return {}


def _unknown_sections(project: str, allowed: Mapping[str, type]) -> list[str]:
    given = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    names = [key.partition(":")[2] for key in given if key.startswith(f"{project}:")]
    return [_unknown(f"{project}:{name}", name, set(allowed)) for name in names if name not in allowed]


def _unknown(path: str, key: str, keys: set[str]) -> str:
    close = get_close_matches(key, sorted(keys), 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(keys))}"
    return f'unknown key "{path}"; {hint}'


def _with_secrets(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep keys secret when the section holds an encrypted value."""
    hidden = {"primary_key", "secondary_key", "secure_environment_variables", "app_insights_connection_string"}
    hidden |= {"base_password", "build_secrets"}
    return {key: pulumi.Output.secret(value) if key in hidden else value for key, value in section.items()}
