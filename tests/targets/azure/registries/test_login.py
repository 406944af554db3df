"""Logging in to registries: the exchange of tokens, what is pushed and pulled with them, how groups may pull."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from aciml.core.credentials import Credentials
from aciml.core.errors import OutageError, UserError
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.model.access import Access, Account
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError
from aciml.registry.pull import pull_image
from aciml.registry.push import push_image
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.registries.life import AzureRegistries
from aciml.targets.azure.registries.login import TOKEN_USER, RegistryLogin
from aciml.targets.protocol import RegistryFacts
from tests.registry.images import Shelf, noise
from tests.simulators.azure.emulator import Emulator
from tests.simulators.registry_program import missing_reason
from tests.targets.registries import wanted_registry

REASON = missing_reason()
pytestmark = [pytest.mark.registry, pytest.mark.skipif(bool(REASON), reason=str(REASON))]
URN = "urn:pulumi:dev::iris::aciml:registry:ContainerRegistry::images"
ARM_SCOPE, REGISTRY_SCOPE = "https://management.azure.com/.default", "https://containerregistry.azure.net/.default"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def create(registries: AzureRegistries, **settings: Any) -> RegistryFacts:
    return registries.create(wanted_registry("contoso", owner=URN, **settings), Silent())


@pytest.fixture
def server(registries: AzureRegistries) -> str:
    return create(registries, sku="Standard").login_server


def lines(emulator: Emulator, path: str) -> list[str]:
    return [one.line for one in emulator.requests() if path in one.path]


def asked(emulator: Emulator, path: str) -> list[str]:
    """Return what registries answered since the last ``start_anew``: ``METHOD /path status``."""
    return [line for line in emulator.world.parts["fronts"].traffic().lines if path in line]


def start_anew(emulator: Emulator) -> None:
    emulator.forget()
    emulator.world.parts["fronts"].forget()


def token_of(emulator: Emulator) -> Callable[[str], str]:
    return lambda scope: emulator.authority.issue(scope.removesuffix("/.default"))


def login(
    emulator: Emulator, server: str, *, clock: Callable[[], float] | None = None, scopes: tuple[str, ...] = ()
) -> RegistryLogin:
    scopes = scopes or (REGISTRY_SCOPE, ARM_SCOPE)
    ticks = clock or Clock()
    return RegistryLogin(server, token_of(emulator), scopes, tenant=emulator.tenant, clock=ticks, wait=lambda _: None)


def test_an_image_goes_up_and_comes_down(registries: AzureRegistries, server: str, emulator: Emulator) -> None:
    shelf = Shelf()
    image = shelf.image(noise(str(number), 70_000) for number in range(4))
    start_anew(emulator)

    with RegistryClient(server, registries.credentials(server)) as client:
        push_image(client, "models/iris", "1", image, shelf, mount_from={}, progress=Silent())
        pulled = pull_image(client, Reference.parse(f"{server}/models/iris@{image.digest}"))
        blobs = [client.read_blob("models/iris", layer.digest) for layer in image.layers]

    assert pulled.digest == image.digest
    assert sum(map(len, blobs)) >= 4 * 70_000
    assert asked(emulator, "/oauth2/exchange") == ["POST /oauth2/exchange 200"]
    assert asked(emulator, "/oauth2/token") == ["POST /oauth2/token 200"] * 2  # one token to pull, one to push
    assert len([line for line in asked(emulator, "/v2/") if line.endswith(" 401")]) <= 4  # the first of each worker


def test_many_threads_cause_one_exchange(server: str, emulator: Emulator) -> None:
    one, seen = login(emulator, server), list[str]()
    start_anew(emulator)
    threads = [threading.Thread(target=lambda: seen.append(one())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(seen)) == 1
    assert asked(emulator, "/oauth2/exchange") == ["POST /oauth2/exchange 200"]


def test_a_login_is_renewed_five_minutes_before_its_end(server: str, emulator: Emulator) -> None:
    clock = Clock()
    one = login(emulator, server, clock=clock)
    first = one()
    clock.now += 3 * 3600 - 301
    assert one() == first

    clock.now += 2

    one()
    assert len(asked(emulator, "/oauth2/exchange")) == 2


def test_a_login_that_is_refused_is_forgotten_once(server: str, emulator: Emulator) -> None:
    one = login(emulator, server)
    first = one()
    one.forget("another")
    one()
    assert len(asked(emulator, "/oauth2/exchange")) == 1

    one.forget(first)
    one()
    assert len(asked(emulator, "/oauth2/exchange")) == 2


def test_a_registry_that_refuses_the_first_audience_gets_the_second(server: str, emulator: Emulator) -> None:
    one = login(emulator, server, scopes=("https://wrong.example/.default", REGISTRY_SCOPE))

    one()
    one.forget(one())
    one()

    assert len(asked(emulator, "/oauth2/exchange")) == 3  # what was taken comes first the next time
    assert one.audience == "https://containerregistry.azure.net"


def test_a_login_nobody_takes_is_one_sentence_without_tokens(server: str, emulator: Emulator) -> None:
    token = emulator.authority.issue("https://wrong.example")
    one = RegistryLogin(server, lambda _: token, ["https://wrong.example/.default", "https://no.example/.default"])

    with pytest.raises(RegistryError) as caught:
        one()

    assert caught.value.message == f"{server} refused the login of this identity (401 UNAUTHORIZED)"
    assert "AcrPush" in caught.value.advice
    assert "aciml:tenantId" in caught.value.advice
    assert token not in repr(caught.value) + str(caught.value)


def test_a_firewall_is_told_apart_from_a_role(server: str, emulator: Emulator) -> None:
    emulator.fault("forbidden", times=9, match="/oauth2/exchange")

    with pytest.raises(RegistryError) as caught:
        login(emulator, server)()

    assert "(403 DENIED)" in caught.value.message
    assert "ipRules" in caught.value.advice


def test_a_firewall_that_names_the_address_is_told_with_it(server: str, emulator: Emulator) -> None:
    emulator.fault("firewall", times=9, match="/oauth2/exchange")

    with pytest.raises(RegistryError) as caught:
        login(emulator, server)()

    assert caught.value.message == (
        f"{server} has a firewall, which keeps 203.0.113.7 out, the address of this machine (403: DENIED)"
    )
    assert caught.value.advice == "let 203.0.113.7 in (ipRules), or run where the registry can be reached"


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut"])
def test_an_exchange_that_fails_for_a_moment_is_asked_again(server: str, emulator: Emulator, fault: str) -> None:
    emulator.fault(fault, match="/oauth2/exchange")

    assert login(emulator, server)()


def test_an_identity_without_a_role_is_told_that_it_lacks_one(server: str, emulator: Emulator) -> None:
    stranger = RegistryLogin(
        server,
        lambda scope: emulator.authority.issue(scope.removesuffix("/.default"), subject="stranger"),
        [REGISTRY_SCOPE],
    )
    shelf = Shelf()
    image = shelf.image([noise("a", 1000)])
    with RegistryClient(server, stranger.credentials()) as client, pytest.raises(RegistryError) as caught:
        push_image(client, "iris", "1", image, shelf, mount_from={}, progress=Silent())

    assert caught.value.status == 401
    assert f"{server} refused this identity for " in caught.value.message
    assert 'give it the right to pull from the repository "iris" (in Azure the role AcrPull)' in caught.value.advice
    assert TOKEN_USER not in str(caught.value)


def test_a_push_outlives_its_access_token(registries: AzureRegistries, server: str, emulator: Emulator) -> None:
    shelf = Shelf()
    emulator.world.parts["fronts"].mint.access_life = 0  # over when it arrives
    credentials = registries.credentials(server)
    with RegistryClient(server, credentials, wait=lambda _: None) as client, pytest.raises(RegistryError):
        client.has_blob("iris", "sha256:" + "0" * 64)

    emulator.world.parts["fronts"].mint.access_life = 3600
    with RegistryClient(server, credentials) as client:
        image = shelf.image([noise("a", 1000)])
        push_image(client, "iris", "1", image, shelf, mount_from={}, progress=Silent())
        assert client.head_manifest("iris", "1") == image.digest


def test_a_token_is_shown_to_registries_of_the_cloud_alone(
    registries: AzureRegistries, server: str, emulator: Emulator
) -> None:
    start_anew(emulator)

    assert registries.credentials("docker.io") == Credentials()
    assert registries.credentials("127.0.0.1:1") == Credentials()
    assert registries.credentials("contoso.azurecr.io.evil.example") == Credentials()
    assert asked(emulator, "/oauth2/") == []
    known = registries.credentials(server)
    assert known.username == TOKEN_USER
    assert known.identity_token is not None
    assert known.identity_token() == known.password
    assert known.password not in repr(known)


def test_a_registry_of_the_subscription_is_found_by_its_login_server(
    session: AzureSession, server: str, emulator: Emulator
) -> None:
    fresh = AzureRegistries(session)  # has seen none of them
    emulator.forget()

    assert fresh.credentials(server).username == TOKEN_USER
    fresh.credentials(server)

    assert len([line for line in lines(emulator, "ContainerRegistry/registries") if line.startswith("GET")]) == 1


def test_the_resource_group_is_listed_if_the_subscription_may_not_be(
    session: AzureSession, server: str, emulator: Emulator
) -> None:
    emulator.fault("forbidden", match=f"/subscriptions/{emulator.subscription}/providers")

    assert AzureRegistries(session).credentials(server).username == TOKEN_USER


def test_repositories_tags_and_manifests_are_listed_and_deleted(registries: AzureRegistries, server: str) -> None:
    inside = registries.repositories(server)
    assert inside.is_empty()
    shelf = Shelf()
    first, second = shelf.image([noise("a", 1000)]), shelf.image([noise("b", 1000)])
    with RegistryClient(server, registries.credentials(server)) as client:
        push_image(client, "models/iris", "1", first, shelf, mount_from={}, progress=Silent())
        push_image(client, "models/iris", "2", second, shelf, mount_from={}, progress=Silent())
        push_image(client, "other", "1", second, shelf, mount_from={}, progress=Silent())

    assert not inside.is_empty()
    assert inside.names() == ["models/iris", "other"]
    assert inside.tags("models/iris") == {"1": first.digest, "2": second.digest}
    found = {one.digest: one for one in inside.manifests("models/iris")}
    assert found.keys() == {first.digest, second.digest}
    assert found[first.digest].tags == ("1",)
    assert found[first.digest].size > 1000

    inside.delete_manifest("models/iris", first.digest)
    inside.delete_manifest("models/iris", first.digest)
    inside.delete_repository("other")
    inside.delete_repository("other")

    assert inside.names() == ["models/iris"]
    assert inside.tags("models/iris") == {"2": second.digest}


def test_a_registry_that_does_not_answer_is_an_outage(
    registries: AzureRegistries, server: str, emulator: Emulator
) -> None:
    emulator.fault("500", times=50, match="/acr/v1/_catalog")

    with pytest.raises(OutageError) as caught:
        registries.repositories(server).names()

    assert isinstance(caught.value, AzureError)
    assert caught.value.status == 500


# --- how a container group may pull


def identity(session: AzureSession) -> str:
    path = session.resource_id("Microsoft.ManagedIdentity/userAssignedIdentities", "puller")
    session.call("PUT", path, "2023-01-31", {"location": "westeurope"})
    return path


def give_role(session: AzureSession, emulator: Emulator, identity_id: str, scope: str) -> None:
    role = f"/subscriptions/{emulator.subscription}/providers/Microsoft.Authorization/roleDefinitions/"
    name = "00000000-0000-0000-0000-0000000000aa"
    properties = {
        "roleDefinitionId": role + "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "principalId": session.principal_of(identity_id),
        "principalType": "ServicePrincipal",
    }
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    session.call("PUT", path, "2022-04-01", {"properties": properties})


def test_an_identity_with_the_role_pulls(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator
) -> None:
    facts = create(registries)
    puller = identity(session)
    give_role(session, emulator, puller, facts.id)

    entry = registries.pull_credentials(f"{facts.login_server}/iris:1", Access(pull_identity=puller))

    assert entry == Account(server=facts.login_server, identity=puller)


def test_an_identity_without_the_role_is_told_the_command(registries: AzureRegistries, session: AzureSession) -> None:
    facts = create(registries)
    puller = identity(session)

    with pytest.raises(UserError) as caught:
        registries.pull_credentials(f"{facts.login_server}/iris:1", Access(pull_identity=puller))

    assert f"may not pull from {facts.login_server}" in caught.value.message
    assert "az role assignment create --role AcrPull" in caught.value.advice
    assert facts.id in caught.value.advice
    assert "after some minutes" in caught.value.advice


def test_a_registry_with_rights_by_repository_wants_another_role(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator
) -> None:
    facts = create(registries)
    puller = identity(session)
    give_role(session, emulator, puller, facts.id)
    emulator.world.need(facts.id)["properties"]["roleAssignmentMode"] = "AbacRepositoryPermissions"
    afresh = AzureRegistries(session)

    with pytest.raises(UserError, match="gives rights by repository: AcrPull and Contributor do not count") as caught:
        afresh.pull_credentials(f"{facts.login_server}/iris:1", Access(pull_identity=puller))

    assert 'az role assignment create --role "Container Registry Repository Reader"' in caught.value.advice


SHUT = {
    "no public access": ({"publicNetworkAccess": "Disabled"}, "its public access is off"),
    "a firewall": ({"networkRuleSet": {"defaultAction": "Deny", "ipRules": []}}, "its firewall denies others"),
}


@pytest.mark.parametrize("what", SHUT)
def test_a_firewall_that_shuts_container_groups_out_is_said_before_anything_is_made(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator, what: str
) -> None:
    facts = create(registries)
    puller = identity(session)
    give_role(session, emulator, puller, facts.id)
    closed, words = SHUT[what]
    emulator.world.need(facts.id)["properties"].update(closed, networkRuleBypassOptions="None")

    with pytest.raises(UserError, match=words) as caught:
        AzureRegistries(session).pull_credentials(f"{facts.login_server}/iris:1", Access(pull_identity=puller))
    assert "--allow-trusted-services true" in caught.value.advice

    emulator.world.need(facts.id)["properties"]["networkRuleBypassOptions"] = "AzureServices"
    found = AzureRegistries(session).pull_credentials(f"{facts.login_server}/iris:1", Access(pull_identity=puller))
    assert found == Account(server=facts.login_server, identity=puller)


def test_roles_that_may_not_be_read_are_left_to_azure(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator
) -> None:
    facts = create(registries)
    puller = identity(session)
    emulator.fault("forbidden", times=9, match="roleAssignments")

    assert registries.pull_credentials(f"{facts.login_server}/iris:1", Access(pull_identity=puller))


def test_a_given_account_is_used_as_it_is(registries: AzureRegistries, server: str) -> None:
    given = Account(server=server, username="u", password="p")

    assert registries.pull_credentials(f"{server}/iris:1", Access(image_registry_credentials=(given,))) == given


def test_the_admin_account_is_the_last_resort(registries: AzureRegistries) -> None:
    server = create(registries, adminUserEnabled=True).login_server

    entry = registries.pull_credentials(f"{server}/iris:1", Access())

    assert entry is not None
    assert entry.username == "contoso"
    with RegistryClient(server, Credentials(str(entry.username), str(entry.password))) as client:
        client.ping()


def test_without_any_way_in_the_ways_are_named(registries: AzureRegistries, server: str) -> None:
    with pytest.raises(UserError) as caught:
        registries.pull_credentials(f"{server}/iris:1", Access())

    assert "pullIdentity" in caught.value.advice
    assert "adminUserEnabled" in caught.value.advice


def test_everybody_may_pull_what_is_public(registries: AzureRegistries) -> None:
    server = create(registries, sku="Standard", anonymousPull=True).login_server

    assert registries.pull_credentials(f"{server}/iris:1", Access()) is None
    assert registries.pull_credentials("docker.io/library/busybox:1", Access(pull_identity="x")) is None


def test_a_ping_asks_for_a_token_with_a_scope_as_the_specification_wants(
    registries: AzureRegistries, server: str, emulator: Emulator
) -> None:
    with RegistryClient(server, registries.credentials(server)) as client:
        client.ping()

    assert asked(emulator, "/oauth2/token") == ["POST /oauth2/token 200"]
