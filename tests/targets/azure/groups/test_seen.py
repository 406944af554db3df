"""What an answer says: nothing when it is as declared, each difference by its property, and all of it for an import."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import UserError
from aciml.model.access import Account
from aciml.model.declared import read
from aciml.targets.azure.groups import drift as drifting
from aciml.targets.azure.groups.account import foreseen_pull
from aciml.targets.azure.groups.change import group_changes, plan
from aciml.targets.azure.groups.group import to_arm as request
from aciml.targets.azure.groups.place import Somewhere
from aciml.targets.protocol import GroupSpec
from tests.targets.specs import told

from .group_samples import IDENTITY, IMAGE, PATIENT, PLACE, SUBNET, answered, group, judged, properties
from .test_body import EVERYTHING, PULL

Change = Callable[[dict[str, Any]], Any]


def drift(spec: GroupSpec, body: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    return told(drifting.drift(spec, body, seen))


def properties_of(seen: dict[str, Any]) -> dict[str, Any]:
    return told(drifting.imported(seen))


def group_body(spec: GroupSpec, around: Somewhere, pull: dict[str, str] | Account | None) -> dict[str, Any]:
    return request(spec, around, read(Account, pull) if isinstance(pull, dict) else pull)


TEXT = st.text("abc XYZ/=", max_size=6)
NAME = st.from_regex(r"[a-z][a-z0-9]{5,8}", fullmatch=True)
TEXTS = st.dictionaries(NAME, TEXT, max_size=2)
HTTP = st.fixed_dictionaries(
    {"port": st.integers(1, 1000)},
    optional={"path": st.just("/health"), "scheme": st.sampled_from(["http", "https"]), "httpHeaders": TEXTS},
)
TIMES = {"periodSeconds": st.integers(1, 30), "failureThreshold": st.integers(1, 5)}
PROBE = st.one_of(
    st.fixed_dictionaries({"httpGet": HTTP}, optional=TIMES),
    st.fixed_dictionaries({"exec": st.just({"command": ["true"]})}, optional=TIMES),
)
KIND: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"emptyDir": {}}),
    st.just({"secret": {"a": "b"}}),
    st.just({"gitRepo": {"repository": "https://example.com/r.git", "directory": "."}}),
    st.just({"azureFile": {"shareName": "m", "storageAccountName": "s", "storageAccountKey": "k", "readOnly": True}}),
)
ACCESS = st.one_of(
    st.just({"username": "u", "password": "p"}),
    st.just({"identity": f"{IDENTITY}shared"}),
)
NETWORK = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"dnsNameLabel": NAME}, optional={"dnsNameLabelScope": st.just("Noreuse")}),
    st.just({"dnsNameLabel": ""}),
    st.just({"subnetId": SUBNET}),
    st.just({"subnetId": SUBNET, "ipAddressType": "None"}),
    st.just({"vnetName": "inside", "subnetName": "scoring"}),
    st.just({"vnetName": "inside", "subnetName": "scoring", "vnetResourceGroup": "net"}),
    st.just({"ipAddressType": "None"}),
    st.just({"priority": "Spot", "location": "westus"}),
)
KEY = {"cmkVaultBaseUrl": "https://v.vault.azure.net/", "cmkKeyName": "k", "cmkKeyVersion": "1"}


@st.composite
def declared(draw: st.DrawFn) -> dict[str, Any]:
    """Properties of all kinds of groups, each of which is fit to be sent."""
    volumes = [{"name": name, **draw(KIND)} for name in draw(st.lists(NAME, max_size=3, unique=True))]
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes if draw(st.booleans())]
    servers = draw(st.lists(NAME.map(lambda name: f"{name}.example"), max_size=2, unique=True))
    inits = [{"name": name, "image": IMAGE} for name in draw(st.lists(NAME, max_size=2, unique=True))]
    many: dict[str, st.SearchStrategy[Any]] = {
        "port": st.sampled_from([0, 80, 8080]),
        "ports": st.lists(st.integers(2000, 2010).map(lambda port: {"port": port}), max_size=2, unique_by=str),
        "cpuCores": st.sampled_from([1, 1.5, 4]),
        "memoryGb": st.sampled_from([1, 2.5]),
        "command": st.just(["python", "-m", "serve"]),
        "environmentVariables": TEXTS,
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
        "tags": TEXTS,
        "description": st.just("flowers"),
        "identities": st.lists(st.sampled_from([f"{IDENTITY}a", f"{IDENTITY}b"]), max_size=2, unique=True),
        "pullIdentity": st.sampled_from([f"{IDENTITY}a", f"{IDENTITY}puller"]),
        "systemAssignedIdentity": st.booleans(),
        "restartPolicy": st.sampled_from(["Always", "OnFailure"]),
        "securityContext": st.sampled_from([{"runAsUser": 5}, {"capabilities": {"add": ["A"]}}, {"privileged": False}]),
        "dnsConfig": st.just({"nameServers": ["10.0.0.2", "10.0.0.1"]}),
        "logAnalytics": st.just({"workspaceId": "w", "workspaceKey": "k", "logType": "ContainerInsights"}),
        "zones": st.just(["2"]),
    }
    found = draw(st.fixed_dictionaries({}, optional=many)) | draw(NETWORK)
    found |= draw(st.sampled_from([{}, KEY, {**KEY, "cmkIdentity": f"{IDENTITY}key"}]))
    found |= {"volumes": volumes, "volumeMounts": mounts, "initContainers": inits}
    found["imageRegistryCredentials"] = [{"server": server, **draw(ACCESS)} for server in servers]
    if "Spot" in found.values():
        found.pop("zones", None)
    return properties(**found)


SECRET = st.fixed_dictionaries(
    {},
    optional={
        "authEnabled": st.just(True),
        "sslEnabled": st.just(True),
        "secureEnvironmentVariables": st.dictionaries(NAME.map(str.upper), TEXT, max_size=2),
        "enableAppInsights": st.just(True),
        "appInsightsConnectionString": st.just("InstrumentationKey=1"),
        "properties": st.dictionaries(NAME.map(str.upper), TEXT, max_size=2),
    },
)


@PATIENT
@given(declared(), SECRET, st.integers(0, 1000))
def test_what_was_declared_has_not_drifted(plain: dict[str, Any], secret: dict[str, Any], seed: int) -> None:
    spec = group(**{**plain, **secret})
    body = group_body(spec, PLACE, foreseen_pull(spec.declared))

    assert drift(spec, body, answered(body, seed)) == {}
    assert drift(spec, group_body(spec, PLACE, None), answered(body, seed)) == {}


@PATIENT
@given(declared(), st.integers(0, 1000))
def test_after_an_import_nothing_is_to_be_done(plain: dict[str, Any], seed: int) -> None:
    spec = group(**plain)
    body = group_body(spec, PLACE, foreseen_pull(spec.declared))
    imported = group(**properties_of(answered(body, seed)))

    assert plan(imported, spec, PLACE) == "nothing"
    assert "replace" not in group_changes(imported, spec, PLACE).values()


@PATIENT
@given(declared())
def test_samples_are_what_the_service_takes(plain: dict[str, Any]) -> None:
    assert judged(plain) == []


def _container(seen: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = seen["properties"]["containers"][0]["properties"]
    return found


def _without(seen: dict[str, Any], name: str) -> None:
    variables = _container(seen)["environmentVariables"]
    variables[:] = [item for item in variables if item["name"] != name]


def _set(path: str, value: Any) -> Change:
    """A change by hand: ``container.image`` is in the container, other paths are in the group."""

    def change(seen: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            seen = _container(seen) if parent == "container" else seen[parent]
        if value is None:
            del seen[last]
        else:
            seen[last] = value

    return change


SLOW = {"exec": {"command": ["true"]}, "initialDelaySeconds": 0, "periodSeconds": 60, "failureThreshold": 3}
ROOT, OTHERS = (
    {"runAsUser": 0, "capabilities": {"drop": ["ALL"]}},
    {"nameServers": ["10.9.9.9"], "searchDomains": "a b"},
)
NO_ACCOUNT = {"imageRegistryCredentials": None, "pullIdentity": None}
PROPERTIES: dict[str, Any] = {name: value for name, value in EVERYTHING.items() if name not in ("subnetId", "zones")}
BY_HAND: list[tuple[str, Change, dict[str, Any]]] = [
    ("another image", _set("container.image", "other"), {"image": "other"}),
    ("more cores", _set("container.resources.requests.cpu", 2.0), {"cpuCores": 2}),
    ("more memory", _set("container.resources.requests.memoryInGB", 2.5), {"memoryGb": 2.5}),
    ("a limit", _set("container.resources.limits", {"cpu": 3}), {"cpuLimit": 3.0}),
    ("no command", _set("container.command", []), {"command": None}),
    ("a variable went", lambda seen: _without(seen, "A"), {"environmentVariables": {"B": "2"}}),
    ("a secure variable went", lambda seen: _without(seen, "S"), {"secureEnvironmentVariables": {}}),
    (
        "a secure variable came",
        lambda seen: _container(seen)["environmentVariables"].append({"name": "T"}),
        {"secureEnvironmentVariables": {"S": "hidden", "T": ""}},
    ),
    ("a key went", lambda seen: _without(seen, "ACIML_SECONDARY_KEY"), {"authEnabled": False}),
    ("telemetry went", lambda seen: _without(seen, "AML_APP_INSIGHTS_ENABLED"), {"enableAppInsights": False}),
    (
        "the connection string went",
        lambda seen: _without(seen, "APPLICATIONINSIGHTS_CONNECTION_STRING"),
        {"appInsightsConnectionString": None},
    ),
    ("no TLS", lambda seen: _container(seen)["volumeMounts"].clear(), {"sslEnabled": False, "volumeMounts": None}),
    ("no probe", _set("container.livenessProbe", None), {"livenessProbe": None}),
    (
        "a slower probe",
        _set("container.readinessProbe.periodSeconds", 60),
        {"readinessProbe": {**SLOW, "successThreshold": 1, "timeoutSeconds": 1}},
    ),
    ("other rights", _set("container.securityContext.runAsUser", 0), {"securityContext": ROOT}),
    ("a port closed", lambda seen: seen["properties"]["ipAddress"]["ports"].pop(), {"ports": None}),
    ("tags", _set("tags.team", "b"), {"tags": {"team": "b"}}),
    ("a property went", _set("tags.model", None), {"properties": None}),
    ("another description", _set("tags.description", "trees"), {"description": "trees"}),
    ("no identity", _set("identity", None), {"identities": None, "systemAssignedIdentity": False}),
    ("another restart policy", _set("properties.restartPolicy", "Never"), {"restartPolicy": "Never"}),
    ("another sku", _set("properties.sku", "Standard"), {"sku": "Standard"}),
    ("another label", _set("properties.ipAddress.dnsNameLabel", "other"), {"dnsNameLabel": "other"}),
    ("no label", _set("properties.ipAddress.dnsNameLabel", None), {"dnsNameLabel": ""}),
    ("no init container", _set("properties.initContainers", []), {"initContainers": None}),
    ("no accounts", _set("properties.imageRegistryCredentials", []), NO_ACCOUNT),
    ("no logs", _set("properties.diagnostics", None), {"logAnalytics": None}),
    ("other servers", _set("properties.dnsConfig.nameServers", ["10.9.9.9"]), {"dnsConfig": OTHERS}),
    ("another key", _set("properties.encryptionProperties.keyVersion", "2"), {"cmkKeyVersion": "2"}),
    ("in a zone", _set("zones", ["3"]), {"zones": ["3"]}),
]  # fmt: skip


def _drop(path: str) -> Change:
    """Leave a value out of the answer, wherever it is."""

    def change(seen: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = seen["properties"]
        for part in way:
            place = _container(seen) if part == "container" else place[part]
        place.pop(last)

    return change


def _cased(seen: dict[str, Any]) -> None:
    """Write what has no letter case of its own in another one."""
    properties = seen["properties"]
    for name in ("osType", "restartPolicy", "sku"):
        properties[name] = properties[name].lower()
    properties["ipAddress"] |= {
        name: properties["ipAddress"][name].upper()
        for name in ("type", "autoGeneratedDomainNameLabelScope", "dnsNameLabel")
    }
    for port in (*properties["ipAddress"]["ports"], *_container(seen)["ports"]):
        port["protocol"] = port["protocol"].lower()
    for account in properties["imageRegistryCredentials"]:
        account["server"] = account["server"].upper()
    seen["identity"]["type"] = seen["identity"]["type"].lower()
    logs = properties["diagnostics"]["logAnalytics"]
    logs |= {"workspaceId": logs["workspaceId"].upper(), "logType": logs["logType"].lower()}
    key = properties["encryptionProperties"]
    key |= {"keyName": key["keyName"].upper(), "vaultBaseUrl": key["vaultBaseUrl"].upper()}
    seen["tags"] = {name.upper(): value for name, value in seen["tags"].items()}
    seen["location"] = seen["location"].upper()


NO_DIFFERENCE: dict[str, Change] = {
    "letter case": _cased,
    "tags of a policy": lambda seen: seen["tags"].update({"costCenter": "4711", "Environment": "prod"}),
    "a description by a policy": lambda seen: seen["tags"].update({"Created-By": "x"}),
    **{
        f"no {path}": _drop(path)
        for path in (
            *("sku", "osType", "restartPolicy", "encryptionProperties", "diagnostics.logAnalytics.logType"),
            *("ipAddress.autoGeneratedDomainNameLabelScope", "container.securityContext"),
            *("container.readinessProbe.periodSeconds", "encryptionProperties.keyVersion"),
        )
    },
    "no location": lambda seen: seen.pop("location"),
    "null for what was not said": lambda seen: seen["properties"].update(
        {"extensions": None, "subnetIds": None, "confidentialComputeProperties": None}
    ),
}


@pytest.mark.parametrize("what", NO_DIFFERENCE)
def test_how_the_service_answers_is_no_drift(what: str) -> None:
    spec = group(**PROPERTIES)
    body = group_body(spec, PLACE, PULL)
    seen = answered(body)
    NO_DIFFERENCE[what](seen)

    assert drift(spec, body, seen) == {}


@pytest.mark.parametrize(("what", "change", "expected"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_what_was_changed_by_hand_has_drifted(what: str, change: Change, expected: dict[str, Any]) -> None:
    spec = group(**PROPERTIES)
    body = group_body(spec, PLACE, PULL)
    seen = answered(body)
    seen["properties"]["ipAddress"]["ports"].sort(key=lambda port: int(port["port"]))
    change(seen)

    found = drift(spec, body, seen)

    assert {name: found.get(name, "same") for name in expected} == expected
    assert found.keys() - expected.keys() <= {"identities"}


def test_a_group_taken_out_of_its_network_shows_it_by_the_names_that_were_given() -> None:
    spec = group(vnetName="inside", subnetName="scoring")
    body = group_body(spec, PLACE, None)
    seen = copy.deepcopy(answered(body))
    del seen["properties"]["subnetIds"]

    assert drift(spec, body, seen) == {"subnetName": None, "vnetName": None, "vnetResourceGroup": None}


def test_drift_keeps_the_secrets_of_what_is_still_there() -> None:
    spec = group(**PROPERTIES)
    body = group_body(spec, PLACE, PULL)
    seen = answered(body)
    seen["properties"]["volumes"] = [item for item in seen["properties"]["volumes"] if item["name"] != "empty"]

    volumes = {item["name"]: item for item in drift(spec, body, seen)["volumes"]}

    assert volumes["share"]["azureFile"]["storageAccountKey"] == "k"
    assert volumes["files"]["secret"] == {"a.txt": "aa", "b.txt": "bb"}
    assert "empty" not in volumes


def test_another_container_in_the_group_is_drift_of_the_image() -> None:
    spec = group()
    body = group_body(spec, PLACE, None)
    seen = answered(body)
    seen["properties"]["containers"].append({"name": "other", "properties": {"image": "other"}})

    assert drift(spec, body, seen) == {"image": f"{IMAGE} + other"}


def test_policy_and_rights_that_the_service_fills_in_are_no_drift() -> None:
    spec = group(sku="Confidential")
    body = group_body(spec, PLACE, None)
    seen = answered(body)
    seen["properties"]["confidentialComputeProperties"] = {"ccePolicy": "YWxs"}
    _container(seen)["securityContext"] = {"privileged": False, "allowPrivilegeEscalation": False}

    assert drift(spec, body, seen) == {}


def test_an_import_has_everything_but_secrets() -> None:
    found = properties_of(answered(group_body(group(**PROPERTIES), PLACE, PULL)))

    assert not [
        secret for secret in ("hidden", "InstrumentationKey", "first", "'p'", "Key': 'k'") if secret in str(found)
    ]
    left_out = {"secureEnvironmentVariables", "appInsightsConnectionString", "properties"}
    assert PROPERTIES.keys() - found.keys() == left_out
    assert (found["name"], found["resourceGroup"], found["port"]) == ("iris", "models", 443)
    assert found["tags"] == {"team": "a", "model": "iris"}
    assert found["authEnabled"]
    assert found["environmentVariables"] == {"A": "1", "B": "2"}


def test_a_group_that_was_made_before_it_was_told_its_image_has_no_drift_and_gets_no_request() -> None:
    spec = group(**PROPERTIES)
    body = group_body(spec, PLACE, PULL)
    seen = answered(body)
    _without(seen, "ACIML_IMAGE_DIGEST")

    assert drift(spec, body, seen) == {}
    assert plan(spec, group(**PROPERTIES), PLACE) == "nothing"


def test_an_import_of_everything_is_followed_by_no_new_group() -> None:
    spec = group(**PROPERTIES)
    imported = group(**properties_of(answered(group_body(spec, PLACE, PULL))), certificateHash="")

    assert plan(imported, spec, PLACE) == "put"
    assert group_changes(imported, spec, PLACE).keys() <= {"secure_environment_variables", "properties", "tags"}


def test_a_group_of_several_containers_cannot_be_imported() -> None:
    seen = answered(group_body(group(), PLACE, None))
    seen["properties"]["containers"] *= 2

    with pytest.raises(UserError, match=r'container group "iris" has 2 containers \(iris, iris\); a service is one'):
        properties_of(seen)
