"""What a region has left, asked at the emulated cloud before anything is made: the sentences, with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aciml.settings import Settings
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.groups import room
from aciml.targets.azure.groups.room import Rooms, wants
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.targets.specs import declared

SIZE = {"cpuCores": 4, "memoryGb": 8, "location": "West Europe"}


@pytest.fixture
def rooms(azure_config: AzureConfig, tmp_path: Path) -> Iterator[Rooms]:
    session = AzureSession(azure_config, Settings(tmp_path))
    yield Rooms(lambda: session)
    session.close()


WANTED: dict[str, tuple[dict[str, Any] | None, dict[str, Any], dict[str, float]]] = {
    "a new group": (None, SIZE, {"ContainerGroups": 1, "StandardCores": 4}),
    "the same group": (SIZE, SIZE, {}),
    "another image": (SIZE, {**SIZE, "image": "x"}, {}),
    "fewer cores": (SIZE, {**SIZE, "cpuCores": 1}, {}),
    "more cores": (SIZE, {**SIZE, "cpuCores": 6}, {"StandardCores": 2}),
    "another sku": (SIZE, {**SIZE, "sku": "Confidential"}, {"ConfidentialCores": 4}),
    "another region": (SIZE, {**SIZE, "location": "westus"}, {"ContainerGroups": 1, "StandardCores": 4}),
    "another name alone": (SIZE, {**SIZE, "name": "other"}, {"ContainerGroups": 1, "StandardCores": 4}),
    "another name and policy": (SIZE, {**SIZE, "name": "other", "restartPolicy": "Never"}, {}),
    "another name under one label": (
        {**SIZE, "dnsNameLabel": "iris-one"},
        {**SIZE, "dnsNameLabel": "iris-one", "name": "other"},
        {},
    ),
    "beside it": (SIZE, {**SIZE, "rollout": "blue_green"}, {"ContainerGroups": 1, "StandardCores": 4}),
    "spot": (None, {**SIZE, "priority": "Spot"}, {"ContainerGroups": 1, "StandardSpotCores": 4}),
}


@pytest.mark.parametrize("what", WANTED)
def test_what_a_change_wants_of_its_region(what: str) -> None:
    old, new, wanted = WANTED[what]

    assert wants(declared(**old) if old else None, declared(**new)) == wanted


def test_a_region_with_room_is_asked_once_and_says_nothing(rooms: Rooms, emulator: Emulator) -> None:
    heard = Heard()

    for name in ("one", "two"):
        assert rooms.judge(None, declared(name=name, **SIZE), heard) == []

    assert (heard.warnings, heard.notes) == ([], [])
    assert sum("/locations/westeurope/" in one.path for one in emulator.requests()) == 2


def test_a_quota_that_is_used_up_is_warned_of_with_numbers(rooms: Rooms, emulator: Emulator) -> None:
    emulator.world.quotas["westeurope", "StandardCores"] = 6
    first, second = Heard(urn="one"), Heard(urn="two")

    assert rooms.judge(None, declared(name="one", **SIZE), first) == []
    assert rooms.judge(None, declared(name="two", **SIZE), second) == []

    assert first.warnings == []
    (told,) = second.warnings
    assert told == (
        "quota StandardCores in westeurope: 0 of 6 are used, 6 are left; this group wants 4 more, and others of this "
        "update want 4, so Azure may answer ContainerGroupQuotaReached: delete groups, ask for fewer cores, take "
        "another location, or have the quota raised (portal, Quotas)"
    )


def test_a_size_that_the_region_does_not_offer_is_warned_of_with_numbers(rooms: Rooms) -> None:
    heard = Heard()

    rooms.judge(None, declared(name="one", cpuCores=4, memoryGb=300, location="westeurope"), heard)

    (told,) = heard.warnings
    assert told == (
        "one asks for 4 cores and 300 GiB, and westeurope offers groups of up to 31 cores and 240 GiB: take less, or "
        "another location"
    )


def test_a_region_without_groups_in_networks_is_warned_of(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    offers = [{"os_type": "Linux", "ip_address_type": "Public", "capabilities": {"max_cpu": 4, "max_memory_in_gb": 16}}]
    monkeypatch.setattr(room, "_room_of", lambda *_: room.Room({}, room._largest(offers)))
    inside, outside = Heard(urn="inside"), Heard(urn="outside")

    rooms.judge(None, declared(**{**SIZE, "name": "one", "vnetName": "v", "subnetName": "s"}), inside)
    rooms.judge(None, declared(**{**SIZE, "name": "two"}), outside)

    assert inside.warnings == [
        "westeurope tells of no groups in a virtual network, which one is to be: take another location"
    ]
    assert outside.warnings == []


def test_a_region_that_does_not_exist_is_found_out_in_check(rooms: Rooms, emulator: Emulator) -> None:
    emulator.fault("no-region", times=9, match="/locations/westerope/")

    (finding,) = rooms.judge(None, declared(name="one", cpuCores=1, memoryGb=1, location="westerope"), Heard())

    assert finding.where == "location"
    assert 'Container Instances are not offered in "westerope"' in finding.why
    assert "westeurope,northeurope" in finding.why


@pytest.mark.parametrize("fault", ["forbidden", "500"])
def test_what_cannot_be_asked_hides_nothing(rooms: Rooms, emulator: Emulator, fault: str) -> None:
    emulator.fault(fault, times=99, match="/locations/")
    heard = Heard()

    assert rooms.judge(None, declared(name="one", **SIZE), heard) == []
    assert rooms.judge(None, declared(name="two", **SIZE), heard) == []

    (note,) = heard.notes
    assert note.startswith("what is left of the quota in westeurope could not be asked: ")
    assert heard.warnings == []
