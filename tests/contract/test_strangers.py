"""What somebody else has under the name of ours is untouched, whatever is done, and what is said names whose it is.

One row a thing and an owner; each operation of its life is tried against it, on every target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aciml.core.ownership import Stranger
from aciml.core.progress import Silent
from aciml.targets.local.pull import ensure_image
from tests.contract.test_target import (
    NAMED,
    THEIRS,
    bare,
    group_spec,
    made_group,
    made_registry,
    registry_spec,
)
from tests.contract.worlds import LocalWorld, MemoryWorld, World
from tests.heard import Heard

ONE_OF_EACH = pytest.mark.parametrize(
    "world", ["memory", pytest.param("local", marks=pytest.mark.docker), "azure"], indirect=True
)
"""Whose is whose is told by the same code with a door, in a swarm and for apps; labels are what differs, and
each target has its own row for those."""

MINE = "0123456789abcdef"
"""What state remembers of the one that we had."""
OWNERS = ("another stack", "nobody")
TOLD = {"another stack": NAMED, "nobody": "somebody else|was not made by|nobody in particular|exists already"}


def told(owner: str, said: str) -> bool:
    return any(word in said for word in TOLD[owner].split("|"))


def urn_of(owner: str) -> str:
    return THEIRS if owner == "another stack" else ""


def pulled(local: LocalWorld) -> str:
    """Return an image that is here: others may have cleaned the engine."""
    ensure_image(local.client, local.image("serves"), {}, Silent())
    return local.image("serves")


def refused(owner: str, work: Callable[[], Any]) -> None:
    with pytest.raises(Stranger) as refusal:
        work()
    assert told(owner, str(refusal.value)), refusal.value
    assert refusal.value.advice  # and what to do


def test_a_group_of_nobody_in_particular_is_untouched(world: World) -> None:
    """Of another stack: ``test_target``, where each stack is the stranger of the other one."""
    owner = "nobody"
    service, wanted = world.target.service, group_spec(world, "serves-too")
    theirs = service.create(replace(group_spec(world), owner=urn_of(owner)), Silent())
    before = world.incarnation(theirs)
    known = replace(group_spec(world), known_as=MINE)
    speaker = Heard(urn=wanted.owner)

    refused(owner, lambda: service.create(wanted, Silent()))
    refused(owner, lambda: service.update(theirs.id, known, wanted, Silent()))
    # a refresh that took it for ours would remember its owner, and the next deletion would take it
    refused(owner, lambda: service.read(theirs.id, known))
    service.delete(theirs.id, speaker, known_as=MINE)

    assert any(told(owner, line) for line in speaker.kept), speaker.kept
    assert world.incarnation(theirs) == before
    assert world.serves(theirs) == "one"
    imported = service.read(theirs.id)  # to import it is to take it over, knowingly
    assert bare(imported) == bare(theirs)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_registry_of_a_stranger_is_untouched(world: World, owner: str) -> None:
    registries, wanted = world.target.registry, registry_spec(world)
    theirs = registries.create(replace(registry_spec(world), owner=urn_of(owner)), Silent())
    world.store(theirs)
    known = replace(registry_spec(world), known_as=MINE)
    speaker = Heard(urn=wanted.owner)

    refused(owner, lambda: registries.create(wanted, Silent()))
    refused(owner, lambda: registries.update(theirs.id, known, wanted, Silent()))
    refused(owner, lambda: registries.read(theirs.id, known))
    registries.delete(theirs.id, delete_data=True, progress=speaker, known_as=MINE)

    assert speaker.kept
    assert bare(registries.read(theirs.id)) == bare(theirs)
    assert world.holds(theirs)


@pytest.mark.docker
@pytest.mark.parametrize("kind", ["registry", "group"])
def test_a_container_that_aciml_never_made_is_untouched(local: LocalWorld, kind: str) -> None:
    """Not even with ``import``: it has no label of ours, whatever its name is."""
    name = f"aciml-registry-{local.registry_name()}" if kind == "registry" else f"aciml-{local.prefix}-g"
    container = local.client.containers.create(pulled(local), name=name)
    volume = local.client.volumes.create(name) if kind == "registry" else None
    place: Any = local.target.registry if kind == "registry" else local.target.service
    spec: Any = registry_spec(local) if kind == "registry" else group_spec(local)
    speaker = Heard(urn=spec.owner)
    try:
        for work in (
            lambda: place.create(spec, Silent()),
            lambda: place.update(name, replace(spec, known_as=MINE), spec, Silent()),
            lambda: place.read(name, replace(spec, known_as=MINE)),
            lambda: place.read(name),
        ):
            refused("nobody", work)
        data = {"delete_data": True} if kind == "registry" else {}
        place.delete(name, progress=speaker, known_as=MINE, **data)

        assert any(told("nobody", line) for line in speaker.kept)
        container.reload()
        assert [container.status] == ["created"]
        if volume is not None:
            volume.reload()
            container.remove()
            refused("nobody", lambda: place.create(spec, Silent()))
            place.delete(name, progress=speaker, known_as=MINE, delete_data=True)
            volume.reload()
    finally:
        for one in local.client.containers.list(all=True, filters={"name": name}):
            one.remove(force=True)
        if volume is not None:
            volume.remove()


@pytest.mark.docker
def test_a_strangers_candidate_beside_ours_is_untouched(local: LocalWorld) -> None:
    """A container under the name that a rollout takes for what it tries out."""
    made = made_group(local)
    name = f"aciml-{local.prefix}-g-next"
    container = local.client.containers.create(pulled(local), name=name)
    try:
        refused(
            "nobody",
            lambda: local.target.service.update(made.id, group_spec(local), group_spec(local, "serves-too"), Silent()),
        )
        assert local.serves(made) == "one"
        local.target.service.delete(made.id, Heard(urn=group_spec(local).owner), known_as=made.owner)
        container.reload()
        assert container.status == "created"
    finally:
        container.remove(force=True)


@ONE_OF_EACH
def test_what_was_made_anew_under_the_name_is_not_taken_by_refresh_and_destroy(world: World) -> None:
    """The whole way: ours goes by somebody's hand, a stranger takes its name, then refresh, update and destroy."""
    mine = made_group(world)
    world.remove_by_hand(mine.id)
    theirs = world.target.service.create(replace(group_spec(world), owner=THEIRS), Silent())
    known, speaker = replace(group_spec(world), known_as=mine.owner), Heard(urn=group_spec(world).owner)

    refused("another stack", lambda: world.target.service.read(mine.id, known))  # the state stays as it was
    world.target.service.delete(mine.id, speaker, known_as=mine.owner)

    assert world.serves(theirs) == "one"
    assert any(NAMED in line for line in speaker.kept)


def test_a_registry_that_was_made_anew_is_not_taken(world: World) -> None:
    mine = made_registry(world)
    world.remove_by_hand(mine.id)
    if isinstance(world, LocalWorld):
        world.client.volumes.get(mine.id).remove()
    if isinstance(world, MemoryWorld):
        with world.target.world() as there:
            there.volumes.pop(mine.id, None)
            there.labels.pop(mine.id, None)
    theirs = world.target.registry.create(replace(registry_spec(world), owner=THEIRS), Silent())
    known = replace(registry_spec(world), known_as=mine.owner)

    refused("another stack", lambda: world.target.registry.read(mine.id, known))
    refused("another stack", lambda: world.target.registry.update(mine.id, known, registry_spec(world), Silent()))
    speaker = Heard(urn=registry_spec(world).owner)
    world.target.registry.delete(mine.id, delete_data=True, progress=speaker, known_as=mine.owner)

    assert bare(world.target.registry.read(theirs.id)) == bare(theirs)
    assert any(NAMED in line for line in speaker.kept)
