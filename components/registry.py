"""The component ``aciml:index:Registry``."""

from typing import ClassVar

import pulumi

from .args.container_registry import RegistryAzureArgs
from .args.declared import Texts, subject
from .handles import ContainerRegistry, inputs_of, register_outputs
from .options import child_of

TOKEN = "aciml:index:Registry"


@subject
class RegistryArgs:
    """A registry. All that is not said is as the target has it."""

    _children: ClassVar[tuple[str, ...]] = ("aciml:registry:ContainerRegistry",)

    name: pulumi.Input[str] | None = None
    """Name, unique on the target; made of component, project and stack if not said."""
    workspace: pulumi.Input[str] | None = None
    """On Azure: an Azure ML workspace, by name or id, whose registry is taken over as it is; none if not said."""
    port: pulumi.Input[int] | None = None
    """Local target: port on 127.0.0.1; 0, and if not said, a free one, which it keeps."""
    image: pulumi.Input[str] | None = None
    """Local target: image that serves it; ``registry:2`` if not said."""
    delete_data: pulumi.Input[bool] | None = None
    """``pulumi destroy`` removes the images too; false if not said."""
    location: pulumi.Input[str] | None = None
    """Region on Azure; the provider's if not said."""
    tags: Texts | None = None
    """Tags on Azure."""
    azure: pulumi.Input[RegistryAzureArgs] | None = None
    """What only Azure Container Registry has."""


_AS_IT_COMES = RegistryArgs()


class Registry(pulumi.ComponentResource):
    """Azure Container Registry or a local registry:2; which one, the provider's ``target`` decides."""

    login_server: pulumi.Output[str]
    """Host (and port) to push to and pull from."""

    def __init__(
        self, name: str, args: RegistryArgs = _AS_IT_COMES, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the registry.

        Raises:
            ArgumentsError: something that was given is wrong; the message names all of it.
        """
        super().__init__(TOKEN, name, {}, opts)
        inputs = inputs_of(self, name, args, {})
        # a child's name is in its urn: another ending would replace every registry (decisions/arguments.md)
        registry = ContainerRegistry(
            f"{name}-registry",
            inputs[ContainerRegistry.token],
            child_of(self, ContainerRegistry.token, RegistryArgs, opts),
        )
        self.login_server = registry.loginServer
        register_outputs(self)
