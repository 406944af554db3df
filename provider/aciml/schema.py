"""The package's schema, for other languages and for ``pulumi package get-schema``; made from the resources' tables."""

from __future__ import annotations

from typing import Any

from . import __version__
from .model import environment, group, registry, service
from .model.shape import Field, Fields

_KINDS = {
    "aciml:registry:ContainerRegistry": (registry.FIELDS, registry.OUTPUTS),
    "aciml:image:Environment": (environment.FIELDS, service.OUTPUTS),
    "aciml:image:Service": (service.FIELDS, service.OUTPUTS),
    "aciml:compute:ContainerGroup": (group.FIELDS, group.OUTPUTS),
}


def _type_of(field: Field) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": field.kind, "description": field.doc}
    item = {"$ref": "pulumi.json#/Any"} if field.of == "any" or field.fields else {"type": field.of}
    if field.kind == "array":
        spec["items"] = item
    if field.kind == "object":
        spec["additionalProperties"] = item
    return spec | ({"secret": True} if field.secret else {})


def _resource(inputs: Fields, outputs: Fields) -> dict[str, Any]:
    return {
        "inputProperties": {name: _type_of(field) for name, field in inputs.items() if not field.filled},
        "requiredInputs": [name for name, field in inputs.items() if field.required],
        "properties": {name: _type_of(field) for name, field in {**inputs, **outputs}.items()},
    }


SCHEMA: dict[str, Any] = {
    "name": "aciml",
    "version": __version__,
    "description": "Environments as images, and services that answer from them.",
    "license": "Apache-2.0",
    "resources": {token: _resource(*tables) for token, tables in _KINDS.items()},
}
