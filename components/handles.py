"""Typed handles of the plugin's resources: they carry inputs to the plugin and outputs back.

Outputs keep the plugin's names: a translation would reach into the users' maps too, and rename their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pulumi


class ContainerRegistry(pulumi.CustomResource):
    """Handle of ``aciml:registry:ContainerRegistry``."""

    loginServer: pulumi.Output[str]  # noqa: N815  (the name on the wire, here and below)
    port: pulumi.Output[int]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Register the resource; outputs are named here so that they can be waited for."""
        outputs = {"loginServer": None, "state": None}
        super().__init__("aciml:registry:ContainerRegistry", name, {**outputs, **inputs}, opts)


class _Image(pulumi.CustomResource):
    """What both image handles share."""

    image: pulumi.Output[str]
    digest: pulumi.Output[str]
    layers: pulumi.Output[int]
    size: pulumi.Output[int]

    def __init__(self, token: str, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Register the resource."""
        super().__init__(token, name, {**dict.fromkeys(("image", "digest", "layers", "size")), **inputs}, opts)


class Environment(_Image):
    """Handle of ``aciml:image:Environment``."""

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Register the resource."""
        super().__init__("aciml:image:Environment", name, inputs, opts)


class Service(_Image):
    """Handle of ``aciml:image:Service``."""

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Register the resource."""
        super().__init__("aciml:image:Service", name, inputs, opts)


class ContainerGroup(pulumi.CustomResource):
    """Handle of ``aciml:compute:ContainerGroup``."""

    scoringUri: pulumi.Output[str]  # noqa: N815
    swaggerUri: pulumi.Output[str]  # noqa: N815
    state: pulumi.Output[str]
    fqdn: pulumi.Output[str]
    ip: pulumi.Output[str]
    imageDigest: pulumi.Output[str]  # noqa: N815
    location: pulumi.Output[str | None]
    primaryKey: pulumi.Output[str | None]  # noqa: N815
    secondaryKey: pulumi.Output[str | None]  # noqa: N815

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Register the resource; keys are secret even if they were given plain."""
        computed = ("scoringUri", "swaggerUri", "state", "fqdn", "ip", "imageDigest", "location")
        outputs = dict.fromkeys((*computed, "primaryKey", "secondaryKey"))
        secret = pulumi.ResourceOptions(additional_secret_outputs=["primaryKey", "secondaryKey"])
        options = pulumi.ResourceOptions.merge(opts, secret)
        super().__init__("aciml:compute:ContainerGroup", name, {**outputs, **inputs}, options)


def child_of(parent: pulumi.Resource, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Return the options of a component's child; it may take as long as its component (``custom_timeouts``)."""
    return pulumi.ResourceOptions(parent=parent, custom_timeouts=opts.custom_timeouts if opts else None)


def passed_on(args: Any, *own: str) -> dict[str, Any]:
    """Return the fields of an args value that were given, as inputs in the plugin's spelling, without its ``own``."""
    names = (field.name for field in fields(args) if field.name not in own)
    return given(**{camel_case(name): getattr(args, name) for name in names})


def camel_case(name: str) -> str:
    """Return the plugin's spelling of an argument: ``cpu_cores`` becomes ``cpuCores``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def given(**inputs: Any) -> dict[str, Any]:
    """Return the inputs that were given; ``None`` means that the plugin's default holds."""
    return {name: value for name, value in inputs.items() if value is not None}
