"""Answers as the service gives them, made comparable: words as they are published, what is absent filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .members import Json

_WORDS = {
    word.lower(): word
    for word in (
        *("Always", "OnFailure", "Never", "Linux", "Windows", "Public", "Private", "Regular", "Spot"),
        *("Standard", "Dedicated", "Confidential", "ContainerInsights", "ContainerInstanceLogs"),
        *("Unsecure", "TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Noreuse"),
    )
}
"""Source: the enumerations of containerInstance.json 2023-05-01."""
_ABSENT_PARTS = frozenset({"limits", "securityContext", "confidentialComputeProperties", "encryptionProperties"})
"""Parts that some versions of the service do not answer at all; of all others absence says that they are not there."""
_TOLD = frozenset(
    # absent because it is secret, or because it was taken away
    {"environmentVariables", "imageRegistryCredentials", "secret", "dnsNameLabel", "command", "azureFile", "gitRepo"}
)


def spelled(value: Any, default: str) -> str:
    """Return a word of the service as the specification writes it, whatever letter case an answer has it in."""
    text = str(value or default)
    return _WORDS.get(text.lower(), text)


def completed(request: Json, answer: Json) -> dict[str, Any]:
    """Return an answer in which single values that it lacks are those of the request.

    No GET promises to say all that a PUT has said: that a value is absent does not tell that it is another one.
    """
    properties = _filled(request.get("properties") or {}, answer.get("properties") or {})
    location = answer.get("location") or request.get("location")
    return {**answer, "location": location, "properties": properties}


def _filled(wanted: Json, has: Json) -> dict[str, Any]:
    filled = dict(has)
    for name, value in wanted.items():
        if name in _TOLD:
            continue
        there = has.get(name)
        if there is None:
            single = not isinstance(value, Mapping | list)
            filled.update({name: value} if single or name in _ABSENT_PARTS else {})
        elif isinstance(value, Mapping) and isinstance(there, Mapping):
            filled[name] = _filled(value, there)
        elif isinstance(value, list) and isinstance(there, list):
            filled[name] = _filled_list(value, there)
    return filled


def _filled_list(wanted: list[Any], has: list[Any]) -> list[Any]:
    # containers, volumes and mounts have names, by which they are the same whatever their order
    known = {str(one["name"]).lower(): one for one in wanted if isinstance(one, Mapping) and "name" in one}
    return [
        _filled(known.get(str(one.get("name")).lower(), {}), one) if isinstance(one, Mapping) else one for one in has
    ]
