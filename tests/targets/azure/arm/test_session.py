"""The connection to a subscription, with the real SDK clients at the emulated cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.settings import Settings
from aciml.targets.azure.arm import session as arm_session
from aciml.targets.azure.arm.errors import AzureError, translated
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.registries.roles import PULL_ROLES, may_pull
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.roles import join

API = "2022-09-01"
ROLES_API = "2022-04-01"
IDENTITY_API = "2023-01-31"


def group(emulator: Emulator, name: str = "") -> str:
    return f"/subscriptions/{emulator.subscription}/resourcegroups/{name or emulator.resource_group}"


def tokens(emulator: Emulator) -> int:
    return sum(seen.path.endswith("/token") for seen in emulator.requests())


def test_a_raw_call_returns_the_json(session: AzureSession, emulator: Emulator) -> None:
    found = session.call("GET", group(emulator), API)

    assert found is not None
    assert found["name"] == emulator.resource_group


def test_what_does_not_exist_is_none_for_get_and_delete_alone(session: AzureSession, emulator: Emulator) -> None:
    missing = session.resource_id("Microsoft.ManagedIdentity/userAssignedIdentities", "nobody")

    assert session.call("GET", missing, IDENTITY_API) is None
    assert session.call("DELETE", missing, IDENTITY_API) is None
    with pytest.raises(AzureError) as caught:
        session.call("PATCH", missing, IDENTITY_API, {"tags": {}})
    assert caught.value.status == 404


def test_a_long_operation_is_waited_for(session: AzureSession, emulator: Emulator) -> None:
    network = session.resource_id("Microsoft.Network/virtualNetworks", "v")
    body = {"location": emulator.location, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    made = session.call("PUT", network, "2024-05-01", body)

    assert made is not None
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert any("/operations/" in seen.path for seen in emulator.requests())
    session.call("DELETE", network, "2024-05-01")
    assert session.call("GET", network, "2024-05-01") is None


def test_an_id_names_the_group_of_the_config_or_another(session: AzureSession, emulator: Emulator) -> None:
    kind = "Microsoft.ContainerInstance/containerGroups"
    end = f"providers/{kind}/g"

    assert session.resource_id(kind, "g").endswith(f"/resourceGroups/{emulator.resource_group}/{end}")
    assert session.resource_id(kind, "g", "other") == (
        f"/subscriptions/{emulator.subscription}/resourceGroups/other/{end}"
    )


def test_all_clients_share_one_login_and_its_token(session: AzureSession, emulator: Emulator) -> None:
    session.call("GET", group(emulator), API)
    for client, operation in ((session.containers, "container_groups"), (session.registries, "registries")):
        with pytest.raises(ResourceNotFoundError):
            getattr(client, operation).get(emulator.resource_group, "nothing00")

    assert tokens(emulator) == 1
    assert session.tasks is session.tasks


def test_many_threads_share_one_token(session: AzureSession, emulator: Emulator) -> None:
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda _: session.call("GET", group(emulator), API), range(24)))

    assert all(found)
    assert tokens(emulator) == 1


PASSING = ["429", "500", "503", "cut", "unauthorized", "expired-token"]


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_not_noticed(session: AzureSession, emulator: Emulator, fault: str) -> None:
    emulator.fault(fault, match="resourcegroups")

    assert session.call("GET", group(emulator), API) is not None


LASTING = [("500", 500), ("unauthorized", 401), ("expired-token", 401), ("forbidden", 403)]


@pytest.mark.parametrize(("fault", "status"), LASTING)
def test_a_fault_that_lasts_is_an_error_and_never_gone(
    session: AzureSession, emulator: Emulator, fault: str, status: int
) -> None:
    emulator.fault(fault, times=20, match="resourcegroups")

    with pytest.raises(AzureError) as caught:
        session.call("GET", group(emulator), API, what="looking for resource group")

    assert (caught.value.status, caught.value.gone) == (status, False)
    assert caught.value.message.startswith("looking for resource group: Azure answered")
    assert caught.value.advice
    assert len(emulator.requests()) <= 12


def test_a_wait_that_azure_wants_too_long_is_told_instead(session: AzureSession, emulator: Emulator) -> None:
    emulator.fault("429", match="resourcegroups", retry_after=3600)

    with pytest.raises(AzureError) as caught:
        session.call("GET", group(emulator), API)

    assert (caught.value.status, caught.value.code) == (429, "TooManyRequests")
    assert "throttles this subscription: wait 60 minutes" in caught.value.advice


def test_the_sdks_clients_raise_what_is_translated(session: AzureSession, emulator: Emulator) -> None:
    emulator.fault("forbidden", match="containergroups")

    with pytest.raises(AzureError) as caught, translated("reading container group g"):
        session.containers.container_groups.get(emulator.resource_group, "g")

    assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailed")


def test_a_wrong_secret_is_told_by_every_client(emulator: Emulator, tmp_path: Path) -> None:
    session = AzureSession(AzureConfig.read(emulator.config(clientSecret="wrong"), {}), Settings(tmp_path))

    with pytest.raises(UserError, match="AADSTS7000215"), translated("reading container group g"):
        session.containers.container_groups.get(emulator.resource_group, "g")
    session.close()


def test_the_bundle_of_the_machine_is_used_without_one_in_the_config(emulator: Emulator, tmp_path: Path) -> None:
    config = AzureConfig.read(emulator.config(caBundle=""), {})
    session = AzureSession(config, Settings(tmp_path, ca_bundle=emulator.ca_bundle))

    assert session.call("GET", group(emulator), API) is not None
    session.close()


def test_an_existing_resource_group_is_asked_for_once(session: AzureSession, emulator: Emulator) -> None:
    for _ in range(3):
        session.ensure_resource_group(emulator.resource_group, Silent())

    assert [seen.method for seen in emulator.requests() if "resourcegroups" in seen.path] == ["GET"]


def test_a_missing_resource_group_is_not_made_without_being_asked_to(session: AzureSession) -> None:
    with pytest.raises(UserError) as caught:
        session.ensure_resource_group("missing", Silent())

    assert caught.value.message.startswith("there is no resource group missing in subscription")
    assert "aciml:createResourceGroup true" in caught.value.advice


def test_a_missing_resource_group_is_made_if_asked_to(emulator: Emulator, tmp_path: Path) -> None:
    config = AzureConfig.read(emulator.config(createResourceGroup="true"), {})
    session = AzureSession(config, Settings(tmp_path))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: session.ensure_resource_group("fresh", Silent()), range(4)))

    puts = [seen for seen in emulator.requests() if seen.method == "PUT"]
    assert [seen.body for seen in puts] == [{"location": emulator.location}]
    assert session.call("GET", group(emulator, "fresh"), API) is not None
    session.close()


def identity(session: AzureSession, emulator: Emulator) -> tuple[str, str]:
    where = session.resource_id("Microsoft.ManagedIdentity/userAssignedIdentities", "puller")
    made = session.call("PUT", where, IDENTITY_API, {"location": emulator.location})
    assert made is not None
    return where, made["properties"]["principalId"]


def assign(session: AzureSession, scope: str, principal: str, role: str) -> None:
    definition = f"/subscriptions/{session.config.subscription_id}/providers/Microsoft.Authorization/roleDefinitions"
    properties = {"principalId": principal, "roleDefinitionId": f"{definition}/{role}"}
    name = "99999999-0000-4000-8000-000000000000"
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    session.call("PUT", path, ROLES_API, {"properties": {**properties, "principalType": "ServicePrincipal"}})


def registry(session: AzureSession) -> str:
    return session.resource_id("Microsoft.ContainerRegistry/registries", "myregistry")


ACR_PULL = next(role for role, name in PULL_ROLES.items() if name == "AcrPull")


@pytest.mark.parametrize("place", ["registry", "group"])
def test_an_identity_with_acrpull_may_pull(session: AzureSession, emulator: Emulator, place: str) -> None:
    who, principal = identity(session, emulator)
    scope = {"registry": registry(session), "group": group(emulator)}[place]
    assign(session, scope, principal, ACR_PULL)

    assert session.principal_of(who) == principal
    assert may_pull(session, who, registry(session)) is True


def test_an_identity_without_a_role_may_not_pull(session: AzureSession, emulator: Emulator) -> None:
    who, _ = identity(session, emulator)

    assert may_pull(session, who, registry(session)) is False


def test_a_role_of_a_group_counts(session: AzureSession, emulator: Emulator) -> None:
    who, principal = identity(session, emulator)
    join(emulator.world, principal, "pullers")
    assign(session, registry(session), "pullers", ACR_PULL)

    assert may_pull(session, who, registry(session)) is True


@pytest.mark.parametrize(("role", "counts"), [("AcrPull", False), ("Container Registry Repository Reader", True)])
def test_where_rights_are_by_repository_only_their_roles_count(
    session: AzureSession, emulator: Emulator, role: str, *, counts: bool
) -> None:
    who, principal = identity(session, emulator)
    assign(session, registry(session), principal, next(number for number, name in PULL_ROLES.items() if name == role))

    assert may_pull(session, who, registry(session), abac=True) is counts


@pytest.mark.parametrize("match", ["roleassignments", "userassignedidentities"])
def test_who_may_not_read_roles_cannot_tell(session: AzureSession, emulator: Emulator, match: str) -> None:
    who, _ = identity(session, emulator)
    emulator.fault("forbidden", match=match)

    assert may_pull(session, who, registry(session)) is None


def test_an_identity_that_does_not_exist_is_named(session: AzureSession) -> None:
    missing = session.resource_id("Microsoft.ManagedIdentity/userAssignedIdentities", "nobody")

    with pytest.raises(UserError, match=f"there is no user-assigned identity {missing}"):
        may_pull(session, missing, registry(session))


def test_every_request_says_who_speaks_and_has_an_id(session: AzureSession, emulator: Emulator) -> None:
    seen: list[Any] = []
    request = session.containers.container_groups.list_by_resource_group(
        emulator.resource_group, raw_request_hook=seen.append
    )
    list(request)

    headers = seen[0].http_request.headers
    assert headers["User-Agent"].startswith("aciml")
    assert headers["x-ms-client-request-id"]


def test_a_login_of_another_tenant_is_told_which_one_is_wanted(session: AzureSession, emulator: Emulator) -> None:
    session.token(session.config.cloud.scope)
    emulator.fault("wrong-tenant", times=9, match="/resourcegroups/")

    with pytest.raises(AzureError) as caught:
        session.call("GET", group(emulator), API)

    assert caught.value.code == "InvalidAuthenticationTokenTenant"
    assert caught.value.advice == (
        "the login belongs to another tenant than the subscription: set aciml:tenantId to "
        f"{emulator.tenant}; if you are not logged in there yet, run `az login --tenant {emulator.tenant}`"
    )


def test_nothing_is_there_of_a_provider_that_is_not_registered_and_looking_registers_nothing(
    session: AzureSession, emulator: Emulator
) -> None:
    emulator.fault("unregistered", match="Microsoft.ContainerRegistry")

    assert session.call("GET", registry(session), "2025-11-01") is None
    with pytest.raises(AzureError) as caught, translated("asking"):
        session.registries.registries.check_name_availability(
            {"name": "iris5", "type": "Microsoft.ContainerRegistry/registries"}
        )

    assert "az provider register --wait --namespace Microsoft.ContainerRegistry" in caught.value.advice
    assert not [one for one in emulator.requests() if one.path.endswith("/register")]


def test_a_provider_is_registered_and_said(
    session: AzureSession, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arm_session, "REGISTER_SECONDS", 0.01)
    emulator.fault("unregistered", times=2, match="Microsoft.ContainerRegistry")
    heard, why = Heard(), AzureError(409, arm_session.UNREGISTERED, "not registered", "register it")

    session.register("Microsoft.ContainerRegistry/registries", why, heard)

    what = f"registering Microsoft.ContainerRegistry in subscription {emulator.subscription}"
    assert heard.notes == [f"{what}: it was never used there, and this takes half a minute or more, once"]
    assert heard.lines == [f"{what}: Registering, 0 s"] * 2
    assert emulator.world.unregistered == {}


def test_who_may_not_register_is_told_what_to_run(session: AzureSession, emulator: Emulator) -> None:
    emulator.fault("unregistered", match="Microsoft.ContainerRegistry")
    emulator.fault("forbidden", match="/register")
    why = AzureError(409, arm_session.UNREGISTERED, "not registered", "have it registered")

    with pytest.raises(AzureError, match="have it registered"):
        session.register("Microsoft.ContainerRegistry/registries", why, Heard())


@pytest.mark.parametrize("kind", ["instance", "registry"])
def test_the_api_version_is_a_setting_and_a_refusal_names_it(emulator: Emulator, tmp_path: Path, kind: str) -> None:
    config = emulator.config(**{f"{kind}ApiVersion": "2019-01-01"})
    session = AzureSession(AzureConfig.read(config, {}), Settings(tmp_path))
    asked = session.containers.container_groups if kind == "instance" else session.registries.registries

    with pytest.raises(AzureError, match="The supported api-versions are") as caught, translated("listing"):
        list(asked.list())

    session.close()
    assert f"aciml:{kind}ApiVersion" in caught.value.advice
    assert emulator.requests()[-1].query["api-version"] == "2019-01-01"
    emulator.forget()
