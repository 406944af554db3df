"""Pulumi's component analyzer reads every class that a user meets, with every description."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer

import pulumi_aciml
from pulumi_aciml import EnvironmentImage, ProviderArgs, Registry, ScoringService, ScoringServiceArgs
from pulumi_aciml.args.declared import arguments_of

MOST = 15
"""Fields of one class: more are a subject that nobody has named yet."""


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer("aciml")


@pytest.fixture(scope="module")
def components(analyzer: Analyzer) -> dict[str, Any]:
    found = analyzer.analyze([Registry, EnvironmentImage, ScoringService])
    return {**found["component_definitions"]}


def classes() -> Iterator[type[Any]]:
    """Yield all classes of arguments that the package exports, and no component."""
    for name in pulumi_aciml.__all__:
        one = getattr(pulumi_aciml, name)
        if isinstance(one, type) and hasattr(one, "_is_subject"):
            yield one


def test_every_input_and_output_of_a_component_is_described(components: dict[str, Any]) -> None:
    assert len(components) == 3
    for component in components.values():
        assert component.description
        for name, one in {**component.inputs, **component.outputs}.items():
            assert one.description, f"{component.name}.{name}"


def test_every_nested_type_field_and_member_is_described(analyzer: Analyzer, components: dict[str, Any]) -> None:
    assert components
    assert len(analyzer.type_definitions) > 40
    for name, one in analyzer.type_definitions.items():
        assert one.description, name
        for field, inner in one.properties.items():
            assert inner.description, f"{name}.{field}"
        for member in getattr(one, "enum_members", None) or one.enum or ():
            assert member.description, f"{name}.{member}"


def test_every_class_and_enum_of_the_package_is_read(analyzer: Analyzer, components: dict[str, Any]) -> None:
    assert components
    analyzer.analyze_type(ProviderArgs, is_component_output=False)
    enums = {name for name in pulumi_aciml.__all__ if _is_enum(getattr(pulumi_aciml, name))}
    roots = {"RegistryArgs", "EnvironmentImageArgs", "ScoringServiceArgs", "ProviderArgs"}

    assert {one.__name__ for one in classes()} | enums == analyzer.type_definitions.keys() | roots


def _is_enum(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, enum.Enum)


@pytest.mark.parametrize("cls", list(classes()), ids=lambda cls: cls.__name__)
def test_a_class_has_few_fields(cls: type[Any]) -> None:
    if cls not in (ScoringServiceArgs, ProviderArgs):  # v1's words are flat, and so is a provider's configuration
        assert len(arguments_of(cls)) <= MOST


def test_every_class_is_exported() -> None:
    named = {cls.__name__ for cls in classes()}

    def below(cls: type[Any]) -> Iterator[str]:
        for argument in arguments_of(cls):
            if argument.declared is not None:
                yield argument.declared.__name__
                yield from below(argument.declared)

    assert {name for cls in classes() for name in below(cls)} <= named
    assert all(issubclass(one, pulumi.ComponentResource) for one in (Registry, EnvironmentImage, ScoringService))
