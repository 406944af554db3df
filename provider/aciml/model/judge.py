"""What is wrong in the inputs of a resource, judged by its table alone: no file, no target, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import Finding
from ..properties import Values
from . import environment, group, registry, service
from .rules import all_group_findings, hidden, registry_findings
from .shape import Fields, is_imported, shape_findings, sound, with_secrets

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
    return with_secrets(dict(values), TABLES[token], hide)
