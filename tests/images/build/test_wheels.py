"""Wheels as layers of an image: shared through the registry, named in a preview, moved over from the one they were."""

from __future__ import annotations

import json
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml.blobs.compress import GZIP
from aciml.core.image import Layer, sha256_digest
from aciml.core.pip_package import PIP
from aciml.core.reference import Reference
from aciml.pip.layer_plan import earlier_key
from aciml.pip.pinned_line import bare_package
from aciml.resources.protocol import Existing
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.pip.wheels import make_wheel
from tests.simulators.channel import Package, hard_packages, make_channel
from tests.simulators.registry import RegistrySimulator

NewMachine = Callable[..., Machine]
SITE = "azureml-envs/aciml/lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_channel(tmp_path_factory.mktemp("with-pip") / "channel", [*hard_packages(), Package("pip", "24.0")])


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder with one big wheel, and small ones in different bins."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "torch", files={"torch.py": random.Random(1).randbytes(1_700_000).hex()})
    for name, version in (("six", "1.0"), ("rich", "1.0"), ("rich", "2.0"), ("idna", "1.0")):
        make_wheel(folder, name, version)
    return folder


def asking(folder: Path, index: Path, *lines: str) -> Path:
    rows = [f"--find-links {index}", "--no-index", *lines]
    return conda_file(folder, "python", "pip", "pip:" + "".join(f"\n      - {row}" for row in rows))


def layers(machine: Machine, state: dict[str, Any]) -> dict[str, Layer]:
    """Return the layers by what the history says of them."""
    image = machine.shop.load_image(Reference.parse(state["image"]))
    assert image
    told = [str(entry["created_by"]).removeprefix("aciml: ") for entry in image.history]
    return dict(zip(told, image.layers, strict=True))


def test_another_machine_makes_no_layer_of_wheels_again_and_fetches_none(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    first = new_machine("first", mirror)
    inputs = first.inputs(asking(tmp_path / "program", index, "torch", "six", "rich==1.0"))
    made = first.up(inputs)
    shutil.rmtree(index)
    fresh = new_machine("fresh", mirror)

    seen = fresh.preview(inputs)
    again = fresh.up(inputs)

    assert {"pip torch 1.0", "pip six 1.0", "pip rich 1.0"} <= layers(first, made).keys()
    assert seen["digest"] == made["digest"] == again["digest"]
    assert not (fresh.shop.settings.cache / "wheels").exists()


def test_a_changed_wheel_is_named_with_its_bytes_and_its_layer_alone_is_sent(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    machine = new_machine("one", mirror)
    conda = tmp_path / "program"
    old = machine.inputs(asking(conda, index, "torch", "six", "idna", "rich==1.0"))
    state = machine.up(old)
    new = machine.inputs(asking(conda, index, "torch", "six", "idna", "rich==2.0"), old=old)
    machine.heard.notes.clear()

    machine.environment.update(Existing(state["image"], state, old), new, machine.heard, preview=True)
    before = layers(machine, state)
    after = layers(
        machine, machine.environment.update(Existing(state["image"], state, old), new, machine.heard, preview=False)
    )

    (fresh,) = [name for name, layer in after.items() if layer not in before.values()]
    (plan,) = [text for text in machine.heard.notes if "not made yet" in text]
    assert fresh == "pip rich 2.0"
    assert plan.startswith("layer pip bin-")
    assert any(
        text.startswith("+0 ~1 -0 packages, 1 layer to make of 1 KB of packages, ") for text in machine.heard.notes
    )
    assert any(text.startswith("+0 ~1 -0 packages, 0.1 MB uploaded, ") for text in machine.heard.notes)


def test_a_package_that_moves_from_conda_to_pip_moves_alone(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    make_wheel(index, "tool")
    machine = new_machine("one", mirror)
    rows = [f"--find-links {index}", "--no-index", "torch", "six"]

    def up(name: str, *specs: str, pip: list[str]) -> dict[str, Layer]:
        specs = (*specs, "python", "pip", "big", "pip:" + "".join(f"\n      - {row}" for row in pip))
        return layers(machine, machine.up(machine.inputs(conda_file(tmp_path / name, *specs))))

    by_conda = up("one", "tool", pip=rows)
    by_pip = up("two", pip=[*rows, "tool"])

    gone = {name for name, layer in by_conda.items() if layer not in by_pip.values()}
    come = {name for name, layer in by_pip.items() if layer not in by_conda.values()}
    assert all("tool" in name for name in gone | come)
    assert [name.split(" ")[0] for name in (*gone, *come)] == ["conda", "pip"]


def test_a_file_that_conda_and_two_wheels_bring_is_told_and_the_last_wheel_has_it(
    new_machine: NewMachine, mirror: Path, index: Path, registry: RegistrySimulator, tmp_path: Path
) -> None:
    for name in ("aa", "bb"):
        make_wheel(index, name, data={"data/lib/both.txt": name})
    machine = new_machine("one", mirror)
    inputs = machine.inputs(asking(tmp_path / "program", index, "aa", "bb"))
    made = machine.up(inputs)

    texts = []
    for layer in layers(machine, made).values():
        if machine.shop.store.has(layer.digest):
            with tarfile.open(machine.shop.store.path(layer.digest)) as tar:
                texts += [tar.extractfile(one).read() for one in tar if one.name.endswith("lib/both.txt")]  # type: ignore[union-attr]  # a file
    told = "1 path is in several packages: lib/both.txt (pip bb has it, pip aa yields)"

    assert texts == [b"bb"]
    assert told in machine.heard.notes
    fresh = new_machine("fresh", mirror)
    fresh.preview(inputs)
    assert told in fresh.heard.notes


def made_before(machine: Machine, state: dict[str, Any], registry: RegistrySimulator) -> None:
    """Let a machine know of an image what a version knew that made one layer of all wheels."""
    wheels = [bare_package(line) for line in state["lock"].splitlines() if line.startswith(PIP)]
    body = b"one layer of all"
    layer = Layer(sha256_digest(b"tar"), sha256_digest(body), len(body))
    registry.repository(REPOSITORY).blobs[layer.digest] = body
    machine.shop.cache.catalog.put_layer(earlier_key(wheels, "3.11", GZIP), layer)


def test_an_image_of_one_layer_of_wheels_is_no_change_and_moves_over_with_the_first(
    new_machine: NewMachine, mirror: Path, index: Path, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("one", mirror)
    conda = tmp_path / "program"
    old = machine.inputs(asking(conda, index, "torch", "six", "rich==1.0"))
    state = {**old, "image": f"{registry.host}/{REPOSITORY}@sha256:{'0' * 64}"}
    made_before(machine, state, registry)
    same = machine.inputs(asking(conda, index, "torch", "six", "rich==1.0"), old=old)
    assert not machine.environment.diff(old, state, same).detail
    new = machine.inputs(asking(conda, index, "torch", "six", "rich==2.0"), old=old)
    machine.heard.notes.clear()

    machine.environment.update(Existing(state["image"], state, old), new, machine.heard, preview=True)

    assert machine.heard.notes[0] == "packages:\n  rich 1.0 -> 2.0 (pip)"
    assert (
        "the wheels of the image that is there are one layer; from now on they are 3, which are sent once: "
        "a later change sends the layer of what changes"
    ) in machine.heard.notes
    moved = machine.environment.update(Existing(state["image"], state, old), new, machine.heard, preview=False)
    again = machine.inputs(asking(conda, index, "torch", "six", "rich==1.0"), old=new)
    machine.heard.notes.clear()
    machine.environment.update(Existing(moved["image"], moved, new), again, machine.heard, preview=True)
    assert not [text for text in machine.heard.notes if "one layer" in text]


def test_a_lock_in_the_state_without_sizes_gives_the_same_layers_on_a_machine_that_has_to_ask(
    new_machine: NewMachine, mirror: Path, index: Path, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = new_machine("first", mirror)
    inputs = first.inputs(asking(tmp_path / "program", index, "torch", "six"))
    made = first.up(inputs)
    assert json.dumps(inputs["lock"]).count("size") == 0
    registry.repository(REPOSITORY).tags.clear()
    registry.repository(REPOSITORY).blobs.clear()

    assert new_machine("fresh", mirror).up(inputs)["digest"] == made["digest"]
