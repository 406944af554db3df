"""Container groups brought from one spec to another: by as little as it takes, and back if it fails."""

from __future__ import annotations

import re
import threading

import pytest

from aciml.core.errors import AcimlError, Cancelled
from aciml.core.progress import Silent
from aciml.model.rollout import SmokeTest
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.protocol import GroupFacts, GroupFailed, GroupSpec
from tests.heard import Heard
from tests.targets.azure.life import Life, answer
from tests.targets.specs import drift_of

pytestmark = pytest.mark.docker


def failed(life: Life, facts: GroupFacts, new: GroupSpec, progress: Silent | None = None) -> GroupFailed:
    with pytest.raises(GroupFailed) as caught:
        life.groups.update(facts.id, life.spec(), new, progress or Silent())
    return caught.value


def test_another_image_is_put_in_place(life: Life) -> None:
    facts = life.create()
    life.emulator.forget()

    now = life.update(facts, life.spec(), life.spec("serves-too"))

    assert answer(now.address) == "two"
    assert now.address == facts.address
    assert (life.counts("PUT"), life.counts("DELETE")) == (1, 0)


def test_nothing_is_sent_for_nothing(life: Life) -> None:
    facts = life.create()
    life.emulator.forget()

    again = life.update(facts, life.spec(), life.spec().but(smoke_test=SmokeTest(path="/index.html", method="GET")))

    assert again == facts
    assert life.counts("PUT", "PATCH", "DELETE", "POST") == 0


def test_tags_are_patched_and_nothing_restarts(life: Life) -> None:
    facts = life.create()
    began = _began(life)
    life.emulator.forget()

    life.update(facts, life.spec(), life.spec(tags={"team": "b"}))

    assert (life.counts("PATCH"), life.counts("PUT")) == (1, 0)
    assert life.seen()["tags"]["team"] == "b"
    assert _began(life) == began


def test_a_put_sends_the_full_model_with_its_secrets(life: Life) -> None:
    spec = life.spec().but(auth_enabled=True, primary_key="k1", environment_variables={"A": "1"})
    facts = life.groups.create(spec, Silent())

    life.update(facts, spec, spec.but(image=life.images["serves-too"]))

    kept = life.emulator.world.secrets[facts.id.lower()]["properties"]["containers"][0]["properties"]
    assert {"name": "ACIML_PRIMARY_KEY", "secureValue": "k1"} in kept["environmentVariables"]
    assert {"name": "A", "value": "1"} in kept["environmentVariables"]


def test_a_stopped_group_is_started(life: Life) -> None:
    facts = life.create()
    life.session.containers.container_groups.stop(life.emulator.resource_group, life.name)
    seen = life.groups.read(facts.id, life.spec())
    assert seen is not None
    assert seen.state == "Stopped"

    assert life.update(facts, life.spec(), life.spec()).state == "Running"
    assert answer(facts.address) == "one"


def test_one_that_was_deleted_by_hand_is_made_again(life: Life) -> None:
    facts = life.create()
    life.groups.delete(facts.id, Silent())

    now = life.update(facts, life.spec(), life.spec("serves-too"))

    assert now.id == facts.id
    assert answer(now.address) == "two"


def test_one_that_was_changed_by_hand_is_brought_back(life: Life) -> None:
    facts = life.create()
    life.groups.create(life.spec("serves-too"), Silent())

    assert answer(life.update(facts, life.spec(), life.spec()).address) == "one"


def test_what_has_ended_is_made_again(life: Life) -> None:
    spec = life.spec("exits", restartPolicy="Never")
    with pytest.raises(GroupFailed) as caught:
        life.groups.create(spec, Silent())
    assert caught.value.facts is not None
    life.emulator.forget()

    now = life.update(caught.value.facts, spec, spec.but(image=life.images["serves"]))

    assert answer(now.address) == "one"
    assert (life.counts("DELETE"), life.counts("PUT")) == (1, 1)


def test_a_refused_change_becomes_a_replacement_that_names_the_property(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("invalid-update", match="PUT")
    progress = Heard()

    now = life.groups.update(facts.id, life.spec(), life.spec("serves-too"), progress)

    assert answer(now.address) == "two"
    warning = next(one for one in progress.warnings if "InvalidContainerGroupUpdate" in one)
    assert "If you are going to update the" in warning
    assert "deleting it and making it again, it does not answer meanwhile" in warning


def test_a_new_one_that_ends_goes_back_to_the_last_digest(life: Life) -> None:
    facts = life.create()
    progress = Heard()

    error = failed(life, facts, life.spec("exits"), progress)

    digest = life.images["serves"].partition("@")[2]
    assert "times: init() raised ModuleNotFoundError: joblib" in str(error)
    assert f"went back to {digest}, which serves again" in str(error)
    assert any(f"going back to {digest}" in warning for warning in progress.warnings)
    assert error.facts is not None
    assert error.facts.image == life.images["serves"]
    assert answer(error.facts.address) == "one"


def test_a_smoke_test_that_fails_goes_back_too(life: Life) -> None:
    facts = life.create()
    new = life.spec("serves-too").but(smoke_test=SmokeTest(path="/score", method="GET"))

    error = failed(life, facts, new)

    assert "failed its smoke test" in str(error)
    assert "which serves again" in str(error)
    assert answer(facts.address) == "one"


def test_an_operation_that_fails_goes_back_too(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("lro-failed", match="PUT")

    error = failed(life, facts, life.spec("serves-too"))

    assert "which serves again" in str(error)
    assert answer(facts.address) == "one"


def test_without_rollback_the_new_one_stays(life: Life) -> None:
    facts = life.create()

    error = failed(life, facts, life.spec("exits").but(rollback=False))

    assert "went back" not in str(error)
    assert re.search(r"\nthe service is down since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", str(error))
    assert error.facts is not None
    assert error.facts.image == life.images["exits"]


def test_when_the_old_one_does_not_come_back_both_are_told(life: Life) -> None:
    old = life.spec("hangs").but(startup_timeout=1)
    with pytest.raises(GroupFailed) as caught:
        life.groups.create(old, Silent())
    assert caught.value.facts is not None

    with pytest.raises(GroupFailed) as again:
        life.update(caught.value.facts, old, life.spec("exits"))

    assert "with code 3" in str(again.value)
    assert "but that does not serve either" in str(again.value)
    assert "waiting for godot" in str(again.value)


def test_what_the_service_refuses_leaves_all_as_it_was(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("image-inaccessible", match="PUT")

    with pytest.raises(AzureError, match="InaccessibleImage"):
        life.update(facts, life.spec(), life.spec("serves-too"))

    assert answer(facts.address) == "one"


def test_the_old_secrets_and_settings_come_back(life: Life) -> None:
    old = life.spec().but(auth_enabled=True, primary_key="before")
    facts = life.groups.create(old, Silent())
    new = life.spec("exits").but(auth_enabled=True, primary_key="after")

    with pytest.raises(GroupFailed, match="which serves again"):
        life.update(facts, old, new)

    kept = life.emulator.world.secrets[facts.id.lower()]["properties"]["containers"][0]["properties"]
    assert {"name": "ACIML_PRIMARY_KEY", "secureValue": "before"} in kept["environmentVariables"]


def test_stopping_an_update_keeps_state_and_the_next_one_goes_on(life: Life) -> None:
    facts = life.create()

    class Stopper(Heard):
        def say(self, text: str) -> None:
            if text.startswith(f"putting container group {life.name}"):
                raise Cancelled

    error = failed(life, facts, life.spec("serves-too"), Stopper())

    assert "it goes on from here" in str(error)
    assert error.facts is not None
    assert error.facts.id == facts.id
    assert answer(life.update(error.facts, life.spec(), life.spec("serves-too")).address) == "two"


def test_two_updates_at_once_wait_for_each_other(life: Life) -> None:
    facts = life.create()
    problems: list[AcimlError] = []

    def update(behaviour: str) -> None:
        try:
            life.update(facts, life.spec(), life.spec(behaviour))
        except AcimlError as error:
            problems.append(error)

    threads = [threading.Thread(target=update, args=(behaviour,)) for behaviour in ("serves-too", "serves-too")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert answer(facts.address) == "two"
    assert life.there() == [""]


def _began(life: Life) -> str:
    view = life.seen()["properties"]["containers"][0]["properties"]["instanceView"]
    return str(view["currentState"]["startTime"])


def test_an_update_whose_time_is_over_is_left_to_the_service_and_taken_up_again(life: Life) -> None:
    facts = life.create()
    life.emulator.fault("lro-stuck", match="PUT")

    with pytest.raises(AcimlError, match="not done after 1 s; Azure says InProgress"):
        life.groups.update(facts.id, life.spec(), life.spec("serves-too"), Heard(timeout=1.5))

    life.emulator.forget()
    assert answer(life.update(facts, life.spec(), life.spec("serves-too")).address) == "two"


def test_tags_of_a_policy_stay_and_those_that_are_dropped_go(life: Life) -> None:
    old, new = life.spec(tags={"team": "a", "stage": "test"}), life.spec("serves-too", tags={"Team": "b"})
    facts = life.groups.create(old, Silent())
    life.session.call("PATCH", facts.id, "2023-05-01", {"tags": {**life.seen()["tags"], "CostCenter": "4711"}})
    tags = {name: text for name, text in life.seen()["tags"].items() if not name.startswith("aciml-")}
    assert tags == {"team": "a", "stage": "test", "CostCenter": "4711"}

    renamed = life.spec("serves", tags={"Team": "b"})
    life.emulator.fault("patch-merges", match="PATCH")
    life.update(facts, old, renamed)
    life.update(facts, renamed, new)

    tags = {name: text for name, text in life.seen()["tags"].items() if not name.startswith("aciml-")}
    assert tags == {"team": "b", "CostCenter": "4711"}
    assert answer(facts.address) == "two"
    assert drift_of(life.groups.read(facts.id, new)) == {}
    life.emulator.forget()
    life.update(facts, new, new)
    assert life.counts("PUT", "PATCH") == 0
