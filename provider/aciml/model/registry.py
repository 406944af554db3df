"""The properties of ``aciml:registry:ContainerRegistry``; ARM's words for what only a cloud has."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from ..core.lean import lean
from .declared import SPREAD, Declared, table_of
from .shape import REFERENCE, Cost, Field, Fields

SKUS = ("Basic", "Standard", "Premium")
"""From the least to the most, each with all that the ones before have."""

_FORCE_NEW = "terraform-provider-azurerm container_registry_resource.go: ForceNew"
_PATCH = "azurerm: updatable; RegistryUpdateParameters of API 2025-11-01 has it"
_LOCAL = Cost("none", "of the local target only")
_PATCHED = Cost("in_place", _PATCH)
_IDENTITY = Cost("in_place", f"{_PATCH}; azure-cli takes one away by PUT")
_RULES = Cost("in_place", f"{_PATCH}, in networkRuleSet")
_POLICY = Cost("in_place", f"{_PATCH}, in policies")


@lean(frozen=True, kw_only=True)
class Encryption(Declared):
    """A customer-managed key."""

    key_identifier: Annotated[str, Field("Key Vault URI of the key")]
    # a client id here and an ARM id for groups: each API's own word for the same identity
    identity: Annotated[str, Field("client id of the identity that may use it")]


@lean(frozen=True, kw_only=True)
class Network(Declared):
    """Who may reach it."""

    public_network_access: Annotated[
        bool | None, Field("reachable from the internet; false needs Premium", scope="cloud", cost=_PATCHED)
    ] = None
    ip_rules: Annotated[
        tuple[str, ...] | None,
        Field("addresses or ranges that may reach it; needs Premium", scope="cloud", cost=_RULES),
    ] = None
    # ARM's words of a registry are taken in any letter case, those of a group are not (decisions/wrong-words.md)
    network_default_action: Annotated[
        str | None,
        Field(
            "Allow or Deny for all others; Deny needs Premium",
            words=("Allow", "Deny"),
            any_case=True,
            scope="cloud",
            cost=_RULES,
        ),
    ] = None
    # where rules bar the rest, Container Instances pull by identity
    # only through this (Microsoft, using-azure-container-registry-mi)
    trusted_services_bypass: Annotated[
        bool | None,
        Field(
            "the cloud's trusted services pass the network rules",
            scope="cloud",
            cost=Cost("in_place", f"{_PATCH}, as networkRuleBypassOptions"),
        ),
    ] = None


@lean(frozen=True, kw_only=True)
class Identity(Declared):
    """Who it is itself."""

    system_assigned_identity: Annotated[
        bool | None, Field("give the registry an identity of its own", scope="cloud", cost=_IDENTITY)
    ] = None
    identities: Annotated[
        tuple[str, ...] | None, Field("ids of user-assigned identities", scope="cloud", cost=_IDENTITY)
    ] = None


@lean(frozen=True, kw_only=True)
class Registry(Declared):
    """A registry as it is declared.

    What only a cloud has is None where nothing is said, and has no default here: of an adopted registry it stays as it
    is, and of one of ours it is what the cloud takes it for.
    """

    name: Annotated[
        str | None,
        Field(
            "name of the registry, unique on the target; made of resource, project and stack without it",
            shown="the name of each image",
            cost=Cost("replace", f"{_FORCE_NEW}; ARM: the name is a part of the id"),
        ),
    ] = None
    port: Annotated[
        int,
        Field(
            "port on 127.0.0.1; 0 picks a free one and keeps it (local target)",
            shown=REFERENCE,
            least=0,
            most=65535,
            cost=_LOCAL,
        ),
    ] = 0
    image: Annotated[
        str, Field("image that serves the registry (local target)", shown="what Docker shows of it", cost=_LOCAL)
    ] = "registry:2"
    # off: destroy must not take images along that services still run,
    # and a later `up` finds them again (decisions/azure-registry.md)
    delete_data: Annotated[
        bool,
        Field(
            "destroy removes the images too, not only the server",
            cost=Cost("none", "read when the registry is deleted"),
        ),
    ] = False
    resource_group: Annotated[
        str | None,
        Field(
            "resource group; the provider's without it",
            shown="the id of the registry",
            scope="cloud",
            cost=Cost("replace", f"{_FORCE_NEW}; ARM: a part of the id"),
        ),
    ] = None
    location: Annotated[
        str | None,
        Field(
            "region; the provider's without it",
            scope="cloud",
            cost=Cost("replace", f"{_FORCE_NEW}; RegistryUpdateParameters has no location"),
        ),
    ] = None
    # off: a name alone takes nobody's registry over; whose it is stands in its tag (decisions/azure-registry.md)
    adopt: Annotated[
        bool | None,
        Field(
            "take over a registry of this name that exists already",
            default=False,
            scope="cloud",
            cost=Cost("none", "read when the registry is to be made"),
        ),
    ] = None
    # v1's images went to the registry of the workspace; this finds its name, and adopts it (decisions/own-python.md)
    workspace: Annotated[
        str | None,
        Field(
            "Azure ML workspace whose registry is taken over: its name, or its id; instead of name",
            scope="cloud",
            cost=Cost("none", "read to find the name of the registry, whose change is shown"),
        ),
    ] = None
    # no default: of an adopted registry silence leaves the sku that it has
    sku: Annotated[
        str | None,
        Field(
            "Basic, Standard or Premium",
            words=SKUS,
            any_case=True,
            scope="cloud",
            cost=Cost("in_place", f"{_PATCH}; Microsoft, container-registry-skus: changed without downtime"),
        ),
    ] = None
    # of use where nothing else can log in: services pull by it if there
    # is neither an identity nor an account (decisions/azure-registry.md)
    admin_user_enabled: Annotated[
        bool | None, Field("an account with a password for everything", scope="cloud", cost=_PATCHED)
    ] = None
    network: Annotated[Network, SPREAD] = field(default_factory=Network)
    # Microsoft, container-registry-retention-policy: 0 to 365. None by itself, since what it deletes is gone for good
    retention_days: Annotated[
        int | None,
        Field(
            "days that untagged manifests stay, 0 to 365; needs Premium",
            least=0,
            most=365,
            unit="days",
            scope="cloud",
            cost=_POLICY,
        ),
    ] = None
    # Microsoft, anonymous-pull-access: the whole registry, not one repository
    anonymous_pull: Annotated[
        bool | None, Field("everybody may pull; needs Standard", scope="cloud", cost=_PATCHED)
    ] = None
    # no default, and silence is no drift: the property is not always shown, and a
    # difference would replace a registry with all its images (decisions/azure-registry.md)
    zone_redundancy: Annotated[
        bool | None,
        Field(
            "copies in several zones",
            scope="cloud",
            cost=Cost("replace", f"{_FORCE_NEW}; RegistryUpdateParameters has no zoneRedundancy"),
        ),
    ] = None
    data_endpoint_enabled: Annotated[
        bool | None, Field("a host of its own for layers; needs Premium", scope="cloud", cost=_PATCHED)
    ] = None
    export_policy: Annotated[
        bool | None, Field("images may leave the registry; false needs Premium", scope="cloud", cost=_POLICY)
    ] = None
    identity: Annotated[Identity, SPREAD] = field(default_factory=Identity)
    # azurerm updates it; the service lets a key be rotated, but neither begun nor ended on a registry that exists
    encryption: Annotated[
        Encryption | None,
        Field(
            "customer-managed key; needs Premium",
            scope="cloud",
            cost=Cost("in_place", "azure-cli acr encryption rotate-key: PATCH; to begin or to end is a finding"),
        ),
    ] = None
    tags: Annotated[
        Mapping[str, str] | None,
        Field("tags of the registry", shown="the tags of the registry", scope="cloud", cost=_PATCHED),
    ] = None


FIELDS: Fields = table_of(Registry)
LOGIN_SERVER = "loginServer"
"""The output that images are named by, and the input of images that says where they go."""
OUTPUTS: Fields = {
    LOGIN_SERVER: Field("host and port to push to and pull from", kind="string", shown=REFERENCE),
    "state": Field("Running or Stopped", kind="string"),
    "owner": Field("mark of whose it is, by which it is known again", kind="string"),
}
