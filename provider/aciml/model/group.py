"""The properties of ``aciml:compute:ContainerGroup``: v1's words for what v1 had, ARM's words for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from . import server
from .shape import Field, Fields

_HTTP_GET = {
    "path": Field("string", "path to ask; / without it", default="/"),
    "port": Field("integer", "port to ask", required=True, least=1, most=65535),
    "scheme": Field("string", "http or https", words=("http", "https")),
    "httpHeaders": Field("object", "headers to send"),
}
PROBE: Fields = {
    "exec": Field("object", "command that exits with 0", fields={"command": Field("array", "program and arguments")}),
    "httpGet": Field("object", "request that is answered with 200 to 399", fields=_HTTP_GET),
    "initialDelaySeconds": Field("integer", "seconds before the first probe", least=0, unit="seconds"),
    "periodSeconds": Field("integer", "seconds between two probes", least=1, unit="seconds"),
    "failureThreshold": Field("integer", "failures that count", least=1),
    "successThreshold": Field("integer", "successes that count", least=1),
    "timeoutSeconds": Field("integer", "seconds for an answer", least=1, unit="seconds"),
}
_AZURE_FILE = {
    "shareName": Field("string", "name of the share", required=True),
    "storageAccountName": Field("string", "storage account", required=True),
    "storageAccountKey": Field("string", "key of the account", secret=True),
    "readOnly": Field("boolean", "nothing may be written", default=False),
}
_GIT_REPO = {
    "repository": Field("string", "URL to clone", required=True),
    "directory": Field("string", "folder to clone into"),
    "revision": Field("string", "commit to check out"),
}
VOLUME: Fields = {
    "name": Field("string", "name to mount by", required=True),
    "azureFile": Field("object", "a file share", fields=_AZURE_FILE),
    "emptyDir": Field("object", "an empty folder that lives as long as the group", of="any"),
    "secret": Field("object", "files by name, with their text", secret=True),
    "gitRepo": Field("object", "a clone of a repository", fields=_GIT_REPO),
}
MOUNT: Fields = {
    "name": Field("string", "name of the volume", required=True),
    "mountPath": Field("string", "where it appears", required=True),
    "readOnly": Field("boolean", "nothing may be written", default=False),
}
INIT_CONTAINER: Fields = {
    "name": Field("string", "name of the container", required=True),
    "image": Field("string", "image to run", required=True),
    "command": Field("array", "program and arguments"),
    "environmentVariables": Field("object", "its environment variables"),
    "secureEnvironmentVariables": Field("object", "the same, never shown again", secret=True),
    "volumeMounts": Field("array", "volumes it sees", of="object", fields=MOUNT),
}
_CREDENTIAL = {
    "server": Field("string", "host of the registry", required=True),
    "username": Field("string", "account there"),
    "password": Field("string", "its password", secret=True),
    "identity": Field("string", "id of a user-assigned identity instead"),
}
_DNS = {
    "nameServers": Field("array", "addresses of DNS servers", required=True),
    "searchDomains": Field("string", "domains to search, separated by blanks"),
    "options": Field("string", "resolver options"),
}
_LOG_ANALYTICS = {
    "workspaceId": Field("string", "id of the workspace", required=True),
    "workspaceKey": Field("string", "its key", required=True, secret=True),
    "logType": Field(
        "string", "ContainerInsights or ContainerInstanceLogs", words=("ContainerInsights", "ContainerInstanceLogs")
    ),
    "metadata": Field("object", "metadata to send along"),
}
_PORT = {
    "port": Field("integer", "port to open", required=True, least=1, most=65535),
    "protocol": Field("string", "TCP or UDP", words=("TCP", "UDP"), default="TCP"),
}
_SECURITY = {
    "privileged": Field("boolean", "all rights (sku Confidential)"),
    "allowPrivilegeEscalation": Field("boolean", "a process may gain rights"),
    "runAsUser": Field("integer", "user id", least=0),
    "runAsGroup": Field("integer", "group id", least=0),
    "seccompProfile": Field("string", "seccomp profile, base64"),
    "capabilities": Field(
        "object", "capabilities", fields={"add": Field("array", "to add"), "drop": Field("array", "to drop")}
    ),
}
_SMOKE = {
    "path": Field("string", "path to ask; /score without it", default="/score"),
    "method": Field("string", "POST or GET", words=("POST", "GET"), default="POST"),
    "body": Field("string", "body of the request"),
    "contentType": Field("string", "its content type; application/json without it", default="application/json"),
    "expectStatus": Field("integer", "status that must come; 200 without it", least=100, most=599, default=200),
    "expectJson": Field("object", "JSON that must come", of="any"),
}
_STABLE = {
    "trafficManagerEndpoint": Field("string", "ARM id of an external endpoint of a Traffic Manager profile"),
    "applicationGateway": Field("string", "ARM id of an Application Gateway"),
    "backendPool": Field("string", "name of its backend pool"),
}

SERVICE: Mapping[str, Field] = {
    "name": Field(
        "string", "name of the service, unique on the target; made of resource, project and stack without it"
    ),
    "image": Field("string", "image to run, with its digest", required=True),
    "cpuCores": Field("number", "CPU cores, as v1's cpu_cores", least=0.001, unit="cores"),
    "memoryGb": Field("number", "memory in GiB, as v1's memory_gb", least=0.01, unit="GiB"),
    "port": Field(
        "integer",
        "port to call; 0 picks one: a free one of 127.0.0.1 (kept), or 80 and 443 in the cloud",
        least=0,
        most=65535,
        default=0,
    ),
    "authEnabled": Field("boolean", "ask for a key in the header Authorization: Bearer <key>", default=False),
    "primaryKey": Field("string", "first key; made if keys are asked for and none is given", secret=True),
    "secondaryKey": Field("string", "second key; made like the first", secret=True),
    "rotatePrimaryKey": Field("string", "any text; another text makes a new first key, the second stays"),
    "rotateSecondaryKey": Field("string", "any text; another text makes a new second key, the first stays"),
    "sslEnabled": Field("boolean", "speak TLS with the certificate of sslCertPemFile", default=False),
    "sslCertPemFile": Field("string", "PEM file with the certificate chain"),
    "sslKeyPemFile": Field("string", "PEM file with its private key"),
    "sslClientCaPemFile": Field("string", "PEM file of authorities; only clients that they certify may call then"),
    "sslCname": Field("string", "host name of the certificate, which the URLs are written with"),
    "environmentVariables": Field("object", "environment variables of the scoring script"),
    "secureEnvironmentVariables": Field("object", "the same, never shown again", secret=True),
    "startupTimeout": Field("number", "seconds within which / must answer 200", least=0, unit="seconds"),
    "smokeTest": Field("object", "a request that must succeed before the update is done", fields=_SMOKE),
    "rollback": Field(
        "boolean", "an update that fails goes back to what served before; true if not said", default=True
    ),
    **server.FIELDS,
    "enableAppInsights": Field("boolean", "send telemetry to Application Insights", default=False),
    "appInsightsConnectionString": Field("string", "connection string of the component", secret=True),
    "certificateHash": Field("string", "sha256 of certificate and key", filled=True),
}
"""What every target can do."""

CLOUD: Mapping[str, Field] = {
    "resourceGroup": Field("string", "resource group; the provider's without it"),
    "location": Field("string", "region; the provider's without it"),
    "tags": Field("object", "tags of the container group"),
    "properties": Field("object", "more tags, which v1 kept apart"),
    "description": Field("string", "text for people; a tag"),
    "dnsNameLabel": Field("string", "first part of the public host name; made from the name without it"),
    "dnsNameLabelScope": Field(
        "string",
        "Unsecure, TenantReuse, SubscriptionReuse, ResourceGroupReuse or Noreuse",
        words=("Unsecure", "TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Noreuse"),
        default="TenantReuse",
    ),
    "collectModelData": Field("boolean", "v1's data collection; it did nothing for containers, and does nothing"),
    "cmkVaultBaseUrl": Field("string", "Key Vault of a customer-managed key"),
    "cmkKeyName": Field("string", "name of the key"),
    "cmkKeyVersion": Field("string", "version of the key"),
    "cmkIdentity": Field("string", "id of the user-assigned identity that may use the key"),
    "vnetName": Field("string", "virtual network of the subnet"),
    "vnetResourceGroup": Field("string", "its resource group, if it is another one"),
    "subnetName": Field("string", "delegated subnet to run in"),
    "subnetId": Field("string", "ARM id of that subnet, instead of the names"),
    "command": Field("array", "program and arguments instead of the image's"),
    "osType": Field("string", "Linux: images are made for linux/amd64", words=("Linux",), default="Linux"),
    "restartPolicy": Field(
        "string", "Always, OnFailure or Never", words=("Always", "OnFailure", "Never"), default="Always"
    ),
    "sku": Field(
        "string",
        "Standard, Dedicated or Confidential",
        words=("Standard", "Dedicated", "Confidential"),
        default="Standard",
    ),
    "priority": Field("string", "Regular or Spot", words=("Regular", "Spot"), default="Regular"),
    "ccePolicy": Field("string", "confidential computing enforcement policy, base64"),
    "zones": Field("array", "availability zone"),
    "ipAddressType": Field("string", "Public, Private or None", words=("Public", "Private", "None")),
    "ports": Field("array", "ports besides the service's", of="object", fields=_PORT),
    "cpuLimit": Field("number", "most CPU cores the container may use", least=0, unit="cores"),
    "memoryLimit": Field("number", "most memory in GiB the container may use", least=0, unit="GiB"),
    "gpu": Field("object", "GPUs, which the cloud has retired", of="any"),
    "livenessProbe": Field("object", "restarts the container when it fails", fields=PROBE),
    "readinessProbe": Field("object", "keeps requests away while it fails", fields=PROBE),
    "volumes": Field("array", "volumes", of="object", fields=VOLUME),
    "volumeMounts": Field("array", "volumes that the service sees", of="object", fields=MOUNT),
    "initContainers": Field("array", "containers that run before", of="object", fields=INIT_CONTAINER),
    "systemAssignedIdentity": Field("boolean", "give the group an identity of its own", default=False),
    "identities": Field("array", "ids of user-assigned identities"),
    "pullIdentity": Field("string", "id of the user-assigned identity that pulls the image"),
    "imageRegistryCredentials": Field("array", "accounts of registries", of="object", fields=_CREDENTIAL),
    "dnsConfig": Field("object", "DNS of the containers", fields=_DNS),
    "logAnalytics": Field("object", "workspace that gets the logs", fields=_LOG_ANALYTICS),
    "securityContext": Field("object", "rights of the container", fields=_SECURITY),
    "rollout": Field(
        "string",
        "in_place, or blue_green: a second group is made and proven before it takes over",
        words=("in_place", "blue_green"),
        default="in_place",
    ),
    "stableName": Field("object", "what points to the group that serves (blue_green)", fields=_STABLE),
}
"""What only a cloud has; other targets name what they ignore."""

FIELDS: Fields = {**SERVICE, **CLOUD}
OUTPUTS: Fields = {
    "scoringUri": Field("string", "where to POST to"),
    "swaggerUri": Field("string", "where the OpenAPI document is"),
    "state": Field("string", "Running, Stopped, Failed or Unknown"),
    "fqdn": Field("string", "host name; empty if there is none"),
    "ip": Field("string", "address; empty if there is none"),
    "imageDigest": Field("string", "digest of the image that runs"),
    "owner": Field("string", "mark of whose it is, by which it is known again"),
}
