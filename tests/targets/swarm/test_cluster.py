"""Whether a swarm can be on an engine, and which addresses its networks get: by value."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import Cancelled, UserError
from aciml.core.progress import Silent
from aciml.settings import Settings
from aciml.targets.local.swarm.cluster import (
    MADE,
    EngineSeen,
    Swarm,
    alone,
    free_network,
    machine_routes,
    no_room,
)

INFO: dict[str, Any] = {
    "OSType": "linux",
    "SecurityOptions": ["name=seccomp,profile=default"],
    "LiveRestoreEnabled": False,
    "Swarm": {"LocalNodeState": "inactive", "ControlAvailable": False},
    "ID": "engine",
}
ACTIVE = {"LocalNodeState": "active", "ControlAvailable": True, "Nodes": 1}


@pytest.mark.parametrize("swarm", [INFO["Swarm"], ACTIVE])
def test_an_engine_with_a_swarm_of_its_own_or_none_is_fine(swarm: dict[str, Any]) -> None:
    assert EngineSeen.read({**INFO, "Swarm": swarm}).obstacle is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"OSType": "windows"}, "this Docker runs Windows containers"),
        ({"SecurityOptions": ["name=rootless", "name=cgroupns"]}, "Docker runs rootless here"),
        ({"LiveRestoreEnabled": True}, "live-restore"),
        ({"Swarm": {"LocalNodeState": "locked"}}, "is locked"),
        ({"Swarm": {"LocalNodeState": "error", "Error": "no certificate"}}, "no certificate"),
        ({"Swarm": {"LocalNodeState": "active", "ControlAvailable": False}}, "is a worker of a swarm"),
    ],
)
def test_why_no_swarm_can_be_is_one_sentence_with_what_to_do(said: dict[str, Any], why: str) -> None:
    obstacle = EngineSeen.read({**INFO, **said}).obstacle

    assert obstacle is not None
    assert why in obstacle[0]
    assert obstacle[1]


def test_podman_is_refused_whatever_else_it_says() -> None:
    obstacle = EngineSeen.read(INFO, podman=True).obstacle

    assert obstacle == ("Podman has no swarm", "run Docker, or write runs_on: container_group")


def test_a_swarm_that_is_there_does_not_mind_live_restore() -> None:
    assert EngineSeen.read({**INFO, "LiveRestoreEnabled": True, "Swarm": ACTIVE}).obstacle is None


NETWORKS = st.integers(8, 30).flatmap(
    lambda prefix: st.integers(0, 2**prefix - 1).map(lambda at: IPv4Network((at << (32 - prefix), prefix)))
)
POOLS = (IPv4Network("10.128.0.0/9"), IPv4Network("172.24.0.0/13"))


@given(st.lists(NETWORKS, max_size=12), st.text("abc-", min_size=1))
def test_a_network_that_is_found_is_free_and_in_a_pool(used: list[IPv4Network], name: str) -> None:
    found = free_network(used, POOLS, name, 24)

    if found is None:
        assert all(any(one.overlaps(pool) for one in used) for pool in POOLS)
    else:
        assert not any(found.overlaps(one) for one in used)
        assert any(found.subnet_of(pool) for pool in POOLS)


def test_two_names_begin_at_two_places_and_the_next_free_one_is_taken() -> None:
    first, second = (free_network([], POOLS, name, 24) for name in ("iris", "boston"))
    assert first is not None
    assert first != second
    third = free_network([first], POOLS, "iris", 24)
    assert third is not None
    assert int(third.network_address) == int(first.network_address) + 256


def test_where_all_pools_are_taken_it_is_said_by_what_and_what_to_do() -> None:
    vpn = [IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12")]

    assert free_network(vpn, POOLS, "iris", 24) is None
    why, advice = no_room(POOLS)
    assert "10.128.0.0/9" in why
    assert "ACIML_SWARM_POOL" in advice


def test_routes_of_the_machine_are_read_without_its_default() -> None:
    text = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
        "eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "broken\n"
    )

    assert machine_routes(text) == [IPv4Network("10.0.0.0/8"), IPv4Network("192.168.2.0/24")]


def test_settings_of_the_machine_name_the_pool_and_the_image(tmp_path: Path) -> None:
    said = {"ACIML_CACHE": str(tmp_path), "ACIML_SWARM_POOL": "10.77.0.0/16", "ACIML_ENVOY_IMAGE": "envoy:1"}

    settings = Settings.read(said)

    assert (settings.swarm_pool, settings.envoy_image) == ("10.77.0.0/16", "envoy:1")
    for wrong in ("10.77.0.1/16", "internet", "10.77.0.0/28"):
        with pytest.raises(UserError, match="ACIML_SWARM_POOL"):
            Settings.read({**said, "ACIML_SWARM_POOL": wrong})


class Impatient(Silent):
    """Asks to stop at its second look."""

    looks = 0

    def checkpoint(self) -> None:
        self.looks += 1
        if self.looks > 1:
            raise Cancelled


def test_who_waits_for_another_run_can_be_stopped_and_one_that_was_killed_holds_nothing() -> None:
    engine = EngineSeen(id="engine of a test")
    program = (
        "import sys; from aciml.core.progress import Silent; from aciml.targets.local.swarm.cluster import *\n"
        "with alone(EngineSeen(id='engine of a test'), 'it', Silent()): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Cancelled), alone(engine, "it", Impatient()):
            pass
        with alone(engine, "something else", Silent()):
            pass
        other.kill()
        other.wait()
    with alone(engine, "it", Silent()):
        pass


class Engine:
    """Answers as Docker does what is asked before a swarm is left, and notes whether it is."""

    def __init__(self, labels: dict[str, str], **there: list[Any]) -> None:
        self.api, self.swarm, self._labels, self._there = self, self, labels, there
        self.left = False

    def info(self) -> dict[str, Any]:
        return {**INFO, "Swarm": ACTIVE}

    def version(self) -> dict[str, Any]:
        return {"Components": []}

    def inspect_swarm(self) -> dict[str, Any]:
        return {"Spec": {"Labels": self._labels}}

    def networks(self, filters: dict[str, str]) -> list[Any]:
        assert filters == {"driver": "overlay"}
        return [{"Name": "ingress", "Ingress": True}, *self._there.get("networks", [])]

    def services(self) -> list[Any]:
        return self._there.get("services", [])

    def secrets(self) -> list[Any]:
        return self._there.get("secrets", [])

    def configs(self) -> list[Any]:
        return self._there.get("configs", [])

    def nodes(self) -> list[Any]:
        return [{}, *self._there.get("nodes", [])]

    def leave(self, *, force: bool) -> None:
        assert force
        self.left = True


def test_a_swarm_that_was_made_here_is_left_when_nothing_is_in_it_any_more() -> None:
    engine: Any = Engine({MADE: "made"})

    Swarm(engine).leave(Silent())

    assert engine.left


@pytest.mark.parametrize("what", ["services", "networks", "secrets", "configs", "nodes"])
def test_a_swarm_that_somebody_uses_is_not_left(what: str) -> None:
    engine: Any = Engine({MADE: "made"}, **{what: [{"Name": "theirs"}]})

    Swarm(engine).leave(Silent())

    assert not engine.left


def test_a_swarm_of_somebody_else_is_not_left() -> None:
    engine: Any = Engine({})

    Swarm(engine).leave(Silent())

    assert not engine.left
