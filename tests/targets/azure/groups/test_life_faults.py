"""What goes wrong, by name, and the words that the user gets; and what is left when the process dies in the middle."""

from __future__ import annotations

import pytest

from aciml.core.errors import AcimlError
from aciml.core.progress import Silent
from aciml.targets.azure.arm import session as arm_session
from aciml.targets.azure.groups.life import AzureGroups
from aciml.targets.protocol import GroupFailed
from tests.heard import Heard
from tests.targets.azure.life import KIND, Life, answer, each_death

pytestmark = pytest.mark.docker
PUT = "PUT /subscriptions"
REFUSALS = {
    "quota": ("ContainerGroupQuotaReached", "the quota|quota", "delete groups, ask for fewer cores"),
    "capacity": ("ServiceUnavailable", "westeurope", "take fewer cores or less memory, another location"),
    "label-taken": ("DnsNameLabelAlreadyTaken", "is not available", "choose another dnsNameLabel"),
    "image-inaccessible": ("InaccessibleImage", "is not accessible", "check the reference"),
    "forbidden": ("AuthorizationFailed", "does not have authorization", "assign a role"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_told_with_cause_advice_region_and_size(life: Life, name: str) -> None:
    life.emulator.fault(name, match=PUT)

    with pytest.raises(AcimlError) as refused:
        life.create()

    code, words, advice = REFUSALS[name]
    text = str(refused.value)
    assert code in text
    assert any(word in text for word in words.split("|"))
    assert advice in text
    assert "(tried: region westeurope, size 1 cores, 1 GiB)" in text
    assert not isinstance(refused.value, GroupFailed)
    assert life.there() == []


@pytest.mark.parametrize("name", ["429", "500", "503", "cut", "lost-answer", "expired-token", "transitioning"])
def test_a_passing_trouble_is_waited_out(life: Life, name: str) -> None:
    life.emulator.fault(name, match=PUT)

    assert answer(life.create().address) == "one"


@pytest.mark.parametrize("name", ["500", "503", "cut", "expired-token"])
def test_a_trouble_that_stays_is_told_and_nothing_is_left(life: Life, name: str) -> None:
    life.emulator.fault(name, times=50, match=PUT)

    with pytest.raises(AcimlError) as told:
        life.create()

    assert f"putting container group {life.name}" in str(told.value)
    assert told.value.advice
    assert life.there() == []


def test_a_login_with_rights_on_one_group_alone_runs_a_service_there(life: Life) -> None:
    life.emulator.fault("one-group")

    facts = life.create()
    assert answer(life.update(facts, life.spec(), life.spec("serves-too")).address) == "two"
    life.groups.delete(facts.id, Heard())

    assert life.there() == []


def test_an_operation_that_fails_keeps_the_id(life: Life) -> None:
    life.emulator.fault("lro-failed", match=PUT)

    with pytest.raises(GroupFailed) as failed:
        life.create()

    assert failed.value.facts is not None
    assert failed.value.facts.id == life.seen()["id"]
    assert answer(life.update(failed.value.facts, life.spec(), life.spec()).address) == "one"


def test_no_capacity_found_out_later_keeps_the_id(life: Life) -> None:
    life.emulator.fault("capacity-later", match=PUT)

    with pytest.raises(GroupFailed, match="ServiceUnavailable") as failed:
        life.create()

    assert "size 1 cores, 1 GiB" in str(failed.value)
    assert failed.value.facts is not None
    assert answer(life.update(failed.value.facts, life.spec(), life.spec()).address) == "one"


def test_an_operation_that_hangs_ends_with_the_time_out_and_goes_on(life: Life) -> None:
    life.emulator.fault("lro-stuck", match=PUT)

    with pytest.raises(GroupFailed, match=r"not done after \d+ s; Azure says InProgress") as failed:
        life.groups.create(life.spec(), Heard(timeout=1.5))

    assert failed.value.facts is not None
    life.emulator.forget()
    assert life.update(failed.value.facts, life.spec(), life.spec()).state == "Running"


@pytest.mark.parametrize(("name", "words"), [("crash-loop", "with code 1"), ("oom", "lack of memory; raise memory_gb")])
def test_containers_that_end_are_told(life: Life, name: str, words: str) -> None:
    life.emulator.fault(name, match=PUT)

    with pytest.raises(GroupFailed) as failed:
        life.create()

    assert words in str(failed.value)
    assert failed.value.facts is not None


def test_an_answer_that_is_lost_again_and_again_keeps_the_group_in_state(life: Life) -> None:
    life.emulator.fault("lost-answer", times=50, match=PUT)

    with pytest.raises(GroupFailed) as failed:
        life.create()

    assert failed.value.facts is not None
    life.emulator.forget()
    assert answer(life.update(failed.value.facts, life.spec(), life.spec()).address) == "one"
    assert life.there() == [""]


def test_a_create_that_dies_at_any_write_is_finished_by_the_next_one(life: Life) -> None:
    for death in each_death(life, 2):
        death.of(life.create)

        facts = life.create()

        assert answer(facts.address) == "one", str(death)
        assert life.there() == [""], str(death)
        life.groups.delete(facts.id, Silent())


def test_an_update_that_dies_at_any_write_is_finished_by_the_next_one(life: Life) -> None:
    new = life.spec("serves-too")
    for death in each_death(life, 2):
        facts = life.create()
        death.of(lambda: life.update(facts, life.spec(), new))  # noqa: B023  # done at once

        assert answer(life.update(facts, life.spec(), new).address) == "two", str(death)
        assert life.there() == [""], str(death)
        life.groups.delete(facts.id, Silent())


def test_a_delete_that_dies_at_its_write_is_finished_by_the_next_one(life: Life) -> None:
    for death in each_death(life, 2):
        facts = life.create()
        death.of(lambda: life.groups.delete(facts.id, Silent()))  # noqa: B023  # done at once

        life.groups.delete(facts.id, Silent())

        assert life.there() == [], str(death)
        assert life.groups.read(facts.id, life.spec()) is None, str(death)


def test_a_refresh_during_an_outage_does_not_lose_the_group(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("429", times=50, match=f"/{KIND}/", retry_after=600)

    with pytest.raises(AcimlError, match="TooManyRequests"):
        life.groups.read(facts.id, life.spec())


@pytest.mark.parametrize("name", ["operation-gone", "late-to-be-seen"])
def test_a_404_about_what_goes_well_rolls_nothing_back(life: Life, name: str) -> None:
    facts = life.create()
    life.emulator.fault(
        name, match=f"PUT /subscriptions/{life.emulator.subscription}/resource" if "late" in name else ""
    )
    hearer = Heard()

    life.groups.update(facts.id, life.spec(), life.spec("serves-too"), hearer)

    assert life.emulator.world.faults.left(name) == 0
    assert answer(facts.address) == "two"
    assert life.counts("PUT") == 2
    assert hearer.warnings == []


def test_a_create_whose_operation_cannot_be_asked_for_is_looked_at(life: Life) -> None:
    life.emulator.fault("operation-gone")

    assert answer(life.create().address) == "one"


def test_an_operation_that_failed_is_not_believed_to_be_well_when_its_url_is_gone(life: Life) -> None:
    life.emulator.fault("lro-failed", match=PUT)
    life.emulator.fault("operation-gone")

    with pytest.raises(GroupFailed, match="OperationNotFound"):
        life.create()


def test_a_delete_whose_operation_cannot_be_asked_for_is_done(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("operation-gone")

    life.groups.delete(facts.id, Silent())

    assert life.there() == []


def test_restarts_of_before_that_the_service_goes_on_to_count_are_no_crash_loop(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("restarted", match=f"/{KIND}/")
    hearer = Heard()

    life.groups.update(facts.id, life.spec(), life.spec("serves-too"), hearer)

    assert answer(facts.address) == "two"
    assert hearer.warnings == []
    assert life.seen()["properties"]["containers"][0]["properties"]["instanceView"]["restartCount"] == 7


def test_an_image_whose_role_is_seen_is_asked_for_until_the_service_knows_it(life: Life) -> None:
    life.emulator.fault("image-inaccessible", times=3, match=PUT)
    groups, hearer = AzureGroups(life.session, lambda _image, _access: None, lambda _image, _access: True), Heard()

    facts = groups.create(life.spec(), hearer)

    assert answer(facts.address) == "one"
    assert any(
        "the role that lets it pull is there, and the service does not know of it yet" in say for say in hearer.lines
    )


def test_a_provider_that_was_never_used_is_registered_by_a_create(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm_session, "REGISTER_SECONDS", 0.01)
    life.emulator.fault("unregistered", match="Microsoft.ContainerInstance")
    hearer = Heard()

    assert life.groups.read(life.name) is None
    assert answer(life.groups.create(life.spec(), hearer).address) == "one"
    assert "registering Microsoft.ContainerInstance" in hearer.notes[0]


def test_a_label_that_is_freed_late_is_waited_for(life: Life) -> None:
    old, new = life.spec(), life.spec("serves-too", memoryGb=2)
    facts = life.groups.create(old, Silent())
    life.emulator.fault("label-freed-late", match="DELETE")
    hearer = Heard()

    life.groups.update(facts.id, old, new, hearer)

    assert answer(facts.address) == "two"
    assert sum("is not free yet" in line for line in hearer.lines) == 2
    assert hearer.warnings == []


def test_a_label_that_somebody_else_has_is_not_waited_for(life: Life) -> None:
    life.emulator.fault("label-taken", times=9, match=PUT)

    with pytest.raises(AcimlError, match="DnsNameLabelAlreadyTaken"):
        life.create()

    assert life.counts("PUT") == 1


@pytest.mark.parametrize("state", ["repairing", "creating"])
def test_a_state_that_passes_is_waited_out(life: Life, state: str) -> None:
    facts = life.create()
    life.emulator.fault(state, times=2, match=f"GET {facts.id}")
    hearer = Heard()

    life.groups.update(facts.id, life.spec(), life.spec("serves-too"), hearer)

    said = f"container group {life.name} is {state.capitalize()}, waiting until that is done: 0 s"
    assert said in hearer.lines
    assert answer(facts.address) == "two"


def test_an_unhealthy_group_can_be_updated_and_is_what_it_is(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("unhealthy", times=99, match=f"GET {facts.id}")

    seen = life.groups.read(facts.id, life.spec())
    life.update(facts, life.spec(), life.spec("serves-too"))

    assert seen is not None
    assert seen.state == "Running"
    assert answer(facts.address) == "two"
