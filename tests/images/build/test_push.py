"""Pushing what this machine composed."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.blobs.store import BlobStore, write_layer
from aciml.core.image import Image
from aciml.core.layer import Entry
from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.images.build.push import drop_damaged, push
from aciml.images.tools import Tools
from aciml.registry.errors import RegistryError
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
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


def test_a_blob_damaged_on_this_machine_is_refused_and_dropped_so_that_it_is_made_again(shop: Tools) -> None:
    image = image_in(shop.store)
    path = shop.store.path(image.layers[0].digest)
    body = path.read_bytes()
    path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    with RegistrySimulator() as registry:
        with pytest.raises(RegistryError):
            push(shop, image, Place(registry.host, "azureml/it"), {}, Silent())

        assert not shop.store.has(image.layers[0].digest)
        again = image_in(shop.store)
        push(shop, again, Place(registry.host, "azureml/it"), {}, Silent())
        assert again == image


def test_whole_blobs_are_kept(shop: Tools) -> None:
    image = image_in(shop.store)

    assert drop_damaged(shop.store, image) == 0
    assert shop.store.has(image.layers[0].digest)
