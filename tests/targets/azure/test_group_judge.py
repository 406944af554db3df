"""What is refused before anything is sent: each row is what was written, where, and the sentence that comes back."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.model.group import FIELDS
from aciml.targets.azure.group_judge import DEFAULTS, WORDS, judge_group

from .group_samples import IDENTITY, IMAGE, SUBNET, properties
from .test_group_body import EVERYTHING

TLS = {"sslEnabled": True}
CONFIDENTIAL = {"sku": "Confidential"}
SPOT = {"priority": "Spot"}
GREEN = {"rollout": "blue_green"}
HTTP = {"httpGet": {"port": 80}}
KEY = {"cmkKeyName": "k", "cmkKeyVersion": "1", "cmkVaultBaseUrl": "https://v.vault.azure.net"}
GATEWAY = {"applicationGateway": "g", "backendPool": "p"}
FORM = "write /subscriptions/.../resourceGroups/.../providers/Microsoft.ManagedIdentity/userAssignedIdentities/..."
NAMED = "use 5 to 63 lower-case letters, digits and single -, no - at the ends"


def volume(**kind: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "models", **kind}]}


def account(**members: Any) -> dict[str, Any]:
    return {"imageRegistryCredentials": [{"server": "a.example", **members}]}


def probe(**members: Any) -> dict[str, Any]:
    return {"livenessProbe": members}


def init(**members: Any) -> dict[str, Any]:
    return {"initContainers": [{"name": "fetch", "image": IMAGE, **members}]}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    # words
    ({"gpu": {"count": 1}}, "gpu", "the service retired its GPUs on July 14, 2025, so no region has any; drop gpu, or"),
    ({"osType": "Windows"}, "osType", "images are made for linux/amd64, and a Windows group runs Windows images only"),
    ({"osType": "linux"}, "osType", '"linux" is no value; did you mean Linux?'),
    ({"restartPolicy": "always"}, "restartPolicy", '"always" is no value; did you mean Always?'),
    ({"restartPolicy": "sometimes"}, "restartPolicy", '"sometimes" is no value; write Always, OnFailure or Never'),
    ({"sku": "Standart"}, "sku", '"Standart" is no value; did you mean Standard?'),
    ({"priority": "spot"}, "priority", '"spot" is no value; did you mean Spot?'),
    ({"ipAddressType": "public"}, "ipAddressType", '"public" is no value; did you mean Public?'),
    (
        {"dnsNameLabelScope": "TenantReused"},
        "dnsNameLabelScope",
        '"TenantReused" is no value; did you mean TenantReuse?',
    ),
    ({"rollout": "blue-green"}, "rollout", '"blue-green" is no value; did you mean blue_green?'),
    ({"ports": [{"port": 1, "protocol": "tcp"}]}, "ports[0].protocol", '"tcp" is no value; did you mean TCP?'),
    (
        probe(httpGet={"port": 80, "scheme": "HTTP"}),
        "livenessProbe.httpGet.scheme",
        '"HTTP" is no value; did you mean http?',
    ),
    (
        {"logAnalytics": {"logType": "Insights"}},
        "logAnalytics.logType",
        '"Insights" is no value; did you mean ContainerInsights?',
    ),
    # sizes
    ({"cpuCores": 0.5}, "cpuCores", "cpuCores is 0.5; a Standard group has 1 to 31 cores"),
    ({"cpuCores": 32}, "cpuCores", "cpuCores is 32; a Standard group has 1 to 31 cores"),
    ({"cpuCores": 32, **CONFIDENTIAL}, "cpuCores", "cpuCores is 32; a Confidential group has 1 to 31 cores"),
    ({"cpuCores": 8, **SPOT}, "cpuCores", "cpuCores is 8; a Spot group has 1 to 4 cores"),
    ({"cpuCores": 1.25}, "cpuCores", "cpuCores is 1.25; the service takes one decimal place, write 1.2"),
    ({"memoryGb": 0.5}, "memoryGb", "memoryGb is 0.5; a Standard group has 1 to 240 GiB"),
    ({"memoryGb": 241}, "memoryGb", "memoryGb is 241; a Standard group has 1 to 240 GiB"),
    ({"memoryGb": 200, **CONFIDENTIAL}, "memoryGb", "memoryGb is 200; a Confidential group has 1 to 180 GiB"),
    ({"memoryGb": 32, **SPOT}, "memoryGb", "memoryGb is 32; a Spot group has 1 to 16 GiB"),
    ({"cpuCores": 2, "cpuLimit": 1}, "cpuLimit", "cpuLimit 1 is less than cpuCores 2, which the container is given"),
    ({"memoryLimit": 4}, "memoryLimit", "memoryLimit 4 is more than memoryGb 1, which is all that the group has"),
    # ports and counts
    ({"port": 22}, "port", "port 22 cannot be opened: 22 is reserved by the service; choose another"),
    ({"port": 25000}, "port", "port 25000 cannot be opened: 20000 to 30000 are reserved by the service"),
    ({"ports": [{"port": 65534}]}, "ports[0].port", "port 65534 cannot be opened: 49152 to 65534 are reserved"),
    ({"ports": [{"port": 70000}]}, "ports[0].port", "port 70000 does not exist; write 1 to 65535"),
    ({"ports": [{"port": 80}]}, "ports[0].port", "port 80/TCP is open already; the service's own is 80/TCP"),
    ({"ports": [{"port": 443}], **TLS}, "ports[0].port", "port 443/TCP is open already; the service's own is 443/TCP"),
    ({"ports": [{"port": p} for p in range(1, 6)]}, "ports", "6 ports with the service's own are more than 5"),
    ({"initContainers": [{"name": f"i{n}"} for n in range(60)]}, "initContainers", "61 containers are more than 60"),
    (
        {"volumes": [{"name": f"volume{n}", "emptyDir": {}} for n in range(21)]},
        "volumes",
        "21 volumes are more than 20",
    ),
    (
        {"volumes": [{"name": f"volume{n}", "emptyDir": {}} for n in range(20)], **TLS},
        "volumes",
        "21 volumes, the certificate's among them, are more than 20, the most of a group",
    ),
    ({"zones": ["1", "2"]}, "zones", "2 zones are given; a group is in one: write one of 1, 2"),
    # spot
    (
        {**SPOT, "location": "North Europe"},
        "location",
        "Spot groups run in eastus2, westeurope, westus, not in northeurope",
    ),
    (
        {**SPOT, "ipAddressType": "Public"},
        "ipAddressType",
        "a Spot group has no address; write None, or priority Regular",
    ),
    ({**SPOT, "dnsNameLabel": "iris-spot"}, "dnsNameLabel", "a Spot group has no address that a label could name"),
    ({**SPOT, "subnetId": SUBNET}, "subnetId", "a Spot group cannot run in a virtual network; drop subnetId"),
    ({**SPOT, "zones": ["1"]}, "zones", "a Spot group cannot choose its zone; drop zones, or write priority Regular"),
    ({**SPOT, **CONFIDENTIAL}, "sku", "a Spot group cannot be Confidential; write sku Standard, or priority Regular"),
    # names
    ({"name": "Iris"}, "name", '"Iris" is no container name; use 1 to 63 lower-case letters, digits and single -'),
    ({"name": "a--b"}, "name", '"a--b" is no container name'),
    ({"name": "x" * 64}, "name", "is no container name"),
    ({"dnsNameLabel": "iris"}, "dnsNameLabel", '"iris" is no label; use 5 to 63 lower-case letters, digits and -'),
    ({"dnsNameLabel": "iris-"}, "dnsNameLabel", '"iris-" is no label'),
    ({"environmentVariables": {"A B": "1"}}, 'environmentVariables["A B"]', '"A B" is no variable name; use 1 to 63'),
    ({"environmentVariables": {"A" * 64: "1"}}, f'environmentVariables["{"A" * 64}"]', "is no variable name"),
    (
        {"environmentVariables": {"A": "1"}, "secureEnvironmentVariables": {"A": "1"}},
        'environmentVariables["A"]',
        "A is also in secureEnvironmentVariables; drop one",
    ),
    (
        {"environmentVariables": {"ACIML_PORT": "1"}},
        'environmentVariables["ACIML_PORT"]',
        "ACIML_PORT is set by the property port; use that",
    ),
    (
        {"secureEnvironmentVariables": {"ACIML_IMAGE_DIGEST": "1"}},
        'secureEnvironmentVariables["ACIML_IMAGE_DIGEST"]',
        "ACIML_IMAGE_DIGEST is set by the property image; use that",
    ),
    (init(environmentVariables={"1": ""}), 'initContainers[0].environmentVariables["1"]', '"1" is no variable name'),
    (init(name="iris"), "initContainers[0].name", 'there is another container "iris" in the group; rename this one'),
    (init(name="Fetch"), "initContainers[0].name", '"Fetch" is no container name'),
    # label and network
    ({"dnsNameLabel": "iris-one", "subnetId": SUBNET}, "dnsNameLabel", "in a virtual network there is none"),
    (
        {"dnsNameLabel": "iris-one", "ipAddressType": "None"},
        "dnsNameLabel",
        "and ipAddressType is None; drop dnsNameLabel",
    ),
    ({"vnetName": "a"}, "subnetName", "vnetName is set and subnetName is not; give both or none"),
    ({"subnetName": "a"}, "vnetName", "subnetName is set and vnetName is not; give both or none"),
    ({"subnetId": "a"}, "subnetId", '"a" is no id of a subnet; write /subscriptions/'),
    (
        {"subnetId": SUBNET, "vnetName": "a", "subnetName": "b"},
        "vnetName",
        "subnetId and vnetName both say where to run",
    ),
    ({"vnetResourceGroup": "net"}, "vnetResourceGroup", "vnetResourceGroup goes with vnetName and subnetName"),
    (
        {"subnetId": SUBNET, "ipAddressType": "Public"},
        "ipAddressType",
        "a group in a virtual network has no public address",
    ),
    ({"ipAddressType": "Private"}, "ipAddressType", "a private address needs a virtual network; give subnetId, or"),
    # rollout
    (
        {"stableName": GATEWAY},
        "stableName",
        "stableName is what rollout blue_green moves; write rollout: blue_green or",
    ),
    ({**GREEN, "ipAddressType": "None"}, "rollout", "rollout blue_green proves the new group by its address, and this"),
    ({**GREEN, "subnetId": SUBNET}, "stableName", "a group with a private address has no label that could move"),
    ({**GREEN, "dnsNameLabel": ""}, "stableName", "nothing stays the same for callers when the new group takes over"),
    ({**GREEN, "stableName": {"backendPool": "p"}}, "stableName.applicationGateway", "go together; give both"),
    ({**GREEN, "stableName": {**GATEWAY, "trafficManagerEndpoint": "e"}}, "stableName", "needs one of"),
    # probes
    (probe(periodSeconds=5), "livenessProbe", "livenessProbe needs one of exec and httpGet"),
    (probe(**HTTP, exec={"command": ["a"]}), "livenessProbe", "livenessProbe needs one of exec and httpGet"),
    (probe(exec={}), "livenessProbe.exec", "an exec probe needs a command"),
    (probe(**HTTP, periodSeconds=0), "livenessProbe.periodSeconds", "periodSeconds is 0; write 1 or more"),
    (probe(**HTTP, successThreshold=2), "livenessProbe.successThreshold", "one success is enough for a liveness probe"),
    (probe(httpGet={"port": 0}), "livenessProbe.httpGet.port", "port 0 does not exist; write 1 to 65535"),
    (
        {**TLS, **probe(httpGet={"port": 443, "scheme": "http"})},
        "livenessProbe.httpGet.scheme",
        "the service speaks TLS on port 443; write https or drop the scheme",
    ),
    # volumes
    ({"volumes": [{"name": "data", "emptyDir": {}}]}, "volumes[0].name", f'"data" is no volume name; {NAMED}'),
    ({"volumes": [{"name": "my--data", "emptyDir": {}}]}, "volumes[0].name", f'"my--data" is no volume name; {NAMED}'),
    (
        {"volumes": [{"name": "models", "emptyDir": {}}] * 2},
        "volumes[1].name",
        'there are two volumes "models"; rename one',
    ),
    (
        {"volumes": [{"name": "aciml-tls", "emptyDir": {}}]},
        "volumes[0].name",
        '"aciml-tls" is the volume of the certificate',
    ),
    (volume(), "volumes[0]", 'volume "models" has no kind; give one of azureFile, emptyDir, secret, gitRepo'),
    (volume(emptyDir={}, secret={"a": "b"}), "volumes[0]", 'volume "models" has emptyDir and secret; give one of'),
    (
        volume(azureFile={"shareName": "m"}),
        "volumes[0].azureFile.storageAccountKey",
        "is mounted with the account's key",
    ),
    (volume(secret={}), "volumes[0].secret", "a secret volume needs a file; give names and texts"),
    (volume(gitRepo={"directory": "../a"}), "volumes[0].gitRepo.directory", '"../a" leaves the volume'),
    (
        {"volumeMounts": [{"name": "models", "mountPath": "/m"}]},
        "volumeMounts[0].name",
        "there are none; declare it in",
    ),
    (
        {**volume(emptyDir={}), "volumeMounts": [{"name": "model", "mountPath": "/m"}]},
        "volumeMounts[0].name",
        'there is no volume "model"; there are models',
    ),
    (
        {**volume(emptyDir={}), "volumeMounts": [{"name": "models", "mountPath": "m:"}]},
        "volumeMounts[0].mountPath",
        '"m:" is no path to mount at; start it with / and use no colon',
    ),
    (
        {**TLS, **volume(emptyDir={}), "volumeMounts": [{"name": "models", "mountPath": "/var/aciml/tls"}]},
        "volumeMounts[0].mountPath",
        "something is mounted at /var/aciml/tls already; choose another path",
    ),
    (init(volumeMounts=[{"name": "a", "mountPath": "/"}]), "initContainers[0].volumeMounts[0].name", "there are none"),
    # access
    ({"identities": ["me"]}, "identities[0]", f'"me" is no id of a user-assigned identity; {FORM}'),
    ({"pullIdentity": "me"}, "pullIdentity", f'"me" is no id of a user-assigned identity; {FORM}'),
    ({**KEY, "cmkIdentity": "me"}, "cmkIdentity", '"me" is no id of a user-assigned identity'),
    (account(identity="me"), "imageRegistryCredentials[0].identity", '"me" is no id of a user-assigned identity'),
    (account(), "imageRegistryCredentials[0]", "the account for a.example needs one of username and identity"),
    (
        account(username="u", password="p", identity=f"{IDENTITY}a"),
        "imageRegistryCredentials[0]",
        "the account for a.example needs one of username and identity",
    ),
    (account(username="u"), "imageRegistryCredentials[0].password", "the account for a.example needs its password"),
    (
        {"imageRegistryCredentials": [{"server": "https://a.example", "username": "u", "password": "p"}]},
        "imageRegistryCredentials[0].server",
        '"https://a.example" is no host; write it without https:// and path',
    ),
    (
        {"imageRegistryCredentials": account(username="u", password="p")["imageRegistryCredentials"] * 2},
        "imageRegistryCredentials[1].server",
        "there are two accounts for a.example; drop one",
    ),
    (
        {"cmkKeyName": "k", "cmkKeyVersion": "1"},
        "cmkVaultBaseUrl",
        "a customer-managed key needs cmkVaultBaseUrl, cmkKeyName",
    ),
    ({"cmkIdentity": f"{IDENTITY}a"}, "cmkIdentity", "cmkIdentity reads a customer-managed key; give"),
    (
        {"cmkKeyName": "k", "cmkKeyVersion": "1", "cmkVaultBaseUrl": "v"},
        "cmkVaultBaseUrl",
        '"v" is no Key Vault; write https://<name>.vault.azure.net',
    ),
    ({"ccePolicy": "YQ=="}, "ccePolicy", "a policy for confidential computing needs sku Confidential, not Standard"),
    ({"ccePolicy": "{}", **CONFIDENTIAL}, "ccePolicy", "ccePolicy is not base64; encode the policy"),
    ({"securityContext": {"privileged": True}}, "securityContext.privileged", "a privileged container needs sku Conf"),
    (
        {"enableAppInsights": True},
        "appInsightsConnectionString",
        "enableAppInsights needs the connection string of the",
    ),
    (
        {"appInsightsConnectionString": "a"},
        "appInsightsConnectionString",
        "is set and enableAppInsights is not; set it",
    ),
    # tags
    (
        {"tags": {f"t{n}": "" for n in range(50)}},
        "tags",
        "51 tags with properties, description and ours are more than 50",
    ),
    ({"tags": {"a?": ""}}, 'tags["a?"]', "a tag's name has 1 to 512 characters and none of < > % & \\ ? /; rename it"),
    ({"properties": {"a": "x" * 257}}, 'properties["a"]', "the value has 257 characters, a tag holds 256; shorten it"),
    (
        {"tags": {"a": ""}, "properties": {"a": ""}},
        'properties["a"]',
        "a is also in tags, and both become tags; drop one",
    ),
    ({"tags": {"aciml-owner": "me"}}, 'tags["aciml-owner"]', "the tag aciml-owner is set by us; rename it"),
    ({"tags": {"description": "a"}, "description": "b"}, 'tags["description"]', "the tag description is set by us"),
    ({"description": "x" * 257}, "description", "a description is a tag, which holds 256 characters; shorten it"),
]


@pytest.mark.parametrize(("given", "where", "why"), REFUSED, ids=[f"{where}: {why}"[:60] for _, where, why in REFUSED])
def test_it_is_refused_and_said_where_and_why(given: dict[str, Any], where: str, why: str) -> None:
    (finding,) = judge_group(None, properties(**given))

    assert finding.where == where
    assert why in finding.why


@pytest.mark.parametrize(
    "given",
    [
        {},
        EVERYTHING,
        {"cpuCores": 31, "memoryGb": 240},
        {"cpuCores": 32, "memoryGb": 180, "subnetId": SUBNET, **CONFIDENTIAL},
        {"cpuCores": 4, "memoryGb": 16, **SPOT},
        {"cpuLimit": 1, "memoryLimit": 1},
        {"ports": [{"port": port} for port in range(1, 5)]},
        {"ports": [{"port": 80, "protocol": "UDP"}]},
        {"initContainers": [{"name": f"i{n}"} for n in range(59)]},
        {"volumes": [{"name": f"volume{n}", "emptyDir": {}} for n in range(20)]},
        {"tags": {f"t{n}": "" for n in range(49)}},
        {"dnsNameLabel": ""},
        {"ipAddressType": "None"},
        {"subnetId": SUBNET, "ipAddressType": "None"},
        {"vnetName": "a", "subnetName": "b", "vnetResourceGroup": "c"},
        {"pullIdentity": f"{IDENTITY}nowhere-in-identities"},
        {"enableAppInsights": True, "secureEnvironmentVariables": {"APPLICATIONINSIGHTS_CONNECTION_STRING": "a"}},
        {**GREEN},
        {**GREEN, "subnetId": SUBNET, "stableName": GATEWAY},
        {**GREEN, "stableName": {"trafficManagerEndpoint": "e"}},
    ],
    ids=lambda given: ", ".join(given) or "nothing said",
)
def test_what_the_service_takes_is_not_refused(given: dict[str, Any]) -> None:
    assert judge_group(None, properties(**given)) == []


@pytest.mark.parametrize(
    ("given", "unknown"),
    [
        ({"vnetName": "a"}, "subnetName"),
        ({"subnetName": "a"}, "vnetName"),
        ({"vnetResourceGroup": "a"}, "vnetName"),
        ({"ipAddressType": "Private"}, "subnetId"),
        ({"cmkKeyName": "a", "cmkKeyVersion": "1"}, "cmkVaultBaseUrl"),
        ({"enableAppInsights": True}, "appInsightsConnectionString"),
        ({"appInsightsConnectionString": "a"}, "enableAppInsights"),
        ({"stableName": GATEWAY}, "rollout"),
        ({**GREEN, "subnetId": SUBNET}, "stableName"),
    ],
)
def test_what_is_not_known_yet_is_not_said_to_be_missing(given: dict[str, Any], unknown: str) -> None:
    known = {name: value for name, value in properties(**given).items() if name != unknown}

    assert judge_group(None, known, {unknown}) == []


def test_nothing_known_is_nothing_refused() -> None:
    assert judge_group(None, {}, set(FIELDS)) == []
    assert judge_group({}, {}) == []


def test_several_things_are_said_at_once() -> None:
    found = judge_group(None, properties(cpuCores=64, memoryGb=999, zones=["1", "2"]))

    assert [finding.where for finding in found] == ["cpuCores", "memoryGb", "zones"]


def test_the_defaults_are_properties_and_good_words() -> None:
    assert set(DEFAULTS) <= set(FIELDS)
    assert all(DEFAULTS[name] in words for name, words in WORDS.items() if name in DEFAULTS)


def test_no_sentence_has_a_secret_in_it() -> None:
    given = account(username="u", password="hidden", identity="me") | volume(
        azureFile={"storageAccountKey": "hidden"}, secret={"a": "hidden"}
    )

    assert "hidden" not in str(judge_group(None, properties(**given)))
