"""A preview: the digest it shows is the digest that is pushed, and what it does not know has a name."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from aciml.core.image import sha256_digest
from aciml.core.reference import Reference
from aciml.properties import UNKNOWN
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.simulators.channel import Package, PackedFile, hard_packages, make_channel
from tests.simulators.registry import RegistrySimulator

NewMachine = Callable[..., Machine]


def test_a_preview_names_the_layers_that_are_not_made_yet_and_writes_nothing(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("one")
    inputs = machine.inputs(conda_file(tmp_path / "program", "python", "big"))
    before = len(registry.requests())

    seen = machine.preview(inputs)

    assert seen["digest"] is UNKNOWN
    assert machine.heard.notes[-2:] == [  # a slow machine is told before how long it solved
        "layers big, python are not made yet: their digests are not known",
        (
            "+2 ~0 -0 packages, 2 layers to make of 2.5 MB of packages, "
            "0.1 MB to upload besides, 0 layers reused, digest not known yet"
        ),
    ]
    assert not [line for line in registry.requests()[before:] if line.split()[0] not in ("GET", "HEAD")]
    assert not (machine.shop.settings.cache / "pkgs").exists()


def test_a_preview_that_may_build_makes_the_layers_in_the_cache_and_writes_to_no_registry(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("one")
    inputs = machine.inputs(conda_file(tmp_path / "program", "python", "big", "clash-b"), previewLayers="build")
    before = len(registry.requests())

    seen = machine.preview(inputs)

    assert not [line for line in registry.requests()[before:] if line.split()[0] not in ("GET", "HEAD")]
    assert machine.heard.notes[-1].startswith("+4 ~0 -0 packages, 2.5 MB to upload, 0 layers reused, digest sha256:")
    assert machine.up(inputs)["digest"] == seen["digest"]


def test_the_history_names_the_packages_of_each_layer_and_the_time_of_the_lock(
    new_machine: NewMachine, tmp_path: Path
) -> None:
    machine = new_machine("one")
    made = machine.up(machine.inputs(conda_file(tmp_path / "program", "python", "big", "clash-b")))

    image = machine.shop.load_image(Reference.parse(made["image"]))

    assert image
    said = [str(entry["created_by"]) for entry in image.history]
    assert said[0] == "aciml: of the base image"
    assert "aciml: conda big 1.0" in said
    assert [one for one in said if one.startswith("aciml: conda clash-") and ", " not in one]
    assert said[-1] == "aciml: entry point"
    assert len(said) == len(image.layers)
    assert {entry["created"] for entry in image.history[1:]} == {image.created}


def test_one_package_more_is_seen_by_name_and_costs_its_layer(new_machine: NewMachine, tmp_path: Path) -> None:
    machine = new_machine("one")
    old = machine.inputs(conda_file(tmp_path / "program", "python", "tool"))
    state = machine.up(old)
    new = machine.inputs(conda_file(tmp_path / "program", "python", "tool", "big"), old=old)
    machine.heard.notes.clear()

    from aciml.resources.protocol import Existing

    machine.environment.update(Existing(state["image"], state, old), new, machine.heard, preview=True)

    assert machine.environment.diff(old, state, new).detail == {'packages["big"]': "update"}
    assert machine.heard.notes[0] == "packages:\n  + big 1.0"
    assert machine.heard.notes[1].startswith("size of the image: 0.1 MB -> about 2.5 MB")
    assert machine.heard.notes[2] == "layer big is not made yet: its digest is not known"
    assert machine.heard.notes[3].startswith("+1 ~0 -0 packages, 1 layer to make of 2.5 MB of packages, ")


def test_a_word_that_is_no_way_to_preview_is_refused(new_machine: NewMachine) -> None:
    values = {"loginServer": "x:1", "repository": "it", "baseImage": "debian", "previewLayers": "bild"}

    (finding,) = new_machine("one").environment.check(None, values, new_machine("two").heard).findings

    assert finding.where == "previewLayers"
    assert finding.why == 'previewLayers is "bild"; write known or build; did you mean build?'


def test_a_registry_that_is_still_to_be_made_is_not_waited_for(new_machine: NewMachine, tmp_path: Path) -> None:
    machine = new_machine("one")
    inputs = machine.inputs(conda_file(tmp_path / "program", "python"))
    digest = machine.up(inputs)["digest"]

    for where in ("127.0.0.1:1", UNKNOWN):
        machine.heard.notes.clear()
        assert machine.preview({**inputs, "loginServer": where})["digest"] == digest
        assert ", 0.1 MB to upload, 0 layers reused" in machine.heard.notes[-1]


def random_channel(folder: Path, chance: random.Random) -> Path:
    """Write a channel of small packages, hard ones among them; some want the same path, some need another."""
    names = [f"p{number}" for number in range(10)]
    packages = [package for package in hard_packages() if package.name != "big"]
    for number, name in enumerate(names):
        for version in ("1.0", "2.0"):
            files = {
                f"share/{name}/{version}": PackedFile(chance.randbytes(chance.randrange(3000))),
                f"share/common-{chance.randrange(4)}": PackedFile(name.encode()),
                f"bin/{name}": PackedFile(b"#!/bin/sh\n", 0o755),
            }
            needs = tuple(chance.sample(names[:number], min(number, chance.randrange(3))))
            packages.append(Package(name, version, files=files, depends=needs, timestamp=1_600_000_000 + number))
    return make_channel(folder, packages)


def test_of_fifty_random_environments_the_preview_shows_what_is_pushed_and_a_second_run_writes_nothing(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    chance = random.Random(5)
    mirror = random_channel(tmp_path / "random", chance)
    machine, fresh = new_machine("one", mirror), new_machine("fresh", tmp_path / "none")
    names = ["noarchy", "tool", "clash-b", *(f"p{number}" for number in range(10))]
    known = set[str]()
    for number in range(50):
        chosen = chance.sample(names, chance.randrange(1, 7))
        specs = [f"{name}={chance.choice('12')}.0" if name.startswith("p") else name for name in chosen]
        inputs = machine.inputs(conda_file(tmp_path / f"program-{number}", "python", *specs), previewLayers="build")

        seen = machine.preview(inputs)["digest"]
        made = machine.up(inputs)["digest"]

        assert seen == made, specs
        if number % 5 == 0:  # a second run, and a machine that knows nothing, cost as much as all the rest
            before = len(registry.requests())
            assert machine.up(inputs)["digest"] == made
            assert fresh.preview(inputs)["digest"] == made, specs
            assert {line.split()[0] for line in registry.requests()[before:]} <= {"GET", "HEAD"}
        known.add(made)
    assert len(known) > 40
    manifests = registry.repository(REPOSITORY).manifests
    assert all(sha256_digest(manifests[digest][0]) == digest for digest in known)
