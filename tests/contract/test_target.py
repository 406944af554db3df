"""One list of promises for every target.

What a target promises is a function with the promise as its name. Tests call several of them one after the other on one
registry or group, since what a promise costs is to bring one up: the function that fails tells which promise broke.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from aciml.core.errors import Cancelled, UserError
from aciml.core.golden.request import Expected, Golden, Request
from aciml.core.ownership import Stranger
from aciml.core.progress import Silent
from aciml.model.rollout import SmokeTest
from aciml.targets.observed import LogWish, NoSuchRun
from aciml.targets.protocol import GroupFacts, GroupFailed, GroupSpec, RegistryFacts, RegistrySpec
from tests.contract.worlds import Watcher, World
from tests.heard import Heard
from tests.targets.registries import registry, wanted_registry
from tests.targets.specs import declared, spec


def registry_spec(world: World, port: int = 0) -> RegistrySpec:
    owner = f"urn:pulumi:test::contract::registry::{world.prefix}"
    return wanted_registry(world.registry_name(), port=port, image=world.registry_image, owner=owner)


def group_spec(world: World, behaviour: str = "serves", port: int = 0) -> GroupSpec:
    cpu, memory = world.size
    port = port or world.port
    owner = f"urn:pulumi:test::contract::group::{world.prefix}"
    name, image = f"{world.prefix}-g", world.image(behaviour)
    return spec(name, image, owner=owner, cpuCores=cpu, memoryGb=memory, port=port, startupTimeout=30, **world.said)


def bare(facts: GroupFacts | RegistryFacts | None) -> GroupFacts | RegistryFacts | None:
    """Leave out what only an import or its owner wants to know, and the address, which a cloud may change."""
    if isinstance(facts, GroupFacts):
        return replace(facts, drift=None, owner="", ip="", address=facts.fqdn or facts.address)
    return replace(facts, seen=None, drift=(), owner="") if facts else None


def needs_ports(world: World) -> None:
    if not world.has_ports:
        pytest.skip(f"nothing on {world.target.name} competes for ports")


def lowered(ids: list[str]) -> list[str]:
    return [id_.lower() for id_ in ids]


def made_registry(world: World, port: int = 0) -> RegistryFacts:
    return world.target.registry.create(registry_spec(world, port), Silent())


def made_group(world: World, behaviour: str = "serves", port: int = 0) -> GroupFacts:
    return world.target.service.create(group_spec(world, behaviour, port), Silent())


def updated(world: World, old: GroupFacts, spec: GroupSpec, before: GroupSpec | None = None) -> GroupFacts:
    return world.target.service.update(old.id, before or group_spec(world), spec, Silent())


def failed_update(world: World, old: GroupFacts, spec: GroupSpec) -> GroupFailed:
    with pytest.raises(GroupFailed) as failed:
        updated(world, old, spec)
    return failed.value


# registries


def a_registry_is_read_by_its_id_alone(world: World, facts: RegistryFacts) -> None:
    assert bare(world.target.registry.read(facts.id)) == bare(facts)
    assert facts.state == "Running"
    assert facts.login_server.startswith("127.0.0.1:")
    if world.has_ports:
        assert facts.login_server == f"127.0.0.1:{facts.port}"


def a_registry_created_again_is_adopted_with_its_port(world: World, facts: RegistryFacts) -> None:
    assert bare(made_registry(world)) == bare(facts)


def a_registry_that_cannot_move_stays_where_it_is(world: World, facts: RegistryFacts) -> None:
    with world.taken_port() as port, pytest.raises(UserError):
        made_registry(world, port)

    assert world.target.registry.read(facts.id) == facts


def a_registry_moves_to_another_port_with_its_images(world: World) -> RegistryFacts:
    with world.taken_port() as port:
        pass  # it is free again now

    moved = made_registry(world, port)

    assert moved.port == port
    assert world.holds(moved)
    assert made_registry(world).port == port
    return moved


def a_registry_removed_by_hand_reads_as_gone_and_create_makes_it_again(
    world: World, first: RegistryFacts
) -> RegistryFacts:
    world.remove_by_hand(first.id)
    assert world.target.registry.read(first.id) is None

    again = made_registry(world, first.port)
    assert again.login_server == first.login_server
    assert world.holds(again) == world.images_outlive_their_server
    return again


def images_are_deleted_only_when_that_is_asked_for(world: World, first: RegistryFacts) -> RegistryFacts:
    world.store(first)
    world.target.registry.delete(first.id, delete_data=False, progress=Silent())
    again = made_registry(world)
    assert world.holds(again)

    world.target.registry.delete(again.id, delete_data=True, progress=Silent())
    assert world.target.registry.read(again.id) is None
    new = made_registry(world)
    assert not world.holds(new)
    return new


def deleting_a_registry_twice_is_fine(world: World, facts: RegistryFacts) -> None:
    for _ in range(2):
        world.target.registry.delete(facts.id, delete_data=True, progress=Silent())

    assert world.leftovers() == []


def test_a_registry_keeps_its_port_and_its_images_as_long_as_somebody_wants_them(world: World) -> None:
    facts = made_registry(world)
    a_registry_is_read_by_its_id_alone(world, facts)
    a_registry_created_again_is_adopted_with_its_port(world, facts)
    if world.has_ports:
        a_registry_that_cannot_move_stays_where_it_is(world, facts)
    world.store(facts)
    if world.has_ports:
        facts = a_registry_moves_to_another_port_with_its_images(world)
    facts = a_registry_removed_by_hand_reads_as_gone_and_create_makes_it_again(world, facts)
    facts = images_are_deleted_only_when_that_is_asked_for(world, facts)
    deleting_a_registry_twice_is_fine(world, facts)


def test_a_registry_on_a_port_of_somebody_else_is_refused_and_nothing_is_made(world: World) -> None:
    needs_ports(world)
    with world.taken_port() as port, pytest.raises(UserError) as refused:
        made_registry(world, port)

    assert str(refused.value).startswith(f"port {port} on 127.0.0.1 is in use by another program")
    assert refused.value.advice == "choose another port in the stack config or 0"
    assert world.leftovers() == []


# groups that come up


def test_what_is_unknown_reads_as_gone(world: World) -> None:
    assert world.target.registry.read(world.unknown("registry")) is None
    assert world.target.service.read(world.unknown("group")) is None


def test_nothing_is_observed_of_what_is_not_there(world: World) -> None:
    id_, wanted = world.unknown("group"), group_spec(world)

    assert world.target.service.observe(id_, wanted) is None
    assert list(world.target.service.log(id_, wanted, LogWish(), Silent())) == []


def a_group_serves_and_is_read_by_its_id_alone(world: World, facts: GroupFacts) -> None:
    assert world.serves(facts) == "one"
    assert bare(world.target.service.read(facts.id)) == bare(facts)
    cpu, memory = world.size
    seen = (facts.name, facts.image, facts.cpu, facts.memory_gb, facts.state)
    assert seen == (f"{world.prefix}-g", world.image("serves"), cpu, memory, "Running")
    assert facts.address.endswith(f":{facts.port}")


def what_serves_is_observed_with_its_image_and_has_no_run_before(world: World, facts: GroupFacts) -> None:
    service, wanted = world.target.service, replace(group_spec(world), known_as="")

    seen = service.observe(facts.id, wanted)

    assert seen is not None
    assert seen.main is not None
    assert (seen.main.state, seen.main.image, seen.main.restarts) == ("Running", world.image("serves"), 0)
    assert seen.events
    with pytest.raises(NoSuchRun):
        list(service.log(facts.id, wanted, LogWish(previous=True), Silent()))


def a_group_created_again_is_adopted_as_it_runs(world: World, first: GroupFacts, spec: GroupSpec) -> None:
    before = world.incarnation(first)

    assert bare(world.target.service.create(spec, Silent())) == bare(first)
    assert (world.incarnation(first) == before) or not world.serves_while_it_changes


def new_limits_restart_the_group_only_where_they_must(world: World, first: GroupFacts) -> GroupSpec:
    before = world.incarnation(first)
    cpu, memory = world.size[0] * 2, world.size[1] * 2
    larger = group_spec(world).but(cpu_cores=cpu, memory_gb=memory)

    changed = updated(world, first, larger)

    assert (changed.cpu, changed.memory_gb) == (cpu, memory)
    assert bare(world.target.service.read(first.id)) == bare(changed)
    assert (world.incarnation(first) == before) == world.changes_what_runs
    return larger


def another_image_takes_over_on_the_same_port(world: World, first: GroupFacts, spec: GroupSpec) -> GroupSpec:
    another = spec.but(image=world.image("serves-too"))

    second = updated(world, first, another, spec)

    assert (second.id, second.port, second.image) == (first.id, first.port, world.image("serves-too"))
    assert world.serves(second) == "two"
    assert lowered(world.leftovers()) == [first.id.lower()]
    return another


def a_group_moves_to_another_port(world: World, first: GroupFacts, spec: GroupSpec) -> None:
    with world.taken_port() as port:
        pass  # it is free again now

    moved = updated(world, first, spec.but(port=port), spec)

    assert (moved.id, moved.port) == (first.id, port)
    assert world.serves(moved) == "two"


def deleting_a_group_twice_is_fine(world: World, facts: GroupFacts) -> None:
    for _ in range(2):
        world.target.service.delete(facts.id, Silent())

    assert world.leftovers() == []


def golden(text: str) -> Golden:
    request = Request("health", "/", "GET", None, expected=Expected(200, "text", text))
    return Golden((request,), name="golden.yaml")


# groups that do not


def a_group_that_exits_at_once_fails_with_code_log_and_hint_and_is_kept_to_look_at(world: World) -> GroupFacts:
    with pytest.raises(GroupFailed) as failed:
        made_group(world, "exits")

    said, facts = str(failed.value), failed.value.facts
    assert "exited with code 3" in said
    assert ": init() raised ModuleNotFoundError: joblib; add it to conda.yml" in said
    assert "No module named 'joblib'" in said
    assert facts is not None
    if world.stops_what_fails:
        assert facts.state == "Failed"
        assert bare(world.target.service.read(facts.id)) == bare(facts)
    assert world.target.service.read(facts.id) is not None
    return facts


def what_ended_is_observed_with_its_code_and_its_last_words(world: World, facts: GroupFacts) -> None:
    wanted = replace(group_spec(world, "exits"), known_as="")

    seen = world.target.service.observe(facts.id, wanted)
    lines = [line.text for line in world.target.service.log(facts.id, wanted, LogWish(), Silent())]
    last = [line.text for line in world.target.service.log(facts.id, wanted, LogWish(tail=1), Silent())]

    assert seen is not None
    assert seen.main is not None
    assert seen.main.exit_code == 3
    # where it is started again and again, the log is at times that of a run that has not said anything yet
    if world.stops_what_fails:
        assert "ModuleNotFoundError: No module named 'joblib'" in lines
        assert last == lines[-1:]


def a_group_that_does_not_answer_in_time_fails_and_says_how_long_it_was_waited_for(world: World) -> None:
    with pytest.raises(GroupFailed) as failed:
        world.target.service.create(group_spec(world, "hangs").but(startup_timeout=0.5), Silent())

    words, state = world.late
    assert words in str(failed.value)
    assert failed.value.facts is not None
    assert failed.value.facts.state == state


def a_group_that_failed_is_replaced_by_the_next_create(world: World) -> GroupFacts:
    facts = made_group(world)
    assert world.serves(facts) == "one"
    return facts


# changes that are not to be


def the_old_group_serves_after_a_bad_one_was_tried_and_where_it_can_also_meanwhile(
    world: World, first: GroupFacts
) -> None:
    before = world.incarnation(first)
    watcher = Watcher(lambda: world.serves(first))
    spec = group_spec(world, "exits")

    with pytest.raises(GroupFailed) as failed:
        world.target.service.update(first.id, group_spec(world), spec, watcher)

    assert "exited with code 3" in str(failed.value)
    assert "No module named 'joblib'" in str(failed.value)
    assert bare(failed.value.facts) == bare(first)
    assert world.serves(first) == "one"
    if world.serves_while_it_changes:
        assert set(watcher.seen) == {"one"}
        assert world.incarnation(first) == before
    assert lowered(world.leftovers()) == [first.id.lower()]


def a_smoke_test_that_fails_says_what_came_and_the_old_group_serves_on(world: World, first: GroupFacts) -> None:
    wrong = group_spec(world, "serves-too").but(smoke_test=SmokeTest(path="/nowhere", method="GET"))

    failed = failed_update(world, first, wrong)

    assert "failed its smoke test: GET /nowhere answered 404 instead of 200" in str(failed)
    assert world.serves(first) == "one"


def golden_answers_that_differ_are_shown_and_the_old_group_serves_on(world: World, first: GroupFacts) -> None:
    wrong = replace(group_spec(world, "drifts"), golden=golden("one\n"))

    failed = failed_update(world, first, wrong)

    assert "failed its golden predictions:\n1 of 1 answer differ from golden.yaml; worst first:" in str(failed)
    assert '  health   body  "one\\n"' in str(failed)
    assert world.serves(first) == "one"


def a_group_on_a_port_of_somebody_else_is_refused_and_the_old_one_serves_on(world: World, first: GroupFacts) -> None:
    with world.taken_port() as port, pytest.raises(UserError, match=f"port {port} on 127.0.0.1 is in use"):
        updated(world, first, group_spec(world, port=port))

    assert bare(world.target.service.read(first.id)) == bare(first)
    assert world.serves(first) == "one"


THEIRS = "urn:pulumi:prod::elsewhere::aciml:compute:ContainerGroup::theirs"
NAMED = '"theirs" of stack prod, project elsewhere'


def a_group_of_another_stack_is_refused_with_its_owner_named_and_left_by_deletion(
    world: World, ours: GroupFacts
) -> None:
    """Seen from the other stack: ours is what is in its way."""
    named = f'"{world.prefix}" of stack test, project contract'
    before, service = world.incarnation(ours), world.target.service
    theirs = replace(group_spec(world, "serves-too"), owner=THEIRS)
    known, speaker = replace(theirs, known_as="another"), Heard(urn=THEIRS)

    with pytest.raises(Stranger, match=named) as refused:
        service.create(theirs, Silent())
    with pytest.raises(Stranger, match=named):
        service.update(ours.id, known, theirs, Silent())
    # a refresh that took it for theirs would remember its owner, and the next deletion would take it
    with pytest.raises(Stranger, match=named):
        service.read(ours.id, known)
    service.delete(ours.id, speaker, known_as="another")

    assert refused.value.advice  # and what to do
    assert any(named in line for line in speaker.kept), speaker.kept
    assert world.incarnation(ours) == before
    assert world.serves(ours) == "one"


def what_is_refused_or_fails_leaves_what_serves(world: World, first: GroupFacts) -> None:
    a_group_of_another_stack_is_refused_with_its_owner_named_and_left_by_deletion(world, first)
    if world.has_ports:
        a_group_on_a_port_of_somebody_else_is_refused_and_the_old_one_serves_on(world, first)
    the_old_group_serves_after_a_bad_one_was_tried_and_where_it_can_also_meanwhile(world, first)
    a_smoke_test_that_fails_says_what_came_and_the_old_group_serves_on(world, first)
    golden_answers_that_differ_are_shown_and_the_old_group_serves_on(world, first)


def test_a_group_comes_up_is_seen_withstands_what_fails_is_changed_and_goes(world: World) -> None:
    # a smoke test that passes is no news, and golden answers that come are none
    proven = replace(group_spec(world).but(smoke_test=SmokeTest(path="/", method="GET")), golden=golden("one\n"))
    facts = world.target.service.create(proven, Silent())
    a_group_serves_and_is_read_by_its_id_alone(world, facts)
    what_serves_is_observed_with_its_image_and_has_no_run_before(world, facts)
    a_group_created_again_is_adopted_as_it_runs(world, facts, proven)
    what_is_refused_or_fails_leaves_what_serves(world, facts)
    spec = new_limits_restart_the_group_only_where_they_must(world, facts)
    spec = another_image_takes_over_on_the_same_port(world, facts, spec)
    if world.has_ports:
        a_group_moves_to_another_port(world, facts, spec)
    deleting_a_group_twice_is_fine(world, facts)


# runs that end in the middle, and hands from outside


def a_cancelled_create_loses_nothing(world: World, behaviour: str) -> GroupFacts | None:
    with pytest.raises((Cancelled, GroupFailed)) as stopped:
        world.target.service.create(group_spec(world, behaviour), Heard(stop_at=1))

    # what exists is named, so that state does not lose it
    kept: GroupFacts | None = getattr(stopped.value, "facts", None)
    assert lowered(world.leftovers()) == ([kept.id.lower()] if kept else [])
    return kept


def a_cancelled_update_loses_nothing_and_the_next_one_works(world: World, first: GroupFacts) -> GroupFacts:
    with pytest.raises((Cancelled, GroupFailed)):
        world.target.service.update(first.id, group_spec(world), group_spec(world, "hangs"), Heard(stop_at=1))

    assert lowered(world.leftovers()) == [first.id.lower()]
    assert world.serves(first) == "one" or not world.serves_while_it_changes
    second = updated(world, first, group_spec(world, "serves-too"))
    assert world.serves(second) == "two"
    return second


def a_group_removed_by_hand_reads_as_gone_and_update_makes_it_again(world: World, first: GroupFacts) -> GroupFacts:
    before = group_spec(world, "serves-too")
    world.remove_by_hand(first.id)
    assert world.target.service.read(first.id) is None

    again = updated(world, first, before.but(port=first.port), before)

    assert bare(again) == bare(first)
    assert world.serves(again) == "two"
    return again


def a_stack_that_was_renamed_knows_its_own_by_what_state_remembers(world: World, made: GroupFacts) -> None:
    renamed = replace(group_spec(world), owner="urn:pulumi:renamed::contract::group::x")
    before = replace(group_spec(world, "serves-too"), known_as=made.owner)

    after = world.target.service.update(made.id, before, renamed, Silent())
    assert world.serves(after) == "one"

    world.target.service.delete(made.id, Heard(urn=renamed.owner), known_as=after.owner)
    assert world.leftovers() == []


def test_what_was_cancelled_or_failed_or_was_removed_by_hand_or_renamed_is_gone_on_with(world: World) -> None:
    if kept := a_cancelled_create_loses_nothing(world, "serves"):
        world.target.service.delete(kept.id, Silent())
    a_cancelled_create_loses_nothing(world, "hangs")
    # and the next one goes on
    facts = a_group_that_exits_at_once_fails_with_code_log_and_hint_and_is_kept_to_look_at(world)
    what_ended_is_observed_with_its_code_and_its_last_words(world, facts)
    first = a_group_that_failed_is_replaced_by_the_next_create(world)
    second = a_cancelled_update_loses_nothing_and_the_next_one_works(world, first)
    again = a_group_removed_by_hand_reads_as_gone_and_update_makes_it_again(world, second)
    a_stack_that_was_renamed_knows_its_own_by_what_state_remembers(world, again)
    # last, because a cloud goes on to wait for it, and lets nobody change it meanwhile
    a_group_that_does_not_answer_in_time_fails_and_says_how_long_it_was_waited_for(world)


def test_a_default_name_is_taken_and_each_resource_has_one_of_its_own(world: World) -> None:
    urns = [f"urn:pulumi:{stack}::shop::t$x::Iris_Über-group" for stack in ("dev", "Prod.2")]
    registries, services = world.target.registry, world.target.service
    names = [[name_of(urn) for urn in (*urns, urns[0])] for name_of in (registries.default_name, services.default_name)]

    for first, second, again in names:
        assert first != second
        assert first == again
    found = registries.judge(None, registry(name=names[0][1]), Silent())
    found += services.judge(None, declared(name=names[1][1]), Silent())
    assert [finding for finding in found if finding.where == "name"] == []


def test_changes_name_the_fields_and_a_name_replaces(world: World) -> None:
    old = group_spec(world)
    new = old.but(cpu_cores=2.0, secure_environment_variables={"KEY": "x"})

    assert world.target.service.changes(old, old) == {}
    assert world.target.service.changes(old, new) == {
        "cpu_cores": world.costs_of_cpu,
        "secure_environment_variables": "update",
    }
    assert world.target.service.changes(old, old.but(name="other"))["name"] == "replace"
    assert world.target.registry.changes(registry(name="aaaaa"), registry(name="bbbbb")) == {"name": "replace"}
