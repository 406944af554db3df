"""The component ``aciml:index:ScoringService``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from .handles import ContainerGroup, Service, given


@dataclass(frozen=True)
class ScoringServiceArgs:
    """A service that answers with a model.

    ``source_directory`` holds ``entry_script`` (``init()`` and ``run(raw_data)``); ``models`` maps ``name`` or
    ``name:version`` to a file or folder. ``cpu_cores`` and ``memory_gb`` (GiB) bound the container; ``port`` on
    127.0.0.1, 0 picks a free one and keeps it; with ``auth_enabled`` each request needs a key. ``startup_timeout``
    in seconds. Paths are relative to the folder of Pulumi.yaml.
    """

    login_server: pulumi.Input[str]
    environment_image: pulumi.Input[str]
    source_directory: pulumi.Input[str]
    entry_script: pulumi.Input[str] = "score.py"
    name: pulumi.Input[str] | None = None
    repository: pulumi.Input[str] | None = None
    models: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    cpu_cores: pulumi.Input[float] | None = None
    memory_gb: pulumi.Input[float] | None = None
    port: pulumi.Input[int] | None = None
    auth_enabled: pulumi.Input[bool] | None = None
    primary_key: pulumi.Input[str] | None = None
    secondary_key: pulumi.Input[str] | None = None
    environment_variables: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    startup_timeout: pulumi.Input[float] | None = None


class ScoringService(pulumi.ComponentResource):
    """An ACI container group or local Docker, running the scoring server; up when it answers."""

    scoring_uri: pulumi.Output[str]
    """Where to POST to."""
    swagger_uri: pulumi.Output[str]
    """Where the OpenAPI document is."""
    image: pulumi.Output[str]
    """``host/repository:tag@digest`` of what runs."""
    primary_key: pulumi.Output[str | None]
    """First key, a secret; None without ``auth_enabled``."""
    secondary_key: pulumi.Output[str | None]
    """Second key, a secret; None without ``auth_enabled``."""

    def __init__(self, name: str, args: ScoringServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare image and container group; both are named ``name`` if the args say nothing else."""
        super().__init__("aciml:index:ScoringService", name, {}, opts)
        self.image = self._image(name, args)
        group = self._group(name, args)
        self.scoring_uri, self.swagger_uri = group.scoringUri, group.swaggerUri
        self.primary_key, self.secondary_key = group.primaryKey, group.secondaryKey
        outputs = ("scoring_uri", "swagger_uri", "image", "primary_key", "secondary_key")
        self.register_outputs({output: getattr(self, output) for output in outputs})

    def _image(self, name: str, args: ScoringServiceArgs) -> pulumi.Output[str]:
        inputs = given(
            loginServer=args.login_server,
            repository=args.repository or f"azureml/{name}",
            environmentImage=args.environment_image,
            sourceDirectory=args.source_directory,
            entryScript=args.entry_script,
            models=args.models,
        )
        return Service(f"{name}-image", inputs, pulumi.ResourceOptions(parent=self)).image

    def _group(self, name: str, args: ScoringServiceArgs) -> ContainerGroup:
        inputs = given(
            name=args.name or name,
            image=self.image,
            cpuCores=args.cpu_cores,
            memoryGb=args.memory_gb,
            port=args.port,
            authEnabled=args.auth_enabled,
            primaryKey=args.primary_key,
            secondaryKey=args.secondary_key,
            environmentVariables=args.environment_variables,
            startupTimeout=args.startup_timeout,
        )
        return ContainerGroup(f"{name}-group", inputs, pulumi.ResourceOptions(parent=self))
