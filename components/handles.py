"""Typed handles of the plugin's resources: they carry inputs to the plugin and outputs back.

Outputs keep the plugin's names: a translation would reach into the users' maps too, and rename their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from aciml.model.judge import with_hidden

from .interrupt import end_quietly_when_interrupted
from .judged import SPELLING, children_of, judge


class _Handle(pulumi.CustomResource):
    """What all handles share."""

    token: ClassVar[str]
    """Type of the resource."""
    _outputs: ClassVar[tuple[str, ...]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Register the resource; outputs are named here so that they can be waited for."""
        super().__init__(self.token, name, {**dict.fromkeys(self._outputs), **inputs}, opts)


class ContainerRegistry(_Handle):
    """Handle of ``aciml:registry:ContainerRegistry``."""

    token = "aciml:registry:ContainerRegistry"
    _outputs = ("loginServer", "state")
    loginServer: pulumi.Output[str]  # noqa: N815  (the name on the wire, here and below)


class Environment(_Handle):
    """Handle of ``aciml:image:Environment``."""

    token = "aciml:image:Environment"
    _outputs = ("image", "digest", "layers", "size")
    image: pulumi.Output[str]
    digest: pulumi.Output[str]


class Service(_Handle):
    """Handle of ``aciml:image:Service``."""

    token = "aciml:image:Service"
    _outputs = ("image", "digest", "layers", "size")
    image: pulumi.Output[str]


class ContainerGroup(_Handle):
    """Handle of ``aciml:compute:ContainerGroup``; its keys are secret even if they were given plain."""

    token = "aciml:compute:ContainerGroup"
    _keys = ("primaryKey", "secondaryKey")
    _outputs = ("scoringUri", "swaggerUri", "state", "fqdn", "ip", "imageDigest", "location", *_keys)
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
        """Register the resource."""
        secret = pulumi.ResourceOptions(additional_secret_outputs=[*self._keys])
        super().__init__(name, inputs, pulumi.ResourceOptions.merge(opts, secret))


def inputs_of(
    component: pulumi.ComponentResource, name: str, args: Any, more: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the inputs of a component's children, judged, and with what is secret marked as secret.

    Args:
        component: the component that declares them.
        name: its name.
        args: its arguments.
        more: by type token, what the component itself gives; what ``args`` says comes before it.

    Raises:
        ArgumentsError: something is wrong.
    """
    end_quietly_when_interrupted()
    # what is given comes last, so that it wins over what the component fills in
    children = {token: {**more.get(token, {}), **given} for token, given in children_of(args).items()}
    judge(type(component).__name__, name, args, children)
    # here already, since what a program registers passes the engine before the plugin can mark it
    return {token: with_hidden(token, inputs, pulumi.Output.secret) for token, inputs in children.items()}


def none_if_absent(
    output: pulumi.Output[str | None], known_with: pulumi.Output[str], *, asked: object
) -> pulumi.Output[str | None]:
    """Return an output that is None in a preview, too, if the resource has none.

    Pulumi's SDK takes an output that is not in a resource's state for one that is not known yet
    (``runtime/rpc.py``, ``resolve_outputs``): an unchanged preview would show ``[unknown]``, and all that uses it.

    Args:
        output: of a resource.
        known_with: an output that is there as soon as the resource is, and not known where the other is not.
        asked: the input that the output follows from; an Output of it says nothing before it is known.
    """
    if isinstance(asked, pulumi.Output) or asked:
        return output

    async def is_known() -> bool:
        return await output.is_known() or await known_with.is_known()

    async def value() -> str | None:
        return await output.future(with_unknowns=False) if await output.is_known() else None

    return pulumi.Output(output.resources(), value(), is_known(), output.is_secret())


def register_outputs(component: pulumi.ComponentResource) -> None:
    """Register the outputs that a component's class declares, in the spelling of the program's language."""
    spelling = SPELLING.get()
    # the schema has camelCase, and a program in another language looks for that
    component.register_outputs({spelling(name): getattr(component, name) for name in output_names(type(component))})


def output_names(cls: type[pulumi.ComponentResource]) -> list[str]:
    """Return Python's names of a component's outputs."""
    return [name for name in cls.__annotations__ if not name.startswith("_")]
