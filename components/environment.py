"""The component ``aciml:index:EnvironmentImage``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .handles import Environment, child_of, given


@dataclass(frozen=True)
class EnvironmentImageArgs:
    """What is in an environment's image, from bottom to top.

    ``base_image`` is a reference; ``extra_steps`` are Dockerfile lines run on it in order (or ``extra_steps_file``, a
    file of them), which copy from ``steps_context``; ``conda_file`` is the conda.yml, its ``pip:`` section included.
    ``glibc`` (such as ``2.36``) spares the look into the base; ``ca_bundle`` (PEM) is trusted while building and is
    not put in the image; ``repository`` is where it is pushed. ``builder`` runs the extra steps: ``auto`` (Docker if it
    answers, else the target), ``docker``, or ``acr`` (ACR Tasks). Paths are relative to the folder of Pulumi.yaml.
    """

    login_server: pulumi.Input[str]
    base_image: pulumi.Input[str]
    repository: pulumi.Input[str] | None = None
    conda_file: pulumi.Input[str] | None = None
    extra_steps: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    extra_steps_file: pulumi.Input[str] | None = None
    steps_context: pulumi.Input[str] | None = None
    glibc: pulumi.Input[str] | None = None
    ca_bundle: pulumi.Input[str] | None = None
    builder: pulumi.Input[str] | None = None


class EnvironmentImage(pulumi.ComponentResource):
    """Base image, extra Dockerfile steps, conda layers and pip packages, pushed as one image."""

    image: pulumi.Output[str]
    """``host/repository:tag@digest``."""
    digest: pulumi.Output[str]
    """Digest of the manifest; known in a preview when every layer was made before."""

    def __init__(self, name: str, args: EnvironmentImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the image; its repository is ``azureml/<name>`` if the args have none."""
        super().__init__("aciml:index:EnvironmentImage", name, {}, opts)
        inputs = given(
            loginServer=args.login_server,
            repository=args.repository or f"azureml/{name}",
            baseImage=args.base_image,
            condaFile=args.conda_file,
            extraSteps=args.extra_steps,
            extraStepsFile=args.extra_steps_file,
            stepsContext=args.steps_context,
            glibc=args.glibc,
            caBundle=args.ca_bundle,
            builder=args.builder,
        )
        environment = Environment(f"{name}-image", inputs, child_of(self, opts))
        self.image, self.digest = environment.image, environment.digest
        self.register_outputs({"image": self.image, "digest": self.digest})
