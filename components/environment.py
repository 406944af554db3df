"""The component ``aciml:index:EnvironmentImage``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .handles import Environment, child_of, passed_on

Names = pulumi.Input[Sequence[pulumi.Input[str]]]
Texts = pulumi.Input[Mapping[str, pulumi.Input[str]]]


@dataclass(frozen=True)
class EnvironmentImageArgs:
    """What is in an environment's image, from bottom to top.

    ``base_image`` is a reference; ``extra_steps`` are Dockerfile lines run on it in order (or ``extra_steps_file``, a
    file of them), which copy from ``steps_context``; ``conda_file`` is the conda.yml, its ``pip:`` section included.
    ``glibc`` (such as ``2.36``) spares the look into the base; ``ca_bundle`` (PEM) is trusted while building and is
    not put in the image; ``repository`` is where it is pushed. ``builder`` runs the extra steps: ``auto`` (Docker if it
    answers, else the target), ``docker``, or ``acr`` (ACR Tasks). ``server_requirements`` (on) brings what the scoring
    server needs and conda does not bring. Paths are relative to the folder of Pulumi.yaml.
    """

    login_server: pulumi.Input[str]
    base_image: pulumi.Input[str] | None = None
    base_username: pulumi.Input[str] | None = None
    base_password: pulumi.Input[str] | None = None
    refresh_base: pulumi.Input[bool] | None = None
    glibc: pulumi.Input[str] | None = None
    dockerfile: pulumi.Input[str] | None = None
    dockerfile_text: pulumi.Input[str] | None = None
    build_context: pulumi.Input[str] | None = None
    build_target: pulumi.Input[str] | None = None
    build_args: Texts | None = None
    build_secrets: Texts | None = None
    repository: pulumi.Input[str] | None = None
    extra_steps: Names | None = None
    extra_steps_file: pulumi.Input[str] | None = None
    steps_context: pulumi.Input[str] | None = None
    builder: pulumi.Input[str] | None = None
    lint_off: Names | None = None
    ca_bundle: pulumi.Input[str] | None = None
    conda_file: pulumi.Input[str] | None = None
    requirements_file: pulumi.Input[str] | None = None
    explicit_file: pulumi.Input[str] | None = None
    lock_file: pulumi.Input[str] | None = None
    lock_mode: pulumi.Input[str] | None = None
    exclude_newer: pulumi.Input[str] | None = None
    server_requirements: pulumi.Input[bool] | None = None
    virtual_packages: Texts | None = None
    post_link: pulumi.Input[str] | None = None
    preview_layers: pulumi.Input[str] | None = None
    compression: pulumi.Input[str] | None = None
    keep_tags: pulumi.Input[int] | None = None
    keep_days: pulumi.Input[int] | None = None
    sbom: pulumi.Input[bool] | None = None


class EnvironmentImage(pulumi.ComponentResource):
    """Base image, extra Dockerfile steps, conda layers and pip packages, pushed as one image."""

    image: pulumi.Output[str]
    """``host/repository:tag@digest``."""
    digest: pulumi.Output[str]
    """Digest of the manifest; known in a preview when every layer was made before."""

    def __init__(self, name: str, args: EnvironmentImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the image; its repository is ``azureml/<name>`` if the args have none."""
        super().__init__("aciml:index:EnvironmentImage", name, {}, opts)
        inputs = {"repository": f"azureml/{name}", **passed_on(args)}
        environment = Environment(f"{name}-image", inputs, child_of(self, opts))
        self.image, self.digest = environment.image, environment.digest
        self.register_outputs({"image": self.image, "digest": self.digest})
