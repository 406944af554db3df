"""Names that ``check`` fills: made once, kept ever after."""

from __future__ import annotations

import pytest

from aciml.core.progress import Progress
from aciml.model.rollout import StableName
from aciml.properties import UNKNOWN, Values
from aciml.resources.group import ContainerGroup
from aciml.resources.protocol import Existing
from aciml.resources.registry import ContainerRegistry
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import GroupSpec
from tests.heard import Heard

URN = "urn:pulumi:dev::shop::aciml:compute:ContainerGroup::iris-group"
IMAGE = f"127.0.0.1:5000/a:b@sha256:{'0' * 64}"


def group(workspace: str = "here") -> ContainerGroup:
    return ContainerGroup(MemoryTarget(workspace=workspace).service)


def checked(resource: ContainerGroup, old: Values | None, **new: object) -> Values:
    found = resource.check(old, {"image": IMAGE, **new}, Heard(urn=URN))
    assert found.findings == []
    return found.inputs


def test_a_preview_and_the_update_after_it_fill_the_same_name_and_another_clone_another() -> None:
    first, again, clone = (checked(group(workspace), None)["name"] for workspace in ("here", "here", "there"))

    assert str(first).startswith("iris-shop-dev-")
    assert first == again != clone


def test_a_name_is_kept_wherever_the_stack_is_brought_up_next_and_when_it_is_no_longer_given() -> None:
    old = checked(group(), None)
    assert checked(group("there"), old)["name"] == old["name"]
    assert checked(group(), checked(group(), None, name="given"))["name"] == "given"


def test_a_replacement_keeps_its_name_though_the_engine_checks_it_as_a_new_one() -> None:
    resource, old = group(), checked(group(), None, name="given")
    checked(resource, old)

    assert checked(resource, None)["name"] == "given"


def test_unknown_values_crash_nothing() -> None:
    assert checked(group(), None, name=UNKNOWN)["name"] is UNKNOWN
    assert str(checked(group(), {"name": UNKNOWN}, image=UNKNOWN)["name"]).startswith("iris-")


def test_a_taken_name_is_a_finding_before_anything_starts() -> None:
    target = MemoryTarget(workspace="here")
    resource = ContainerRegistry(target.registry)
    made = resource.create(resource.check(None, {"name": "mine"}, Heard(urn=URN)).inputs, Heard(urn=URN), preview=False)
    other = Heard(urn="urn:pulumi:prod::shop::aciml:registry:ContainerRegistry::models")

    (finding,) = resource.check(None, {"name": "mine"}, other).findings

    assert finding.where == "name"
    assert "stack dev, project shop" in finding.why
    assert resource.check(made.inputs or {"name": "mine"}, {"name": "mine"}, Heard(urn=URN)).findings == []


def test_state_remembers_the_owner_and_deletion_leaves_what_somebody_else_has_made_since() -> None:
    target = MemoryTarget(workspace="here")
    resource = ContainerGroup(target.service)
    made = resource.create(checked(resource, None), Heard(urn=URN), preview=False)
    with target.world() as world:
        world.groups.clear()
        world.labels.clear()
    theirs = ContainerGroup(target.service)
    other = Heard(urn="urn:pulumi:prod::shop::aciml:compute:ContainerGroup::x")
    theirs.create({**checked(theirs, None), "name": made.state["name"]}, other, preview=False)

    resource.delete(made, Heard(urn=URN))

    assert len(made.state["owner"]) == 16
    with target.world() as world:
        assert list(world.groups) == [made.id]


def test_a_removal_names_what_leads_to_the_group_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    target = MemoryTarget(workspace="here")
    resource = ContainerGroup(target.service)
    inputs = checked(resource, None)
    led: list[object] = []

    def delete(group_id: str, progress: Progress, known_as: str = "", known: GroupSpec | None = None) -> None:
        led.append(known and known.declared.updates.stable_name)

    monkeypatch.setattr(target.service, "delete", delete)
    stable = {"applicationGateway": "/subscriptions/s/door", "backendPool": "ours"}
    for values in (inputs, {**inputs, "stableName": stable}):
        resource.delete(Existing("id", {**values, "owner": "me"}, values), Heard(urn=URN))

    assert led == [None, StableName(application_gateway=stable["applicationGateway"], backend_pool="ours")]
