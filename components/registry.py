"""The component ``aciml:index:Registry``."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from .handles import ContainerRegistry, given


@dataclass(frozen=True)
class RegistryArgs:
    """A registry.

    ``name`` is unique on the target; ``port`` on 127.0.0.1, 0 picks a free one and keeps it; ``image`` serves it;
    ``delete_data``: destroy removes the images too.
    """

    name: pulumi.Input[str] | None = None
    port: pulumi.Input[int] | None = None
    image: pulumi.Input[str] | None = None
    delete_data: pulumi.Input[bool] | None = None


class Registry(pulumi.ComponentResource):
    """Azure Container Registry or a local registry:2; which one the stack's target decides."""

    login_server: pulumi.Output[str]
    """Host (and port) to push to and pull from."""

    def __init__(self, name: str, args: RegistryArgs | None = None, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the registry; its name is ``name`` if the args have none."""
        super().__init__("aciml:index:Registry", name, {}, opts)
        wanted = args or RegistryArgs()
        inputs = given(name=wanted.name or name, port=wanted.port, image=wanted.image, deleteData=wanted.delete_data)
        registry = ContainerRegistry(f"{name}-registry", inputs, pulumi.ResourceOptions(parent=self))
        self.login_server = registry.loginServer
        self.register_outputs({"login_server": self.login_server})
