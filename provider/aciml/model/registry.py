"""The properties of ``aciml:registry:ContainerRegistry``; ARM's words for what only a cloud has."""

from __future__ import annotations

from collections.abc import Mapping

from .shape import Field, Fields

_ENCRYPTION = {
    "keyIdentifier": Field("Key Vault URI of the key", kind="string", required=True),
    "identity": Field("client id of the identity that may use it", kind="string", required=True),
}
SERVER: Mapping[str, Field] = {
    "name": Field(
        "name of the registry, unique on the target; made of resource, project and stack without it", kind="string"
    ),
    "port": Field(
        "port on 127.0.0.1; 0 picks a free one and keeps it (local target)",
        kind="integer",
        least=0,
        most=65535,
        default=0,
    ),
    "image": Field("image that serves the registry (local target)", kind="string", default="registry:2"),
    "deleteData": Field("destroy removes the images too, not only the server", kind="boolean", default=False),
}
SKUS = ("Basic", "Standard", "Premium")
"""From the least to the most, each with all that the ones before have."""

CLOUD: Mapping[str, Field] = {
    "resourceGroup": Field("resource group; the provider's without it", kind="string"),
    "location": Field("region; the provider's without it", kind="string"),
    "adopt": Field("take over a registry of this name that exists already", kind="boolean", default=False),
    "sku": Field("Basic, Standard or Premium", kind="string", words=SKUS, any_case=True),
    "adminUserEnabled": Field("an account with a password for everything", kind="boolean"),
    "publicNetworkAccess": Field("reachable from the internet; false needs Premium", kind="boolean"),
    "ipRules": Field("addresses or ranges that may reach it; needs Premium", kind="array"),
    "networkDefaultAction": Field(
        "Allow or Deny for all others; Deny needs Premium", kind="string", words=("Allow", "Deny"), any_case=True
    ),
    "trustedServicesBypass": Field("the cloud's trusted services pass the network rules", kind="boolean"),
    "retentionDays": Field(
        "days that untagged manifests stay, 0 to 365; needs Premium", kind="integer", least=0, most=365, unit="days"
    ),
    "anonymousPull": Field("everybody may pull; needs Standard", kind="boolean"),
    "zoneRedundancy": Field("copies in several zones", kind="boolean"),
    "dataEndpointEnabled": Field("a host of its own for layers; needs Premium", kind="boolean"),
    "exportPolicy": Field("images may leave the registry; false needs Premium", kind="boolean"),
    "systemAssignedIdentity": Field("give the registry an identity of its own", kind="boolean"),
    "identities": Field("ids of user-assigned identities", kind="array"),
    "encryption": Field("customer-managed key; needs Premium", kind="object", fields=_ENCRYPTION),
    "tags": Field("tags of the registry", kind="object"),
}
"""What only a cloud has. No defaults: what is not said of an adopted registry stays as it is."""

FIELDS: Fields = {**SERVER, **CLOUD}
OUTPUTS: Fields = {
    "loginServer": Field("host and port to push to and pull from", kind="string"),
    "state": Field("Running or Stopped", kind="string"),
    "owner": Field("mark of whose it is, by which it is known again", kind="string"),
}
