"""The properties of ``aciml:compute:ContainerGroup``: v1's words for what v1 had, ARM's words for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from . import server
from .shape import Field, Fields

_HTTP_GET = {
    "path": Field("path to ask; / without it", kind="string", default="/"),
    "port": Field("port to ask", kind="integer", required=True, least=1, most=65535),
    "scheme": Field("http or https", kind="string", words=("http", "https")),
    "httpHeaders": Field("headers to send", kind="object"),
}
PROBE: Fields = {
    "exec": Field(
        "command that exits with 0", kind="object", fields={"command": Field("program and arguments", kind="array")}
    ),
    "httpGet": Field("request that is answered with 200 to 399", kind="object", fields=_HTTP_GET),
    "initialDelaySeconds": Field("seconds before the first probe", kind="integer", least=0, unit="seconds"),
    "periodSeconds": Field("seconds between two probes", kind="integer", least=1, unit="seconds"),
    "failureThreshold": Field("failures that count", kind="integer", least=1),
    "successThreshold": Field("successes that count", kind="integer", least=1),
    "timeoutSeconds": Field("seconds for an answer", kind="integer", least=1, unit="seconds"),
}
_AZURE_FILE = {
    "shareName": Field("name of the share", kind="string", required=True),
    "storageAccountName": Field("storage account", kind="string", required=True),
    "storageAccountKey": Field("key of the account", kind="string", secret=True),
    "readOnly": Field("nothing may be written", kind="boolean", default=False),
}
_GIT_REPO = {
    "repository": Field("URL to clone", kind="string", required=True),
    "directory": Field("folder to clone into", kind="string"),
    "revision": Field("commit to check out", kind="string"),
}
VOLUME: Fields = {
    "name": Field("name to mount by", kind="string", required=True),
    "azureFile": Field("a file share", kind="object", fields=_AZURE_FILE),
    "emptyDir": Field("an empty folder that lives as long as the group", kind="object", of="any"),
    "secret": Field("files by name, with their text", kind="object", secret=True),
    "gitRepo": Field("a clone of a repository", kind="object", fields=_GIT_REPO),
}
MOUNT: Fields = {
    "name": Field("name of the volume", kind="string", required=True),
    "mountPath": Field("where it appears", kind="string", required=True),
    "readOnly": Field("nothing may be written", kind="boolean", default=False),
}
INIT_CONTAINER: Fields = {
    "name": Field("name of the container", kind="string", required=True),
    "image": Field("image to run", kind="string", required=True),
    "command": Field("program and arguments", kind="array"),
    "environmentVariables": Field("its environment variables", kind="object"),
    "secureEnvironmentVariables": Field("the same, never shown again", kind="object", secret=True),
    "volumeMounts": Field("volumes it sees", kind="array", of="object", fields=MOUNT),
}
_CREDENTIAL = {
    "server": Field("host of the registry", kind="string", required=True),
    "username": Field("account there", kind="string"),
    "password": Field("its password", kind="string", secret=True),
    "identity": Field("id of a user-assigned identity instead", kind="string"),
}
_DNS = {
    "nameServers": Field("addresses of DNS servers", kind="array", required=True),
    "searchDomains": Field("domains to search, separated by blanks", kind="string"),
    "options": Field("resolver options", kind="string"),
}
_LOG_ANALYTICS = {
    "workspaceId": Field("id of the workspace", kind="string", required=True),
    "workspaceKey": Field("its key", kind="string", required=True, secret=True),
    "logType": Field(
        "ContainerInsights or ContainerInstanceLogs",
        kind="string",
        words=("ContainerInsights", "ContainerInstanceLogs"),
    ),
    "metadata": Field("metadata to send along", kind="object"),
}
_PORT = {
    "port": Field("port to open", kind="integer", required=True, least=1, most=65535),
    "protocol": Field("TCP or UDP", kind="string", words=("TCP", "UDP"), default="TCP"),
}
_SECURITY = {
    "privileged": Field("all rights (sku Confidential)", kind="boolean"),
    "allowPrivilegeEscalation": Field("a process may gain rights", kind="boolean"),
    "runAsUser": Field("user id", kind="integer", least=0),
    "runAsGroup": Field("group id", kind="integer", least=0),
    "seccompProfile": Field("seccomp profile, base64", kind="string"),
    "capabilities": Field(
        "capabilities",
        kind="object",
        fields={"add": Field("to add", kind="array"), "drop": Field("to drop", kind="array")},
    ),
}
_SMOKE = {
    "path": Field("path to ask; /score without it", kind="string", default="/score"),
    "method": Field("POST or GET", kind="string", words=("POST", "GET"), default="POST"),
    "body": Field("body of the request", kind="string"),
    "contentType": Field("its content type; application/json without it", kind="string", default="application/json"),
    "expectStatus": Field("status that must come; 200 without it", kind="integer", least=100, most=599, default=200),
    "expectJson": Field("JSON that must come", kind="object", of="any"),
}
_STABLE = {
    "trafficManagerEndpoint": Field("ARM id of an external endpoint of a Traffic Manager profile", kind="string"),
    "applicationGateway": Field("ARM id of an Application Gateway", kind="string"),
    "backendPool": Field("name of its backend pool", kind="string"),
}

SERVICE: Mapping[str, Field] = {
    "name": Field(
        "name of the service, unique on the target; made of resource, project and stack without it", kind="string"
    ),
    "image": Field("image to run, with its digest", kind="string", required=True),
    "cpuCores": Field("CPU cores, as v1's cpu_cores", kind="number", least=0.001, unit="cores"),
    "memoryGb": Field("memory in GiB, as v1's memory_gb", kind="number", least=0.01, unit="GiB"),
    "port": Field(
        "port to call; 0 picks one: a free one of 127.0.0.1 (kept), or 80 and 443 in the cloud",
        kind="integer",
        least=0,
        most=65535,
        default=0,
    ),
    "authEnabled": Field("ask for a key in the header Authorization: Bearer <key>", kind="boolean", default=False),
    "primaryKey": Field("first key; made if keys are asked for and none is given", kind="string", secret=True),
    "secondaryKey": Field("second key; made like the first", kind="string", secret=True),
    "rotatePrimaryKey": Field("any text; another text makes a new first key, the second stays", kind="string"),
    "rotateSecondaryKey": Field("any text; another text makes a new second key, the first stays", kind="string"),
    "sslEnabled": Field("speak TLS with the certificate of sslCertPemFile", kind="boolean", default=False),
    "sslCertPemFile": Field("PEM file with the certificate chain", kind="string"),
    "sslKeyPemFile": Field("PEM file with its private key", kind="string"),
    "sslClientCaPemFile": Field("PEM file of authorities; only clients that they certify may call then", kind="string"),
    "sslCname": Field("host name of the certificate, which the URLs are written with", kind="string"),
    "environmentVariables": Field("environment variables of the scoring script", kind="object"),
    "secureEnvironmentVariables": Field("the same, never shown again", kind="object", secret=True),
    "startupTimeout": Field("seconds within which / must answer 200", kind="number", least=0, unit="seconds"),
    "smokeTest": Field("a request that must succeed before the update is done", kind="object", fields=_SMOKE),
    "rollback": Field(
        "an update that fails goes back to what served before; true if not said", kind="boolean", default=True
    ),
    **server.FIELDS,
    "enableAppInsights": Field("send telemetry to Application Insights", kind="boolean", default=False),
    "appInsightsConnectionString": Field("connection string of the component", kind="string", secret=True),
    "certificateHash": Field("sha256 of certificate and key", kind="string", filled=True),
}
"""What every target can do."""

CLOUD: Mapping[str, Field] = {
    "resourceGroup": Field("resource group; the provider's without it", kind="string"),
    "location": Field("region; the provider's without it", kind="string"),
    "tags": Field("tags of the container group", kind="object"),
    "properties": Field("more tags, which v1 kept apart", kind="object"),
    "description": Field("text for people; a tag", kind="string"),
    "dnsNameLabel": Field("first part of the public host name; made from the name without it", kind="string"),
    "dnsNameLabelScope": Field(
        "Unsecure, TenantReuse, SubscriptionReuse, ResourceGroupReuse or Noreuse",
        kind="string",
        words=("Unsecure", "TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Noreuse"),
        default="TenantReuse",
    ),
    "collectModelData": Field("v1's data collection; it did nothing for containers, and does nothing", kind="boolean"),
    "cmkVaultBaseUrl": Field("Key Vault of a customer-managed key", kind="string"),
    "cmkKeyName": Field("name of the key", kind="string"),
    "cmkKeyVersion": Field("version of the key", kind="string"),
    "cmkIdentity": Field("id of the user-assigned identity that may use the key", kind="string"),
    "vnetName": Field("virtual network of the subnet", kind="string"),
    "vnetResourceGroup": Field("its resource group, if it is another one", kind="string"),
    "subnetName": Field("delegated subnet to run in", kind="string"),
    "subnetId": Field("ARM id of that subnet, instead of the names", kind="string"),
    "command": Field("program and arguments instead of the image's", kind="array"),
    "osType": Field("Linux: images are made for linux/amd64", kind="string", words=("Linux",), default="Linux"),
    "restartPolicy": Field(
        "Always, OnFailure or Never", kind="string", words=("Always", "OnFailure", "Never"), default="Always"
    ),
    "sku": Field(
        "Standard, Dedicated or Confidential",
        kind="string",
        words=("Standard", "Dedicated", "Confidential"),
        default="Standard",
    ),
    "priority": Field("Regular or Spot", kind="string", words=("Regular", "Spot"), default="Regular"),
    "ccePolicy": Field("confidential computing enforcement policy, base64", kind="string"),
    "zones": Field("availability zone", kind="array"),
    "ipAddressType": Field("Public, Private or None", kind="string", words=("Public", "Private", "None")),
    "ports": Field("ports besides the service's", kind="array", of="object", fields=_PORT),
    "cpuLimit": Field("most CPU cores the container may use", kind="number", least=0, unit="cores"),
    "memoryLimit": Field("most memory in GiB the container may use", kind="number", least=0, unit="GiB"),
    "gpu": Field("GPUs, which the cloud has retired", kind="object", of="any"),
    "livenessProbe": Field("restarts the container when it fails", kind="object", fields=PROBE),
    "readinessProbe": Field("keeps requests away while it fails", kind="object", fields=PROBE),
    "volumes": Field("volumes", kind="array", of="object", fields=VOLUME),
    "volumeMounts": Field("volumes that the service sees", kind="array", of="object", fields=MOUNT),
    "initContainers": Field("containers that run before", kind="array", of="object", fields=INIT_CONTAINER),
    "systemAssignedIdentity": Field("give the group an identity of its own", kind="boolean", default=False),
    "identities": Field("ids of user-assigned identities", kind="array"),
    "pullIdentity": Field("id of the user-assigned identity that pulls the image", kind="string"),
    "imageRegistryCredentials": Field("accounts of registries", kind="array", of="object", fields=_CREDENTIAL),
    "dnsConfig": Field("DNS of the containers", kind="object", fields=_DNS),
    "logAnalytics": Field("workspace that gets the logs", kind="object", fields=_LOG_ANALYTICS),
    "securityContext": Field("rights of the container", kind="object", fields=_SECURITY),
    "rollout": Field(
        "in_place, or blue_green: a second group is made and proven before it takes over",
        kind="string",
        words=("in_place", "blue_green"),
        default="in_place",
    ),
    "stableName": Field("what points to the group that serves (blue_green)", kind="object", fields=_STABLE),
}
"""What only a cloud has; other targets name what they ignore."""

FIELDS: Fields = {**SERVICE, **CLOUD}
OUTPUTS: Fields = {
    "scoringUri": Field("where to POST to", kind="string"),
    "swaggerUri": Field("where the OpenAPI document is", kind="string"),
    "state": Field("Running, Stopped, Failed or Unknown", kind="string"),
    "fqdn": Field("host name; empty if there is none", kind="string"),
    "ip": Field("address; empty if there is none", kind="string"),
    "imageDigest": Field("digest of the image that runs", kind="string"),
    "owner": Field("mark of whose it is, by which it is known again", kind="string"),
}
