"""What a change of each property costs, and who says so.

Sources: Microsoft's page "Update containers in Azure Container Instances" (text of 2024-08-29): image, environment
variables and DNS label change in place; OS type, CPU, memory, GPU, restart policy, network profile and zone need the
group to be deleted first. terraform-provider-azurerm (container_group_resource.go, 2026-08-21), which replaces for
nearly everything. Where neither says that the service takes a change in place, the group is replaced: that always
works, while a change that is not taken would be lost without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ...server_settings import SERVER_SETTINGS


@dataclass(frozen=True)
class Rule:
    """``in_place``: a PUT; ``tags``: a PATCH; ``replace``: delete, then create; ``none``: nothing is sent.

    ``source`` says who says so.
    """

    action: Literal["in_place", "tags", "replace", "none"]
    source: str


_UPDATABLE = "Microsoft, update page: can be updated"
_DELETE = "Microsoft, update page: delete first"
_ID = "part of the resource's id"
_TERRAFORM = "terraform azurerm replaces; no source says that the service takes it in place"
_OURS = "what the provider does with it; the request does not have it"
_CONTAINER = (
    "own choice: part of the container's definition, with which a PUT restarts (Microsoft, update page), and not on "
    "the list of what needs deletion; terraform azurerm replaces"
)
_TAGS = 'terraform azurerm: "CreateOrUpdate doesn\'t support to update tags", so PATCH; that is all that PATCH updates'
_IDENTITY = "terraform azurerm: full model by PUT, no replacement"
_ACCOUNTS = (
    "own choice: an image of another registry, which Microsoft lets change in place, needs other accounts in the same "
    "request; terraform azurerm replaces"
)
_NETWORK = "Microsoft, update page: network profile, delete first"
_PORTS = "Microsoft's text of 2018 said delete first, that of 2024 is silent; terraform azurerm replaces"
_VOLUMES = 'Microsoft, update page: an update "might not work" with storage attached; terraform azurerm replaces'
_TLS = "own choice: the certificate is a secret volume (see volumes); on or off also changes the port"
_LIMITS = "own choice: as cpu and memory; terraform azurerm ignores the change without a word"
_KEY = "terraform azurerm replaces for key_vault_key_id; no other source"
_CONFIDENTIAL = "own choice: terraform azurerm does not have it, no other source"

_IN_PLACE: Mapping[str, str] = {
    "image": _UPDATABLE,
    "environment": _UPDATABLE,
    "environmentVariables": _UPDATABLE,
    "secure_environment": _UPDATABLE,
    "secureEnvironmentVariables": _UPDATABLE,
    "authEnabled": f"{_UPDATABLE}: keys are environment variables",
    "primaryKey": f"{_UPDATABLE}: an environment variable",
    "secondaryKey": f"{_UPDATABLE}: an environment variable",
    "enableAppInsights": f"{_UPDATABLE}: an environment variable",
    "appInsightsConnectionString": f"{_UPDATABLE}: an environment variable",
    **dict.fromkeys(SERVER_SETTINGS, f"{_UPDATABLE}: an environment variable"),
    "dnsNameLabel": f"{_UPDATABLE}; own choice: from or to no label at all replaces, because its scope goes with it",
    "command": _CONTAINER,
    "livenessProbe": _CONTAINER,
    "readinessProbe": _CONTAINER,
    "systemAssignedIdentity": _IDENTITY,
    "identities": _IDENTITY,
    "pullIdentity": _ACCOUNTS,
    "imageRegistryCredentials": _ACCOUNTS,
}
_REPLACE: Mapping[str, str] = {
    "name": _ID,
    "resourceGroup": _ID,
    "location": "terraform azurerm replaces; a resource cannot move to another region",
    "osType": _DELETE,
    "restartPolicy": _DELETE,
    "cpu": _DELETE,
    "cpuCores": _DELETE,
    "memory_gb": _DELETE,
    "memoryGb": _DELETE,
    "gpu": _DELETE,
    "zones": _DELETE,
    "cpuLimit": _LIMITS,
    "memoryLimit": _LIMITS,
    "vnetName": _NETWORK,
    "vnetResourceGroup": _NETWORK,
    "subnetName": _NETWORK,
    "subnetId": _NETWORK,
    "port": _PORTS,
    "ports": _PORTS,
    "ipAddressType": _TERRAFORM,
    "dnsNameLabelScope": "terraform azurerm replaces since PR 29040, after a local test of the service",
    "dnsConfig": _TERRAFORM,
    "sku": _TERRAFORM,
    "priority": _TERRAFORM,
    "ccePolicy": _CONFIDENTIAL,
    "volumes": _VOLUMES,
    "volumeMounts": _VOLUMES,
    "initContainers": _TERRAFORM,
    "securityContext": "terraform azurerm replaces for privilege_enabled; no other source",
    "logAnalytics": "azure-docs issue 65195: the service refuses the change",
    "cmkVaultBaseUrl": _KEY,
    "cmkKeyName": _KEY,
    "cmkKeyVersion": _KEY,
    "cmkIdentity": "own choice: terraform azurerm ignores the change without a word",
    "certificate": _TLS,
    "certificateHash": _TLS,
    "sslEnabled": _TLS,
}
_TAG: Mapping[str, str] = dict.fromkeys(("tags", "properties", "description", "owner"), _TAGS)
_NONE: Mapping[str, str] = {
    "collectModelData": "v1's word; it does nothing for containers",
    "container_port": "Microsoft: no port mapping, so the container listens on the port that is open",
    "settings": "named one by one",
    "known_as": "what state remembers; no request has it",
    "rotatePrimaryKey": f"{_OURS}; the key itself is an environment variable",
    "rotateSecondaryKey": f"{_OURS}; the key itself is an environment variable",
    "sslCname": f"{_OURS}: the outputs are written with it",
    "sslCertPemFile": f"{_OURS}: certificateHash says what is in the file",
    "sslKeyPemFile": f"{_OURS}: certificateHash says what is in the file",
    "sslClientCaPemFile": f"{_OURS}: certificateHash says what is in the file",
    **dict.fromkeys(("startupTimeout", "startup_timeout", "smokeTest", "smoke_test", "health_path", "rollback"), _OURS),
    **dict.fromkeys(("rollout", "stableName"), _OURS),
}
RULES: Mapping[str, Rule] = {
    **{name: Rule("in_place", source) for name, source in _IN_PLACE.items()},
    **{name: Rule("replace", source) for name, source in _REPLACE.items()},
    **{name: Rule("tags", source) for name, source in _TAG.items()},
    **{name: Rule("none", source) for name, source in _NONE.items()},
}
"""Rules by Pulumi property and by field of ``GroupSpec``."""
