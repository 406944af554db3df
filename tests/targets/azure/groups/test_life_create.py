"""Container groups made, adopted, read and removed: the SDK's client against the emulated cloud, groups really run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aciml.core.errors import AcimlError, Cancelled, UserError
from aciml.core.progress import Silent
from aciml.model.rollout import SmokeTest
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.protocol import GroupFailed, GroupSpec
from tests.heard import Heard
from tests.targets.azure.life import KIND, Life, answer
from tests.targets.specs import drift_of

pytestmark = pytest.mark.docker


def failed(life: Life, spec: GroupSpec, progress: Silent | None = None) -> GroupFailed:
    with pytest.raises(GroupFailed) as caught:
        life.groups.create(spec, progress or Silent())
    return caught.value


def test_a_group_is_made_and_answers_under_its_name(life: Life) -> None:
    facts = life.create()

    assert answer(facts.address) == "one"
    assert facts.id.endswith(f"/providers/Microsoft.ContainerInstance/containerGroups/{life.name}")
    assert (facts.name, facts.image, facts.cpu, facts.memory_gb) == (life.name, life.images["serves"], 1, 1)
    assert facts.address == f"{facts.fqdn}:5001"
    assert (facts.state, facts.location) == ("Running", "westeurope")
    assert facts.ip


def test_making_one_takes_one_put(life: Life) -> None:
    life.create()

    assert life.counts("PUT") == 1
    assert life.counts("POST", "PATCH", "DELETE") == 0


def test_what_an_interrupted_run_left_is_adopted_without_a_put(life: Life) -> None:
    facts = life.create()
    life.emulator.forget()
    progress = Heard()

    assert life.groups.create(life.spec(), progress) == facts
    assert life.counts("PUT") == 0
    assert any("is ours" in note for note in progress.notes)


def test_one_with_secrets_is_put_again_because_nobody_can_see_them(life: Life) -> None:
    spec = life.spec().but(auth_enabled=True, primary_key="new-key")
    life.groups.create(spec.but(auth_enabled=True, primary_key="old-key"), Silent())

    life.groups.create(spec, Silent())

    variables = life.emulator.world.secrets[life.seen()["id"].lower()]["properties"]["containers"][0]["properties"]
    assert {"name": "ACIML_PRIMARY_KEY", "secureValue": "new-key"} in variables["environmentVariables"]


def test_one_that_differs_is_brought_to_the_spec(life: Life) -> None:
    life.create()

    facts = life.groups.create(life.spec("serves-too"), Silent())

    assert answer(facts.address) == "two"


def test_one_that_differs_in_what_cannot_change_is_made_again(life: Life) -> None:
    life.create()

    facts = life.groups.create(life.spec().but(cpu_cores=2), Silent())

    assert facts.cpu == 2
    assert life.counts("DELETE") == 1


def test_somebody_elses_group_is_left_alone(life: Life) -> None:
    life.groups.create(replace(life.spec(), owner="urn:pulumi:dev::other::t::n"), Silent())
    life.emulator.forget()

    with pytest.raises(UserError, match='belongs to "n" of stack dev, project other; import it'):
        life.create()

    assert life.counts("PUT", "DELETE") == 0


def test_somebody_elses_group_is_left_by_deletion_and_named(life: Life) -> None:
    theirs = life.groups.create(replace(life.spec(), owner="urn:pulumi:dev::other::t::n"), Silent())
    hearer = Heard()
    hearer.urn = life.spec().owner

    life.groups.delete(theirs.id, hearer, "dev/shop/gone")

    assert life.there() == [""]
    assert 'belongs to "n" of stack dev, project other: it stays' in hearer.warnings[-1]


def test_a_group_whose_stack_was_renamed_is_updated_by_what_state_remembers(life: Life) -> None:
    before = replace(life.spec(), owner="urn:pulumi:old::shop::t::n")
    made = life.groups.create(before, Silent())

    updated = life.groups.update(made.id, replace(before, known_as=made.owner), life.spec("serves-too"), Silent())

    assert answer(updated.address) == "two"
    assert updated.owner != made.owner
    with pytest.raises(UserError, match="belongs to"):
        life.groups.update(made.id, replace(life.spec(), known_as="a/b/c"), before, Silent())


def test_a_replacement_that_fails_says_since_when_nothing_serves(life: Life) -> None:
    """The engine deletes first what cannot change in place."""
    facts = life.create()
    life.groups.delete(facts.id, Silent())
    life.emulator.fault("capacity", match="PUT", times=9)

    with pytest.raises(AcimlError, match=r"\nthe service is down since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        life.create()


def test_a_missing_resource_group_is_told(life: Life) -> None:
    with pytest.raises(UserError, match="there is no resource group nowhere"):
        life.create(resourceGroup="nowhere")


def test_a_container_that_ends_again_and_again_fails_early_with_its_words(life: Life) -> None:
    spec = life.spec("exits").but(startup_timeout=600, secure_environment_variables={"SECRET": "open-sesame"})

    error = failed(life, spec)

    assert "times: init() raised ModuleNotFoundError: joblib; add it to conda.yml" in str(error)
    assert "the key is [secret]" in str(error)
    assert "open-sesame" not in str(error)
    assert "BackOff" in str(error)
    assert error.facts is not None
    assert error.facts.id == life.seen()["id"]


def test_a_container_that_may_not_restart_fails_at_its_first_end(life: Life) -> None:
    error = failed(life, life.spec("exits", restartPolicy="Never"))

    assert "exited with code 3" in str(error)
    assert "last log lines" in str(error)
    assert error.facts is not None
    assert error.facts.state == "Failed"


def test_an_init_container_that_fails_is_named(life: Life) -> None:
    first = [{"name": "first", "image": life.images["exits"]}]

    error = failed(life, life.spec(initContainers=first))

    assert 'init container "first" exited with code 3' in str(error)
    assert "ModuleNotFoundError" in str(error)


def test_a_container_that_never_answers_fails_in_time(life: Life) -> None:
    error = failed(life, life.spec("hangs").but(startup_timeout=1))

    assert "did not answer 200 on / within 1 seconds (startup_timeout; last seen: no answer: " in str(error)
    assert "it must listen on 0.0.0.0" in str(error)
    assert "waiting for godot" in str(error)


def test_the_operations_time_out_counts_if_it_is_sooner(life: Life) -> None:
    error = failed(life, life.spec("hangs"), Heard(timeout=3))

    assert "the operation's time-out" in str(error)


def test_an_answer_other_than_200_is_told(life: Life) -> None:
    assert "last seen: 404" in str(failed(life, life.spec("refuses").but(startup_timeout=1)))


def test_the_smoke_test_has_to_pass(life: Life) -> None:
    good, bad = SmokeTest(path="/index.html", method="GET"), SmokeTest(path="/score", method="GET")

    error = failed(life, life.spec().but(smoke_test=bad))

    assert "failed its smoke test: GET /score answered 404 instead of 200" in str(error)
    assert life.groups.create(life.spec().but(smoke_test=good), Silent()).state == "Running"


def test_a_group_without_an_address_passes_by_its_containers(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aciml.targets.azure.groups.gate.QUIET_SECONDS", 0.5)
    progress = Heard()

    facts = life.groups.create(life.spec(ipAddressType="None").but(smoke_test=SmokeTest()), progress)

    assert facts.address == ""
    assert any("cannot be asked from this machine (no address)" in note for note in progress.notes)
    assert any("smoke test was not run" in warning for warning in progress.warnings)


def test_live_lines_tell_what_is_waited_for(life: Life) -> None:
    progress = Heard()

    failed(life, life.spec("hangs").but(startup_timeout=1), progress)

    assert any("waiting for / " in line for line in progress.lines)


def test_stopping_during_the_wait_keeps_the_group_in_state(life: Life) -> None:
    life_long = life.spec("hangs").but(startup_timeout=60)

    class Stopper(Heard):
        def say(self, text: str) -> None:
            super().say(text)
            if "waiting for /" in text:
                raise Cancelled

    error = failed(life, life_long, Stopper())

    assert str(error) == "cancelled; what exists is kept; run the same command again, it goes on from here"
    assert error.facts is not None
    facts = life.update(error.facts, life_long, life.spec())
    assert answer(facts.address) == "one"


def test_stopping_before_anything_was_sent_leaves_nothing(life: Life) -> None:
    with pytest.raises(Cancelled):
        life.groups.create(life.spec(), Heard(stop_at=1))

    assert life.there() == []


@pytest.mark.parametrize("identify", ["id", "name"])
def test_a_group_is_read_by_its_id_and_by_its_name(life: Life, identify: str) -> None:
    facts = life.create()

    seen = life.groups.read(facts.id if identify == "id" else life.name, life.spec())

    assert seen == facts


def test_an_import_tells_all_properties(life: Life) -> None:
    facts = life.create(tags={"team": "a"})

    seen = life.groups.read(facts.id)

    assert seen is not None
    assert drift_of(seen)["tags"] == {"team": "a"}
    assert drift_of(seen)["restartPolicy"] == "Always"


def test_what_others_changed_shows(life: Life) -> None:
    facts = life.create(tags={"by": "us"})
    life.groups.create(life.spec("serves-too", tags={"by": "hand", "of": "a policy"}), Silent())

    seen = life.groups.read(facts.id, life.spec(tags={"by": "us"}))

    assert seen is not None
    assert seen.image == life.images["serves-too"]
    # what was never declared is its owner's affair
    assert drift_of(seen)["tags"] == {"by": "hand"}


def test_only_a_404_reads_as_gone(life: Life) -> None:
    facts = life.create()
    for name in ("forbidden", "500", "unauthorized"):
        life.emulator.fault(name, times=50, match=KIND)
        with pytest.raises(AzureError):
            life.groups.read(facts.id, life.spec())
        life.emulator.forget()
    life.groups.delete(facts.id, Silent())

    assert life.groups.read(facts.id, life.spec()) is None


def test_removing_what_is_gone_is_fine(life: Life) -> None:
    facts = life.create()

    for _ in range(2):
        life.groups.delete(facts.id, Silent())

    assert life.there() == []


def test_an_id_of_something_else_is_refused(life: Life) -> None:
    with pytest.raises(UserError, match="is no id of a container group"):
        life.groups.read("/subscriptions/x/resourceGroups/y")
    with pytest.raises(UserError, match="is not in subscription"):
        life.groups.read("/subscriptions/x/resourceGroups/y/providers/Microsoft.ContainerInstance/containerGroups/z")
