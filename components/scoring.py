"""The component ``aciml:index:ScoringService``."""

import os
from typing import Any, ClassVar

import pulumi

from .args.azure import AzureArgs
from .args.container_app import ContainerAppArgs, RunsOn
from .args.declared import Texts, subject
from .args.docker import DockerArgs
from .args.scale import ScaleArgs
from .args.server import ServerArgs
from .args.smoke_test import SmokeTestArgs
from .args.tls import TlsArgs
from .args.traffic import TrafficArgs
from .handles import ContainerGroup, Service, inputs_of, none_if_absent, register_outputs
from .options import child_of

TOKEN = "aciml:index:ScoringService"
ENTRY_SCRIPT = "score.py"
"""What holds if nothing is said, as in v1's samples."""


@subject
class ScoringServiceArgs:
    """A service that answers with a model; v1's words side by side, and one class for each subject that v1 had not.

    Paths are relative to the folder of Pulumi.yaml.
    """

    _children: ClassVar[tuple[str, ...]] = ("aciml:image:Service", "aciml:compute:ContainerGroup")

    _properties: ClassVar[dict[str, str]] = {"image": "existingImage"}

    login_server: pulumi.Input[str] | None = None
    """Registry that the service's image is pushed to; the one that has the environment's."""
    environment_image: pulumi.Input[str] | None = None
    """Image of the environment with its digest, such as ``EnvironmentImage(...).image``."""
    source_directory: pulumi.Input[str] | None = None
    """Folder with the scoring script and what it imports."""
    image: pulumi.Input[str] | None = None
    """Image to run as it is, by its digest: ``host/repository@sha256:...``, or ``sha256:...`` of this service's own
    repository. Nothing is built then: source, scripts, models and environment are passed over."""
    entry_script: pulumi.Input[str] | None = None
    """The script with ``init()`` and ``run(raw_data)``, relative to the source directory; score.py if not said."""
    name: pulumi.Input[str] | None = None
    """Name of the service, unique on the target; made of component, project and stack if not said."""
    repository: pulumi.Input[str] | None = None
    """Repository of the service's image; ``azureml/`` and the component's name if not said."""
    models: Texts | None = None
    """File or folder of each model, by ``name`` or ``name:version``."""
    scripts: Texts | None = None
    """More scoring scripts by name, which answer at ``/score/<name>``."""
    cpu_cores: pulumi.Input[float] | None = None
    """CPU cores; 0.1 if not said, 1 on Azure."""
    memory_gb: pulumi.Input[float] | None = None
    """Memory in GiB; 0.5 if not said, 1 on Azure."""
    port: pulumi.Input[int] | None = None
    """Port to call; 0, and if not said, a free one of 127.0.0.1, which it keeps, or 80 and 443 on Azure."""
    auth_enabled: pulumi.Input[bool] | None = None
    """Ask for a key in the header ``Authorization: Bearer <key>``; false if not said."""
    primary_key: pulumi.Input[str] | None = None
    """First key, a secret; made if keys are asked for and none is given."""
    secondary_key: pulumi.Input[str] | None = None
    """Second key, a secret; made like the first."""
    rotate_primary_key: pulumi.Input[str] | None = None
    """Any text; another text makes a new first key, the second stays."""
    rotate_secondary_key: pulumi.Input[str] | None = None
    """Any text; another text makes a new second key, the first stays."""
    environment_variables: Texts | None = None
    """Environment variables of the scoring script."""
    secure_environment_variables: Texts | None = None
    """The same, never shown again; a secret."""
    enable_app_insights: pulumi.Input[bool] | None = None
    """Send telemetry to Application Insights (see ``server.telemetry``); false if not said."""
    startup_timeout: pulumi.Input[float] | None = None
    """Seconds within which ``/`` must answer 200; 300 if not said, 600 on Azure."""
    rollback: pulumi.Input[bool] | None = None
    """An update that fails goes back to what served before; true if not said."""
    location: pulumi.Input[str] | None = None
    """Region on Azure; the provider's if not said."""
    tags: Texts | None = None
    """Tags on Azure."""
    properties: Texts | None = None
    """More tags on Azure, which v1 kept apart."""
    description: pulumi.Input[str] | None = None
    """Text for people; a tag on Azure."""
    collect_model_data: pulumi.Input[bool] | None = None
    """v1's data collection: it did nothing for containers, and does nothing."""
    tls: pulumi.Input[TlsArgs] | None = None
    """Certificate that the service speaks TLS with; plain HTTP if not said."""
    smoke_test: pulumi.Input[SmokeTestArgs] | None = None
    """A request that must succeed before an update is done."""
    run_as_root: pulumi.Input[bool] | None = None
    """Run as root, for scripts that need it; false if not said: as a user who may write in its own folders."""
    read_only_root: pulumi.Input[bool] | None = None
    """Write nothing but below /tmp, /var/tmp, /run and the home, in memory; not on Azure; false if not said."""
    runs_on: pulumi.Input[RunsOn] | None = None
    """container_group, or container_app: replicas, revisions, traffic between them; container_group if not said."""
    scale: pulumi.Input[ScaleArgs] | None = None
    """Replicas (runs_on container_app); one if not said."""
    traffic: pulumi.Input[TrafficArgs] | None = None
    """How requests move to a new revision, and what it has to prove; all of them, once it answers, if not said."""
    replica_timeout: pulumi.Input[int] | None = None
    """Seconds that a request may take in all (runs_on container_app); 240 on Azure if not said."""
    container_app: pulumi.Input[ContainerAppArgs] | None = None
    """What only Azure Container Apps have: environment, profile, ingress, domain (runs_on container_app)."""
    docker: pulumi.Input[DockerArgs] | None = None
    """What only containers on Docker have: how many processes, how large a log."""
    server: pulumi.Input[ServerArgs] | None = None
    """How the scoring server works: workers, limits, batches, logs, telemetry, documents."""
    azure: pulumi.Input[AzureArgs] | None = None
    """What only Azure Container Instances have: network, probes, volumes, identities, rollout, ..."""

    @classmethod
    def from_v1(
        cls,
        *,
        inference_config: str | os.PathLike[str],
        deployment_config: str | os.PathLike[str],
        login_server: pulumi.Input[str],
        environment_image: pulumi.Input[str],
        environment: str | os.PathLike[str] | None = None,
        **more: Any,
    ) -> "ScoringServiceArgs":
        """Return the service that two files of Azure ML v1 describe.

        Cores and memory below 1, as v1's defaults were, hold where ``aciml:target`` is local; elsewhere they are 1.

        Args:
            inference_config: path of the JSON or YAML file; what it names is relative to where the program runs, as
                with v1's command, else to the file's folder.
            deployment_config: path of the JSON or YAML file, of compute type aci or local.
            login_server: registry that the service's image is pushed to.
            environment_image: image of the environment, such as that of ``EnvironmentImageArgs.from_v1``.
            environment: folder that ``Environment.save_to_directory`` wrote, for an inference config without one.
            **more: arguments that the files do not have, such as ``models``; they count before those that they have.

        Raises:
            V1Error: the files are wrong; the message names all of it, with file and line.
        """
        # here: programs that have nothing of v1 need not import all that knows it
        from .v1 import service_from_v1

        return service_from_v1(
            cls,
            {"login_server": login_server, "environment_image": environment_image, **more},
            inference_config=inference_config,
            deployment_config=deployment_config,
            environment=environment,
        )


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
    fqdn: pulumi.Output[str]
    """Public host name; empty if there is none."""
    ip: pulumi.Output[str]
    """Address; empty if there is none."""
    state: pulumi.Output[str]
    """Running, Stopped, Failed or Unknown."""
    image_digest: pulumi.Output[str]
    """Digest of the image that runs."""
    location: pulumi.Output[str | None]
    """Region; None on the local target."""

    def __init__(self, name: str, args: ScoringServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare image and container group.

        Raises:
            ArgumentsError: something that was given is wrong; the message names all of it.
        """
        super().__init__(TOKEN, name, {}, opts)
        own: dict[str, dict[str, Any]] = {
            Service.token: {"repository": f"azureml/{name}", "entryScript": ENTRY_SCRIPT},
            # an image for the judges alone: that of the service is known once its own
            # resource is declared, and nothing is declared before all has been judged
            ContainerGroup.token: {"image": pulumi.Output.from_input("later"), **_speaks_tls(args)},
        }
        inputs = inputs_of(self, name, args, own)
        image = Service(f"{name}-image", inputs[Service.token], child_of(self, Service.token, ScoringServiceArgs, opts))
        group = ContainerGroup(
            f"{name}-group",
            # the output of the push, so that no group starts before its image is there
            {**inputs[ContainerGroup.token], "image": image.image},
            child_of(self, ContainerGroup.token, ScoringServiceArgs, opts),
        )
        self.image = image.image
        self.scoring_uri, self.swagger_uri = group.scoringUri, group.swaggerUri
        self.primary_key, self.secondary_key = (
            none_if_absent(key, group.scoringUri, asked=args.auth_enabled)
            for key in (group.primaryKey, group.secondaryKey)
        )
        self.fqdn, self.ip, self.state = group.fqdn, group.ip, group.state
        self.image_digest = group.imageDigest
        self.location = none_if_absent(group.location, group.scoringUri, asked=args.location)
        register_outputs(self)


def _speaks_tls(args: ScoringServiceArgs) -> dict[str, Any]:
    """To give a certificate is to ask for TLS; v1 had a word of its own for that."""
    if isinstance(args.tls, pulumi.Output):
        # the Output may turn out to be None, and then there is no TLS
        return {"sslEnabled": args.tls.apply(lambda tls: None if tls is None else True)}
    return {} if args.tls is None else {"sslEnabled": True}
