"""What stands before the services: tokens, api-versions, resource groups, faults of the connection."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential, ClientSecretCredential

from tests.azure.raw import Raw, until
from tests.simulators.azure.emulator import Emulator


@pytest.fixture
def raw(emulator: Emulator) -> Iterator[Raw]:
    emulator.containers = False
    client = Raw(emulator)
    yield client
    client.close()


@pytest.fixture
def unheard_of(emulator: Emulator) -> Iterator[None]:
    """What the test asks is against the specification, on purpose."""
    yield
    emulator.violations.clear()


def secret(emulator: Emulator, value: str = "", tenant: str = "") -> ClientSecretCredential:
    return ClientSecretCredential(
        tenant or emulator.tenant,
        emulator.client_id,
        value or emulator.client_secret,
        authority=emulator.endpoint,
        disable_instance_discovery=True,
        connection_verify=str(emulator.ca_bundle),
    )


def groups(emulator: Emulator) -> str:
    return f"/subscriptions/{emulator.subscription}/resourceGroups"


def test_the_authority_gives_a_token_that_the_manager_takes(emulator: Emulator, raw: Raw) -> None:
    with secret(emulator) as credential:
        token = credential.get_token("https://management.azure.com/.default").token

    answer = raw.call("GET", groups(emulator), version="2021-04-01")

    assert token.count(".") == 2
    assert [each["name"] for each in answer.json()["value"]] == [emulator.resource_group]


@pytest.mark.parametrize(("tenant", "value", "code"), [("", "wrong", "AADSTS7000215"), ("nobody", "", "AADSTS90002")])
def test_a_wrong_login_is_answered_with_its_number(emulator: Emulator, tenant: str, value: str, code: str) -> None:
    with secret(emulator, value, tenant) as credential, pytest.raises((ClientAuthenticationError, ValueError)) as seen:
        credential.get_token("https://management.azure.com/.default")

    assert code in str(seen.value) or "tenant" in str(seen.value)


def test_a_federated_token_logs_in_and_another_one_does_not(emulator: Emulator) -> None:
    def login(assertion: str) -> str:
        with ClientAssertionCredential(
            emulator.tenant, emulator.client_id, lambda: assertion, authority=emulator.endpoint,
            disable_instance_discovery=True, connection_verify=str(emulator.ca_bundle),
        ) as credential:  # fmt: skip
            return credential.get_token("https://management.azure.com/.default").token

    assert login("federated-token")
    with pytest.raises(ClientAuthenticationError, match="AADSTS70021"):
        login("another")


@pytest.mark.parametrize(
    ("audience", "life", "code"),
    [
        ("https://management.azure.com", -60, "ExpiredAuthenticationToken"),
        ("https://storage.azure.com", 60, "InvalidAuthenticationTokenAudience"),
    ],
)
def test_a_token_that_is_old_or_for_others_is_refused(emulator: Emulator, audience: str, life: int, code: str) -> None:
    token = emulator.authority.issue(audience, life=life)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"{emulator.endpoint}{groups(emulator)}?api-version=2021-04-01",
            headers={"Authorization": f"Bearer {token}"},
            verify=str(emulator.ca_bundle),
            timeout=10,
        )

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert emulator.tenant in answer.headers["WWW-Authenticate"]


@pytest.mark.usefixtures("unheard_of")
def test_a_call_without_a_good_version_subscription_or_group_is_refused(emulator: Emulator, raw: Raw) -> None:
    path = groups(emulator)
    here = f"{path}/nowhere/providers/Microsoft.ContainerInstance/containerGroups/one"

    assert raw.error(raw.call("GET", path, version="")) == (400, "MissingApiVersionParameter")
    assert raw.error(raw.call("GET", raw.path("one"), version="2099-01-01")) == (400, "NoRegisteredProviderFound")
    assert raw.error(raw.call("GET", "/subscriptions/x/resourceGroups", version="2021-04-01")) == (
        404,
        "SubscriptionNotFound",
    )
    assert raw.error(raw.call("GET", here)) == (404, "ResourceGroupNotFound")
    assert raw.error(raw.call("GET", raw.path("one"))) == (404, "ResourceNotFound")


def test_a_resource_group_is_made_found_and_deleted_with_what_is_in_it(emulator: Emulator, raw: Raw) -> None:
    path = f"{groups(emulator)}/fresh"
    identity = f"{path}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"
    region = {"location": "West Europe"}

    assert raw.call("HEAD", path, version="2021-04-01").status_code == 404
    assert raw.call("PUT", path, region, version="2021-04-01").status_code == 201
    assert raw.call("PUT", path, region, version="2021-04-01").status_code == 200
    assert raw.call("HEAD", path, version="2021-04-01").status_code == 204
    assert raw.call("PUT", identity, region, version="2023-01-31").json()["properties"]["principalId"]
    assert raw.wait(raw.call("DELETE", path, version="2021-04-01"))["status"] == "Succeeded"
    assert raw.error(raw.call("GET", path, version="2021-04-01")) == (404, "ResourceGroupNotFound")
    assert not [key for key in emulator.world.resources if "/fresh" in key]


def test_roles_are_found_at_and_above_a_scope(emulator: Emulator, raw: Raw) -> None:
    path = f"{groups(emulator)}/{emulator.resource_group}"
    role = f"{path}/providers/Microsoft.Authorization/roleAssignments"
    given = {"properties": {"principalId": "someone", "roleDefinitionId": "/x/7f951dda-4ed3-4680-a7ca-43fe172d538d"}}
    below = (
        f"{path}/providers/Microsoft.ContainerRegistry/registries/r/providers/Microsoft.Authorization/roleAssignments"
    )

    assert raw.call("PUT", f"{role}/one", given, version="2022-04-01").status_code == 201
    found = raw.call("GET", below, None, "2022-04-01", **{"$filter": "principalId eq 'someone'"})
    other = raw.call("GET", below, None, "2022-04-01", **{"$filter": "principalId eq 'another'"})
    assert [each["name"] for each in found.json()["value"]] == ["one"]
    assert other.json()["value"] == []
    assert raw.error(raw.call("PUT", f"{role}/two", given, version="2022-04-01")) == (409, "RoleAssignmentExists")


@pytest.mark.parametrize(
    ("fault", "status"),
    [("429", 429), ("500", 500), ("503", 503), ("unauthorized", 401), ("expired-token", 401), ("forbidden", 403)],
)
def test_a_fault_hits_the_requests_that_it_matches_as_often_as_said(
    emulator: Emulator, raw: Raw, fault: str, status: int
) -> None:
    emulator.fault(fault, times=2, match="get /subscriptions")

    seen = [raw.call("GET", groups(emulator), version="2021-04-01").status_code for _ in range(3)]

    assert seen == [status, status, 200]
    assert [each.status for each in emulator.requests()] == seen


def test_a_cut_gives_no_answer_and_what_is_slow_ends_when_faults_are_forgotten(emulator: Emulator, raw: Raw) -> None:
    emulator.fault("cut")
    with pytest.raises(requests.ConnectionError):
        raw.call("GET", groups(emulator), version="2021-04-01")
    emulator.fault("slow", match="/resourceGroups")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(raw.call, "GET", groups(emulator), version="2021-04-01")
        other = Raw(emulator)
        assert other.call("GET", "/subscriptions", version="2021-04-01").status_code == 200
        other.close()
        until(lambda: not emulator.world.faults.left("slow"))
        emulator.forget()
        assert isinstance(waiting.exception(), requests.ConnectionError)


def test_a_fault_that_nobody_knows_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="no fault 'typo'"):
        emulator.fault("typo")


def test_a_client_that_shakes_no_hands_keeps_nobody_waiting(emulator: Emulator, raw: Raw) -> None:
    import socket

    port = int(emulator.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        assert raw.call("GET", groups(emulator), version="2021-04-01").status_code == 200
