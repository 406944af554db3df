"""The rules of managed environments, with nothing that runs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.azure.apps import AppsRaw, app_body
from tests.simulators.azure.emulator import Emulator
from tests.simulators.certificates import self_signed

LOGS = {
    "destination": "log-analytics",
    "logAnalyticsConfiguration": {"customerId": "workspace", "sharedKey": "hidden"},
}
NETWORK = "Microsoft.Network/virtualNetworks"


@pytest.fixture
def raw(emulator: Emulator) -> Iterator[AppsRaw]:
    emulator.containers = False
    client = AppsRaw(emulator)
    yield client
    client.close()


def body(location: str = "westeurope", **properties: Any) -> dict[str, Any]:
    return {"location": location, "properties": properties}


def subnet(emulator: Emulator) -> str:
    where = f"{emulator.world.resource_id(emulator.resource_group, NETWORK, 'net')}/subnets/apps"
    emulator.world.put(where, {"id": where, "name": "apps", "type": f"{NETWORK}/subnets", "properties": {}})
    return where


def test_an_environment_is_made_shown_changed_and_deleted(raw: AppsRaw) -> None:
    first = raw.ask("PUT", raw.environment(), body(appLogsConfiguration=LOGS))
    assert first.status_code == 201
    assert first.json()["properties"]["provisioningState"] == "Waiting"
    assert "/managedEnvironmentOperationStatuses/" in first.headers["Azure-AsyncOperation"]
    assert raw.end(first)["status"] == "Succeeded"
    seen = raw.ask("GET", raw.environment())
    assert "hidden" not in seen.text
    properties = seen.json()["properties"]
    assert properties["defaultDomain"].endswith(".westeurope.azurecontainerapps.io")
    assert properties["staticIp"]

    patched = raw.ask("PATCH", raw.environment(), {"tags": {"a": "b"}, "properties": {"appLogsConfiguration": None}})
    assert patched.status_code == 202
    changed = raw.end(patched)["body"]
    assert changed["tags"] == {"a": "b"}
    assert "appLogsConfiguration" not in changed["properties"]
    assert changed["properties"]["defaultDomain"] == properties["defaultDomain"]

    assert raw.end(raw.ask("DELETE", raw.environment()))["code"] == 200
    assert raw.ask("DELETE", raw.environment()).status_code == 204


@pytest.mark.parametrize(
    ("code", "properties"),
    [
        ("InvalidAppLogsDestination", {"appLogsConfiguration": {"destination": "splunk"}}),
        ("InvalidLogAnalyticsConfiguration", {"appLogsConfiguration": {"destination": "log-analytics"}}),
        ("ZoneRedundantNeedsSubnet", {"zoneRedundant": True}),
        ("InternalNeedsSubnet", {"vnetConfiguration": {"internal": True}}),
        ("SubnetNotFound", {"vnetConfiguration": {"infrastructureSubnetId": "/no/such"}}),
        ("IngressConfigurationInvalid", {"ingressConfiguration": {"requestIdleTimeout": 10}}),
        (
            "IngressConfigurationInvalid",
            {
                "workloadProfiles": [{"name": "a", "workloadProfileType": "D4", "minimumCount": 1, "maximumCount": 1}],
                "ingressConfiguration": {"workloadProfileName": "a", "requestIdleTimeout": 31},
            },
        ),
        ("WorkloadProfileTypeInvalid", {"workloadProfiles": [{"name": "a", "workloadProfileType": "D5"}]}),
        ("WorkloadProfileCountsInvalid", {"workloadProfiles": [{"name": "a", "workloadProfileType": "D4"}]}),
        (
            "WorkloadProfileCountsInvalid",
            {"workloadProfiles": [{"name": "a", "workloadProfileType": "D4", "minimumCount": 2, "maximumCount": 1}]},
        ),
    ],
)
def test_an_environment_that_cannot_be_is_refused(raw: AppsRaw, code: str, properties: Any) -> None:
    assert raw.error(raw.ask("PUT", raw.environment(), body(**properties))) == (400, code)
    assert raw.ask("GET", raw.environment()).status_code == 404


def test_network_zones_and_place_cannot_change(emulator: Emulator, raw: AppsRaw) -> None:
    network = {"infrastructureSubnetId": subnet(emulator)}
    raw.make_environment(vnetConfiguration=network, zoneRedundant=True)
    code = "ManagedEnvironmentPropertyCannotBeChanged"

    assert raw.error(raw.ask("PUT", raw.environment(), body(vnetConfiguration=network))) == (400, code)
    assert raw.error(raw.ask("PUT", raw.environment(), body())) == (400, code)
    assert raw.error(raw.ask("PUT", raw.environment(), body("eastus"))) == (409, "InvalidResourceLocation")
    raw.make_environment(vnetConfiguration=network, zoneRedundant=True)


def test_an_app_needs_an_environment_that_has_succeeded(emulator: Emulator, raw: AppsRaw) -> None:
    emulator.fault("lro-stuck")
    waiting = raw.ask("PUT", raw.environment(), body())
    app = app_body(raw.environment())
    assert raw.error(raw.ask("PUT", raw.app(), app)) == (400, "ManagedEnvironmentNotProvisioned")
    assert raw.error(raw.ask("PATCH", raw.environment(), {"tags": {}})) == (
        409,
        "ManagedEnvironmentOperationInProgress",
    )
    emulator.world.faults.clear()
    assert raw.end(waiting)["status"] == "Failed"
    assert raw.error(raw.ask("PUT", raw.app(), app)) == (400, "ManagedEnvironmentNotProvisioned")


def test_an_environment_can_fail_and_says_why(emulator: Emulator, raw: AppsRaw) -> None:
    emulator.fault("environment-failed")

    said = raw.end(raw.ask("PUT", raw.environment(), body()))

    assert said["status"] == "Failed"
    properties = raw.ask("GET", raw.environment()).json()["properties"]
    assert properties["provisioningState"] == "Failed"
    assert "AKSCapacityHeavyUsage" in properties["deploymentErrors"]


def test_an_environment_is_seen_waiting_by_a_fault(emulator: Emulator, raw: AppsRaw) -> None:
    path = raw.make_environment()
    emulator.fault("environment-waiting")

    states = [raw.ask("GET", path).json()["properties"]["provisioningState"] for _ in range(2)]

    assert states == ["Waiting", "Succeeded"]


def test_an_environment_with_apps_stays(raw: AppsRaw) -> None:
    raw.up(app_body(raw.make_environment()))

    assert raw.error(raw.ask("DELETE", raw.environment())) == (409, "ManagedEnvironmentInUse")


def test_a_region_has_room_for_so_many(emulator: Emulator, raw: AppsRaw) -> None:
    emulator.world.quotas["westeurope", "ManagedEnvironmentCount"] = 1
    raw.make_environment()

    refused = raw.ask("PUT", raw.environment(name="second"), body())

    assert raw.error(refused) == (400, "MaxNumberOfRegionalEnvironmentsInSubExceeded")
    where = f"/subscriptions/{emulator.subscription}/providers/Microsoft.App/locations/westeurope/usages"
    found = raw.ask("GET", where).json()["value"][0]
    assert (found["name"]["value"], found["currentValue"], found["limit"]) == ("ManagedEnvironmentCount", 1, 1)
    raw.make_environment()  # the one that is there may be written again


def test_storages_are_there_for_volumes_and_hide_their_key(raw: AppsRaw) -> None:
    environment = raw.make_environment()
    share = {"accountName": "a", "accountKey": "hidden", "shareName": "s", "accessMode": "ReadWrite"}
    made = raw.ask("PUT", raw.environment("storages", "data"), {"properties": {"azureFile": share}})
    assert made.status_code == 200
    assert "hidden" not in made.text
    assert [each["name"] for each in raw.ask("GET", raw.environment("storages")).json()["value"]] == ["data"]
    volume = {"name": "v", "storageType": "AzureFile", "storageName": "data"}

    raw.up(app_body(environment, template_volumes=[volume]))

    keyless = {"properties": {"azureFile": {**share, "accountKey": ""}}}
    refused = raw.ask("PUT", raw.environment("storages", "other"), keyless)
    assert raw.error(refused) == (400, "ManagedEnvironmentStorageInvalid")
    assert raw.ask("DELETE", raw.environment("storages", "data")).status_code == 200
    assert raw.ask("DELETE", raw.environment("storages", "data")).status_code == 204


def test_certificates_are_read_and_bound(raw: AppsRaw, tmp_path: Path) -> None:
    environment = raw.make_environment()
    chain, key = self_signed(tmp_path, "www.example.org")
    value = base64.b64encode(chain.read_bytes() + key.read_bytes()).decode()
    sent = {"location": "westeurope", "properties": {"value": value, "password": ""}}

    made = raw.ask("PUT", raw.environment("certificates", "www"), sent)

    assert made.status_code == 200, made.text
    assert made.json()["properties"]["subjectAlternativeNames"] == ["www.example.org"]
    assert value not in made.text
    domains = [{"name": "www.example.org", "certificateId": made.json()["id"], "bindingType": "SniEnabled"}]
    raw.up(app_body(environment, ingress_customDomains=domains))
    bad = {"location": "westeurope", "properties": {"value": base64.b64encode(b"nothing").decode()}}
    assert raw.error(raw.ask("PUT", raw.environment("certificates", "bad"), bad)) == (400, "CertificateInvalid")
