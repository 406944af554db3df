"""What is refused on every target: each row is what was written, where, and the sentence that comes back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from aciml.core.errors import Finding
from aciml.model.group import FIELDS
from aciml.model.rules import all_group_findings as group_findings
from aciml.model.shape import shape_findings
from aciml.properties import UNKNOWN, Secret
from tests.targets.azure.groups.group_samples import IDENTITY, IMAGE, PATIENT, SUBNET, properties
from tests.targets.azure.groups.test_body import EVERYTHING
from tests.targets.azure.groups.test_seen import SECRET, declared

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
    # sizes
    ({"cpuCores": 2, "cpuLimit": 1}, "cpuLimit", "cpuLimit 1 is less than cpuCores 2, which the container is given"),
    ({"cpuLimit": 2}, "cpuLimit", "cpuLimit 2 is more than cpuCores 1, which is all that the group has"),
    (
        {"gpu": {"count": 1, "sku": "V100"}},
        "gpu",
        "the service retired its GPUs on July 14, 2025, so no region has any",
    ),
    ({"memoryLimit": 4}, "memoryLimit", "memoryLimit 4 is more than memoryGb 1, which is all that the group has"),
    # ports and counts
    ({"ports": [{"port": 65534}]}, "ports[0].port", "port 65534 cannot be opened: 49152 to 65534 are reserved"),
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
        {**SPOT, "ipAddressType": "Public"},
        "ipAddressType",
        "a Spot group has no address; write None, or priority Regular",
    ),
    ({**SPOT, "dnsNameLabel": "iris-spot"}, "dnsNameLabel", "a Spot group has no address that a label could name"),
    ({**SPOT, "subnetId": SUBNET}, "subnetId", "a Spot group cannot run in a virtual network; drop subnetId"),
    ({**SPOT, "zones": ["1"]}, "zones", "a Spot group cannot choose its zone; drop zones, or write priority Regular"),
    ({**SPOT, **CONFIDENTIAL}, "sku", "a Spot group cannot be Confidential; write sku Standard, or priority Regular"),
    # names
    ({"dnsNameLabel": "iris"}, "dnsNameLabel", '"iris" is no label; use 5 to 63 lower-case letters, digits and -'),
    ({"dnsNameLabel": "iris-"}, "dnsNameLabel", '"iris-" is no label'),
    ({"environmentVariables": {"A B": "1"}}, 'environmentVariables["A B"]', '"A B" is no variable name; use letters'),
    (
        {"environmentVariables": {"A": "1"}, "secureEnvironmentVariables": {"A": "1"}},
        'environmentVariables["A"]',
        "A is also in secureEnvironmentVariables; drop one",
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
    (probe(**HTTP, successThreshold=2), "livenessProbe.successThreshold", "one success is enough for a liveness probe"),
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
    (
        {**volume(emptyDir={}), "volumeMounts": [{"name": "models", "mountPath": path} for path in ("/m", "/m/")]},
        "volumeMounts[1].mountPath",
        "something is mounted at /m/ already; choose another path",
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
        {"tags": {f"t{n}": "" for n in range(49)}},
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
    (
        {"tags": {"team": "a", "Team": "b"}},
        'tags["Team"]',
        "Team and team are one tag, whose name minds no letter case; drop one",
    ),
    (
        {"tags": {"team": "a"}, "properties": {"Team": "b"}},
        'properties["Team"]',
        "Team is also in tags as team, and both become tags; drop one",
    ),
    ({"tags": {"Azure-Env": "a"}}, 'tags["Azure-Env"]', "Azure-Env begins as Azure's own tags do (microsoft, azure,"),
    ({"properties": {"windowsVersion": "a"}}, 'properties["windowsVersion"]', "begins as Azure's own tags do"),
    ({"tags": {"Aciml-Owner": "me"}}, 'tags["Aciml-Owner"]', "the tag Aciml-Owner is set by us; rename it"),
    ({"tags": {"Description": "a"}, "description": "b"}, 'tags["Description"]', "the tag Description is set by us"),
    ({"tags": {"aciml-owner": "me"}}, 'tags["aciml-owner"]', "the tag aciml-owner is set by us; rename it"),
    ({"tags": {"description": "a"}, "description": "b"}, 'tags["description"]', "the tag description is set by us"),
    ({"description": "x" * 257}, "description", "a description is a tag, which holds 256 characters; shorten it"),
]


@pytest.mark.parametrize(("given", "where", "why"), REFUSED, ids=[f"{where}: {why}"[:60] for _, where, why in REFUSED])
def test_it_is_refused_and_said_where_and_why(given: dict[str, Any], where: str, why: str) -> None:
    (finding,) = group_findings(properties(**given))

    assert finding.where == where
    assert why in finding.why


@pytest.mark.parametrize(("given", "where", "why"), REFUSED, ids=[f"{where}: {why}"[:60] for _, where, why in REFUSED])
def test_nothing_that_is_refused_needs_the_defaults_of_a_cloud(given: dict[str, Any], where: str, why: str) -> None:
    sized = {"cpuCores": 1, "memoryGb": 1}
    found = group_findings({"name": "iris", "image": IMAGE, **sized, **given})

    assert [finding.where for finding in found] == [where]
    assert why in found[0].why


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
        {"initContainers": [{"name": f"i{n}", "image": IMAGE} for n in range(59)]},
        {"volumes": [{"name": f"volume{n}", "emptyDir": {}} for n in range(20)]},
        {"tags": {f"t{n}": "" for n in range(48)}},
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
def test_what_a_cloud_takes_is_not_refused(given: dict[str, Any]) -> None:
    assert judged(properties(**given)) == []


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
    assert judged(properties(**given, **{unknown: UNKNOWN})) == []


def test_nothing_known_is_nothing_refused() -> None:
    assert judged(dict.fromkeys(FIELDS, UNKNOWN)) == []
    assert group_findings({}) == []


def test_several_things_are_said_at_once_also_beside_what_has_no_right_shape() -> None:
    wrong = {"rollout": "bluegreen", "zones": ["1", "2"], "gpu": 3, "tags": {"a?": ""}, "livenessProbe": {}}
    probe = {"readinessProbe": {"periodSeconds": "often"}}

    found = [finding.where for finding in judged({"name": "iris", "image": IMAGE, **wrong, **probe})]

    assert found == ["gpu", "readinessProbe.periodSeconds", "rollout", "zones", "readinessProbe", 'tags["a?"]']


def test_no_sentence_has_a_secret_in_it() -> None:
    given = account(username="u", password="hidden", identity="me") | volume(
        azureFile={"storageAccountKey": "hidden"}, secret={"a": "hidden"}
    )
    marked = {"subnetId": Secret("hidden"), "dnsNameLabel": Secret("hidden?"), "rollout": Secret("hidden")}
    marked["zones"] = Secret(["hidden", "hidden"])
    found = judged(properties(**given, **marked))

    assert "hidden" not in str(found)
    assert any(finding.why.startswith('"[secret]" is no label') for finding in found)


def judged(values: dict[str, Any]) -> list[Finding]:
    return [*shape_findings(values, FIELDS), *group_findings(values)]


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a tree of values, the top not among them."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [one for key, item in inner for one in ((*path, key), *places(item, (*path, key)))]


def with_value(values: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    *parents, last = path
    inner: Any = changed
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return changed


@PATIENT
@drawn(declared(), SECRET, st.data())
def test_what_becomes_unknown_makes_no_finding(
    plain: dict[str, Any], secret: dict[str, Any], data: st.DataObject
) -> None:
    values = {**plain, **secret}
    if judged(values):
        return
    for _ in range(data.draw(st.integers(1, 3))):
        values = with_value(values, data.draw(st.sampled_from(places(values))), UNKNOWN)

    assert judged(values) == []


@pytest.mark.parametrize("path", places(EVERYTHING), ids=lambda path: ".".join(map(str, path)))
def test_no_part_of_everything_is_missed_while_it_is_unknown_or_secret(path: tuple[str | int, ...]) -> None:
    whole = properties(**EVERYTHING)
    inner: Any = whole
    for key in path:
        inner = inner[key]

    assert judged(with_value(whole, path, UNKNOWN)) == []
    assert judged(with_value(whole, path, Secret(UNKNOWN))) == []
    shown = [
        one.why
        for one in judged(with_value(whole, path, Secret(inner)))
        if "is a secret and would stand" not in one.why
    ]
    assert shown == []


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 99999), st.floats(), st.text(max_size=3), st.just(UNKNOWN)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2), inner.map(Secret)
    ),
    max_leaves=4,
)


@PATIENT
@drawn(declared(), SECRET, st.data())
def test_nothing_that_can_be_written_stops_the_judge(
    plain: dict[str, Any], secret: dict[str, Any], data: st.DataObject
) -> None:
    values = {**EVERYTHING, **plain, **secret}
    for _ in range(data.draw(st.integers(1, 4))):
        values = with_value(values, data.draw(st.sampled_from(places(values))), data.draw(JUNK))

    for finding in judged(values):
        assert finding.where
        assert finding.why
