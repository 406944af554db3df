"""The components, made by the plugin for programs in other languages: YAML, TypeScript, Go, ...

The classes are those that a Python program uses; so are the names, the defaults, the judging.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.output import _OutputData
from pulumi.provider.experimental.property_value import Computed, PropertyValue, ResourceReference
from pulumi.provider.experimental.provider import ConstructRequest, ConstructResponse
from pulumi.resource import DependencyResource
from pulumi.runtime import rpc

from pulumi_aciml import environment, registry, scoring
from pulumi_aciml.args.declared import arguments_of
from pulumi_aciml.args.places import CAMEL
from pulumi_aciml.args.reading import Problem, Reading
from pulumi_aciml.handles import output_names
from pulumi_aciml.judged import SPELLING, ArgumentsError

from .core.errors import UserError

COMPONENTS: Mapping[str, tuple[type[pulumi.ComponentResource], type[Any]]] = {
    registry.TOKEN: (registry.Registry, registry.RegistryArgs),
    environment.TOKEN: (environment.EnvironmentImage, environment.EnvironmentImageArgs),
    scoring.TOKEN: (scoring.ScoringService, scoring.ScoringServiceArgs),
}
"""By type token: the component, and its class of arguments."""


async def construct(request: ConstructRequest) -> ConstructResponse:
    """Declare a component with its children, and wait for what they say.

    Raises:
        InputPropertiesError: arguments are wrong; each is named by its path, in the caller's spelling.
        UserError: there is no such component.
    """
    if request.resource_type not in COMPONENTS:
        raise UserError(f"aciml has no component {request.resource_type}", f"it has {', '.join(COMPONENTS)}")
    component, cls = COMPONENTS[request.resource_type]
    SPELLING.set(CAMEL)  # of this call alone: each has a context of its own
    try:
        made: Any = component(request.name, _arguments(cls, request.inputs), request.options)  # type: ignore[arg-type]
    except ArgumentsError as error:
        raise _refused(error.problems) from error
    names = output_names(component)
    # together: each output waits for its own child, which the engine makes meanwhile
    read = await asyncio.gather(*(_as_property(getattr(made, name)) for name in names))
    state = {CAMEL(name): value for name, (value, _) in zip(names, read, strict=True)}
    depends = {CAMEL(name): urns for name, (_, urns) in zip(names, read, strict=True)}
    return ConstructResponse(await made.urn.future(), state, depends)


def _arguments(cls: type[Any], inputs: Mapping[str, PropertyValue]) -> Any:
    problems: list[Problem] = []
    read = Reading(problems, CAMEL).fields(cls, {name: as_input(value) for name, value in inputs.items()})
    # the class itself would raise at the first one, and here all are named
    missing = [one for one in arguments_of(cls) if one.required and one.name not in read]
    problems += [Problem(one.key, "is missing") for one in missing]
    if problems:
        raise _refused(problems)
    return cls(**read)


def _refused(problems: tuple[Problem, ...] | list[Problem]) -> InputPropertiesError:
    details: Any = [{"property_path": problem.where, "reason": problem.why} for problem in problems]
    # without a sentence of its own: the engine shows one line for each path
    return InputPropertiesError("", details)


def as_input(value: PropertyValue) -> Any:
    """Return a value as a program would give it: what is secret, unknown or depends on resources is an Output."""
    plain = value.value
    # both arrive: the SDK decodes some unknowns, and leaves the marker text of others
    if isinstance(plain, Computed) or plain == rpc.UNKNOWN:
        return _output(None, value, known=False)
    if isinstance(plain, ResourceReference):
        return DependencyResource(plain.urn)
    if isinstance(plain, Mapping):
        plain = {key: as_input(inner) for key, inner in plain.items()}
    elif isinstance(plain, tuple | list):
        plain = [as_input(inner) for inner in plain]
    elif isinstance(plain, float) and plain.is_integer():
        # all numbers are floats on the wire (protobuf's Struct)
        plain = int(plain)
    return _output(plain, value, known=True) if value.is_secret or value.dependencies else plain


def _output(plain: Any, value: PropertyValue, *, known: bool) -> pulumi.Output[Any]:
    future: asyncio.Future[_OutputData[Any]] = asyncio.get_running_loop().create_future()
    resources: Any = {DependencyResource(urn) for urn in value.dependencies}
    future.set_result(_OutputData(resources=resources, value=plain, is_known=known, is_secret=value.is_secret))
    return pulumi.Output._from_data(future)  # noqa: SLF001  (as the SDK's own server does)


async def _as_property(output: pulumi.Output[Any]) -> tuple[PropertyValue, set[str]]:
    """Return an output's value, and the urns of what it depends on."""
    value = await output.future() if await output.is_known() else rpc.UNKNOWN
    urns = {await resource.urn.future() for resource in await output.resources()}
    # PropertyValue refuses integers (pulumi 3.272)
    number = float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return PropertyValue(number).with_secret(await output.is_secret()), {urn for urn in urns if urn}
