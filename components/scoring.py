"""The component ``aciml:index:ScoringService``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .handles import ContainerGroup, Service, child_of, given, passed_on

Names = pulumi.Input[Sequence[pulumi.Input[str]]]
Texts = pulumi.Input[Mapping[str, pulumi.Input[str]]]
Shape = pulumi.Input[Mapping[str, Any]]
Shapes = pulumi.Input[Sequence[Shape]]


_IMAGE = ("login_server", "environment_image", "source_directory", "entry_script", "repository", "models", "scripts")


@dataclass(frozen=True)
class ScoringServiceArgs:
    """A service that answers with a model; the names are those of v1 where it had one.

    ``source_directory`` holds ``entry_script`` (``init()`` and ``run(raw_data)``); ``models`` maps ``name`` or
    ``name:version`` to a file or folder; ``scripts`` maps names to more scripts, which answer at ``/score/<name>``.
    ``cpu_cores`` and ``memory_gb`` (GiB) bound the container; ``port``: 0 picks one (locally a free one, which it
    keeps; in the cloud 80, or 443 with TLS). With ``auth_enabled`` each request needs one of two keys; another text
    in ``rotate_primary_key`` makes a new first key. ``ssl_*`` names PEM files. ``startup_timeout`` in seconds;
    ``smoke_test`` (``path``, ``method``, ``body``, ``contentType``, ``expectStatus``, ``expectJson``) must pass
    before an update is done; ``rollback`` (on) goes back to what served before. ``workers`` to ``otlp_headers`` are
    of the scoring server: processes, limits, batches, browsers, documents, logs and telemetry; all can be changed in
    place. Everything from ``resource_group`` on is for the cloud; inside it names are ARM's
    (``livenessProbe.httpGet.path``). Paths are relative to the folder of Pulumi.yaml.
    """

    login_server: pulumi.Input[str]
    environment_image: pulumi.Input[str]
    source_directory: pulumi.Input[str]
    entry_script: pulumi.Input[str] = "score.py"
    name: pulumi.Input[str] | None = None
    repository: pulumi.Input[str] | None = None
    models: Texts | None = None
    scripts: Texts | None = None
    cpu_cores: pulumi.Input[float] | None = None
    memory_gb: pulumi.Input[float] | None = None
    port: pulumi.Input[int] | None = None
    auth_enabled: pulumi.Input[bool] | None = None
    primary_key: pulumi.Input[str] | None = None
    secondary_key: pulumi.Input[str] | None = None
    rotate_primary_key: pulumi.Input[str] | None = None
    rotate_secondary_key: pulumi.Input[str] | None = None
    ssl_enabled: pulumi.Input[bool] | None = None
    ssl_cert_pem_file: pulumi.Input[str] | None = None
    ssl_key_pem_file: pulumi.Input[str] | None = None
    ssl_client_ca_pem_file: pulumi.Input[str] | None = None
    ssl_cname: pulumi.Input[str] | None = None
    environment_variables: Texts | None = None
    secure_environment_variables: Texts | None = None
    startup_timeout: pulumi.Input[float] | None = None
    smoke_test: Shape | None = None
    rollback: pulumi.Input[bool] | None = None
    workers: pulumi.Input[int] | None = None
    preload: pulumi.Input[bool] | None = None
    scoring_timeout_ms: pulumi.Input[float] | None = None
    max_in_flight: pulumi.Input[int] | None = None
    queue_timeout: pulumi.Input[float] | None = None
    max_body_mb: pulumi.Input[float] | None = None
    max_connections: pulumi.Input[int] | None = None
    client_timeout: pulumi.Input[float] | None = None
    keep_alive: pulumi.Input[float] | None = None
    drain_timeout: pulumi.Input[float] | None = None
    batch_size: pulumi.Input[int] | None = None
    batch_delay_ms: pulumi.Input[float] | None = None
    warm_up: pulumi.Input[str] | None = None
    response_cache_mb: pulumi.Input[float] | None = None
    compress_answers: pulumi.Input[bool] | None = None
    cors_origins: Names | None = None
    v1_gateway_codes: pulumi.Input[bool] | None = None
    path_prefix: pulumi.Input[str] | None = None
    service_title: pulumi.Input[str] | None = None
    service_version: pulumi.Input[str] | None = None
    docs: pulumi.Input[bool] | None = None
    metrics: pulumi.Input[bool] | None = None
    image_header: pulumi.Input[bool] | None = None
    health_port: pulumi.Input[int] | None = None
    log_format: pulumi.Input[str] | None = None
    log_level: pulumi.Input[str] | None = None
    access_log: pulumi.Input[bool] | None = None
    log_payloads: pulumi.Input[bool] | None = None
    enable_app_insights: pulumi.Input[bool] | None = None
    app_insights_connection_string: pulumi.Input[str] | None = None
    otlp_endpoint: pulumi.Input[str] | None = None
    otlp_headers: pulumi.Input[str] | None = None
    resource_group: pulumi.Input[str] | None = None
    location: pulumi.Input[str] | None = None
    tags: Texts | None = None
    properties: Texts | None = None
    description: pulumi.Input[str] | None = None
    dns_name_label: pulumi.Input[str] | None = None
    dns_name_label_scope: pulumi.Input[str] | None = None
    collect_model_data: pulumi.Input[bool] | None = None
    cmk_vault_base_url: pulumi.Input[str] | None = None
    cmk_key_name: pulumi.Input[str] | None = None
    cmk_key_version: pulumi.Input[str] | None = None
    cmk_identity: pulumi.Input[str] | None = None
    vnet_name: pulumi.Input[str] | None = None
    vnet_resource_group: pulumi.Input[str] | None = None
    subnet_name: pulumi.Input[str] | None = None
    subnet_id: pulumi.Input[str] | None = None
    command: Names | None = None
    os_type: pulumi.Input[str] | None = None
    restart_policy: pulumi.Input[str] | None = None
    sku: pulumi.Input[str] | None = None
    priority: pulumi.Input[str] | None = None
    cce_policy: pulumi.Input[str] | None = None
    zones: Names | None = None
    ip_address_type: pulumi.Input[str] | None = None
    ports: Shapes | None = None
    cpu_limit: pulumi.Input[float] | None = None
    memory_limit: pulumi.Input[float] | None = None
    gpu: Shape | None = None
    liveness_probe: Shape | None = None
    readiness_probe: Shape | None = None
    volumes: Shapes | None = None
    volume_mounts: Shapes | None = None
    init_containers: Shapes | None = None
    system_assigned_identity: pulumi.Input[bool] | None = None
    identities: Names | None = None
    pull_identity: pulumi.Input[str] | None = None
    image_registry_credentials: Shapes | None = None
    dns_config: Shape | None = None
    log_analytics: Shape | None = None
    security_context: Shape | None = None
    rollout: pulumi.Input[str] | None = None
    stable_name: Texts | None = None


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
        """Declare image and container group; both are named ``name`` if the args say nothing else."""
        super().__init__("aciml:index:ScoringService", name, {}, opts)
        self.image = self._image(name, args, child_of(self, opts))
        group = self._group(name, args, child_of(self, opts))
        self.scoring_uri, self.swagger_uri = group.scoringUri, group.swaggerUri
        self.primary_key, self.secondary_key = group.primaryKey, group.secondaryKey
        self.fqdn, self.ip, self.state = group.fqdn, group.ip, group.state
        self.image_digest, self.location = group.imageDigest, group.location
        outputs = [*ScoringService.__annotations__]
        self.register_outputs({output: getattr(self, output) for output in outputs})

    def _image(self, name: str, args: ScoringServiceArgs, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
        inputs = given(
            loginServer=args.login_server,
            repository=args.repository or f"azureml/{name}",
            environmentImage=args.environment_image,
            sourceDirectory=args.source_directory,
            entryScript=args.entry_script,
            models=args.models,
            scripts=args.scripts,
        )
        return Service(f"{name}-image", inputs, opts).image

    def _group(self, name: str, args: ScoringServiceArgs, opts: pulumi.ResourceOptions) -> ContainerGroup:
        inputs = {"name": name, **passed_on(args, *_IMAGE), "image": self.image}
        return ContainerGroup(f"{name}-group", inputs, opts)
