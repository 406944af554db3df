"""What a service has on Azure Container Instances alone; other targets judge it, and pass over it with one warning."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

import pulumi

from .container import ContainerArgs, InitContainerArgs
from .declared import Names, Texts, shape, subject
from .network import NetworkArgs
from .probe import ProbeArgs
from .volume import VolumeArgs, VolumeMountArgs


# a StrEnum and no Literal: the analyzer reads a description of each word here and refuses
# a Literal, and in a stack config the value is the text itself (decisions/arguments.md)
class Rollout(StrEnum):
    """How a change reaches the service."""

    IN_PLACE = "in_place"
    """The group itself is changed: its containers restart."""
    BLUE_GREEN = "blue_green"
    """A second group is made and proven before it takes over."""


class LogType(StrEnum):
    """Tables that Log Analytics keeps the logs in."""

    CONTAINER_INSIGHTS = "ContainerInsights"
    """Those of Container Insights."""
    CONTAINER_INSTANCE_LOGS = "ContainerInstanceLogs"
    """Those of Container Instances."""


@subject
class EncryptionArgs:
    """A customer-managed key for what the group keeps; v1's words. All of the first three, or none."""

    cmk_vault_base_url: pulumi.Input[str] | None = None
    """Key Vault of the key, such as ``https://name.vault.azure.net``."""
    cmk_key_name: pulumi.Input[str] | None = None
    """Name of the key."""
    cmk_key_version: pulumi.Input[str] | None = None
    """Version of the key."""
    cmk_identity: pulumi.Input[str] | None = None
    """ARM id of the user-assigned identity that may use the key; the service's own if not said."""


@subject
class IdentityArgs:
    """Who the group is for Azure."""

    # `identity` says the rest of the word; the plugin's names are in every state, and stay
    _properties: ClassVar[Mapping[str, str]] = {
        "system_assigned": "systemAssignedIdentity",
        "user_assigned": "identities",
        "pull": "pullIdentity",
    }

    system_assigned: pulumi.Input[bool] | None = None
    """Give the group an identity of its own; false if not said."""
    user_assigned: Names | None = None
    """ARM ids of user-assigned identities; none if not said."""
    pull: pulumi.Input[str] | None = None
    """ARM id of the identity that pulls the image (role AcrPull); the registry's admin user if not said."""


@shape
class RegistryCredentialArgs:
    """An account of a registry: ``username`` and ``password``, or an ``identity``."""

    server: pulumi.Input[str]
    """Host of the registry."""
    username: pulumi.Input[str] | None = None
    """Account there."""
    password: pulumi.Input[str] | None = None
    """Its password, a secret."""
    identity: pulumi.Input[str] | None = None
    """ARM id of a user-assigned identity instead."""


@shape
class LogAnalyticsArgs:
    """The workspace that gets the container's log."""

    workspace_id: pulumi.Input[str]
    """Id of the workspace, a UUID."""
    workspace_key: pulumi.Input[str]
    """Its key, a secret."""
    log_type: pulumi.Input[LogType] | None = None
    """Tables to keep the logs in; ContainerInsights if not said."""
    metadata: Texts | None = None
    """Metadata to send along; none if not said."""


@shape
class StableNameArgs:
    """What points to the group that serves (rollout blue_green): an endpoint, or a gateway with its pool."""

    traffic_manager_endpoint: pulumi.Input[str] | None = None
    """ARM id of an external endpoint of a Traffic Manager profile."""
    application_gateway: pulumi.Input[str] | None = None
    """ARM id of an Application Gateway."""
    backend_pool: pulumi.Input[str] | None = None
    """Name of its backend pool."""


@subject
class AzureArgs:
    """What only Azure Container Instances have."""

    resource_group: pulumi.Input[str] | None = None
    """Resource group; the provider's if not said."""
    dns_name_label: pulumi.Input[str] | None = None
    """First part of the public host name, v1's ``dns_name_label``; made from the name if not said."""
    network: pulumi.Input[NetworkArgs] | None = None
    """Address, ports, subnet and DNS."""
    encryption: pulumi.Input[EncryptionArgs] | None = None
    """A customer-managed key."""
    identity: pulumi.Input[IdentityArgs] | None = None
    """Identities of the group, and which of them pulls the image."""
    # Sequence and not list: pulumi.Input of a list is invariant, and a list of what is known would not do
    image_registry_credentials: pulumi.Input[Sequence[pulumi.Input[RegistryCredentialArgs]]] | None = None
    """Accounts of registries that images are pulled from."""
    container: pulumi.Input[ContainerArgs] | None = None
    """Command, restart policy, SKU, zone, limits and rights."""
    # if nothing is said half a minute and six failures: a tenth of a core starts slowly (decisions/scoring-server.md)
    liveness_probe: pulumi.Input[ProbeArgs] | None = None
    """Restarts the container when it fails; the server's own ``/live`` if not said."""
    readiness_probe: pulumi.Input[ProbeArgs] | None = None
    """Keeps requests away while it fails; the server's own ``/ready`` if not said."""
    volumes: pulumi.Input[Sequence[pulumi.Input[VolumeArgs]]] | None = None
    """Volumes of the group."""
    volume_mounts: pulumi.Input[Sequence[pulumi.Input[VolumeMountArgs]]] | None = None
    """Volumes that the service sees."""
    init_containers: pulumi.Input[Sequence[pulumi.Input[InitContainerArgs]]] | None = None
    """Containers that run before the service."""
    log_analytics: pulumi.Input[LogAnalyticsArgs] | None = None
    """Workspace that gets the logs."""
    rollout: pulumi.Input[Rollout] | None = None
    """How a change reaches the service; in_place if not said."""
    # without one the group's own label moves, with a longer gap than in_place has (decisions/rollout.md)
    stable_name: pulumi.Input[StableNameArgs] | None = None
    """What points to the group that serves (blue_green)."""
