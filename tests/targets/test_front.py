"""What a door in front of a container promises beyond the contract; real Docker, real Envoy."""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from docker.models.containers import Container

from aciml.cli.examined import _doors
from aciml.core.errors import UserError
from aciml.core.health import State
from aciml.core.ownership import Claim, Owner
from aciml.core.progress import Silent
from aciml.settings import Settings
from aciml.targets.local.behind import GroupsBehind
from aciml.targets.local.engine import LocalEngine
from aciml.targets.local.front import Front, front_name
from aciml.targets.local.ports import free_port
from aciml.targets.local.swarm.door import Entrance
from aciml.targets.local.target import LocalTarget
from aciml.targets.protocol import Certificate, GroupFacts, GroupSpec
from aciml.targets.smoke import ask, trust
from tests.contract.worlds import LocalWorld
from tests.simulators.certificates import self_signed
from tests.targets.specs import spec as made_spec

pytestmark = pytest.mark.docker


class Killed(BaseException):
    """The end of a run at which nothing of it tidies up."""


def spec_of(world: LocalWorld, behaviour: str = "serves", port: int = 0) -> GroupSpec:
    return made_spec(f"{world.prefix}-g", world.image(behaviour), memoryGb=0.1, startupTimeout=30, port=port)


def made(world: LocalWorld) -> GroupFacts:
    return world.target.service.create(spec_of(world), Silent())


def updated(world: LocalWorld, facts: GroupFacts, behaviour: str = "serves-too", port: int = 0) -> GroupFacts:
    wanted = spec_of(world, behaviour, port)
    return world.target.service.update(facts.id, spec_of(world), wanted, Silent())


def without_door(world: LocalWorld) -> LocalWorld:
    return LocalWorld(world.prefix, world.client, world.registry_image, world.images, world.cache)


def certificate(folder: Path) -> Certificate:
    folder.mkdir()
    return Certificate(*(path.read_bytes() for path in self_signed(folder, "127.0.0.1")))


class Client:
    """Asks all the time over one connection that is kept, and notes what was no answer of a service.

    Every 3 ms: without a pause it takes a core from what it watches, and Envoy and the server another one.
    """

    def __init__(self, address: str) -> None:
        self._address, self._over = address, threading.Event()
        self.answers: list[str] = []
        self.wrong: list[str] = []
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        while not self._over.wait(0.003):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                said = answer.read().decode().strip()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                connection.close()
                continue
            if answer.status == 200:
                self.answers.append(said)
            else:
                self.wrong.append(f"{answer.status} {said}")
        connection.close()


def test_no_request_is_lost_and_containers_start_once(local_door: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = made(local_door)
    door = local_door.client.containers.get(front_name(facts.name)).id
    started = list[str]()

    def start(container: Container) -> None:
        started.append(str(container.id))
        begin(container)

    begin = Container.start
    with monkeypatch.context() as patch, Client(facts.address) as client:
        patch.setattr(Container, "start", start)
        assert updated(local_door, facts).port == facts.port
        assert updated(local_door, facts, "serves").port == facts.port

    assert client.wrong == []
    assert {"one", "two"} <= {*client.answers}
    assert local_door.client.containers.get(front_name(facts.name)).id == door
    assert len(started) == 2
    two_runs_at_once_end_with_one_service(local_door, facts)
    another_envoy_takes_over_in_the_door_and_no_request_is_lost(local_door, facts)


def two_runs_at_once_end_with_one_service(world: LocalWorld, facts: GroupFacts) -> None:
    runs = [threading.Thread(target=updated, args=(world, facts, image)) for image in ("serves-too", "serves")]
    with Client(facts.address) as client:
        for run in runs:
            run.start()
        for run in runs:
            run.join()

    assert client.wrong == []
    assert world.leftovers() == [facts.id]


def another_envoy_takes_over_in_the_door_and_no_request_is_lost(world: LocalWorld, facts: GroupFacts) -> None:
    said = world.serves(facts)
    spec = spec_of(world, {"one": "serves", "two": "serves-too"}[said])
    door = world.client.containers.get(front_name(facts.name))
    other = f"{world.prefix}-envoy:other"
    world.client.images.get(door.labels["aciml.image"]).tag(other)
    try:
        newer = LocalTarget(lambda: world.client, replace(world.settings, envoy_image=other)).service
        with Client(facts.address) as client:
            newer.update(facts.id, spec, spec, Silent())

        assert client.wrong == []
        assert {*client.answers} == {said}
        there = world.client.containers.get(front_name(facts.name))
        assert (there.id, there.attrs["RestartCount"]) == (door.id, 0)
        entrance = Entrance(there)
        assert b"/usr/local/lib/aciml-" in entrance.files().content["start.sh"]
        assert entrance.counters("^server.hot_restart_epoch$") == {"server.hot_restart_epoch": 1}
    finally:
        world.client.images.remove(other)


def test_a_run_that_was_killed_is_gone_on_with(local_door: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = made(local_door)
    the_old_container_serves_on_when_the_door_cannot_lead_to_the_new_one(local_door, facts, monkeypatch)
    words = {"serves": "one", "serves-too": "two"}
    before, after = words

    for at in ("introduce", "hand_over", "finish", "forget_others"):
        with monkeypatch.context() as patch:
            patch.setattr(f"aciml.targets.local.front.Opening.{at}", _kill)
            # what a run does on its way out, one that is killed does not
            patch.setattr(GroupsBehind, "_withdraw", lambda *_: None)
            with pytest.raises(Killed):
                updated(local_door, facts, after)

        serving = before if at in {"introduce", "hand_over"} else after
        assert local_door.serves(facts) == words[serving], at
        assert updated(local_door, facts, after) == local_door.target.service.read(facts.id), at
        assert local_door.serves(facts) == words[after], at
        assert local_door.leftovers() == [facts.id], at
        before, after = after, before
    local_door.target.service.delete(facts.id, Silent())
    assert local_door.leftovers() == []


def the_old_container_serves_on_when_the_door_cannot_lead_to_the_new_one(
    world: LocalWorld, facts: GroupFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UserError("no", "try again")

    with monkeypatch.context() as patch:
        patch.setattr(Front, "lead", refuse)
        with pytest.raises(UserError, match="no"):
            updated(world, facts)

    assert world.serves(facts) == "one"
    assert world.leftovers() == [facts.id]


def _kill(*_: Any, **__: Any) -> None:
    raise Killed


def _stop(world: LocalWorld, name: str) -> None:
    world.client.containers.get(name).stop(timeout=1)


def _remove(world: LocalWorld, name: str) -> None:
    world.client.containers.get(name).remove(force=True)


def a_door_that_is_gone_is_seen_and_comes_back(world: LocalWorld, facts: GroupFacts) -> None:
    name = front_name(facts.name)
    looked = world.target.service.observe(facts.id, spec_of(world))
    assert looked is not None
    assert looked.door is not None
    assert (looked.door.name, looked.door.state) == (name, "Running")
    assert any(name in line.found for line in _doors(world.client, wanted=True))
    for harm, word in ((_stop, "exited"), (_remove, "gone")):
        harm(world, name)

        seen = world.target.service.read(facts.id)
        assert seen is not None
        assert (seen.state, seen.port) == ("Stopped", facts.port)
        looked = world.target.service.observe(facts.id, spec_of(world))
        assert looked is not None
        assert looked.door is not None
        assert (looked.door.state, looked.door.detail) == ("Terminated", word)
        if word == "exited":
            told = [line for line in _doors(world.client, wanted=True) if name in line.found]
            assert [(line.state, line.advice) for line in told] == [(State.WARNING, "pulumi up starts it")]
        assert updated(world, facts, "serves") == facts, harm
        assert world.serves(facts) == "one", harm


def a_door_of_somebody_else_is_left(world: LocalWorld, facts: GroupFacts) -> None:
    groups = GroupsBehind(LocalEngine(lambda: world.client, "elsewhere"), world.settings)
    groups.delete(facts.id, Claim(Owner("somebody", mark="else")), Silent())

    assert world.serves(facts) == "one"


def a_network_that_was_pruned_is_made_again(world: LocalWorld, facts: GroupFacts) -> None:
    for name in (facts.id, front_name(facts.name)):
        _stop(world, name)
    world.client.networks.get(front_name(facts.name)).remove()

    assert updated(world, facts, "serves") == facts
    assert world.serves(facts) == "one"


def test_tls_ends_at_the_door_and_another_certificate_restarts_nothing(local_door: LocalWorld, tmp_path: Path) -> None:
    first, second = (certificate(tmp_path / name) for name in ("one", "two"))
    spec = replace(spec_of(local_door), certificate=first)
    facts = local_door.target.service.create(spec, Silent())
    runs, door = local_door.incarnation(facts), local_door.client.containers.get(front_name(facts.name))
    url = f"https://{facts.address}/"
    assert ask(url, trust(first)).text.strip() == "one"

    changed = local_door.target.service.update(facts.id, spec, replace(spec, certificate=second), Silent())

    assert ask(url, trust(second)).text.strip() == "one"
    assert changed == facts
    assert local_door.incarnation(facts) == runs
    started = door.attrs["State"]["StartedAt"]
    door.reload()
    assert door.attrs["State"]["StartedAt"] == started
    for container in (door, local_door.client.containers.get(facts.id)):
        assert "PRIVATE KEY" not in json.dumps(container.attrs)


def test_a_service_that_is_renamed_takes_its_fixed_port_along(local_door: LocalWorld) -> None:
    port = free_port()
    first = replace(spec_of(local_door, port=port), owner="urn:pulumi:test::front::group::g")
    facts = local_door.target.service.create(first, Silent())
    renamed = replace(spec_of(local_door, "serves-too", port).but(name=f"{local_door.prefix}-h"), owner=first.owner)

    # the engine makes what replaces it before it removes the old one
    other = local_door.target.service.create(renamed, Silent())
    local_door.target.service.delete(facts.id, Silent())

    assert (other.port, local_door.serves(other)) == (port, "two")
    assert local_door.leftovers() == [other.id]


def test_what_was_made_without_a_door_gets_one_with_its_next_change_which_comes_back_if_it_is_gone(
    local_door: LocalWorld,
) -> None:
    plain = without_door(local_door)
    facts = made(plain)
    runs = plain.incarnation(facts)

    # nothing differs for it before
    assert local_door.target.service.read(facts.id) == facts
    assert updated(local_door, facts, "serves") == facts
    assert local_door.incarnation(facts) == runs
    assert updated(local_door, facts).port == facts.port
    assert local_door.serves(facts) == "two"
    assert local_door.client.containers.get(front_name(facts.name)).status == "running"

    # and keeps it where nobody wants doors for others
    with Client(facts.address) as client:
        updated(plain, facts, "serves")
    assert client.wrong == []
    a_door_that_is_gone_is_seen_and_comes_back(local_door, facts)
    a_door_of_somebody_else_is_left(local_door, facts)
    a_network_that_was_pruned_is_made_again(local_door, facts)


def test_without_envoy_a_service_is_made_as_before_and_says_so(
    local_door: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noted(Silent):
        def __init__(self) -> None:
            self.lines: list[str] = []

        def note(self, text: str) -> None:
            self.lines.append(text)

    noted = Noted()
    with monkeypatch.context() as patch:
        patch.setattr("aciml.targets.local.swarm.envoy_image.wheel_for", lambda _: None)
        facts = local_door.target.service.create(spec_of(local_door), noted)

    assert local_door.serves(facts) == "one"
    assert any("without a door in front" in line for line in noted.lines)
    assert local_door.leftovers() == [facts.id]


def test_the_word_for_the_door_is_on_or_off(tmp_path: Path) -> None:
    read = {word: Settings.read({"ACIML_CACHE": str(tmp_path), "ACIML_DOOR": word}).door for word in ("", "on", "off")}

    assert read == {"": True, "on": True, "off": False}
    with pytest.raises(UserError, match='ACIML_DOOR is "maybe"'):
        Settings.read({"ACIML_CACHE": str(tmp_path), "ACIML_DOOR": "maybe"})
