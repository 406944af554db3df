"""The rules of container apps, with nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.azure.apps import AppsRaw, app_body
from tests.azure.raw import until
from tests.simulators.azure.apps.merge import merged
from tests.simulators.azure.apps.names import parsed
from tests.simulators.azure.apps.traffic import Turns
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.generic import make_identity

IMAGE = "other.example/image:1"
SECRETS = [{"name": "key", "value": "hidden"}]
USES_KEY = [{"name": "KEY", "secretRef": "key"}]


@pytest.fixture
def raw(emulator: Emulator) -> Iterator[AppsRaw]:
    emulator.containers = False
    client = AppsRaw(emulator)
    yield client
    client.close()


@pytest.fixture
def environment(raw: AppsRaw) -> str:
    return raw.make_environment()


def test_each_write_says_where_to_ask_for_its_end(raw: AppsRaw, environment: str) -> None:
    made = raw.ask("PUT", raw.app(), app_body(environment))
    place = r"https://[^/]+/subscriptions/[^/]+/providers/Microsoft\.App/locations/westeurope"
    assert made.status_code == 201
    assert re.match(f"{place}/containerappOperationStatuses/[0-9a-f-]+\\?", made.headers["Azure-AsyncOperation"])
    assert made.json()["properties"]["provisioningState"] == "InProgress"
    said = raw.end(made)
    assert said["status"] == "Succeeded"
    assert {"id", "name", "startTime"} <= said.keys()

    assert raw.ask("PUT", raw.app(), app_body(environment)).status_code == 200

    changed = raw.ask("PATCH", raw.app(), {"tags": {"a": "1"}})
    assert changed.status_code == 202
    assert re.match(f"{place}/containerappOperationResults/[0-9a-f-]+\\?", changed.headers["Location"])
    assert "Azure-AsyncOperation" not in changed.headers
    result = raw.end(changed)
    assert (result["code"], result["body"]["tags"]) == (200, {"a": "1"})

    gone = raw.ask("DELETE", raw.app())
    assert (gone.status_code, "Location" in gone.headers) == (202, True)
    assert raw.end(gone)["code"] == 200
    assert raw.ask("DELETE", raw.app()).status_code == 204
    assert raw.error(raw.ask("GET", raw.app())) == (404, "ResourceNotFound")


def test_an_equal_body_begins_nothing_and_makes_no_revision(raw: AppsRaw, environment: str) -> None:
    first = raw.up(app_body(environment))

    # what was read is sent back, as the SDK and az do
    again = raw.ask("PUT", raw.app(), {**app_body(environment), "location": first["location"]})

    assert again.status_code == 200
    assert list(raw.revisions()) == [first["properties"]["latestRevisionName"]]


@pytest.mark.parametrize(
    "change",
    [
        {"tags": {"a": "b"}},
        {"properties": {"configuration": {"secrets": [{"name": "key", "value": "another"}]}}},
        {"properties": {"configuration": {"ingress": {"allowInsecure": True}}}},
        {
            "properties": {
                "configuration": {"ingress": {"traffic": [{"latestRevision": True, "weight": 100, "label": "a"}]}}
            }
        },
        {
            "properties": {
                "configuration": {"registries": [{"server": "r", "username": "u", "passwordSecretRef": "key"}]}
            }
        },
        {"properties": {"configuration": {"maxInactiveRevisions": 3}}},
        {"properties": {"configuration": {"activeRevisionsMode": "Single"}}},
        {"identity": {"type": "SystemAssigned"}},
    ],
)
def test_what_is_of_the_app_makes_no_revision(raw: AppsRaw, environment: str, change: Any) -> None:
    raw.up(app_body(environment, secrets=SECRETS))

    raw.change(change)

    assert len(raw.revisions()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [{"name": "main", "image": IMAGE, "resources": {"cpu": 0.5, "memory": "1Gi"}}]},
        {"containers": [{"name": "main", "image": "aciml-test:serves", "resources": {"cpu": 0.25, "memory": "0.5Gi"}}]},
        {"scale": {"maxReplicas": 7}},
        {"scale": {"rules": [{"name": "h", "http": {"metadata": {"concurrentRequests": "5"}}}]}},
        {"terminationGracePeriodSeconds": 60},
        {"volumes": [{"name": "empty", "storageType": "EmptyDir"}]},
        {"revisionSuffix": "second"},
    ],
)
def test_what_is_of_the_template_makes_exactly_one_revision(raw: AppsRaw, environment: str, change: Any) -> None:
    first = raw.up(app_body(environment))["properties"]["latestRevisionName"]

    seen = raw.change({"properties": {"template": change}})["properties"]

    assert list(raw.revisions()) == [first, seen["latestRevisionName"]]
    assert seen["latestReadyRevisionName"] == seen["latestRevisionName"] != first
    assert re.fullmatch("app--[a-z0-9]+", seen["latestRevisionName"])


def test_no_secret_is_shown_but_to_who_asks_for_them(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    made = raw.ask("PUT", raw.app(), app_body(environment, secrets=SECRETS, container_env=USES_KEY))
    raw.end(made)

    for seen in (made, raw.ask("GET", raw.app()), raw.ask("GET", raw.app("revisions"))):
        assert "hidden" not in seen.text
    assert raw.seen()["properties"]["configuration"]["secrets"] == [{"name": "key"}]
    assert raw.ask("POST", raw.app("listSecrets")).json() == {"value": SECRETS}


def test_secrets_without_values_or_in_use_are_refused(raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, secrets=SECRETS, container_env=USES_KEY))
    as_read = app_body(environment, secrets=[{"name": "key"}], container_env=USES_KEY)

    refused = raw.ask("PUT", raw.app(), as_read)

    assert raw.error(refused) == (400, "ContainerAppSecretInvalid")
    assert "value or keyVaultUrl and identity should be provided" in refused.text
    assert raw.error(raw.ask("PUT", raw.app(), app_body(environment, container_env=USES_KEY))) == (
        400,
        "ContainerAppSecretRefNotFound",
    )
    # the first revision is kept and needs it, even if the new one does not
    assert raw.error(raw.ask("PUT", raw.app(), app_body(environment, suffix="new"))) == (
        400,
        "ContainerAppSecretInvalid",
    )
    raw.up(app_body(environment, suffix="new", secrets=SECRETS))


def test_a_suffix_is_used_once(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one"))
    raw.up(app_body(environment, suffix="two", image=IMAGE))

    for image in ("aciml-test:serves", "third.example/x:1"):
        refused = raw.ask("PUT", raw.app(), app_body(environment, suffix="one", image=image))
        assert raw.error(refused) == (400, "InvalidParameterValueInContainerTemplate")
        assert "revision with suffix one already exists" in refused.json()["error"]["message"]

    emulator.fault("suffix-ignored")
    raw.up(app_body(environment, suffix="one", image="third.example/x:1"))
    assert list(raw.revisions()) == ["app--one", "app--two"]


def test_a_patch_merges_objects_replaces_arrays_and_takes_away_what_is_null(raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, ingress_allowInsecure=True, template_volumes=[{"name": "a"}, {"name": "b"}]))

    seen = raw.change(
        {
            "properties": {
                "template": {"volumes": [{"name": "c"}], "scale": None},
                "configuration": {"ingress": {"targetPort": 80}},
            }
        }
    )["properties"]

    assert [each["name"] for each in seen["template"]["volumes"]] == ["c"]
    assert "minReplicas" not in seen["template"]["scale"]
    assert (seen["configuration"]["ingress"]["targetPort"], seen["configuration"]["ingress"]["allowInsecure"]) == (
        80,
        True,
    )
    seen = raw.change({"properties": {"configuration": {"ingress": None}}})["properties"]
    assert "ingress" not in seen["configuration"]


@given(
    st.recursive(
        st.integers() | st.text(max_size=2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    st.recursive(
        st.none() | st.integers() | st.lists(st.integers(), max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    ),
)
def test_a_merge_patch_holds_after_it_is_merged(there: Any, patch: Any) -> None:
    once = merged(there, patch)

    assert merged(once, patch) == once
    if isinstance(patch, dict):
        assert all((once.get(key) is None) == (value is None) for key, value in patch.items())


@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers(0, 100), min_size=1, max_size=5))
def test_shares_are_kept_exactly(weights: dict[str, int]) -> None:
    total = sum(weights.values())
    turns = Turns()

    chosen = [turns.next(weights) for _ in range(total)]

    assert {name: chosen.count(name) for name in weights} == weights


TRAFFIC: list[tuple[str, list[dict[str, Any]]]] = [
    ("must be 100", [{"revisionName": "app--one", "weight": 90}]),
    ("must be 100", [{"revisionName": "app--one", "weight": 60}, {"revisionName": "app--two", "weight": 60}]),
    ("between 0 and 100", [{"revisionName": "app--one", "weight": 130}, {"revisionName": "app--two", "weight": -30}]),
    ("does not exist", [{"revisionName": "app--three", "weight": 100}]),
    ("needs one of", [{"weight": 100}]),
    ("needs one of", [{"revisionName": "app--one", "latestRevision": True, "weight": 100}]),
    ("Only one", [{"latestRevision": True, "weight": 50}, {"latestRevision": True, "weight": 50}]),
    ("two traffic entries", [{"revisionName": "app--one", "weight": 50}, {"revisionName": "app--one", "weight": 50}]),
    (
        "A label is given",
        [
            {"revisionName": "app--one", "weight": 50, "label": "a"},
            {"revisionName": "app--two", "weight": 50, "label": "a"},
        ],
    ),
    ("label 'A!' is invalid", [{"revisionName": "app--one", "weight": 100, "label": "A!"}]),
    ("is not active", [{"revisionName": "app--gone", "weight": 100}]),
]


def test_shares_that_cannot_be_are_refused(raw: AppsRaw, environment: str) -> None:
    for suffix in ("gone", "one", "two"):
        raw.up(app_body(environment, suffix=suffix))
    assert raw.ask("POST", raw.app("revisions", "app--gone", "deactivate")).status_code == 200

    for why, traffic in TRAFFIC:
        refused = raw.ask("PATCH", raw.app(), {"properties": {"configuration": {"ingress": {"traffic": traffic}}}})
        assert raw.error(refused) == (400, "ContainerAppInvalidTraffic")
        assert why in refused.json()["error"]["message"]


def test_shares_and_labels_follow_what_is_declared(raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one"))
    pinned = [{"revisionName": "app--one", "weight": 100}]
    raw.up(app_body(environment, suffix="two", ingress_traffic=pinned))
    assert {name: each["trafficWeight"] for name, each in raw.revisions().items()} == {"app--one": 100, "app--two": 0}

    split = [{"revisionName": "app--one", "weight": 75}, {"revisionName": "app--two", "weight": 25, "label": "new"}]
    seen = raw.change({"properties": {"configuration": {"ingress": {"traffic": split}}}})

    assert seen["properties"]["configuration"]["ingress"]["traffic"] == split
    assert {name: each["trafficWeight"] for name, each in raw.revisions().items()} == {"app--one": 75, "app--two": 25}


def test_shares_that_nobody_says_go_to_the_latest(raw: AppsRaw, environment: str) -> None:
    seen = raw.up(app_body(environment))

    assert seen["properties"]["configuration"]["ingress"]["traffic"] == [{"latestRevision": True, "weight": 100}]


def test_a_first_revision_named_in_its_own_shares_expires(raw: AppsRaw, environment: str) -> None:
    traffic = [{"revisionName": "app--one", "weight": 100}]

    said = raw.end(raw.ask("PUT", raw.app(), app_body(environment, suffix="one", ingress_traffic=traffic)))

    assert (said["status"], said["error"]["code"]) == ("Failed", "ContainerAppOperationError")
    assert "Operation expired" in said["error"]["message"]


def test_single_mode_has_one_active_revision_and_no_shares(raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one", activeRevisionsMode="Single"))
    raw.up(app_body(environment, suffix="two", activeRevisionsMode="Single"))
    assert {name: each["active"] for name, each in raw.revisions().items()} == {"app--one": False, "app--two": True}
    named = [{"revisionName": "app--two", "weight": 100}]

    refused = raw.ask("PUT", raw.app(), app_body(environment, activeRevisionsMode="Single", ingress_traffic=named))

    assert raw.error(refused) == (400, "ContainerAppInvalidTraffic")


def probe(**fields: Any) -> list[dict[str, Any]]:
    return [{"type": "Liveness", "httpGet": {"port": 80, "path": "/"}, **fields}]


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("ContainerAppCreateMustContainContainer", {"template_containers": []}),
    ("ContainerAppImageRequired", {"container_image": None}),
    ("ContainerAppInvalidContainerName", {"container_name": "Main"}),
    ("ContainerAppInvalidRevisionName", {"suffix": "1st"}),
    ("ContainerAppInvalidRevisionName", {"suffix": "ends-"}),
    ("ContainerAppInvalidRevisionName", {"suffix": "a" * 50}),
    ("ContainerAppInvalidResourceTotal", {"container_resources": {"cpu": 0.5, "memory": "2Gi"}}),
    ("ContainerAppInvalidResourceTotal", {"container_resources": {"cpu": 0.3, "memory": "0.6Gi"}}),
    ("ContainerAppInvalidResourceTotal", {"container_resources": {"cpu": 4, "memory": "8Gi"}}),
    ("ContainerAppInvalidResources", {"container_resources": {"cpu": 0.5, "memory": "1000Mi"}}),
    ("WorkloadProfileNotFound", {"properties_workloadProfileName": "big"}),
    ("ContainerAppInvalidEnvVarName", {"container_env": [{"name": "a-b", "value": "1"}]}),
    (
        "ContainerAppInvalidEnvVar",
        {"container_env": [{"name": "A", "value": "1", "secretRef": "key"}], "secrets": SECRETS},
    ),
    ("ContainerAppSecretRefNotFound", {"container_env": [{"name": "A", "secretRef": "key"}]}),
    (
        "ContainerAppSecretRefNotFound",
        {"template_volumes": [{"name": "v", "storageType": "Secret", "secrets": [{"secretRef": "key"}]}]},
    ),
    ("ContainerAppSecretInvalid", {"secrets": [{"name": "key", "value": ""}]}),
    ("ContainerAppSecretInvalid", {"secrets": [{"name": "key", "keyVaultUrl": "https://v.vault.azure.net/secrets/k"}]}),
    ("ContainerAppInvalidSecretName", {"secrets": [{"name": "Key", "value": "x"}]}),
    ("ContainerAppDuplicateSecretName", {"secrets": [*SECRETS, *SECRETS]}),
    ("ContainerAppInvalidRegistry", {"registries": [{"server": "r", "username": "u", "identity": "system"}]}),
    (
        "ContainerAppRegistryPasswordSecretRefNotFound",
        {"registries": [{"server": "r", "username": "u", "passwordSecretRef": "p"}]},
    ),
    ("ContainerAppIdentityNotAssigned", {"registries": [{"server": "r", "identity": "system"}]}),
    ("ContainerAppIdentityNotAssigned", {"registries": [{"server": "r", "identity": "/subscriptions/x/other"}]}),
    (
        "ContainerAppIdentityNotAssigned",
        {"identitySettings": [{"identity": "/subscriptions/x/other", "lifecycle": "None"}]},
    ),
    ("FailedIdentityOperation", {"top_identity": {"type": "UserAssigned", "userAssignedIdentities": {"/no/such": {}}}}),
    ("ContainerAppInvalidRevisionsMode", {"activeRevisionsMode": "Labels"}),
    ("ContainerAppInvalidMaxInactiveRevisions", {"maxInactiveRevisions": 101}),
    ("ContainerAppInvalidIngressTargetPort", {"ingress_targetPort": 0}),
    ("ContainerAppInvalidIngressTargetPort", {"ingress_targetPort": None}),
    ("ContainerAppStickySessionsNotSupported", {"ingress_stickySessions": {"affinity": "sticky"}}),
    (
        "ContainerAppMixedIpSecurityRestrictions",
        {
            "ingress_ipSecurityRestrictions": [
                {"name": "a", "ipAddressRange": "10.0.0.0/8", "action": "Allow"},
                {"name": "b", "ipAddressRange": "11.0.0.0/8", "action": "Deny"},
            ]
        },
    ),
    (
        "ContainerAppInvalidIpRange",
        {"ingress_ipSecurityRestrictions": [{"name": "a", "ipAddressRange": "10.0", "action": "Allow"}]},
    ),
    ("CertificateNotFound", {"ingress_customDomains": [{"name": "a.example", "certificateId": "/no/such"}]}),
    ("ContainerAppInvalidScaleSpec", {"template_scale": {"minReplicas": 5, "maxReplicas": 3}}),
    ("ContainerAppInvalidScaleSpec", {"template_scale": {"minReplicas": 11}}),
    ("ContainerAppScaleOutOfRange", {"template_scale": {"maxReplicas": 1001}}),
    ("ContainerAppScaleOutOfRange", {"template_scale": {"maxReplicas": 0}}),
    ("ContainerAppScaleOutOfRange", {"template_scale": {"minReplicas": -1}}),
    ("ContainerAppInvalidScaleRule", {"template_scale": {"rules": [{"name": "a"}]}}),
    ("ContainerAppProbeHandlerInvalid", {"container_probes": [{"type": "Liveness"}]}),
    ("ContainerAppProbeTypeInvalid", {"container_probes": probe() + probe()}),
    ("ContainerAppProbePortInvalid", {"container_probes": [{"type": "Liveness", "tcpSocket": {"port": 0}}]}),
    ("ContainerAppProbeOutOfRange", {"container_probes": probe(initialDelaySeconds=61)}),
    ("ContainerAppProbeOutOfRange", {"container_probes": probe(failureThreshold=48)}),
    ("ContainerAppProbeOutOfRange", {"container_probes": probe(periodSeconds=0)}),
    ("ContainerAppProbeOutOfRange", {"container_probes": probe(timeoutSeconds=241)}),
    ("ContainerAppProbeOutOfRange", {"container_probes": probe(successThreshold=2)}),
    ("ContainerAppInvalidTerminationGracePeriod", {"template_terminationGracePeriodSeconds": 601}),
    ("ContainerAppVolumeNotFound", {"container_volumeMounts": [{"volumeName": "v", "mountPath": "/v"}]}),
    ("ContainerAppInvalidVolume", {"template_volumes": [{"name": "v", "storageType": "AzureFile"}]}),
    (
        "ContainerAppStorageNotFound",
        {"template_volumes": [{"name": "v", "storageType": "AzureFile", "storageName": "s"}]},
    ),
    ("ManagedEnvironmentIdRequired", {"properties_environmentId": None}),
    ("ManagedEnvironmentNotFound", {"properties_environmentId": "/subscriptions/x/other"}),
    ("ContainerAppLocationMismatch", {"top_location": "eastus"}),
    ("LocationRequired", {"top_location": None}),
]


def test_bodies_that_cannot_be_are_refused_and_nothing_is_made(
    emulator: Emulator, raw: AppsRaw, environment: str
) -> None:
    answers = [raw.ask("PUT", raw.app(), app_body(environment, **change)) for _, change in REFUSED]

    assert [raw.error(each) for each in answers] == [(400, code) for code, _ in REFUSED]
    assert raw.ask("GET", raw.app()).status_code == 404
    emulator.violations.clear()  # some of these bodies are none by the published schema either


def test_names_that_cannot_be_are_refused(raw: AppsRaw, environment: str) -> None:
    for name in ("a", "A", "1a", "a--b", "a-", "a" * 33, "a_b"):
        refused = raw.ask("PUT", raw.app(name=name), app_body(environment))
        assert raw.error(refused) == (400, "ContainerAppInvalidName")


def test_more_cores_need_workload_profiles(raw: AppsRaw) -> None:
    profiles = [{"name": "Consumption", "workloadProfileType": "Consumption"}]
    big = raw.make_environment(workloadProfiles=profiles)

    seen = raw.up(app_body(big, container_resources={"cpu": 4, "memory": "8Gi"}))

    assert seen["properties"]["workloadProfileName"] == "Consumption"


def test_what_cannot_change_is_refused(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    other = raw.make_environment("other")
    raw.up(app_body(environment))

    assert raw.error(raw.ask("PUT", raw.app(), app_body(other))) == (400, "ContainerAppEnvironmentCannotBeChanged")
    assert raw.error(raw.ask("PUT", raw.app(), app_body(environment, top_location="eastus"))) == (
        409,
        "InvalidResourceLocation",
    )
    assert raw.error(raw.ask("PUT", raw.app(), app_body(environment, top_kind="functionapp"))) == (
        400,
        "ContainerAppKindCannotBeChanged",
    )


def test_other_writes_are_refused_while_one_runs(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one"))
    emulator.fault("revision-slow")
    slow = raw.ask("PUT", raw.app(), app_body(environment, suffix="two"))
    assert slow.status_code == 201

    writes = [
        raw.ask("PUT", raw.app(), app_body(environment, suffix="three")),
        raw.ask("PATCH", raw.app(), {"tags": {"a": "b"}}),
        raw.ask("DELETE", raw.app()),
        raw.ask("POST", raw.app("stop")),
        raw.ask("POST", raw.app("revisions", "app--one", "deactivate")),
    ]

    assert {raw.error(each) for each in writes} == {(409, "ContainerAppOperationInProgress")}
    seen = raw.seen()["properties"]
    assert (seen["latestRevisionName"], seen["latestReadyRevisionName"]) == ("app--two", "app--one")
    assert raw.revisions()["app--two"]["provisioningState"] == "Provisioning"
    emulator.world.faults.clear()
    assert raw.end(slow)["status"] == "Succeeded"


def test_a_revision_that_fails_leaves_the_old_one_as_it_is(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one", activeRevisionsMode="Single"))
    emulator.fault("revision-expired")

    said = raw.end(raw.ask("PUT", raw.app(), app_body(environment, suffix="two", activeRevisionsMode="Single")))

    assert (said["status"], said["error"]["code"]) == ("Failed", "ContainerAppOperationError")
    seen = raw.seen()["properties"]
    assert (seen["provisioningState"], seen["latestReadyRevisionName"]) == ("Failed", "app--one")
    known = raw.revisions()
    assert (known["app--one"]["active"], known["app--one"]["trafficWeight"]) == (True, 100)
    assert (known["app--two"]["provisioningState"], known["app--two"]["healthState"]) == ("Failed", "Unhealthy")
    assert known["app--two"]["provisioningError"] == "Operation expired."
    # by hand it gets another chance
    assert raw.ask("POST", raw.app("revisions", "app--two", "restart")).status_code == 200
    assert until(lambda: raw.revisions()["app--two"]["provisioningState"] == "Provisioned")
    assert raw.seen()["properties"]["latestReadyRevisionName"] == "app--two"
    raw.up(app_body(environment, suffix="three", activeRevisionsMode="Single"))


def test_a_failure_at_a_location_is_an_error_or_by_a_fault_a_success(
    emulator: Emulator, raw: AppsRaw, environment: str
) -> None:
    raw.up(app_body(environment, suffix="one"))
    template = {"properties": {"template": {"revisionSuffix": "two"}}}
    emulator.fault("revision-expired")
    honest = raw.end(raw.ask("PATCH", raw.app(), template))
    assert (honest["code"], honest["body"]["error"]["code"]) == (400, "ContainerAppOperationError")

    template["properties"]["template"]["revisionSuffix"] = "three"
    emulator.fault("revision-expired")
    emulator.fault("location-says-200")
    told = raw.end(raw.ask("PATCH", raw.app(), template))
    assert (told["code"], told["body"]["status"]) == (200, "Failed")

    emulator.fault("location-says-nothing")
    assert raw.end(raw.ask("PATCH", raw.app(), {"tags": {"a": "b"}})) == {"code": 200, "body": None}


def test_a_put_can_fail_with_200(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    emulator.fault("failed-as-200")

    answer = raw.ask("PUT", raw.app(), app_body(environment))

    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (200, "Failed")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("lock-conflict", 409, "ContainerAppLockConflict"),
        ("environment-not-ready", 409, "ManagedEnvironmentNotReadyForAppCreation"),
        ("transitioning", 409, "ContainerAppOperationInProgress"),
        ("image-inaccessible", 400, "InvalidParameterValueInContainerTemplate"),
    ],
)
def test_writes_are_refused_by_name(
    emulator: Emulator, raw: AppsRaw, environment: str, fault: str, status: int, code: str
) -> None:
    emulator.fault(fault, match="/containerapps/")

    assert raw.error(raw.ask("PUT", raw.app(), app_body(environment))) == (status, code)


def test_operations_can_hang_and_be_gone(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    emulator.fault("lro-stuck")
    stuck = raw.ask("PUT", raw.app(), app_body(environment))
    emulator.fault("operation-gone")
    assert raw.error(raw.call("GET", stuck.headers["Azure-AsyncOperation"])) == (404, "OperationNotFound")
    assert raw.call("GET", stuck.headers["Azure-AsyncOperation"]).json()["status"] == "InProgress"
    assert raw.end(raw.ask("DELETE", raw.app()))["code"] == 200
    assert raw.ask("GET", raw.app()).status_code == 404


def test_revisions_are_activated_deactivated_restarted_and_counted(
    emulator: Emulator, raw: AppsRaw, environment: str
) -> None:
    for suffix in ("one", "two"):
        raw.up(app_body(environment, suffix=suffix, template_scale={"minReplicas": 2}))
    before = raw.ask("GET", raw.app("revisions", "app--two", "replicas")).json()["value"]
    assert len(before) == 2
    one = raw.ask("GET", raw.app("revisions", "app--two", "replicas", before[0]["name"])).json()
    assert one["properties"]["containers"][0]["name"] == "main"

    off = raw.ask("POST", raw.app("revisions", "app--one", "deactivate"))
    assert (off.status_code, off.text) == (200, "")
    seen = raw.revisions()["app--one"]
    assert (seen["active"], seen["replicas"], seen["runningState"]) == (False, 0, "Stopped")
    active = raw.ask("GET", raw.app("revisions"), **{"$filter": "properties/active eq true"}).json()["value"]
    assert [each["name"] for each in active] == ["app--two"]

    on = raw.ask("POST", raw.app("revisions", "app--one", "activate"))
    assert (on.status_code, on.text) == (200, "")
    assert until(lambda: raw.revisions()["app--one"]["provisioningState"] == "Provisioned")
    again = raw.ask("POST", raw.app("revisions", "app--two", "restart"))
    assert (again.status_code, again.text) == (200, "")
    names = {each["name"] for each in before}

    def renewed() -> bool:
        now = raw.ask("GET", raw.app("revisions", "app--two", "replicas")).json()["value"]
        return len(now) == 2 and not names & {each["name"] for each in now}

    assert until(renewed)
    assert raw.error(raw.ask("POST", raw.app("revisions", "app--no", "activate"))) == (404, "RevisionNotFound")
    assert raw.error(raw.ask("GET", raw.app("revisions", "app--two", "replicas", "no"))) == (404, "ReplicaNotFound")


def test_old_inactive_revisions_are_forgotten_by_the_next_deployment(raw: AppsRaw, environment: str) -> None:
    for suffix in ("one", "two", "three", "four"):
        raw.up(app_body(environment, suffix=suffix, activeRevisionsMode="Single", maxInactiveRevisions=2))

    assert list(raw.revisions()) == ["app--two", "app--three", "app--four"]


def test_a_stopped_app_runs_nothing(raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one"))
    stopped = raw.end(raw.ask("POST", raw.app("stop")))
    assert stopped["body"]["properties"]["runningStatus"] == "Stopped"
    assert raw.revisions()["app--one"]["replicas"] == 0

    assert raw.end(raw.ask("POST", raw.app("start")))["body"]["properties"]["runningStatus"] == "Running"
    assert raw.revisions()["app--one"]["replicas"] == 1


def test_what_may_go_to_zero_goes_there_after_the_cool_down(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    apps = emulator.world.parts["apps"]
    time = [0.0]
    apps.clock = lambda: time[0]
    raw.up(app_body(environment, suffix="one", template_scale={"minReplicas": 0, "cooldownPeriod": 60}))
    assert raw.revisions()["app--one"]["replicas"] == 1

    time[0] = 59
    assert raw.revisions()["app--one"]["replicas"] == 1
    time[0] = 60
    seen = raw.revisions()["app--one"]

    assert (seen["replicas"], seen["runningState"], seen["healthState"]) == (0, "Running", "None")


def test_a_full_environment_gives_no_replica(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    emulator.world.quotas["", "ManagedEnvironmentConsumptionCores"] = 1
    emulator.world.parts["apps"].patience = 0.1
    raw.up(app_body(environment, suffix="one"))
    usage = raw.ask("GET", f"{environment}/usages").json()["value"]
    assert [(each["name"]["value"], each["currentValue"], each["limit"]) for each in usage] == [
        ("ManagedEnvironmentConsumptionCores", 0.5, 1)
    ]

    said = raw.end(raw.ask("PUT", raw.app(), app_body(environment, suffix="two", template_scale={"minReplicas": 2})))

    assert said["error"]["code"] == "ContainerAppOperationError"
    assert raw.revisions()["app--two"]["replicas"] == 0


def test_identities_are_listed_before_they_are_used(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    identity = make_identity(emulator.world, emulator.resource_group, "puller")
    registries = [{"server": "r.azurecr.io", "identity": identity["id"]}]
    assigned = {"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}

    seen = raw.up(app_body(environment, registries=registries, top_identity=assigned))

    assert (
        seen["identity"]["userAssignedIdentities"][identity["id"]]["principalId"]
        == identity["properties"]["principalId"]
    )
    seen = raw.change(
        {"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}}
    )
    assert seen["identity"]["principalId"]


def test_secrets_of_a_key_vault_are_read_with_an_identity(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    url = "https://vault.vault.azure.net/secrets/key"
    secret = {"name": "key", "keyVaultUrl": url, "identity": "system"}
    wish = app_body(environment, secrets=[secret], top_identity={"type": "SystemAssigned"})
    assert raw.error(raw.ask("PUT", raw.app(), wish)) == (400, "ContainerAppSecretKeyVaultUrlInvalid")

    emulator.world.parts["vaults"] = {url: "hidden"}
    raw.up(wish)

    assert raw.ask("POST", raw.app("listSecrets")).json() == {"value": [secret]}


def test_a_revision_can_be_unhealthy_for_a_while(emulator: Emulator, raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, suffix="one"))
    emulator.fault("revision-unhealthy")

    seen = [raw.revisions()["app--one"] for _ in range(2)]

    assert [(each["healthState"], each["runningState"]) for each in seen] == [
        ("Unhealthy", "Degraded"),
        ("Healthy", "Running"),
    ]


def test_tags_of_an_app_are_changed_by_the_resource_manager_too(raw: AppsRaw, environment: str) -> None:
    raw.up(app_body(environment, top_tags={"a": "1"}))
    body = {"operation": "Merge", "properties": {"tags": {"b": "2"}}}

    raw.call("PATCH", raw.app("providers", "Microsoft.Resources", "tags", "default"), body, "2021-04-01")

    assert raw.seen()["tags"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("left", "parts"),
    [
        ("app", ("app", "", "")),
        ("app--one", ("app", "app--one", "")),
        ("app--one-two", ("app", "app--one-two", "")),
        ("app---new", ("app", "", "new")),
        ("my-app---a-b", ("my-app", "", "a-b")),
    ],
)
def test_host_names_have_two_dashes_before_a_suffix_and_three_before_a_label(
    left: str, parts: tuple[str, str, str]
) -> None:
    assert parsed(left) == parts


def test_the_api_version_and_the_token_are_looked_at(raw: AppsRaw, environment: str) -> None:
    assert raw.error(raw.call("GET", raw.app(), version="2020-01-01")) == (400, "NoRegisteredProviderFound")
    raw._session.headers["Authorization"] = "Bearer nonsense"
    assert raw.error(raw.ask("GET", raw.app())) == (401, "InvalidAuthenticationToken")
    raw.emulator.violations.clear()  # another version than the published one was asked for
