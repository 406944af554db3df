"""What a service has on Azure Container Apps alone; what a container group has too is said in ``azure``."""

from collections.abc import Sequence
from enum import StrEnum

import pulumi

from .declared import shape


class RunsOn(StrEnum):
    """What a service runs on."""

    CONTAINER_GROUP = "container_group"
    """One container: a container group of Azure, or a container of Docker."""
    CONTAINER_APP = "container_app"
    """Replicas and revisions: a container app of Azure, or services of Docker Swarm."""


class CertificateProof(StrEnum):
    """How Azure's authority finds out that a host name is yours."""

    CNAME = "CNAME"
    """It is an alias of the app's own host name; of a name below your domain."""
    HTTP = "HTTP"
    """Its address is that of the environment; for a domain itself, which can be no alias."""
    TXT = "TXT"
    """It has a record with a text that the update tells."""


@shape
class WorkloadProfileArgs:
    """Machines of an environment that apps run on."""

    name: pulumi.Input[str]
    """Name of the profile."""
    type: pulumi.Input[str]
    """Kind of machine, such as D4."""
    minimum_count: pulumi.Input[int] | None = None
    """Machines that always run, and cost; 0 if not said."""
    maximum_count: pulumi.Input[int] | None = None
    """Most machines; the service's own limit if not said."""


@shape
class ContainerAppArgs:
    """Environment, profile, ingress and domain of a container app."""

    environment: pulumi.Input[str] | None = None
    """Name or ARM id of the managed environment. One that is named is made if it is not there; without a word the
    services of a resource group share one in each region."""
    zone_redundant: pulumi.Input[bool] | None = None
    """Spread an environment that is made over zones; it needs a subnet; false if not said."""
    internal: pulumi.Input[bool] | None = None
    """An environment that is made has no public address; it needs a subnet; false if not said."""
    workload_profiles: pulumi.Input[Sequence[pulumi.Input[WorkloadProfileArgs]]] | None = None
    """Profiles of an environment that is made, beside Consumption."""
    workload_profile: pulumi.Input[str] | None = None
    """Profile that the app runs on; Consumption if not said."""
    external: pulumi.Input[bool] | None = None
    """Who is outside of the environment reaches the app; true if not said."""
    allow_insecure: pulumi.Input[bool] | None = None
    """Answer plain HTTP too, instead of leading to HTTPS; false if not said."""
    custom_domain: pulumi.Input[str] | None = None
    """Host name of your own that leads to the app."""
    certificate: pulumi.Input[str] | None = None
    """ARM id, or name in the environment, of the certificate of that host name."""
    managed_certificate: pulumi.Input[CertificateProof] | None = None
    """Have Azure make and renew that certificate: by which record you prove that the host name is yours. It is made
    when the record is found; until then the app has the host name without a certificate."""
