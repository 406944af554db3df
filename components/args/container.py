"""The container of a group on Azure Container Instances: what runs, on what, with which rights; in ARM's words."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pulumi

from .declared import Names, Texts, shape, subject
from .volume import VolumeMountArgs


# an enum of one word: who brings `Windows` along is told what there is
class OsType(StrEnum):
    """Operating system of the group; images are made for Linux."""

    LINUX = "Linux"
    """The only one that images are made for."""


class RestartPolicy(StrEnum):
    """When the container is started again."""

    ALWAYS = "Always"
    """Whenever it ends."""
    ON_FAILURE = "OnFailure"
    """When it ends with an error."""
    NEVER = "Never"
    """Not at all."""


class GroupSku(StrEnum):
    """What the group runs on."""

    STANDARD = "Standard"
    """Shared hosts."""
    DEDICATED = "Dedicated"
    """Hosts of one's own."""
    CONFIDENTIAL = "Confidential"
    """Memory that the host cannot read."""


class Priority(StrEnum):
    """Whether the group may be stopped for others."""

    REGULAR = "Regular"
    """It stays."""
    SPOT = "Spot"
    """Cheap, and may be taken away at any time."""


@shape
class CapabilitiesArgs:
    """Linux capabilities of the container."""

    add: Names | None = None
    """Capabilities to add."""
    drop: Names | None = None
    """Capabilities to drop."""


@shape
class SecurityContextArgs:
    """Rights of the container (sku Confidential)."""

    privileged: pulumi.Input[bool] | None = None
    """All rights; false if not said."""
    allow_privilege_escalation: pulumi.Input[bool] | None = None
    """A process may gain rights; false if not said."""
    run_as_user: pulumi.Input[int] | None = None
    """User id; the image's if not said."""
    run_as_group: pulumi.Input[int] | None = None
    """Group id; the image's if not said."""
    seccomp_profile: pulumi.Input[str] | None = None
    """Seccomp profile, base64."""
    capabilities: pulumi.Input[CapabilitiesArgs] | None = None
    """Capabilities to add and to drop."""


@shape
class InitContainerArgs:
    """A container that runs before the service, to its end."""

    name: pulumi.Input[str]
    """Name of the container."""
    image: pulumi.Input[str]
    """Image to run."""
    command: Names | None = None
    """Program and arguments; the image's if not said."""
    environment_variables: Texts | None = None
    """Its environment variables."""
    secure_environment_variables: Texts | None = None
    """The same, never shown again; a secret."""
    volume_mounts: pulumi.Input[Sequence[pulumi.Input[VolumeMountArgs]]] | None = None
    """Volumes that it sees."""


@subject
class ContainerArgs:
    """What runs on Container Instances, and on what, where that is not as v1 had it."""

    command: Names | None = None
    """Program and arguments instead of the image's; without probes of its own the group then has none."""
    os_type: pulumi.Input[OsType] | None = None
    """Operating system; Linux if not said."""
    restart_policy: pulumi.Input[RestartPolicy] | None = None
    """When the container is started again; Always if not said."""
    sku: pulumi.Input[GroupSku] | None = None
    """What the group runs on; Standard if not said."""
    priority: pulumi.Input[Priority] | None = None
    """Regular or Spot; Regular if not said."""
    # a list, since ARM has one; a group is in one zone (Microsoft, "Container groups")
    zones: Names | None = None
    """Availability zone, a list of one, such as ``["1"]``; any if not said."""
    cpu_limit: pulumi.Input[float] | None = None
    """Most CPU cores that the container may use; ``cpu_cores`` if not said."""
    memory_limit: pulumi.Input[float] | None = None
    """Most memory in GiB that the container may use; ``memory_gb`` if not said."""
    # it is here so that who brings one along is told why, and not that the word is unknown
    gpu: pulumi.Input[Mapping[str, Any]] | None = None
    """Refused: the cloud has retired its GPUs."""
    cce_policy: pulumi.Input[str] | None = None
    """Confidential computing enforcement policy, base64 (sku Confidential)."""
    security_context: pulumi.Input[SecurityContextArgs] | None = None
    """Rights of the container (sku Confidential)."""
