"""The component ``aciml:index:EnvironmentImage``."""

import os
from typing import Any, ClassVar

import pulumi

from .args.declared import subject
from .args.dockerfile import DockerfileArgs
from .args.layers import LayersArgs
from .args.packages import PackagesArgs
from .args.steps import StepsArgs
from .handles import Environment, inputs_of, register_outputs
from .options import child_of

TOKEN = "aciml:index:EnvironmentImage"


@subject
class EnvironmentImageArgs:
    """What is in an environment's image, from bottom to top: a base, steps, packages, as layers."""

    # ClassVar keeps it from the dataclass, the underscore from Pulumi's analyzer, which takes other names for inputs
    _children: ClassVar[tuple[str, ...]] = ("aciml:image:Environment",)

    login_server: pulumi.Input[str]
    """Registry that the image is pushed to, such as ``Registry(...).login_server``."""
    repository: pulumi.Input[str] | None = None
    """Repository in that registry; ``azureml/`` and the component's name if not said."""
    base_image: pulumi.Input[str] | None = None
    """Image to build on, such as ``debian:bookworm-slim``; or a ``dockerfile``, one of them."""
    base_username: pulumi.Input[str] | None = None
    """Account at the base's registry; Docker's own login if not said."""
    base_password: pulumi.Input[str] | None = None
    """Its password, a secret."""
    refresh_base: pulumi.Input[bool] | None = None
    """Look again what the base's tag means now; false if not said: it is looked up once."""
    glibc: pulumi.Input[str] | None = None
    """glibc version of the base, such as ``2.36``; found in the image if not said."""
    ca_bundle: pulumi.Input[str] | None = None
    """PEM file of certificates that building trusts; it is not put in the image."""
    dockerfile: pulumi.Input[DockerfileArgs] | None = None
    """A Dockerfile that makes the base."""
    steps: pulumi.Input[StepsArgs] | None = None
    """Dockerfile lines that run on the base."""
    packages: pulumi.Input[PackagesArgs] | None = None
    """Conda and pip packages."""
    layers: pulumi.Input[LayersArgs] | None = None
    """Compression, bill of materials, and which images stay."""

    @classmethod
    def from_v1(
        cls,
        *,
        inference_config: str | os.PathLike[str],
        login_server: pulumi.Input[str],
        environment: str | os.PathLike[str] | None = None,
        **more: Any,
    ) -> "EnvironmentImageArgs":
        """Return the environment of an inference config of Azure ML v1.

        Args:
            inference_config: path of the JSON or YAML file; what it names is relative to where the program runs, as
                with v1's command, else to the file's folder.
            login_server: registry that the image is pushed to.
            environment: folder that ``Environment.save_to_directory`` or ``az ml environment scaffold`` wrote, for an
                inference config without one.
            **more: arguments that the file does not have; they count before those that it has.

        Raises:
            V1Error: the files are wrong; the message names all of it, with file and line.
        """
        # here: programs that have nothing of v1 need not import all that knows it
        from .v1 import environment_from_v1

        return environment_from_v1(
            cls, {"login_server": login_server, **more}, inference_config=inference_config, environment=environment
        )


class EnvironmentImage(pulumi.ComponentResource):
    """An image with base, extra steps, conda layers and pip packages, pushed to the registry by its digest."""

    image: pulumi.Output[str]
    """``host/repository:tag@digest``, to be used as it is."""
    digest: pulumi.Output[str]
    """Digest of the manifest."""

    def __init__(self, name: str, args: EnvironmentImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the image.

        Raises:
            ArgumentsError: something that was given is wrong; the message names all of it.
        """
        super().__init__(TOKEN, name, {}, opts)
        inputs = inputs_of(self, name, args, {Environment.token: {"repository": f"azureml/{name}"}})
        # a child's name is in its urn: another ending would make
        # every image of every stack anew (decisions/arguments.md)
        environment = Environment(
            f"{name}-image", inputs[Environment.token], child_of(self, Environment.token, EnvironmentImageArgs, opts)
        )
        self.image, self.digest = environment.image, environment.digest
        register_outputs(self)
