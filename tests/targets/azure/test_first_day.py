"""What a subscription is like on the first day: rights on one group, a firewall, rights by repository, soft delete."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.model.access import Access, Account
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError
from aciml.registry.push import push_image
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.groups.room import Rooms
from aciml.targets.azure.health import looks
from aciml.targets.azure.registries.life import AzureRegistries
from aciml.targets.protocol import RegistryFacts
from tests.heard import Heard
from tests.registry.images import Shelf, noise
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.generic import assign
from tests.simulators.registry_program import missing_reason
from tests.targets.registries import registry, wanted_registry
from tests.targets.specs import declared

REASON = missing_reason()
pytestmark = [pytest.mark.registry, pytest.mark.skipif(bool(REASON), reason=str(REASON))]
URN = "urn:pulumi:dev::iris::aciml:registry:ContainerRegistry::images"
SIZE = {"cpuCores": 4, "memoryGb": 8, "location": "westeurope"}
REPOSITORY = "Container Registry Repository"
ONE_GROUP = "one-group"


def create(registries: AzureRegistries, **settings: Any) -> RegistryFacts:
    return registries.create(wanted_registry("contoso", owner=URN, **settings), Silent())


def push(registries: AzureRegistries, server: str, content: str = "a", repository: str = "iris") -> str:
    shelf = Shelf()
    image = shelf.image([noise(content, 1000)])
    with RegistryClient(server, registries.credentials(server), wait=lambda _: None) as client:
        push_image(client, repository, "1", image, shelf, mount_from={}, progress=Silent())
    return image.digest


def identity(session: AzureSession) -> str:
    path = session.resource_id("Microsoft.ManagedIdentity/userAssignedIdentities", "puller")
    session.call("PUT", path, "2023-01-31", {"location": "westeurope"})
    return path


def test_a_login_with_rights_on_one_group_makes_finds_and_removes_a_registry_there(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator
) -> None:
    emulator.fault(ONE_GROUP)

    facts = create(registries)
    digest = push(registries, facts.login_server)
    puller = identity(session)
    assign(emulator.world, session.principal_of(puller), facts.id)

    afresh = AzureRegistries(session)
    assert afresh.find(facts.login_server) is not None
    account = afresh.pull_credentials(f"{facts.login_server}/iris@{digest}", Access(pull_identity=puller))
    assert account == Account(server=facts.login_server, identity=puller)
    registries.delete(facts.id, delete_data=True, progress=Heard(urn=URN))
    assert registries.read(facts.id) is None


def test_what_such_a_login_may_not_ask_is_told_once_and_is_no_finding(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator
) -> None:
    emulator.fault(ONE_GROUP)
    heard, rooms = Heard(urn=URN), Rooms(lambda: session)

    assert registries.judge(None, registry(name="contoso"), heard) == []
    assert rooms.judge(None, declared(name="one", **SIZE), heard) == []
    assert rooms.judge(None, declared(name="two", **SIZE), heard) == []

    (warned,), (noted,) = heard.warnings, heard.notes
    assert warned.startswith('whether the registry name "contoso" is free could not be asked: ')
    assert "Microsoft.ContainerRegistry/checkNameAvailability/action" in warned
    assert noted.startswith("what is left of the quota in westeurope could not be asked: ")
    assert "Microsoft.ContainerInstance/locations/usages/read" in noted


def test_a_provider_that_such_a_login_may_not_register_is_told_with_the_command(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    emulator.fault(ONE_GROUP)
    emulator.fault("unregistered", match="Microsoft.ContainerRegistry")

    with pytest.raises(AzureError) as caught:
        create(registries)

    assert caught.value.code == "MissingSubscriptionRegistration"
    assert (
        caught.value.advice == "register it once: az provider register --wait --namespace Microsoft.ContainerRegistry"
    )


def test_another_group_than_that_one_is_refused_with_action_and_scope(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    emulator.groups.make("elsewhere")
    emulator.fault(ONE_GROUP)

    with pytest.raises(AzureError) as caught:
        create(registries, resourceGroup="elsewhere")

    assert caught.value.code == "AuthorizationFailed"
    assert "to perform action 'Microsoft.Resources/resourcegroups/read' over scope" in caught.value.message
    assert "/resourcegroups/elsewhere'" in caught.value.message
    assert "assign a role" in caught.value.advice


def test_the_doctor_goes_on_where_such_a_login_may_not_look(
    azure_config: AzureConfig, session: AzureSession, emulator: Emulator
) -> None:
    emulator.fault(ONE_GROUP)

    lines = list(looks(azure_config, session))

    assert [(line.name, str(line.state)) for line in lines] == [
        ("Azure login", "ok"), ("subscription", "ok"), ("provider", "warning"), ("provider", "warning"),
        ("resource group", "ok"), ("rights", "ok"),
    ]  # fmt: skip
    assert lines[2].found == "this login may not look whether Microsoft.ContainerInstance is registered"


NEAR = "run where its private endpoint can be reached"
LET_IN = f"let 127.0.0.1 in (ipRules, or `az acr network-rule add --name contoso --ip-address 127.0.0.1`), or {NEAR}"
PASSES = "container groups still pull by pullIdentity, as a trusted service (trustedServicesBypass)"
KEPT_OUT = (
    "container groups are kept out too, since trusted services may not pass: set trustedServicesBypass: true, or run "
    "`az acr update --name contoso --allow-trusted-services true`"
)
CLOSED = {
    "no public access": (
        {"publicNetworkAccess": "Disabled"},
        "its public access is off",
        f"{NEAR}, or set publicNetworkAccess: true, networkDefaultAction: Deny and ipRules: [127.0.0.1]; {PASSES}",
    ),
    "others let in": (
        {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "203.0.113.0/24"}]}},
        "its rules let 203.0.113.0/24 in",
        f"{LET_IN}; {PASSES}",
    ),
    "nobody let in, nor trusted services": (
        {"networkRuleSet": {"defaultAction": "Deny", "ipRules": []}, "networkRuleBypassOptions": "None"},
        "its rules let no address in",
        f"{LET_IN}; {KEPT_OUT}",
    ),
}


@pytest.mark.parametrize("what", CLOSED)
def test_a_firewall_is_seen_before_a_push_with_rule_address_and_who_passes(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator, what: str
) -> None:
    facts = create(registries)
    assert registries.shut_out(facts.login_server) == ""
    properties, rule, advice = CLOSED[what]
    emulator.world.need(facts.id)["properties"].update(properties)

    assert AzureRegistries(session).shut_out(facts.login_server) == (
        f"{facts.login_server} has a firewall, which keeps 127.0.0.1 out, the address of this machine (403: DENIED): "
        f"{rule}; {advice}"
    )


def test_nobody_else_is_asked_for_a_firewall(registries: AzureRegistries, emulator: Emulator) -> None:
    emulator.fault("firewall", times=9)

    assert registries.shut_out("registry.example.org") == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"publicNetworkAccess": False}, "publicNetworkAccess: false, and no ipRules"),
        ({"networkDefaultAction": "deny"}, "networkDefaultAction: Deny, and no ipRules"),
        ({"publicNetworkAccess": False, "trustedServicesBypass": False}, "container groups do not pass either"),
        ({"networkDefaultAction": "Deny", "ipRules": ["203.0.113.7"]}, ""),
        ({}, ""),
    ],
)
def test_a_registry_that_is_to_be_closed_is_warned_of_once(
    registries: AzureRegistries, settings: dict[str, Any], words: str
) -> None:
    heard, again = Heard(urn=URN), Heard(urn=URN)
    closed = registry(name="contoso", sku="Premium", **settings)

    registries.judge(None, closed, heard)
    registries.judge(closed, closed, again)

    assert [words in line for line in heard.warnings] == ([True] if words else [])
    assert again.warnings == []


def test_where_rights_are_by_repository_the_message_names_their_role(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator
) -> None:
    facts = create(registries)
    emulator.fault("abac", match="contoso")
    for role in ("Owner", "AcrPush", "AcrPull"):
        assign(emulator.world, emulator.world.object_id, facts.id, role)

    with pytest.raises(RegistryError) as caught:
        push(AzureRegistries(session), facts.login_server)
    assert f"(in Azure the role {REPOSITORY} " in caught.value.advice

    assign(emulator.world, emulator.world.object_id, facts.id, f"{REPOSITORY} Reader")
    with pytest.raises(RegistryError) as caught:
        push(AzureRegistries(session), facts.login_server)
    right = f'the right to push to the repository "iris" (in Azure the role {REPOSITORY} Writer)'
    assert f"give it {right}" in caught.value.advice

    assign(emulator.world, emulator.world.object_id, facts.id, f"{REPOSITORY} Writer")
    assert push(AzureRegistries(session), facts.login_server)


@pytest.mark.parametrize("role", ["AcrPull", "AcrPush", "Contributor", "Owner", "Reader"])
def test_a_group_s_identity_needs_a_role_by_repository_there(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator, role: str
) -> None:
    facts = create(registries)
    emulator.fault("abac", match="contoso")
    puller = identity(session)
    assign(emulator.world, session.principal_of(puller), facts.id, role)
    image, access = f"{facts.login_server}/iris:1", Access(pull_identity=puller)

    with pytest.raises(UserError, match="gives rights by repository: AcrPull and Contributor do not count") as caught:
        AzureRegistries(session).pull_credentials(image, access)

    assert f'az role assignment create --role "{REPOSITORY} Reader"' in caught.value.advice
    assign(emulator.world, session.principal_of(puller), facts.id, f"{REPOSITORY} Reader")
    found = AzureRegistries(session).pull_credentials(image, access)
    assert found == Account(server=facts.login_server, identity=puller)


ACTION = "Microsoft.ContainerRegistry/registries/repositories"
ONLY_IRIS = f"""(
 (!(ActionMatches{{'{ACTION}/content/read'}}) AND !(ActionMatches{{'{ACTION}/metadata/read'}}))
 OR (@Request[{ACTION}:name] StringEqualsIgnoreCase 'Iris')
)"""


def test_a_role_under_a_condition_lets_a_group_pull_its_repository_and_no_other(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator
) -> None:
    facts = create(registries)
    emulator.fault("abac", match="contoso")
    puller = identity(session)
    assign(emulator.world, session.principal_of(puller), facts.id, f"{REPOSITORY} Reader", ONLY_IRIS)
    access = Access(pull_identity=puller)

    registries = AzureRegistries(session)
    found = registries.pull_credentials(f"{facts.login_server}/iris:1", access)
    assert found == Account(server=facts.login_server, identity=puller)
    with pytest.raises(
        UserError, match=f"may not pull from {facts.login_server}/tulip, which gives rights by"
    ) as caught:
        registries.pull_credentials(f"{facts.login_server}/tulip:1", access)
    assert "nor does a role whose condition leaves that repository out" in caught.value.message


def test_a_push_under_a_condition_goes_to_its_repository_and_is_told_the_role_for_another(
    session: AzureSession, registries: AzureRegistries, emulator: Emulator
) -> None:
    server = (facts := create(registries)).login_server
    emulator.fault("abac", match="contoso")
    limited = ONLY_IRIS.replace("Equals", "StartsWith").replace("'Iris'", "'team/'").replace("/read'", "/write'")
    assign(emulator.world, emulator.world.object_id, facts.id, f"{REPOSITORY} Writer", limited)

    registries = AzureRegistries(session)
    assert push(registries, server, repository="team/iris")
    with pytest.raises(RegistryError) as caught:
        push(registries, server)
    assert f'push to the repository "iris" (in Azure the role {REPOSITORY} Writer)' in caught.value.advice


def test_an_image_that_was_deleted_softly_is_restored_by_the_command_that_is_told(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    server = create(registries).login_server
    emulator.fault("soft-delete", match="contoso")
    digest = push(registries, server)
    registries.repositories(server).delete_manifest("iris", digest)

    with pytest.raises(RegistryError) as caught:
        push(registries, server)

    assert f"{server} keeps " in caught.value.message
    assert "as deleted, and takes it no more (405: UNSUPPORTED: " in caught.value.message
    command = f"az acr manifest restore -r {server.partition('.')[0]} -n iris"
    assert f"restore the image with `{command}" in caught.value.advice
    assert push(registries, server, "b") != digest  # another one is taken
    emulator.world.parts["fronts"].of("contoso").index.restore("iris", digest)
    assert push(registries, server) == digest


def test_a_repository_that_was_deleted_softly_comes_back_with_another_image(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    server = create(registries).login_server
    emulator.fault("soft-delete", match="contoso")
    push(registries, server)
    registries.repositories(server).delete_repository("iris")

    assert push(registries, server, "b")
    with pytest.raises(RegistryError, match="soft delete policy is on"):
        push(registries, server)


def test_what_an_older_api_version_must_not_send_away_is_told_with_the_setting(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    spec = wanted_registry("contoso", owner=URN, systemAssignedIdentity=True)
    facts = registries.create(spec, Silent())
    emulator.fault("soft-delete", match="contoso")

    with pytest.raises(AzureError, match="Cannot override non-default values of soft delete policy") as caught:
        registries.update(facts.id, spec, wanted_registry("contoso", owner=URN), Silent())

    assert caught.value.advice == (
        "this api-version does not know the registry's soft delete policy, which is on: set aciml:registryApiVersion "
        "to a preview version that knows it, or turn it off"
    )


def test_retention_and_soft_delete_cannot_both_be_on(registries: AzureRegistries, emulator: Emulator) -> None:
    before = wanted_registry("contoso", owner=URN, sku="Premium")
    after = wanted_registry("contoso", owner=URN, sku="Premium", retentionDays=7)
    facts = registries.create(before, Silent())
    emulator.fault("soft-delete", match="contoso")

    with pytest.raises(AzureError, match="cannot both be enabled"):
        registries.update(facts.id, before, after, Silent())
