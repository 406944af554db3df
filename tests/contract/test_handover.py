"""A service on a fixed port that moves to the other kind, or to another name, takes its port along."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aciml.core.progress import Silent
from aciml.model.declared import read
from aciml.model.group import Group
from aciml.targets.local.handover import handed_over
from aciml.targets.local.ports import free_port
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import GroupFacts, GroupFailed, GroupSpec
from tests.contract.swarm_world import SwarmWorld
from tests.contract.test_swarm import group_spec

if TYPE_CHECKING:
    import docker

TAKEN = "is in use by another program"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(params=[False, True], ids=["plain", "behind a door"])
def moving(
    request: pytest.FixtureRequest,
    engine: docker.DockerClient,
    images: tuple[str, dict[str, str]],
    tmp_path: Path,
    kept_swarm: None,
) -> Iterator[SwarmWorld]:
    """A world whose container groups are with and without a door of their own: one or the other has the port."""
    world = SwarmWorld(f"t{uuid.uuid4().hex[:8]}", engine, *images, tmp_path, door=bool(request.param))
    yield world
    world.clean()


def as_group(spec: GroupSpec) -> GroupSpec:
    return spec.but(runs_on="container_group")


@pytest.mark.docker
def test_a_service_moves_there_and_back_on_its_port(moving: SwarmWorld, port: int) -> None:
    service = moving.target.service
    app = group_spec(moving).but(port=port)
    group = as_group(app)
    first = service.create(group, Silent())
    if not moving.door:
        one_that_does_not_answer_leaves_the_old_one_at_its_port(moving, first, app)
        what_has_ended_for_its_successor_goes_on_if_that_is_stopped(moving, first)

    # as the engine does it: what replaces it is made while it is there, and it goes then
    second = service.create(app.but(image=moving.image("serves-too")), Silent())
    assert (second.port, moving.serves(second)) == (port, "two")
    service.delete(first.id, Silent(), first.owner, group)
    assert moving.serves(second) == "two"

    third = service.create(group, Silent())
    assert (third.port, moving.serves(third)) == (port, "one")
    service.delete(second.id, Silent(), second.owner, app)

    if moving.door:
        return  # under another name: tests/targets/test_front.py
    fourth = service.create(group.but(name=f"{group.name}x", image=moving.image("serves-too")), Silent())
    service.delete(third.id, Silent(), third.owner, group)
    assert (fourth.port, moving.serves(fourth)) == (port, "two")


def one_that_does_not_answer_leaves_the_old_one_at_its_port(
    moving: SwarmWorld, first: GroupFacts, app: GroupSpec
) -> None:
    before = moving.client.containers.get(first.id).attrs["State"]["StartedAt"]

    for wrong in (app, as_group(app).but(name=f"{app.name}x")):
        with pytest.raises(GroupFailed):
            moving.target.service.create(wrong.but(image=moving.image("exits")), Silent())

        assert moving.serves(first) == "one"
    # it was not even stopped
    assert moving.client.containers.get(first.id).attrs["State"]["StartedAt"] == before


def what_has_ended_for_its_successor_goes_on_if_that_is_stopped(moving: SwarmWorld, first: GroupFacts) -> None:
    container = moving.client.containers.get(first.id)

    seen = []

    def interrupted() -> None:
        with handed_over(container):
            container.reload()
            seen.append(container.status)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    container.reload()
    assert [*seen, container.status] == ["exited", "running"]


def test_in_memory_as_well_and_a_port_of_another_resource_is_refused(tmp_path: Path) -> None:
    service = MemoryTarget(tmp_path / "world.json").service
    said = {"name": "score", "image": "r/i@sha256:" + "a" * 64, "port": 8080, "cpuCores": 1, "memoryGb": 1}
    group = GroupSpec(read(Group, said), owner="urn:pulumi:a::b::c::one")
    app = GroupSpec(read(Group, {**said, "runsOn": "container_app"}), owner=group.owner)
    service.create(group, Silent())

    assert service.create(app, Silent()).port == 8080
    with pytest.raises(Exception, match=TAKEN):
        service.create(replace(group.but(name="other"), owner="urn:pulumi:a::b::c::two"), Silent())
    assert service.effect({"runs_on": "replace"}, app.declared) == (
        "moves from a container group to a container app: made and proven beside the old one, then port 8080 goes "
        "over with a gap of a second or two"
    )
