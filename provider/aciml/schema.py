"""The package's schema: for ``pulumi package get-schema``, and for the SDKs of other languages that are made of it.

Components and nested types come from the classes that a Python program uses, read by Pulumi's own analyzer; custom
resources from their tables, with the same nested types.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.schema import generate_schema, remove_none

from pulumi_aciml.args.declared import Argument, arguments_of, is_subject, leaves_of
from pulumi_aciml.args.traffic import CanaryStepArgs
from pulumi_aciml.provider import ProviderArgs

from . import __version__
from .construct import COMPONENTS
from .model.config import SECRETS
from .model.judge import OUTPUTS, TABLES
from .model.shape import Field, Fields

_ANY = {"$ref": "pulumi.json#/Any"}
_DESCRIPTIONS = {
    "aciml:registry:ContainerRegistry": "Azure Container Registry, or a local registry:2.",
    "aciml:image:Environment": "Base image, extra steps, conda and pip packages, as one pushed image.",
    "aciml:image:Service": "An environment, the scoring source and its models, as one pushed image.",
    "aciml:compute:ContainerGroup": "The containers that answer: an Azure container group, or a local container.",
}
_SUFFIX = "Args"
_SHORT = {f"#/types/aciml:index:{cls.__name__.removesuffix('Args')}" for cls in (CanaryStepArgs,)}
"""Shapes that a plain number may stand for (``_short`` of the class)."""
_MODULES = "(?:registry)?(.*)"
"""From the module of a token to that of an SDK: one called registry would be where the component Registry is."""

_LANGUAGES: dict[str, Any] = {
    # respectSchemaVersion: SDKs get the package's version, and so ask the engine for this plugin and no other
    "nodejs": {"packageName": "pulumi-aciml", "respectSchemaVersion": True},
    "python": {"respectSchemaVersion": True, "pyproject": {"enabled": True}},
    "go": {"respectSchemaVersion": True},
    "csharp": {"respectSchemaVersion": True, "namespaces": {"aciml": "Aciml"}},
    "java": {"respectSchemaVersion": True},
}


@functools.cache
def schema() -> dict[str, Any]:
    """Return the schema as a JSON value. Source: Pulumi's ``pulumi.json`` schema."""
    # the classes are the one place where arguments are declared: a schema by hand would be a second truth
    analyzer = Analyzer("aciml")
    found = analyzer.analyze([component for component, _ in COMPONENTS.values()])
    # by the same analyzer, so that types of both are in one map
    config, _ = analyzer.analyze_type(ProviderArgs, is_component_output=False)
    package = generate_schema(
        "aciml", __version__, None, found["component_definitions"], analyzer.type_definitions, []
    ).to_json()
    # a copy as plain JSON: what the SDK returns shares its parts, and they are changed below
    spec: dict[str, Any] = json.loads(json.dumps(remove_none(package)))
    spec = _shortened(spec)
    settings = {name: _shortened(_setting(name, one)) for name, one in config.items()}
    _complete_components(spec)
    _name_words(spec)
    _add_numbers(spec)
    spec["resources"] |= {token: _resource(token, spec) for token in TABLES}
    return spec | {
        "description": "Environments as images, and services that answer from them.",
        "displayName": "aciml",
        "license": "Apache-2.0",
        # Pulumi's registry sorts by category and kind
        "keywords": ["pulumi", "category/cloud", "kind/native", "azure", "docker", "machine-learning", "conda"],
        "meta": {"moduleFormat": _MODULES},
        "language": _LANGUAGES,
        # twice the same: stack configuration, and inputs of a provider that a program declares
        "config": {"variables": settings},
        "provider": {"description": ProviderArgs.__doc__, "inputProperties": settings},
    }


def _shortened(spec: Any) -> Any:
    """Drop the ``Args`` of nested types: the SDKs add it themselves."""
    if isinstance(spec, dict):
        return {_short(key): _shortened(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [_shortened(item) for item in spec]
    return _short(spec) if isinstance(spec, str) else spec


def _short(text: str) -> str:
    named = text.startswith(("#/types/aciml:index:", "aciml:index:"))
    return text.removesuffix(_SUFFIX) if named else text


def _setting(name: str, found: Any) -> dict[str, Any]:
    from pulumi.provider.experimental.schema import Property

    spec: dict[str, Any] = remove_none(Property.from_definition(found).to_json())
    return spec | ({"secret": True} if name in SECRETS else {})


def _name_words(spec: Mapping[str, Any]) -> None:
    """Give each word of an enum the name that SDKs expect (``BlueGreen``); each language spells it in its own way."""
    for one in spec["types"].values():
        for word in one.get("enum", ()):
            word["name"] = "".join(part.capitalize() for part in word["name"].split("_"))


def _add_numbers(spec: Any) -> None:
    """Let a list of shapes that a plain number may stand for take numbers too: the analyzer knows no unions."""
    for properties in [one["properties"] for one in spec["types"].values() if "properties" in one]:
        for property_ in properties.values():
            items = property_.get("items", {})
            if items.get("$ref") in _SHORT:
                # the whole of it is described beside the list; within a union there is a type and nothing else
                property_["items"] = {"oneOf": [{"$ref": items["$ref"]}, {"type": "integer"}]}


def _complete_components(spec: dict[str, Any]) -> None:
    """Add what annotations do not say: which inputs and outputs are secret, what holds without a value, examples."""
    for token, (_, cls) in COMPONENTS.items():
        resource = spec["resources"][token]
        resource["description"] += "\n\n" + _examples(token)
        _complete(spec, resource["inputProperties"], cls, _fields_of(cls))
        _add_defaults(resource["inputProperties"], _fields_of(cls))
        for name, output in resource["properties"].items():
            # outputs have no table of their own in a component
            if name in ("primaryKey", "secondaryKey"):
                output["secret"] = True


def _fields_of(cls: type[Any]) -> Fields:
    tokens: tuple[str, ...] = cls._children
    return {name: field for token in tokens for name, field in TABLES[token].items()}


def _complete(spec: dict[str, Any], properties: dict[str, Any], cls: type[Any], fields: Fields) -> None:
    for argument in arguments_of(cls):
        if argument.declared is not None and is_subject(argument.declared):
            _complete(spec, _type(spec, argument.declared)["properties"], argument.declared, fields)
        elif (field := fields.get(argument.wire)) is not None:
            _mark(spec, properties[argument.key], argument, field)


def _mark(spec: dict[str, Any], property_: dict[str, Any], argument: Argument, field: Field) -> None:
    if field.secret:
        property_["secret"] = True
    if argument.declared is not None and field.fields is not None:
        properties = _type(spec, argument.declared)["properties"]
        for inner in arguments_of(argument.declared):
            if inner.key in field.fields:
                _mark(spec, properties[inner.key], inner, field.fields[inner.key])


def _add_defaults(properties: Mapping[str, Any], fields: Fields) -> None:
    """Say what holds if nothing is said, of a resource's own inputs."""
    # not of what is inside of them: with one default inside, SDKs hand the whole object on as one Output,
    # which is secret if one of its fields is, and unknown if one is
    for name, property_ in properties.items():
        default = fields[name].default if name in fields else None
        # the schema knows defaults of simple kinds alone (Pulumi's `pulumi.json`)
        if isinstance(default, str | int | float | bool) and "$ref" not in property_:
            property_["default"] = default


def _type(spec: dict[str, Any], cls: type[Any]) -> dict[str, Any]:
    found: dict[str, Any] = spec["types"][f"aciml:index:{cls.__name__.removesuffix(_SUFFIX)}"]
    return found


def _resource(token: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a custom resource: its properties side by side, each with the type that the component has for it."""
    inputs, outputs, known = TABLES[token], OUTPUTS[token], _argument_specs(token, spec)
    properties = {name: _spec(name, field, known) for name, field in {**inputs, **outputs}.items()}
    # what `check` fills is no input for people: it is an output, and shows in diffs
    given = [name for name, field in inputs.items() if not field.filled]
    declared = {name: dict(properties[name]) for name in given}
    _add_defaults(declared, inputs)
    return {
        "description": _DESCRIPTIONS[token],
        "inputProperties": declared,
        "requiredInputs": [name for name in given if inputs[name].required],
        "properties": properties,
        "required": sorted({*outputs, *(name for name in given if inputs[name].required)}),
    }


def _argument_specs(token: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the components say of each property of a custom resource."""
    found: dict[str, Any] = {}
    for component, (_, cls) in COMPONENTS.items():
        if token in cls._children:
            for path, leaf in leaves_of(cls):
                found[leaf.wire] = _follow(spec, spec["resources"][component]["inputProperties"], cls, path)
    return found


def _follow(spec: Mapping[str, Any], properties: Mapping[str, Any], cls: type[Any], path: tuple[str, ...]) -> Any:
    argument = next(one for one in arguments_of(cls) if one.name == path[0])
    if len(path) == 1 or argument.declared is None:
        return properties[argument.key]
    return _follow(spec, _type(dict(spec), argument.declared)["properties"], argument.declared, path[1:])


def _spec(name: str, field: Field, known: Mapping[str, Any]) -> dict[str, Any]:
    if name in known:
        # a default of the component's is not one of the resource: `check` has filled it by then
        plain = {key: value for key, value in known[name].items() if key != "default"}
        return {**plain, **({"secret": True} if field.secret else {})}
    spec: dict[str, Any] = {"type": field.kind, "description": field.doc}
    item = _ANY if field.of == "any" or field.fields else {"type": field.of}
    if field.kind == "array":
        spec["items"] = item
    if field.kind == "object":
        spec["additionalProperties"] = item
    return spec | ({"secret": True} if field.secret else {})


def _examples(token: str) -> str:
    """Return the examples of a component in the form that Pulumi's documentation takes."""
    text = (files("aciml") / "examples" / f"{token.rpartition(':')[2]}.md").read_text(encoding="utf-8")
    return "{{% examples %}}\n## Example Usage\n{{% example %}}\n" + text + "{{% /example %}}\n{{% /examples %}}"
