"""What both sides push: an image of layers like those of packages; and where to: an emulated cloud that is far away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from aciml.blobs.store import BlobStore
from aciml.core.image import Image, Layer
from aciml.settings import Settings
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from tests.simulators.azure.emulator import Emulator, running_emulator

MEGABYTES = (
    *(32, 20, 14, 11, 9, 7, 6, 5, 4.5, 4, 3.5, 3, 2.5, 2, 1.6, 1.3, 1),
    *(0.8, 0.6, 0.45, 0.3, 0.2, 0.12, 0.08, 0.05),
)
"""Sizes of the layers: few large packages, many small ones, as in an environment with numpy, scipy, pandas and more."""
CHANGED = (15, 24)
"""Which layers one changed package changes: its own, and the one that holds what belongs to no package."""
_KIND = "Microsoft.ContainerRegistry/registries"
_VERSION = "2025-11-01"


@dataclass(frozen=True)
class Traffic:
    """What went over the wire: requests of the registry, bytes of their bodies and of the answers'."""

    requests: int
    up: int
    down: int


@dataclass(frozen=True)
class Cloud:
    """An emulated cloud with one registry. ``before`` and ``after`` are the images; their layers are in ``store``."""

    emulator: Emulator
    session: AzureSession
    login_server: str
    store: BlobStore
    before: Image
    after: Image

    def forget(self) -> None:
        """Count from here."""
        self.emulator.forget()
        self._fronts.forget()

    def traffic(self) -> Traffic:
        """Return what went over the wire since ``forget``."""
        seen = self._fronts.traffic()
        return Traffic(len(seen.lines), seen.up, seen.down)

    @property
    def _fronts(self) -> Any:
        return self.emulator.world.parts["fronts"]


@contextmanager
def cloud(folder: Path | None, latency: float) -> Iterator[Cloud]:
    """Start the cloud; ``latency`` in seconds is added to each answer. All is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="aciml-bench-", dir=folder))
    try:
        with running_emulator(home / "cloud") as emulator:
            config = AzureConfig.read(emulator.config(), {})
            with closing(AzureSession(config, Settings(home / "cache"))) as session:
                server = _make_registry(session, "bench")
                before, after, store = make_images(home / "blobs")
                emulator.latency = latency
                yield Cloud(emulator, session, server, store, before, after)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def make_images(folder: Path) -> tuple[Image, Image, BlobStore]:
    """Make an image, and the same with one package changed."""
    store = BlobStore(folder)
    layers = [_layer(store, number, size) for number, size in enumerate(MEGABYTES)]
    changed = [
        _layer(store, 1000 + number, MEGABYTES[number]) if number in CHANGED else layer
        for number, layer in enumerate(layers)
    ]
    return Image(tuple(layers)), Image(tuple(changed)), store


def _layer(store: BlobStore, seed: int, megabytes: float) -> Layer:
    """Make a layer of bytes that nobody can compress; a registry does not look inside."""
    digest, size = store.put_chunks([Random(seed).randbytes(int(megabytes * 1e6))])
    return Layer(diff_id=digest, digest=digest, size=size)


def _make_registry(session: AzureSession, name: str) -> str:
    body = {"location": session.config.location, "sku": {"name": "Standard"}, "properties": {}}
    made = session.call("PUT", session.resource_id(_KIND, name), _VERSION, body)
    if made is None:
        raise SystemExit("the emulated registry was not made")
    return str(made["properties"]["loginServer"])
