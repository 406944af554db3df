"""Parts of a build that go on at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from aciml.blobs.store import BlobStore, DamagedBlobError, write_layer
from aciml.core.errors import Cancelled, OutageError
from aciml.core.image import Image, Layer
from aciml.core.layer import Entry
from aciml.core.place import Place
from aciml.core.progress import Progress, Silent
from aciml.images.build.parallel import EarlyPush, Worker
from aciml.images.build.push import mend, push
from aciml.images.tools import Tools
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.simulators.registry import RegistrySimulator


@pytest.fixture
def shop(tmp_path: Path) -> Tools:
    return Tools.of(MemoryTarget(), Settings(tmp_path))


def layer_of(store: BlobStore, text: str) -> Layer:
    return write_layer([Entry.of_bytes("etc/a", text.encode() * 1000)], store)


def test_work_beside_gives_its_answer() -> None:
    with Worker(lambda _: 42, Silent()) as work:
        assert work.answer() == 42


def test_work_beside_stops_when_the_rest_fails() -> None:
    seen: list[BaseException] = []
    began = threading.Event()

    def endless(progress: Progress) -> None:
        began.set()
        try:
            while True:
                progress.checkpoint()
        except Cancelled as error:
            seen.append(error)
            raise

    def fail_beside_it() -> None:
        with Worker(endless, Silent()):
            began.wait(10)
            raise OutageError("elsewhere")

    with pytest.raises(OutageError, match="elsewhere"):
        fail_beside_it()
    assert len(seen) == 1


def test_a_failure_beside_is_known_before_the_answer_is_needed() -> None:
    def fails(_: Progress) -> None:
        raise OutageError("no base")

    def ask_on_and_on() -> None:
        with Worker(fails, Silent()) as work:
            while True:
                work.raise_if_failed()

    with pytest.raises(OutageError, match="no base"):
        ask_on_and_on()


def test_layers_sent_early_are_counted_once_and_not_asked_for_again(shop: Tools) -> None:
    first, second = layer_of(shop.store, "first"), layer_of(shop.store, "second")
    with RegistrySimulator() as registry:
        place = Place(registry.host, "azureml/it")
        with EarlyPush(shop, place, Silent()) as early:
            early.offer(first)
            early.offer(first)
            sent = early.outcomes()
        before = len(registry.requests())
        done = push(shop, Image((first, second)), place, {}, Silent(), sent)
        asked = registry.requests()[before:]

        assert dict(sent) == {first.digest: "uploaded"}
        assert (done.uploaded, done.present) == (3, 0)  # two layers and the config
        assert done.uploaded_bytes == first.size + second.size + len(Image((first, second)).config())
        assert not [line for line in asked if first.digest in line]
        again = push(shop, Image((first, second)), place, {}, Silent())
        assert (again.uploaded, again.present) == (0, 3)


def test_a_layer_damaged_here_is_found_while_it_is_sent_early_and_dropped(shop: Tools) -> None:
    layer = layer_of(shop.store, "first")
    path = shop.store.path(layer.digest)
    body = path.read_bytes()
    path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    with RegistrySimulator() as registry, EarlyPush(shop, Place(registry.host, "azureml/it"), Silent()) as early:
        early.offer(layer)
        with pytest.raises(DamagedBlobError) as damaged:
            early.outcomes()
    assert damaged.value.digest == layer.digest

    def again() -> None:
        if shop.store.has(layer.digest):
            raise damaged.value

    mend(shop, Silent(), again)
    assert not shop.store.has(layer.digest)
