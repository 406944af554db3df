"""Pushing what this machine composed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.blobs.store import BlobStore, DamagedBlobError, write_layer
from aciml.core.image import Image, sha256_digest
from aciml.core.layer import Entry
from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.images.build.push import drop_damaged, mend, push
from aciml.images.tools import Tools
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.simulators.registry import RegistrySimulator


@pytest.fixture
def shop(tmp_path: Path) -> Tools:
    return Tools.of(MemoryTarget(), Settings(tmp_path))


def image_in(store: BlobStore) -> Image:
    return Image((write_layer([Entry.of_bytes("etc/a", bytes(5000))], store),))


def test_a_second_push_writes_nothing(shop: Tools) -> None:
    image = image_in(shop.store)
    with RegistrySimulator() as registry:
        place = Place(registry.host, "azureml/it")
        push(shop, image, place, {}, Silent())
        before = len(registry.requests())
        push(shop, image, place, {}, Silent())

        assert {request.split()[0] for request in registry.requests()[before:]} <= {"GET", "HEAD"}


def test_the_tag_says_the_same_as_the_digest(shop: Tools) -> None:
    image = image_in(shop.store)

    assert image.digest.startswith(f"sha256:{image.tag}")


def flip(path: Path) -> None:
    """Change one bit, as a disk does; the size stays."""
    body = path.read_bytes()
    path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))


def test_a_blob_damaged_on_this_machine_is_made_again_by_the_same_run(shop: Tools) -> None:
    image, heard = image_in(shop.store), Heard()
    flip(shop.store.path(image.layers[0].digest))
    with RegistrySimulator() as registry:
        place = Place(registry.host, "azureml/it")

        def work() -> None:
            made = image if shop.store.has(image.layers[0].digest) else image_in(shop.store)
            push(shop, made, place, {}, heard)

        mend(shop, heard, work)

        assert heard.notes == [
            f"layer {image.layers[0].digest[7:19]} was damaged in this machine's cache; it is made again"
        ]
        assert sha256_digest(registry.repository("azureml/it").blobs[image.layers[0].digest]) == image.layers[0].digest
        assert not [line for line in registry.requests() if "DIGEST_INVALID" in line]


def test_a_blob_that_comes_back_damaged_is_the_disks_fault(shop: Tools) -> None:
    image = image_in(shop.store)

    def work() -> None:
        made = image_in(shop.store)
        flip(shop.store.path(made.layers[0].digest))
        push(shop, made, place, {}, Silent())

    with RegistrySimulator() as registry:
        place = Place(registry.host, "azureml/it")
        with pytest.raises(DamagedBlobError, match="check the disk"):
            mend(shop, Silent(), work)
    assert not shop.store.has(image.layers[0].digest)


def test_layers_of_an_environment_that_were_damaged_are_made_again(
    new_machine: Callable[..., Machine], tmp_path: Path
) -> None:
    machine = new_machine("one")
    conda = conda_file(tmp_path, "python", "tool", "big", "noarchy")
    first = machine.up(machine.inputs(conda))
    damaged = [path for path in machine.shop.store.path("sha256:" + "0" * 64).parent.iterdir() if path.is_file()]
    for path in damaged:
        flip(path)
    machine.registry.repositories.pop(REPOSITORY)  # as if somebody had emptied it: all is to be sent
    again = machine.up(machine.inputs(conda))

    assert again["digest"] == first["digest"]
    assert sum("was damaged in this machine's cache; it is made again" in line for line in machine.heard.notes) > 1


def test_whole_blobs_are_kept(shop: Tools) -> None:
    image = image_in(shop.store)

    assert drop_damaged(shop.store, image) == 0
    assert shop.store.has(image.layers[0].digest)
