"""One list of promises for every target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aciml.core.errors import Cancelled, UserError
from aciml.core.progress import Silent
from aciml.targets.protocol import GroupFacts, GroupFailed, GroupSpec, RegistryFacts, RegistrySpec, SmokeTest
from tests.contract.worlds import Watcher, World


def registry_spec(world: World, port: int = 0) -> RegistrySpec:
    return RegistrySpec(f"{world.prefix}-r", port, world.registry_image)


def group_spec(world: World, behaviour: str = "serves", port: int = 0) -> GroupSpec:
    return GroupSpec(f"{world.prefix}-g", world.image(behaviour), memory_gb=0.1, port=port, startup_timeout=30)


def made_registry(world: World, port: int = 0) -> RegistryFacts:
    return world.target.create_registry(registry_spec(world, port), Silent())


def made_group(world: World, behaviour: str = "serves", port: int = 0) -> GroupFacts:
    return world.target.create_group(group_spec(world, behaviour, port), Silent())


def updated(world: World, old: GroupFacts, spec: GroupSpec) -> GroupFacts:
    return world.target.update_group(old.id, group_spec(world), spec, Silent())


def failed_update(world: World, old: GroupFacts, spec: GroupSpec) -> GroupFailed:
    with pytest.raises(GroupFailed) as failed:
        updated(world, old, spec)
    return failed.value


def test_a_registry_that_was_created_is_read_by_its_id_alone(world: World) -> None:
    facts = made_registry(world)

    assert world.target.read_registry(facts.id) == facts
    assert facts.state == "Running"
    assert facts.login_server == f"127.0.0.1:{facts.port}"
    assert facts.port > 0


def test_a_registry_created_again_is_adopted_with_its_port(world: World) -> None:
    first = made_registry(world)

    assert made_registry(world) == first


def test_a_registry_moves_to_another_port_with_its_images(world: World) -> None:
    first = made_registry(world)
    world.store(first)
    with world.taken_port() as port:
        pass  # it is free again now

    moved = made_registry(world, port)

    assert moved.port == port
    assert world.holds(moved)
    assert made_registry(world).port == port


def test_the_images_outlive_the_registry_unless_they_are_deleted_too(world: World) -> None:
    first = made_registry(world)
    world.store(first)

    world.target.delete_registry(first.id, delete_data=False, progress=Silent())
    assert world.target.read_registry(first.id) is None
    again = made_registry(world)
    assert world.holds(again)

    world.target.delete_registry(again.id, delete_data=True, progress=Silent())
    assert not world.holds(made_registry(world))


def test_a_registry_on_a_port_of_somebody_else_is_refused_and_nothing_is_made(world: World) -> None:
    with world.taken_port() as port, pytest.raises(UserError) as refused:
        made_registry(world, port)

    assert str(refused.value).startswith(f"port {port} on 127.0.0.1 is in use by another program")
    assert refused.value.advice == "choose another port in the stack config or 0"
    assert world.leftovers() == []


def test_a_registry_that_cannot_move_stays_where_it_is(world: World) -> None:
    first = made_registry(world)

    with world.taken_port() as port, pytest.raises(UserError):
        made_registry(world, port)

    assert world.target.read_registry(first.id) == first


def test_what_is_unknown_reads_as_gone(world: World) -> None:
    assert world.target.read_registry(f"aciml-registry-{world.prefix}-unknown") is None
    assert world.target.read_group(f"aciml-{world.prefix}-unknown") is None


def test_deleting_twice_is_fine(world: World) -> None:
    registry, group = made_registry(world), made_group(world)
    for _ in range(2):
        world.target.delete_group(group.id, Silent())
        world.target.delete_registry(registry.id, delete_data=True, progress=Silent())

    assert world.leftovers() == []


def test_a_group_that_was_created_serves_and_is_read_by_its_id_alone(world: World) -> None:
    facts = made_group(world)

    assert world.serves(facts) == "one"
    assert world.target.read_group(facts.id) == facts
    assert facts == GroupFacts(
        facts.id, f"{world.prefix}-g", world.image("serves"), 0.1, 0.1, facts.port, f"127.0.0.1:{facts.port}", "Running"
    )


def test_a_group_created_again_is_adopted_as_it_runs(world: World) -> None:
    first = made_group(world)
    before = world.incarnation(first)

    assert made_group(world) == first
    assert world.incarnation(first) == before


def test_another_image_takes_over_on_the_same_port(world: World) -> None:
    first = made_group(world)

    second = updated(world, first, group_spec(world, "serves-too"))

    assert (second.id, second.port, second.image) == (first.id, first.port, world.image("serves-too"))
    assert world.serves(second) == "two"
    assert world.leftovers() == [first.id]


def test_a_group_moves_to_another_port(world: World) -> None:
    first = made_group(world)
    with world.taken_port() as port:
        pass  # it is free again now

    moved = updated(world, first, group_spec(world, port=port))

    assert (moved.id, moved.port) == (first.id, port)
    assert world.serves(moved) == "one"


def test_new_limits_do_not_restart_the_group(world: World) -> None:
    first = made_group(world)
    before = world.incarnation(first)

    changed = updated(world, first, replace(group_spec(world), cpu=0.25, memory_gb=0.2))

    assert (changed.cpu, changed.memory_gb) == (0.25, 0.2)
    assert world.target.read_group(first.id) == changed
    assert (world.incarnation(first) == before) == world.changes_what_runs


def test_a_group_that_exits_at_once_fails_with_code_log_and_hint_and_is_kept_to_look_at(world: World) -> None:
    with pytest.raises(GroupFailed) as failed:
        made_group(world, "exits")

    said, facts = str(failed.value), failed.value.facts
    assert "exited with code 3: init() raised ModuleNotFoundError: joblib; add it to conda.yml" in said
    assert "No module named 'joblib'" in said
    assert facts is not None
    assert facts.state == "Failed"
    assert world.target.read_group(facts.id) == facts


def test_a_group_that_failed_is_replaced_by_the_next_create(world: World) -> None:
    with pytest.raises(GroupFailed):
        made_group(world, "exits")

    assert world.serves(made_group(world)) == "one"


def test_a_group_that_does_not_answer_in_time_fails_and_says_how_long_it_was_waited_for(world: World) -> None:
    with pytest.raises(GroupFailed) as failed:
        world.target.create_group(replace(group_spec(world, "hangs"), startup_timeout=0.5), Silent())

    assert "did not answer 200 on / within 0.5 seconds" in str(failed.value)
    assert failed.value.facts is not None
    assert failed.value.facts.state == "Failed"


def test_the_old_group_serves_while_a_bad_one_is_tried_and_after_it_failed(world: World) -> None:
    first = made_group(world)
    before = world.incarnation(first)
    watcher = Watcher(lambda: world.serves(first))

    with pytest.raises(GroupFailed) as failed:
        world.target.update_group(first.id, group_spec(world), group_spec(world, "exits"), watcher)

    assert "exited with code 3" in str(failed.value)
    assert "No module named 'joblib'" in str(failed.value)
    assert failed.value.facts == first
    assert set(watcher.seen) == {"one"}
    assert world.serves(first) == "one"
    assert world.incarnation(first) == before
    assert world.leftovers() == [first.id]


def test_a_smoke_test_that_passes_is_no_news(world: World) -> None:
    spec = replace(group_spec(world), smoke_test=SmokeTest(path="/", method="GET"))

    assert world.serves(world.target.create_group(spec, Silent())) == "one"


def test_a_smoke_test_that_fails_says_what_came_and_the_old_group_serves_on(world: World) -> None:
    first = made_group(world)
    wrong = replace(group_spec(world, "serves-too"), smoke_test=SmokeTest(path="/nowhere", method="GET"))

    failed = failed_update(world, first, wrong)

    assert "failed its smoke test: GET /nowhere answered 404 instead of 200" in str(failed)
    assert world.serves(first) == "one"


def test_a_group_on_a_port_of_somebody_else_is_refused_and_the_old_one_serves_on(world: World) -> None:
    first = made_group(world)

    with world.taken_port() as port, pytest.raises(UserError, match=f"port {port} on 127.0.0.1 is in use"):
        updated(world, first, group_spec(world, port=port))

    assert world.target.read_group(first.id) == first
    assert world.serves(first) == "one"


def test_a_group_removed_by_hand_reads_as_gone_and_update_makes_it_again(world: World) -> None:
    first = made_group(world)
    world.remove_by_hand(first.id)
    assert world.target.read_group(first.id) is None

    again = updated(world, first, group_spec(world, port=first.port))

    assert again == first
    assert world.serves(again) == "one"


def test_a_registry_removed_by_hand_reads_as_gone_and_create_makes_it_again_with_its_images(world: World) -> None:
    first = made_registry(world)
    world.store(first)
    world.remove_by_hand(first.id)
    assert world.target.read_registry(first.id) is None

    assert world.holds(made_registry(world, first.port))


@pytest.mark.parametrize("behaviour", ["serves", "hangs"])
def test_a_cancelled_create_leaves_nothing_and_the_next_one_works(world: World, behaviour: str) -> None:
    with pytest.raises(Cancelled):
        world.target.create_group(group_spec(world, behaviour), Watcher(stop_at=1))

    assert world.leftovers() == []
    assert world.serves(made_group(world)) == "one"


def test_a_cancelled_update_leaves_the_old_group_and_the_next_one_works(world: World) -> None:
    first = made_group(world)

    with pytest.raises(Cancelled):
        world.target.update_group(first.id, group_spec(world), group_spec(world, "hangs"), Watcher(stop_at=1))

    assert world.leftovers() == [first.id]
    assert world.serves(first) == "one"
    assert world.serves(updated(world, first, group_spec(world, "serves-too"))) == "two"


def test_changes_name_the_fields_and_only_a_name_replaces(world: World) -> None:
    old = group_spec(world)
    new = replace(old, cpu=2.0, secure_environment={"KEY": "x"})

    assert world.target.group_changes(old, old) == {}
    assert world.target.group_changes(old, new) == {"cpu": "update", "secure_environment": "update"}
    assert world.target.group_changes(old, replace(old, name="other")) == {"name": "replace"}
    assert world.target.registry_changes(RegistrySpec("a", 1), RegistrySpec("b", 2)) == {
        "name": "replace",
        "port": "update",
    }
