"""The life of a registry: the SDK's clients against the emulated cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml import __version__
from aciml.core.errors import OutageError, UserError
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from aciml.settings import Settings
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.polling import TimedOut
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.registries.body import registry_changes
from aciml.targets.azure.registries.life import AzureRegistries
from aciml.targets.protocol import RegistrySpec
from tests.heard import Heard
from tests.registry.images import Shelf, noise
from tests.simulators.azure.emulator import Emulator
from tests.simulators.registry_program import missing_reason
from tests.targets.registries import drift_of, registry, wanted_registry

REASON = missing_reason()
pytestmark = [pytest.mark.registry, pytest.mark.skipif(bool(REASON), reason=str(REASON))]
URN = "urn:pulumi:dev::iris::aciml:registry:ContainerRegistry::images"
KIND = "Microsoft.ContainerRegistry/registries"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


@pytest.fixture
def heard() -> Heard:
    return row()


def row(timeout: float = 60.0) -> Heard:
    """The row of our registry: its user allows some seconds."""
    return Heard(urn=URN, timeout=timeout)


def spec(**settings: Any) -> RegistrySpec:
    return wanted_registry("contoso", owner=URN, **settings)


def sent(emulator: Emulator) -> list[tuple[str, Any]]:
    """Return what changed registries, with bodies."""
    changing = [one for one in emulator.requests() if one.method in ("PUT", "PATCH", "DELETE") and KIND in one.path]
    return [(one.method, one.body) for one in changing]


def in_arm(emulator: Emulator) -> dict[str, Any]:
    found = [one for one in emulator.world.of_kind(KIND) if one["name"] == "contoso"]
    return dict(found[0])


def identity(session: AzureSession, name: str) -> str:
    """Make a user-assigned identity."""
    path = session.resource_id(IDENTITY, name)
    session.call("PUT", path, "2023-01-31", {"location": "westeurope"})
    return path


def push(registries: AzureRegistries, server: str, size: int = 1000) -> str:
    shelf = Shelf()
    image = shelf.image([noise("a", size)])
    with RegistryClient(server, registries.credentials(server)) as client:
        push_image(client, "iris", "1", image, shelf, mount_from={}, progress=Silent())
    return image.digest


def test_a_new_registry_is_made_tagged_and_answers(registries: AzureRegistries, emulator: Emulator) -> None:
    facts = registries.create(spec(tags={"team": "x"}), row())

    assert (facts.name, facts.state, drift_of(facts)) == ("contoso", "Running", {})
    assert facts.id.endswith(f"/resourceGroups/{emulator.resource_group}/providers/{KIND}/contoso")
    tags = {"team": "x", "aciml-owner": "dev/iris/images", "aciml-version": __version__}
    properties = {"adminUserEnabled": False}
    body = {"location": "westeurope", "sku": {"name": "Basic"}, "tags": tags, "properties": properties}
    assert sent(emulator) == [("PUT", body)]
    assert registries.read(facts.id, spec(tags={"team": "x"})) == facts
    assert registries.read("contoso", spec(tags={"team": "x"})) == facts


def test_creating_twice_sends_nothing_the_second_time(registries: AzureRegistries, emulator: Emulator) -> None:
    first = registries.create(spec(), row())
    emulator.forget()

    assert registries.create(spec(), row()) == first
    assert sent(emulator) == []


def test_an_update_without_a_difference_sends_nothing(registries: AzureRegistries, emulator: Emulator) -> None:
    facts = registries.create(spec(sku="Standard", anonymousPull=True), row())
    emulator.forget()

    registries.update(facts.id, spec(), spec(sku="standard", anonymousPull=True), row())

    assert sent(emulator) == []


def test_premium_is_reached_before_what_needs_it(registries: AzureRegistries, emulator: Emulator) -> None:
    facts = registries.create(spec(), row())
    emulator.forget()
    new = spec(sku="Premium", retentionDays=30, networkDefaultAction="Deny", ipRules=["203.0.113.0/24"])

    after = registries.update(facts.id, spec(), new, row())

    (first, second) = sent(emulator)
    assert first == ("PATCH", {"sku": {"name": "Premium"}})
    assert second[0] == "PATCH"
    assert "sku" not in second[1]
    assert in_arm(emulator)["properties"]["policies"]["retentionPolicy"] == {"days": 30, "status": "enabled"}
    assert drift_of(after) == {}


def test_premium_is_left_after_what_needs_it(registries: AzureRegistries, emulator: Emulator) -> None:
    old = spec(sku="Premium", retentionDays=30, publicNetworkAccess=False, exportPolicy=False, dataEndpointEnabled=True)
    facts = registries.create(old, row())
    emulator.forget()

    after = registries.update(facts.id, old, spec(), row())

    assert sent(emulator)[-1] == ("PATCH", {"sku": {"name": "Basic"}})
    assert len(sent(emulator)) == 2
    assert in_arm(emulator)["sku"]["name"] == "Basic"
    assert drift_of(after) == {}


def test_every_property_reaches_azure_and_is_read_back(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator
) -> None:
    one = identity(session, "one")
    client = str(emulator.world.need(one)["properties"]["clientId"])
    full = spec(
        sku="Premium",
        adminUserEnabled=True,
        trustedServicesBypass=False,
        retentionDays=0,
        anonymousPull=True,
        zoneRedundancy=True,
        dataEndpointEnabled=True,
        publicNetworkAccess=False,
        exportPolicy=False,
        systemAssignedIdentity=True,
        identities=[one],
        encryption={"keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": client},
        tags={"a": "1"},
        ipRules=["203.0.113.7"],
        networkDefaultAction="Deny",
    )

    facts = registries.create(full, row())

    assert drift_of(facts) == {}
    imported = registries.read(facts.id)
    assert imported is not None
    assert registry_changes(full.declared, registry(name="contoso", **drift_of(imported))) == {}


def test_identities_come_and_go(registries: AzureRegistries, session: AzureSession, emulator: Emulator) -> None:
    one, two = identity(session, "one"), identity(session, "two")
    steps = [spec(identities=[one]), spec(identities=[one, two], systemAssignedIdentity=True), spec(identities=[two])]
    facts = registries.create(spec(), row())
    old = spec()
    for new in [*steps, spec(sku="Premium", retentionDays=4), spec()]:
        assert registries.update(facts.id, old, new, row()).drift == ()
        old = new

    assert "identity" not in in_arm(emulator)
    assert in_arm(emulator)["sku"]["name"] == "Basic"


def test_a_registry_of_somebody_else_is_left_alone(registries: AzureRegistries, session: AzureSession) -> None:
    other = wanted_registry("contoso", owner="urn:pulumi:prod::other::t::images")
    registries.create(other, row())

    with pytest.raises(UserError) as caught:
        registries.create(spec(), row())

    assert 'registry "contoso" in resource group' in caught.value.message
    assert 'made by "images" of stack prod, project other' in caught.value.message
    assert "adopt: true" in caught.value.advice
    assert "pulumi import aciml:registry:ContainerRegistry contoso /subscriptions/" in caught.value.advice


def test_a_registry_of_somebody_else_is_left_by_deletion_and_named(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    other = wanted_registry("contoso", owner="urn:pulumi:prod::other::t::images")
    theirs, heard = registries.create(other, row()), row()

    registries.delete(theirs.id, delete_data=True, progress=heard, known_as="dev/iris/images")

    assert in_arm(emulator)["name"] == "contoso"
    assert 'but by "images" of stack prod, project other' in heard.notes[-1]


def test_a_registry_whose_stack_was_renamed_is_known_by_what_state_remembers(registries: AzureRegistries) -> None:
    before = wanted_registry("contoso", owner="urn:pulumi:old::iris::t::images")
    made = registries.create(before, row())
    assert made.owner == "old/iris/images"

    known = replace(before, known_as=made.owner)
    updated = registries.update(made.id, known, spec(adminUserEnabled=True), row())

    assert updated.owner == "dev/iris/images"


def test_a_registry_that_another_stack_has_made_since_is_not_changed(registries: AzureRegistries) -> None:
    theirs = registries.create(wanted_registry("contoso", owner="urn:pulumi:prod::other::t::images"), row())

    with pytest.raises(UserError, match='belongs to "images" of stack prod, project other by now'):
        registries.update(theirs.id, replace(spec(), known_as="dev/iris/images"), spec(), row())


def made_by_hand(session: AzureSession, **body: Any) -> str:
    path = session.resource_id(KIND, "contoso")
    plain = {"location": "westeurope", "sku": {"name": "Standard"}, "properties": {}}
    session.call("PUT", path, "2025-11-01", {**plain, **body})
    return path


def test_adopting_changes_only_what_is_declared(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator, heard: Heard
) -> None:
    made_by_hand(session, tags={"cost": "1"}, properties={"adminUserEnabled": True})
    emulator.forget()
    adopted = spec(adopt=True, anonymousPull=True, tags={"team": "x"})

    facts = registries.create(adopted, heard)

    (change,) = sent(emulator)
    assert change == ("PATCH", {"tags": {"cost": "1", "team": "x"}, "properties": {"anonymousPullEnabled": True}})
    assert drift_of(facts) == {}
    assert "will not be deleted" in heard.notes[0]

    emulator.forget()
    registries.update(facts.id, adopted, spec(adopt=True), heard)
    assert sent(emulator) == [("PATCH", {"tags": {"cost": "1"}, "properties": {"anonymousPullEnabled": False}})]


def test_an_adopted_registry_outlives_the_stack(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator, heard: Heard
) -> None:
    path = made_by_hand(session)
    registries.create(spec(adopt=True), heard)

    registries.delete(path, delete_data=True, progress=heard)

    assert in_arm(emulator)["name"] == "contoso"
    assert "it is forgotten, and stays" in heard.notes[-1]


def test_an_imported_registry_becomes_ours_with_its_first_update(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator
) -> None:
    path = made_by_hand(session, properties={"adminUserEnabled": True}, tags={"cost": "1"})
    imported = registries.read(path)
    assert imported is not None
    assert drift_of(imported) == {
        "resourceGroup": emulator.resource_group,
        "location": "westeurope",
        "sku": "Standard",
        "adminUserEnabled": True,
        "tags": {"cost": "1"},
    }
    declared = wanted_registry("contoso", owner=URN, **drift_of(imported))
    assert registry_changes(declared.declared, declared.declared) == {}

    registries.update(path, declared, declared, row())

    assert in_arm(emulator)["tags"] == {"cost": "1", "aciml-owner": "dev/iris/images"}


def test_a_registry_cannot_move(registries: AzureRegistries, emulator: Emulator) -> None:
    registries.create(spec(), row())

    with pytest.raises(UserError, match="is in westeurope, and cannot move to northeurope"):
        registries.create(spec(location="North Europe"), row())


def test_what_is_missing_is_said_before_anything_is_sent(registries: AzureRegistries, emulator: Emulator) -> None:
    with pytest.raises(UserError, match="needs sku Premium"):
        registries.create(spec(retentionDays=5), row())
    assert sent(emulator) == []

    facts = registries.create(spec(), row())
    emulator.forget()
    with pytest.raises(UserError, match="needs sku Standard"):
        registries.update(facts.id, spec(), spec(anonymousPull=True), row())
    assert sent(emulator) == []


def test_a_registry_that_is_gone_is_made_again_by_an_update(registries: AzureRegistries, emulator: Emulator) -> None:
    facts = registries.create(spec(), row())
    registries.delete(facts.id, delete_data=True, progress=row())
    assert registries.read(facts.id) is None

    assert registries.update(facts.id, spec(), spec(), row()).id == facts.id


def test_drift_is_seen_and_mended(registries: AzureRegistries, session: AzureSession) -> None:
    facts = registries.create(spec(tags={"a": "1"}), row())
    session.call("PATCH", facts.id, "2025-11-01", {"tags": {"a": "2"}, "properties": {"adminUserEnabled": True}})

    seen = registries.read(facts.id, spec(tags={"a": "1"}))

    assert seen is not None
    assert drift_of(seen) == {"adminUserEnabled": True, "tags": {"a": "2"}}
    assert registries.update(facts.id, spec(), spec(tags={"a": "1"}), row()).drift == ()


def test_tags_of_a_policy_stay_and_are_no_drift(
    registries: AzureRegistries, session: AzureSession, emulator: Emulator
) -> None:
    facts = registries.create(spec(tags={"team": "x", "stage": "test"}), row())
    tags = {"CostCenter": "4711", "Team": "x", "stage": "test", "aciml-owner": "dev/iris/images"}
    session.call("PATCH", facts.id, "2025-11-01", {"tags": tags})

    seen = registries.read(facts.id, spec(tags={"team": "x", "stage": "test"}))
    assert seen is not None
    assert drift_of(seen) == {}
    emulator.forget()
    registries.update(facts.id, spec(tags={"team": "x", "stage": "test"}), spec(tags={"team": "y"}), row())

    assert sent(emulator) == [
        ("PATCH", {"tags": {"CostCenter": "4711", "team": "y", "aciml-owner": "dev/iris/images"}})
    ]
    assert registries.update(facts.id, spec(tags={"team": "y"}), spec(), row()).drift == ()
    assert in_arm(emulator)["tags"] == {"CostCenter": "4711", "aciml-owner": "dev/iris/images"}


def test_an_empty_registry_is_deleted_and_twice_is_fine(
    registries: AzureRegistries, emulator: Emulator, heard: Heard
) -> None:
    facts = registries.create(spec(), heard)

    registries.delete(facts.id, delete_data=False, progress=heard)
    registries.delete(facts.id, delete_data=False, progress=heard)

    assert emulator.world.of_kind(KIND) == []
    assert (heard.notes, heard.warnings) == ([], [])


def test_images_are_not_destroyed_unasked(registries: AzureRegistries, emulator: Emulator, heard: Heard) -> None:
    facts = registries.create(spec(), heard)
    digest = push(registries, facts.login_server)

    registries.delete(facts.id, delete_data=False, progress=heard)

    assert registries.read(facts.id) is not None
    (warning,) = heard.warnings
    assert "holds images, so it stays, and costs" in warning
    assert "deleteData: true" in warning
    again = registries.create(spec(), heard)  # and the next `up` finds them
    with RegistryClient(again.login_server, registries.credentials(again.login_server)) as client:
        assert client.head_manifest("iris", "1") == digest

    registries.delete(facts.id, delete_data=True, progress=heard)
    assert emulator.world.of_kind(KIND) == []


def test_a_login_that_may_not_look_inside_keeps_the_registry(
    registries: AzureRegistries, emulator: Emulator, heard: Heard
) -> None:
    facts = registries.create(spec(), heard)
    emulator.fault("forbidden", times=9, match="/acr/v1/_catalog")

    registries.delete(facts.id, delete_data=False, progress=heard)

    assert registries.read(facts.id) is not None
    assert "may hold images" in heard.warnings[0]


@pytest.mark.parametrize(("fault", "status"), [("unauthorized", 401), ("forbidden", 403), ("429", 429), ("500", 500)])
def test_reading_forgets_only_what_is_gone(
    registries: AzureRegistries, emulator: Emulator, fault: str, status: int
) -> None:
    facts = registries.create(spec(), row())
    emulator.fault(fault, times=50, match=f"GET {facts.id}")

    with pytest.raises(OutageError) as caught:
        registries.read(facts.id, spec())

    assert isinstance(caught.value, AzureError)
    assert caught.value.status == status
    emulator.world.faults.clear()
    assert registries.read(facts.id, spec()) == facts


def test_another_subscription_is_not_taken_for_gone(registries: AzureRegistries) -> None:
    other = "/subscriptions/00000000-0000-0000-0000-00000000beef/resourceGroups/g/providers"

    with pytest.raises(UserError, match="is not in subscription"):
        registries.read(f"{other}/{KIND}/contoso")
    with pytest.raises(UserError, match="no id of a registry"):
        registries.read(f"{other}/Microsoft.ContainerInstance/containerGroups/contoso")


def test_a_creation_that_failed_is_begun_again(registries: AzureRegistries, emulator: Emulator) -> None:
    emulator.fault("lro-failed", match=f"PUT {'/subscriptions'}")
    with pytest.raises(AzureError, match="creating registry"):
        registries.create(spec(), row())
    failed = registries.read("contoso", spec())
    assert failed is None or failed.state == "Failed"

    assert registries.create(spec(), row()).state == "Running"


def test_a_creation_that_hangs_ends_with_the_time_allowed_and_is_taken_up_later(
    registries: AzureRegistries, emulator: Emulator
) -> None:
    emulator.fault("lro-stuck", match="PUT /subscriptions")
    with pytest.raises(TimedOut):
        registries.create(spec(), row(timeout=0.3))
    assert in_arm(emulator)["properties"]["provisioningState"] == "Creating"

    emulator.world.faults.clear()

    assert registries.create(spec(), row()).state == "Running"
    assert len(emulator.world.of_kind(KIND)) == 1


def test_what_azure_refuses_is_told_in_its_words(registries: AzureRegistries, emulator: Emulator) -> None:
    with pytest.raises(AzureError) as caught:
        registries.create(spec(identities=[f"/subscriptions/s/resourceGroups/g/providers/{IDENTITY}/gone"]), row())

    assert caught.value.code == "FailedIdentityOperation"
    assert caught.value.message.startswith('creating registry "contoso" in resource group emulated: Azure answered')
    assert "tried: region westeurope" in caught.value.message


def test_two_at_once_make_one_registry(registries: AzureRegistries, session: AzureSession, emulator: Emulator) -> None:
    with ThreadPoolExecutor(4) as pool:
        others = [registries, *(AzureRegistries(session) for _ in range(3))]
        facts = list(pool.map(lambda each: each.create(spec(), row()), others))

    assert {one.id for one in facts} == {facts[0].id}
    assert {one.state for one in facts} == {"Running"}
    assert len(emulator.world.of_kind(KIND)) == 1


def test_an_answer_that_is_lost_leaves_one_registry(registries: AzureRegistries, emulator: Emulator) -> None:
    emulator.fault("lost-answer", match=f"PUT /subscriptions/{emulator.subscription}/resourceGroups")

    registries.create(spec(), row())

    assert len(emulator.world.of_kind(KIND)) == 1


def test_a_free_name_is_no_finding(registries: AzureRegistries, heard: Heard) -> None:
    assert registries.judge(None, registry(name="contoso"), heard) == []
    assert heard.warnings == []


def test_ones_own_name_is_free(registries: AzureRegistries, heard: Heard) -> None:
    registries.create(spec(), heard)

    assert registries.judge(None, registry(name="contoso"), heard) == []
    assert registries.judge(registry(name="fabrikam"), registry(name="Contoso"), heard) == []


def test_a_registry_that_exists_is_a_finding_unless_it_is_adopted(
    registries: AzureRegistries, session: AzureSession, heard: Heard
) -> None:
    made_by_hand(session)

    (finding,) = registries.judge(None, registry(name="contoso"), heard)

    assert finding.where == "name"
    assert "exists already" in finding.why
    assert "adopt: true" in finding.why
    assert registries.judge(None, registry(name="contoso", adopt=True), heard) == []
    assert registries.judge(registry(name="contoso"), registry(name="contoso"), heard) == []


def test_a_name_taken_elsewhere_is_a_finding(registries: AzureRegistries, session: AzureSession, heard: Heard) -> None:
    made_by_hand(session)

    (finding,) = registries.judge(None, registry(name="contoso", resourceGroup="elsewhere", adopt=True), heard)

    assert "is taken" in finding.why


def test_an_outage_is_no_finding(registries: AzureRegistries, emulator: Emulator, heard: Heard) -> None:
    emulator.fault("500", times=50, match="checkNameAvailability")

    assert registries.judge(None, registry(name="contoso"), heard) == []
    assert "could not be asked" in heard.warnings[0]


def test_retention_is_warned_of_once(registries: AzureRegistries, heard: Heard) -> None:
    known = registry(name="contoso", sku="Premium", retentionDays=7)

    registries.judge(registry(name="contoso"), known, heard)
    registries.judge(known, known, heard)

    (warning,) = heard.warnings
    assert "deletes manifests without a tag after 7 days" in warning


def test_the_login_server_is_foreseen_where_the_cloud_names_it(registries: AzureRegistries, emulator: Emulator) -> None:
    assert registries.foreseen_login_server("contoso") == ""  # a custom cloud that does not say

    named = AzureConfig.read(emulator.config(registrySuffix="azurecr.example"), {})
    elsewhere = AzureRegistries(AzureSession(named, Settings(named.ca_bundle or Path())))
    assert elsewhere.foreseen_login_server("Contoso") == "contoso.azurecr.example"
