"""Updates beside what serves: the stable name is watched while the groups behind it change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aciml.core.errors import AcimlError, Cancelled, UserError
from aciml.core.golden.request import Expected, Golden, Request
from aciml.core.progress import Silent
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.groups.change import group_changes
from aciml.targets.protocol import GroupFailed, GroupSpec
from tests.heard import Heard
from tests.simulators.azure import group_runtime_shape as shape
from tests.targets.azure.life import Life, answer, each_death, watching
from tests.targets.specs import drift_of

pytestmark = pytest.mark.docker
TRAFFIC = "Microsoft.Network/trafficManagerProfiles/shop"
GATEWAY = "Microsoft.Network/applicationGateways/door"
REPLICA = {"fqdn": "replica.example"}


def arm(life: Life, kind: str) -> str:
    name = f"/subscriptions/{life.emulator.subscription}/resourceGroups/{life.emulator.resource_group}"
    return f"{name}/providers/{kind}"


def blue_green(life: Life, behaviour: str = "serves", **settings: Any) -> GroupSpec:
    return life.spec(behaviour, rollout="blue_green", **settings)


def traffic_manager(life: Life) -> dict[str, str]:
    """Make a profile with one endpoint that leads nowhere yet."""
    dns = {"relativeName": "shop", "fqdn": "shop.trafficmanager.example", "ttl": 0}
    life.emulator.world.put(
        arm(life, TRAFFIC), {"id": arm(life, TRAFFIC), "type": TRAFFIC.rpartition("/")[0], "name": "shop",
                             "location": "global", "properties": {"dnsConfig": dns}}
    )  # fmt: skip
    endpoint = f"{arm(life, TRAFFIC)}/externalEndpoints/service"
    kind = f"{TRAFFIC.rpartition('/')[0]}/externalEndpoints"
    life.emulator.world.put(
        endpoint, {"id": endpoint, "name": "service", "type": kind, "properties": {"target": "nobody.example"}}
    )
    return {"trafficManagerEndpoint": endpoint}


def gateway(life: Life) -> dict[str, str]:
    """Make a gateway with two pools; somebody else is in ours."""
    pools: list[dict[str, Any]] = [
        {"name": "others", "properties": {"backendAddresses": []}},
        {"name": "ours", "properties": {"backendAddresses": [REPLICA]}},
    ]
    front = [{"name": "front", "properties": {"privateIPAddress": "10.9.8.7"}}]
    properties = {"backendAddressPools": pools, "frontendIPConfigurations": front}
    life.emulator.world.put(
        arm(life, GATEWAY), {"id": arm(life, GATEWAY), "type": GATEWAY.rpartition("/")[0], "name": "door",
                             "location": "westeurope", "properties": properties}
    )  # fmt: skip
    return {"applicationGateway": arm(life, GATEWAY), "backendPool": "ours"}


def led_to(life: Life, stable: dict[str, str]) -> str:
    """Return where the name leads now."""
    if endpoint := stable.get("trafficManagerEndpoint"):
        return str(life.emulator.world.need(endpoint)["properties"]["target"])
    pools = life.emulator.world.need(stable["applicationGateway"])["properties"]["backendAddressPools"]
    assert pools[0] == {"name": "others", "properties": {"backendAddresses": []}}
    addresses = pools[1]["properties"]["backendAddresses"]
    assert addresses[0] == REPLICA
    assert len(addresses) <= 2
    return str(addresses[-1]["fqdn"])


def test_the_first_group_has_a_slot_and_the_stable_name(life: Life) -> None:
    facts = life.groups.create(blue_green(life), Silent())

    assert life.there() == ["-blue"]
    assert facts.id.endswith(f"/containerGroups/{life.name}")
    assert facts.name == life.name
    assert answer(facts.address) == "one"
    assert life.seen("-blue")["tags"]["aciml-service"] == life.name


def test_the_dns_label_moves_and_the_gap_is_told(life: Life) -> None:
    old, new = blue_green(life), blue_green(life, "serves-too")
    facts = life.groups.create(old, Silent())
    progress = Heard()

    now = life.groups.update(facts.id, old, new, progress)

    assert now.address == facts.address
    assert now.id == facts.id
    assert answer(now.address) == "two"
    assert life.there() == ["-green"]
    assert any("the name moved; nobody answered to it for" in note for note in progress.notes)


def test_a_new_group_that_fails_never_touches_the_old_one(life: Life) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())

    with watching(lambda: answer(facts.address)) as seen, pytest.raises(GroupFailed) as failed:
        life.groups.update(facts.id, old, blue_green(life, "exits"), Silent())

    assert set(seen) == {"one"}
    assert "ModuleNotFoundError" in str(failed.value)
    assert f"the group that was there goes on, Running at {facts.address}" in str(failed.value)
    assert failed.value.facts == facts
    assert life.there() == ["-blue"]


def test_another_prediction_is_found_before_the_label_moves(life: Life) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())
    request = Request("health", "/", "GET", None, expected=Expected(200, "text", "one\n"))
    new = replace(blue_green(life, "serves-too"), golden=Golden((request,), name="golden.yaml"))

    with watching(lambda: answer(facts.address)) as seen, pytest.raises(GroupFailed) as failed:
        life.groups.update(facts.id, old, new, Silent())

    assert set(seen) == {"one"}
    assert '"two\\n"' in str(failed.value)
    assert f"the group that was there goes on, Running at {facts.address}" in str(failed.value)
    assert life.there() == ["-blue"]


@pytest.mark.parametrize("kind", [traffic_manager, gateway])
def test_an_outside_name_leads_to_somebody_who_answers_all_the_time(life: Life, kind: Any) -> None:
    stable = kind(life)
    old, new = blue_green(life, stableName=stable), blue_green(life, "serves-too", stableName=stable)
    facts = life.groups.create(old, Silent())

    with watching(lambda: answer(f"{led_to(life, stable)}:5001")) as seen:
        now = life.groups.update(facts.id, old, new, Silent())

    assert set(seen) <= {"one", "two"}
    assert answer(f"{led_to(life, stable)}:5001") == "two"
    assert now.address == facts.address
    assert life.there() == ["-green"]


def test_the_outputs_name_what_clients_call(life: Life) -> None:
    stable = traffic_manager(life)

    facts = life.groups.create(blue_green(life, stableName=stable), Silent())

    assert facts.address == "shop.trafficmanager.example:5001"
    assert facts.fqdn == "shop.trafficmanager.example"


def test_a_switch_that_is_refused_leaves_the_old_one_serving(life: Life) -> None:
    stable = traffic_manager(life)
    old = blue_green(life, stableName=stable)
    facts = life.groups.create(old, Silent())
    life.emulator.fault("forbidden", times=9, match=f"PUT {stable['trafficManagerEndpoint']}")

    with pytest.raises(GroupFailed, match="the group that was there goes on"):
        life.groups.update(facts.id, old, blue_green(life, "serves-too", stableName=stable), Silent())

    assert answer(f"{led_to(life, stable)}:5001") == "one"
    assert life.there() == ["-blue"]


def test_a_label_that_cannot_be_taken_goes_back_to_the_old_group(life: Life) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())

    class Breaker(Heard):
        broken = False

        def say(self, text: str) -> None:
            # once: it is said again while that takes its time, and of the new group when that goes
            if text.startswith("deleting container group") and not self.broken:
                self.broken = True
                life.emulator.fault("image-inaccessible", match=f"PUT {life.seen('-green')['id']}")

    with pytest.raises(GroupFailed) as failed:
        life.groups.update(facts.id, old, blue_green(life, "serves-too"), Breaker())

    assert "which serves again" in str(failed.value)
    assert answer(facts.address) == "one"
    assert life.there() == ["-blue"]


DOWN = r"\nthe service is down since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


@pytest.mark.parametrize("rollback", [True, False])
def test_a_label_that_nobody_has_afterwards_says_since_when(life: Life, *, rollback: bool) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())

    class Breaker(Heard):
        def say(self, text: str) -> None:
            if text.startswith("deleting container group"):
                # no group can be made any more: neither the new one with the label, nor the old one again
                life.emulator.fault("image-inaccessible", times=9, match="PUT ")

    with pytest.raises(AcimlError, match=DOWN):
        life.groups.update(facts.id, old, blue_green(life, "serves-too", rollback=rollback), Breaker())


@pytest.mark.usefixtures("on_docker")
def test_ctrl_c_while_the_label_is_with_nobody_says_since_when(life: Life) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())

    class Leaver(Heard):
        deleted = between = False

        def say(self, text: str) -> None:
            self.deleted = self.deleted or text.startswith("deleting container group")
            self.between = self.deleted and not text.startswith("deleting")

        def checkpoint(self) -> None:
            if self.between:
                raise Cancelled

    with pytest.raises(GroupFailed, match=f"^cancelled{DOWN}"):
        life.groups.update(facts.id, old, blue_green(life, "serves-too"), Leaver())


@pytest.mark.usefixtures("on_docker")
def test_an_image_that_is_cleaned_away_before_its_container_is_made_is_pulled_again(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def create(engine: Any, container: Any, *, image: str, **options: Any) -> str:
        if not made:
            engine.api.remove_image(image)
        made.append(image)
        return shape.create(engine, container, image=image, **options)

    monkeypatch.setattr("tests.simulators.azure.group_runtime_member.create", create)

    assert answer(life.create().address) == "one"
    assert len(made) >= 2


def test_a_missing_pool_is_named_with_those_that_are_there(life: Life) -> None:
    stable = {**gateway(life), "backendPool": "mine"}

    with pytest.raises((UserError, GroupFailed), match=r'no backend pool "mine" \(it has: others, ours\)'):
        life.groups.create(blue_green(life, stableName=stable), Silent())


def test_a_service_without_a_name_that_can_move_is_refused(life: Life) -> None:
    with pytest.raises((UserError, GroupFailed), match="has no name that could move"):
        life.groups.create(blue_green(life, ipAddressType="None"), Silent())
    with pytest.raises((UserError, GroupFailed), match="Noreuse gives every group another host name"):
        life.groups.create(blue_green(life, dnsNameLabelScope="Noreuse"), Silent())
    assert life.there() == []


def test_the_ways_can_be_changed_there_and_back(life: Life) -> None:
    plain, slots = life.spec(), blue_green(life, "serves-too")
    facts = life.groups.create(plain, Silent())

    there = life.groups.update(facts.id, plain, slots, Silent())
    assert (life.there(), answer(there.address)) == (["-blue"], "two")
    back = life.groups.update(facts.id, slots, plain, Silent())

    assert (life.there(), answer(back.address)) == ([""], "one")
    assert facts.address == there.address == back.address


def test_another_stable_name_is_taken_over(life: Life) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())
    stable = traffic_manager(life)

    now = life.groups.update(facts.id, old, blue_green(life, stableName=stable), Silent())

    assert answer(f"{led_to(life, stable)}:5001") == "one"
    assert now.fqdn == "shop.trafficmanager.example"
    assert len(life.there()) == 1


def test_nothing_and_tags_need_no_second_group(life: Life) -> None:
    old = blue_green(life)
    facts = life.groups.create(old, Silent())
    life.emulator.forget()

    assert life.groups.update(facts.id, old, old, Silent()) == facts
    life.groups.update(facts.id, old, blue_green(life, tags={"team": "a"}), Silent())

    assert (life.counts("PUT"), life.counts("PATCH"), life.counts("DELETE")) == (0, 1, 0)
    assert life.there() == ["-blue"]
    assert life.seen("-blue")["tags"]["aciml-slot"] == "blue"


def test_what_would_need_deletion_is_no_gap_beside(life: Life) -> None:
    stable = traffic_manager(life)
    old = blue_green(life, stableName=stable)
    facts = life.groups.create(old, Silent())

    with watching(lambda: answer(f"{led_to(life, stable)}:5001")) as seen:
        now = life.groups.update(facts.id, old, old.but(cpu_cores=2), Silent())

    assert set(seen) == {"one"}
    assert now.cpu == 2


def test_it_is_read_without_drift_by_its_id_and_imported_by_its_name(life: Life) -> None:
    spec = blue_green(life)
    facts = life.groups.create(spec, Silent())

    assert life.groups.read(facts.id, spec) == facts
    imported = life.groups.read(life.name)

    assert imported is not None
    assert imported.id == facts.id
    assert drift_of(imported)["rollout"] == "blue_green"
    assert drift_of(imported)["name"] == life.name
    assert drift_of(imported).get("tags", {}) == {}
    assert "dnsNameLabel" not in drift_of(imported)


def test_an_outage_is_not_read_as_gone(life: Life) -> None:
    facts = life.groups.create(blue_green(life), Silent())
    life.emulator.fault("forbidden", times=20, match="-green")

    with pytest.raises(AzureError):
        life.groups.read(facts.id, blue_green(life))


def test_all_slots_are_removed(life: Life) -> None:
    facts = life.groups.create(blue_green(life), Silent())

    for _ in range(2):
        life.groups.delete(facts.id, Silent())

    assert life.there() == []
    assert life.groups.read(facts.id, blue_green(life)) is None


def test_a_gateway_forgets_the_service_that_is_removed_and_keeps_the_others(life: Life) -> None:
    stable = gateway(life)
    spec = blue_green(life, stableName=stable)
    facts = life.groups.create(spec, Silent())
    assert led_to(life, stable)
    progress = Heard()

    for _ in range(2):  # the second time there is nothing to take out, and no PUT
        life.groups.delete(facts.id, progress, known=spec)

    pools = life.emulator.world.need(stable["applicationGateway"])["properties"]["backendAddressPools"]
    assert [pool["properties"]["backendAddresses"] for pool in pools] == [[], [REPLICA]]
    assert (life.there(), progress.warnings) == ([], [])


def test_a_gateway_that_refuses_hinders_no_removal_and_is_told(life: Life) -> None:
    stable = gateway(life)
    spec = blue_green(life, stableName=stable)
    facts = life.groups.create(spec, Silent())
    life.emulator.fault("forbidden", times=9, match=f"PUT {stable['applicationGateway']}")
    progress = Heard()

    life.groups.delete(facts.id, progress, known=spec)

    assert life.there() == []
    assert progress.warnings[0].startswith(f"{life.name}: its stable name still leads to what is removed: ")


def test_somebody_elses_group_with_a_slots_name_is_left_alone(life: Life) -> None:
    other = life.spec().but(name=f"{life.name}-blue")
    life.groups.create(other, Silent())

    with pytest.raises(UserError, match=f'{life.name}-blue exists in .* and belongs to "{life.name}" of stack dev'):
        life.groups.create(blue_green(life), Silent())
    life.groups.delete(life.session.resource_id("Microsoft.ContainerInstance/containerGroups", life.name), Silent())

    assert life.there() == ["-blue"]


def test_an_update_that_dies_at_any_write_is_finished_by_the_next_one(life: Life) -> None:
    old, new = blue_green(life), blue_green(life, "serves-too")
    for death in each_death(life, 6):  # the new one, the old one's end, the label
        facts = life.groups.create(old, Silent())
        death.of(lambda: life.groups.update(facts.id, old, new, Silent()))  # noqa: B023  # done at once

        now = life.groups.update(facts.id, old, new, Silent())

        assert answer(now.address) == "two", str(death)
        assert now.address == facts.address, str(death)
        assert len(life.there()) == 1, str(death)
        life.groups.delete(facts.id, Silent())


def test_an_outside_name_is_moved_by_the_next_update_if_one_dies(life: Life) -> None:
    for death in each_death(life, 6):  # the new one, the name, the old one's end
        stable = traffic_manager(life)
        old, new = blue_green(life, stableName=stable), blue_green(life, "serves-too", stableName=stable)
        facts = life.groups.create(old, Silent())

        with watching(lambda: answer(f"{led_to(life, stable)}:5001")) as seen:  # noqa: B023  # till the end of the block
            death.of(lambda: life.groups.update(facts.id, old, new, Silent()))  # noqa: B023
            life.groups.update(facts.id, old, new, Silent())

        assert "" not in seen, str(death)
        assert answer(f"{led_to(life, stable)}:5001") == "two", str(death)
        assert len(life.there()) == 1, str(death)
        life.groups.delete(facts.id, Silent())


def test_a_create_that_dies_at_any_write_is_finished_by_the_next_one(life: Life) -> None:
    spec = blue_green(life)
    for death in each_death(life, 2):
        death.of(lambda: life.groups.create(spec, Silent()))

        facts = life.groups.create(spec, Silent())

        assert answer(facts.address) == "one", str(death)
        assert life.there() == ["-blue"], str(death)
        life.groups.delete(facts.id, Silent())


def test_what_a_killed_update_left_goes_with_the_service(life: Life) -> None:
    old, new = blue_green(life), blue_green(life, "serves-too")
    for death in each_death(life, 6):
        facts = life.groups.create(old, Silent())
        death.of(lambda: life.groups.update(facts.id, old, new, Silent()))  # noqa: B023  # done at once

        life.groups.delete(facts.id, Silent())

        assert life.there() == [], str(death)


def test_only_the_place_of_a_service_replaces_it(life: Life) -> None:
    old = blue_green(life)

    assert group_changes(old, old.but(cpu_cores=2)) == {"cpu_cores": "update"}
    assert group_changes(old, blue_green(life, location="northeurope")) == {"location": "replace"}
    assert group_changes(life.spec(), life.spec().but(cpu_cores=2)) == {"cpu_cores": "replace"}
