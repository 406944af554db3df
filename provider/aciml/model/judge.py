"""What is wrong in the inputs of a resource, judged by its table alone: no file, no target, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import Finding
from ..properties import Secret, Values
from . import environment, group, registry, service
from .rules import all_group_findings, hidden, registry_findings
from .shape import Field, Fields, is_imported, shape_findings, sound, with_secrets

TABLES: Mapping[str, Fields] = {
    "aciml:registry:ContainerRegistry": registry.FIELDS,
    "aciml:image:Environment": environment.FIELDS,
    "aciml:image:Service": service.FIELDS,
    "aciml:compute:ContainerGroup": group.FIELDS,
}
OUTPUTS: Mapping[str, Fields] = {
    "aciml:registry:ContainerRegistry": registry.OUTPUTS,
    "aciml:image:Environment": service.OUTPUTS,
    "aciml:image:Service": service.OUTPUTS,
    "aciml:compute:ContainerGroup": group.OUTPUTS,
}


def faults(token: str, values: Values) -> list[Finding]:
    """Return all that is wrong whatever the target; unknown values are taken as right."""
    fields = TABLES[token]
    # first, so that no message repeats a secret that the program did not mark
    marked = with_secrets(values, fields)
    found = shape_findings(marked, fields)
    if fields is group.FIELDS:
        found += all_group_findings(marked)
    # what an import read has no folders, and declares nothing to build
    if fields is service.FIELDS and not is_imported(marked, fields):
        found += service.service_findings(service.read_service(sound(marked, fields)))
    if fields is registry.FIELDS:
        found += registry_findings(marked)
    return hidden(found, marked)


def with_hidden(token: str, values: Mapping[str, Any], hide: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the values with ``hide`` called on each that the table calls secret, at any depth of plain maps."""
    return {name: _hidden(value, TABLES[token].get(name), hide) for name, value in values.items()}


def _hidden(value: Any, field: Field | None, hide: Callable[[Any], Any]) -> Any:
    if field is None or isinstance(value, Secret):
        return value
    if field.secret:
        return hide(value)
    if field.fields is None:
        return value
    if isinstance(value, list):
        return [_hidden_map(item, field.fields, hide) for item in value]
    return _hidden_map(value, field.fields, hide)


def _hidden_map(value: Any, fields: Fields, hide: Callable[[Any], Any]) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _hidden(inner, fields.get(name), hide) for name, inner in value.items()}
