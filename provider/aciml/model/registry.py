"""The properties of ``aciml:registry:ContainerRegistry``; ARM's words for what only a cloud has."""

from __future__ import annotations

from collections.abc import Mapping

from .shape import Field, Fields

_ENCRYPTION = {
    "keyIdentifier": Field("string", "Key Vault URI of the key", required=True),
    "identity": Field("string", "client id of the identity that may use it", required=True),
}
SERVER: Mapping[str, Field] = {
    "name": Field(
        "string", "name of the registry, unique on the target; made of resource, project and stack without it"
    ),
    "port": Field(
        "integer", "port on 127.0.0.1; 0 picks a free one and keeps it (local target)", least=0, most=65535, default=0
    ),
    "image": Field("string", "image that serves the registry (local target)", default="registry:2"),
    "deleteData": Field("boolean", "destroy removes the images too, not only the server", default=False),
}
SKUS = ("Basic", "Standard", "Premium")
"""From the least to the most, each with all that the ones before have."""

CLOUD: Mapping[str, Field] = {
    "resourceGroup": Field("string", "resource group; the provider's without it"),
    "location": Field("string", "region; the provider's without it"),
    "adopt": Field("boolean", "take over a registry of this name that exists already", default=False),
    "sku": Field("string", "Basic, Standard or Premium", words=SKUS, any_case=True),
    "adminUserEnabled": Field("boolean", "an account with a password for everything"),
    "publicNetworkAccess": Field("boolean", "reachable from the internet; false needs Premium"),
    "ipRules": Field("array", "addresses or ranges that may reach it; needs Premium"),
    "networkDefaultAction": Field(
        "string", "Allow or Deny for all others; Deny needs Premium", words=("Allow", "Deny"), any_case=True
    ),
    "trustedServicesBypass": Field("boolean", "the cloud's trusted services pass the network rules"),
    "retentionDays": Field(
        "integer", "days that untagged manifests stay, 0 to 365; needs Premium", least=0, most=365, unit="days"
    ),
    "anonymousPull": Field("boolean", "everybody may pull; needs Standard"),
    "zoneRedundancy": Field("boolean", "copies in several zones"),
    "dataEndpointEnabled": Field("boolean", "a host of its own for layers; needs Premium"),
    "exportPolicy": Field("boolean", "images may leave the registry; false needs Premium"),
    "systemAssignedIdentity": Field("boolean", "give the registry an identity of its own"),
    "identities": Field("array", "ids of user-assigned identities"),
    "encryption": Field("object", "customer-managed key; needs Premium", fields=_ENCRYPTION),
    "tags": Field("object", "tags of the registry"),
}
"""What only a cloud has. No defaults: what is not said of an adopted registry stays as it is."""

FIELDS: Fields = {**SERVER, **CLOUD}
OUTPUTS: Fields = {
    "loginServer": Field("string", "host and port to push to and pull from"),
    "state": Field("string", "Running or Stopped"),
    "owner": Field("string", "mark of whose it is, by which it is known again"),
}
