"""What goes wrong with container apps: the traps of the service, and runs that end in the middle.

Without Docker: the emulated cloud takes each replica for one that runs, and nobody is asked.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.ownership import Stranger
from aciml.core.progress import Silent
from aciml.targets.azure.apps import gate
from aciml.targets.azure.apps.change import app_changes
from aciml.targets.azure.apps.revisions import AppRevisions
from aciml.targets.azure.arm import session
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.protocol import GroupFailed
from aciml.targets.revisions import NoCopies, NoSuchRevision, Seen, WrongWeights
from aciml.targets.smoke import Answer
from tests.contract.compared import nothing_is_compared_where_nothing_is_copied
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.targets.azure.apps.app_life import AppLife, living_apps
from tests.targets.azure.life import Killed

DIGESTS = {
    name: f"registry.example/iris@sha256:{digit * 64}"
    for name, digit in zip(("serves", "serves-too", "third"), "abc", strict=True)
}


@pytest.fixture
def life(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppLife]:
    emulator.containers = False
    # on paper nobody listens
    monkeypatch.setattr(gate, "ask", lambda *_: Answer(200))
    with living_apps(emulator, DIGESTS, tmp_path) as here:
        yield here


def names(life: AppLife) -> list[str]:
    return sorted(life.revisions())


# what answers look like a success and are none


def test_a_put_that_is_answered_200_with_failed_in_its_body_is_a_failure(life: AppLife) -> None:
    facts = life.create()
    life.emulator.fault("failed-as-200")

    with pytest.raises(GroupFailed, match="failed"):
        life.update(facts, life.spec(), life.spec("serves-too"))
    # nothing stands in the way of the next run
    life.update(facts, life.spec(), life.spec("serves-too"))


@pytest.mark.parametrize("fault", ["location-says-200", "location-says-nothing"])
def test_a_patch_is_believed_by_what_the_app_says(life: AppLife, fault: str) -> None:
    facts = life.create()
    if fault == "location-says-200":
        life.emulator.fault("lro-failed", match="PATCH")
    life.emulator.fault(fault, match="PATCH")
    new = life.spec(containerApp={"allowInsecure": True})

    if fault == "location-says-200":
        with pytest.raises((AzureError, GroupFailed)):
            life.update(facts, life.spec(), new)
    life.update(facts, life.spec(), new)
    assert life.seen()["properties"]["configuration"]["ingress"]["allowInsecure"] is True


def test_a_suffix_that_is_taken_without_a_word_is_noticed(life: AppLife, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = life.create()
    monkeypatch.setattr(gate, "NEW_SECONDS", 0.2)
    life.emulator.fault("suffix-ignored")

    with pytest.raises(GroupFailed, match="there is no revision"):
        life.update(facts, life.spec(), life.spec("serves-too"))
    assert len(names(life)) == 1


def test_a_revision_that_is_never_ready_costs_nobody_a_request(life: AppLife) -> None:
    facts = life.create()
    (first,) = names(life)
    life.emulator.fault("revision-expired")

    with pytest.raises(GroupFailed, match="never answered 200: Azure has given up revision"):
        life.update(facts, life.spec(), life.spec("serves-too"))
    assert life.weights() == {first: 100}
    assert [name for name, one in life.revisions().items() if one["active"]] == [first]


def test_the_first_revision_that_is_never_ready_is_kept_by_state(life: AppLife) -> None:
    life.emulator.fault("revision-expired")

    with pytest.raises(GroupFailed) as caught:
        life.create()
    assert caught.value.facts is not None
    assert caught.value.facts.id == life.id
    # the next run brings another image, and the app is well
    life.update(
        caught.value.facts, life.spec(), life.spec("serves-too", traffic={"canary": [{"percent": 10, "pause": 0}]})
    )
    (serving,) = life.weights()
    # what failed serves nobody, gets no share, and costs no more
    assert [name for name, one in life.revisions().items() if one["active"]] == [serving]


# other operations, outages, refusals


@pytest.mark.parametrize("fault", ["transitioning", "lock-conflict", "429", "503"])
def test_what_passes_by_itself_is_waited_for(life: AppLife, fault: str) -> None:
    facts = life.create()
    life.emulator.fault(fault, match="PUT", retry_after=0)

    life.update(facts, life.spec(), life.spec("serves-too"))
    assert len(names(life)) == 2


@pytest.mark.parametrize(("fault", "status"), [("unauthorized", 401), ("forbidden", 403)])
def test_a_refresh_that_is_refused_loses_nothing(life: AppLife, fault: str, status: int) -> None:
    facts = life.create()
    life.emulator.fault(fault, times=20, match="microsoft.app")

    with pytest.raises(OutageError) as caught:
        life.apps.read(facts.id, life.spec())
    assert getattr(caught.value, "status", 0) == status
    life.emulator.world.faults.clear()
    assert life.apps.read(facts.id, life.spec()) is not None


def test_an_answer_that_is_lost_is_no_second_app(life: AppLife) -> None:
    life.emulator.fault("lost-answer", match=f"PUT {life.id}")

    facts = life.create()
    assert facts.state == "Running"
    assert len(names(life)) == 1


def test_too_many_environments_are_told_with_what_to_do(life: AppLife) -> None:
    life.emulator.fault("quota", match="PUT")

    with pytest.raises(AzureError, match="MaxNumberOf") as caught:
        life.create()
    assert "name one that exists by containerApp.environment" in caught.value.advice
    assert life.homes() == []


def test_a_provider_that_was_never_used_is_registered(life: AppLife, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "REGISTER_SECONDS", 0.05)
    life.emulator.fault("unregistered", match="Microsoft.App")

    assert life.create().state == "Running"


def test_an_image_that_may_not_be_pulled_is_told(life: AppLife) -> None:
    facts = life.create()
    life.emulator.fault("image-inaccessible")

    with pytest.raises(AzureError, match="UNAUTHORIZED") as caught:
        life.update(facts, life.spec(), life.spec("serves-too"))
    assert "AcrPull" in caught.value.advice
    assert len(names(life)) == 1


# runs that end in the middle, and two at once


def test_a_run_may_be_killed_before_and_after_every_write(life: AppLife) -> None:
    """Kill creation and update at every checkpoint, which stand around every request; the next run has to go on."""
    for stop in itertools.count(1):
        progress = Heard(stop_at=stop, error=Killed())
        try:
            facts = life.apps.create(life.spec(), progress)
        except Killed:
            continue
        break
    assert len(life.weights()) == 1
    old = life.spec()
    for number, stop in enumerate(itertools.count(1)):
        progress = Heard(stop_at=stop, error=Killed())
        new = life.spec("serves-too", environmentVariables={"RUN": "two"})
        try:
            life.apps.update(facts.id, old, new, progress)
        except Killed:
            assert number < 100
            continue
        break
    (serving,) = life.weights()
    assert life.revisions()[serving]["template"]["containers"][0]["image"] == DIGESTS["serves-too"]
    assert len(names(life)) == 2
    drift = life.apps.read(facts.id, new).drift  # type: ignore[union-attr]
    assert drift is None


def test_a_run_that_is_cancelled_keeps_what_there_is(life: AppLife) -> None:
    kept = [_cancelled(life, stop) for stop in range(1, 10)]

    # before the app there is nothing to keep, and from then on always the same
    assert None in kept
    assert {id_.lower() for id_ in kept if id_} <= {life.id.lower()}
    assert life.create().state == "Running"


def _cancelled(life: AppLife, stop: int) -> str | None:
    try:
        return life.apps.create(life.spec(), Heard(stop_at=stop)).id
    except GroupFailed as error:
        return error.facts.id if error.facts else None
    except Cancelled:
        return None


def test_what_another_stack_has_made_is_never_touched(life: AppLife) -> None:
    facts = life.create()
    theirs = replace(life.spec("serves-too"), owner="urn:pulumi:prod::other::aciml:compute:ContainerGroup::x")
    before = life.seen()

    with pytest.raises(Stranger, match="of stack dev, project shop"):
        life.apps.create(theirs, Silent())
    with pytest.raises(Stranger):
        life.apps.read(facts.id, replace(theirs, known_as="other"))
    with pytest.raises(Stranger):
        life.apps.update(facts.id, replace(theirs, known_as="other"), theirs, Silent())
    progress = Heard()
    life.apps.delete(facts.id, progress, known_as="other")
    assert any("it stays" in line for line in progress.warnings)
    assert life.seen() == before


def test_what_was_deleted_by_hand_is_gone_and_made_again(life: AppLife) -> None:
    facts = life.create()
    life.session.call("DELETE", facts.id, "2026-07-01")

    assert life.apps.read(facts.id, life.spec()) is None
    assert life.update(facts, life.spec(), life.spec()).state == "Running"


def test_what_somebody_changed_by_hand_is_seen_and_mended(life: AppLife) -> None:
    facts = life.create()
    patch = {"properties": {"configuration": {"ingress": {"allowInsecure": True}}}}
    life.session.call("PATCH", facts.id, "2026-07-01", patch)

    drift = life.apps.read(facts.id, life.spec()).drift  # type: ignore[union-attr]
    assert drift is not None
    assert drift.names == ("container_app",)
    life.update(facts, life.spec(), life.spec())
    assert life.apps.read(facts.id, life.spec()).drift is None  # type: ignore[union-attr]


def test_a_policys_tags_stay(life: AppLife) -> None:
    facts = life.create(tags={"team": "red"})
    life.session.call("PATCH", facts.id, "2026-07-01", {"tags": {"cost-center": "7"}})

    life.update(facts, life.spec(tags={"team": "red"}), life.spec("serves-too", tags={"team": "blue"}))
    assert life.seen()["tags"]["cost-center"] == "7"
    assert life.seen()["tags"]["team"] == "blue"
    assert life.apps.read(facts.id, life.spec("serves-too", tags={"team": "blue"})).drift is None  # type: ignore[union-attr]


def test_an_import_is_followed_by_no_change(life: AppLife) -> None:
    spec = life.spec(scale={"minReplicas": 2}, environmentVariables={"A": "1"}, tags={"team": "red"})
    facts = life.apps.create(spec, Silent())
    seen = life.apps.read(facts.id)

    assert seen is not None
    assert seen.drift is not None
    imported = replace(spec, declared=seen.drift.now.but(name=seen.name))
    assert {*app_changes(imported, spec, life.session.config)} <= {"startup_timeout"}


# revisions by hand


def test_revisions_by_hand(life: AppLife) -> None:
    facts = life.create()
    life.update(facts, life.spec(), life.spec("serves-too"))
    revisions = life.apps.revisions(facts.id, life.spec("serves-too"))
    new, old = (one.name for one in revisions.list())

    assert [(one.weight, one.state) for one in revisions.list()] == [(100, "Running"), (0, "Running")]
    revisions.label("stable", old, Silent())
    revisions.weigh({new: 70, old: 30}, Silent())
    assert life.weights() == {new: 70, old: 30}
    revisions.weigh({old.partition("--")[2]: 100}, Silent())
    assert life.weights() == {old: 100}
    assert [one.label for one in revisions.list() if one.name == old] == ["stable"]
    with pytest.raises(UserError, match="gets 100 % of the requests"):
        revisions.retire(old, Silent())
    revisions.retire(new, Silent())
    assert next(one for one in revisions.list() if one.name == new).state == "Stopped"
    with pytest.raises(WrongWeights, match="is retired"):
        revisions.weigh({new: 100}, Silent())
    with pytest.raises(WrongWeights, match="sum up to 90"):
        revisions.weigh({old: 90}, Silent())
    with pytest.raises(NoSuchRevision):
        revisions.weigh({"nobody": 100}, Silent())
    revisions.activate(new, Silent())
    revisions.weigh({new: 100}, Silent())
    revisions.restart(new, Silent())
    assert revisions.address(new).startswith("https://")
    nothing_is_compared_where_nothing_is_copied(revisions, new, old)
    with pytest.raises(NoCopies, match="sends no copies of its requests: without two keys"):
        revisions.mirror(new, old, 10, Silent())


def test_replicas_by_hand_are_a_revision_with_the_same_requests(life: AppLife) -> None:
    facts = life.create(secureEnvironmentVariables={"TOKEN": "text"})
    spec = life.spec(secureEnvironmentVariables={"TOKEN": "text"})
    revisions = life.apps.revisions(facts.id, spec)
    (one,) = revisions.list()

    revisions.scale(one.name, 2, 3, Silent())
    (serving,) = life.weights()
    assert serving != one.name
    scale = life.revisions()[serving]["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (2, 3)
    # the program says otherwise: the next refresh tells, the next update goes back
    drift = life.apps.read(facts.id, spec).drift  # type: ignore[union-attr]
    assert drift is not None
    assert drift.names == ("scale",)
    life.update(facts, spec, spec)
    assert life.weights() == {one.name: 100}


def test_old_revisions_are_kept_by_count(life: AppLife) -> None:
    facts = life.create()
    for behaviour in ("serves-too", "third"):
        life.update(facts, life.spec(), life.spec(behaviour, traffic={"previous": 0}))

    states = {one["template"]["containers"][0]["image"]: one["active"] for one in life.revisions().values()}
    assert states == {DIGESTS["serves"]: False, DIGESTS["serves-too"]: False, DIGESTS["third"]: True}
    # one that was retired serves again without a new one
    life.update(facts, life.spec("third"), life.spec(traffic={"previous": 2}))
    assert len(names(life)) == 3
    (serving,) = life.weights()
    assert life.revisions()[serving]["template"]["containers"][0]["image"] == DIGESTS["serves"]


def test_a_revision_that_is_held_is_reached_by_its_label_alone(life: AppLife) -> None:
    facts = life.create()
    (first,) = names(life)
    held: dict[str, Any] = {"traffic": {"hold": True, "label": "next"}}

    life.update(facts, life.spec(), life.spec("serves-too", **held))
    assert life.weights() == {first: 100}
    entries = life.seen()["properties"]["configuration"]["ingress"]["traffic"]
    (labelled,) = [one["revisionName"] for one in entries if one.get("label") == "next"]
    assert labelled != first
    # what is declared is there, so nothing is to be done
    assert life.apps.read(facts.id, life.spec("serves-too", **held)).drift is None  # type: ignore[union-attr]
    life.update(facts, life.spec("serves-too", **held), life.spec("serves-too"))
    assert life.weights() == {labelled: 100}


def test_a_label_of_somebody_elses_revision_is_not_moved(life: AppLife) -> None:
    facts = life.create()
    (first,) = names(life)
    seen = life.seen()["properties"]
    template = {**seen["template"], "revisionSuffix": "by-hand", "terminationGracePeriodSeconds": 7}
    del template["containers"][0]["resources"]["ephemeralStorage"]
    share = [{"revisionName": first, "weight": 100}]
    body: dict[str, Any] = {"properties": {"template": template, "configuration": {"ingress": {"traffic": share}}}}
    life.session.call("PATCH", facts.id, "2026-07-01", body)
    share = [*share, {"revisionName": f"{life.name}--by-hand", "weight": 0, "label": "blue"}]
    life.session.call(
        "PATCH", facts.id, "2026-07-01", {"properties": {"configuration": {"ingress": {"traffic": share}}}}
    )
    wanted = life.spec("serves-too", traffic={"label": "blue"})

    assert life.apps.label_taken(wanted.declared, "blue") == f"{life.name}--by-hand"
    assert life.apps.label_taken(wanted.declared, "candidate") == ""
    before = life.seen()
    with pytest.raises(UserError, match="which was not made here"):
        life.update(facts, life.spec(), wanted)
    assert life.seen() == before


def test_a_canary_goes_step_by_step_and_a_killed_one_goes_on(life: AppLife, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = life.create()
    (first,) = names(life)
    steps = {"canary": [{"percent": 10, "pause": 0}, {"percent": 50, "pause": 0}]}
    sent: list[dict[str, int]] = []
    weigh = AppRevisions.weigh

    def watched(self: AppRevisions, weights: Any, progress: Any) -> None:
        sent.append(dict(weights))
        weigh(self, weights, progress)
        if len(sent) == 2:
            raise Killed

    monkeypatch.setattr(AppRevisions, "weigh", watched)
    new = life.spec("serves-too", traffic=steps)
    with pytest.raises(Killed):
        life.update(facts, life.spec(), new)
    life.update(facts, life.spec(), new)

    (second,) = {*names(life)} - {first}
    assert [one[second] for one in sent] == [10, 50, 100]
    assert life.weights() == {second: 100}
    # the same again walks nowhere
    life.update(facts, new, new)
    assert len(sent) == 3


def test_a_gate_that_says_no_sends_all_requests_back(life: AppLife, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = life.create()
    (first,) = names(life)
    met = {"requests": 0}

    def seen(self: AppRevisions, revision: str, since: float) -> Seen:
        met["requests"] += 100
        return Seen(100, 30 if revision != first else 0)

    monkeypatch.setattr(AppRevisions, "seen", seen)
    steps = {"canary": [{"percent": 10, "pause": 0}]}
    with pytest.raises(GroupFailed, match="30 of 100 requests failed") as caught:
        life.update(facts, life.spec(), life.spec("serves-too", traffic=steps))

    assert caught.value.facts is not None
    assert caught.value.facts.image == DIGESTS["serves"]
    assert life.weights() == {first: 100}
    assert [name for name, one in life.revisions().items() if one["active"]] == [first]


# room


def test_a_quota_that_is_used_up_is_warned_of_with_numbers(life: AppLife) -> None:
    world, spec = life.emulator.world, life.spec()
    world.quotas["westeurope", "ManagedEnvironmentCount"] = 0
    told = Heard()
    life.apps.warn_of_room(None, spec.declared, told)
    assert "quota ManagedEnvironmentCount in westeurope: 0 of 0 are used" in told.warnings[0]

    world.quotas.clear()
    facts = life.create(scale={"minReplicas": 2})
    world.quotas["", "ManagedEnvironmentConsumptionCores"] = 0.75
    bigger, told = life.spec(scale={"minReplicas": 3}), Heard()
    life.apps.warn_of_room(spec.declared, bigger.declared, told)
    assert "0.5 of 0.75 cores are used, 0.25 are left; a revision of" in told.warnings[0]
    assert "wants 0.75" in told.warnings[0]

    # nothing is asked of what stays as it is, and nobody who cannot be asked is in the way
    life.emulator.forget()
    life.apps.warn_of_room(bigger.declared, bigger.declared, told)
    assert life.emulator.requests() == []
    life.emulator.fault("forbidden", times=5, match="microsoft.app")
    life.apps.warn_of_room(None, bigger.declared, told)
    assert "could not be asked" in told.notes[0]
    world.faults.clear()
    world.quotas.clear()
    assert life.apps.read(facts.id) is not None


def test_two_runs_at_once_make_one_app(life: AppLife) -> None:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(life.apps.create(life.spec(), Silent()))
        except Exception as error:  # noqa: BLE001 - told below
            found.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {getattr(one, "id", one) for one in found} == {life.apps.site(life.spec()).id}
    assert len(names(life)) == 1
    assert len(life.weights()) == 1
    assert life.homes() == ["aciml-westeurope"]


def test_a_failed_environment_is_told_by_a_preview(life: AppLife) -> None:
    life.emulator.fault("environment-failed")
    with pytest.raises(AzureError):
        life.create()
    told = Heard()

    life.apps.warn_of_room(None, life.spec().declared, told)
    assert "has failed, and takes no apps: ErrorCode: AKSCapacityHeavyUsage" in told.warnings[0]
