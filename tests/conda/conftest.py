"""A channel with all that is hard, and a workshop of caches that starts empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.compress import GZIP, Compression
from aciml.blobs.store import BlobStore
from aciml.conda.pack import build_layers
from aciml.conda.solve import solve
from aciml.core.conda_lock import CondaLock
from aciml.core.condafile import CondaFile
from aciml.core.image import Layer
from aciml.core.limits import Limits
from aciml.settings import Settings
from tests.heard import Heard
from tests.simulators.channel import hard_packages, make_channel

EVERYTHING = CondaFile(("conda-forge",), ("python", "noarchy", "clash-b", "meta", "big"))


@dataclass
class Bench:
    """The caches of one machine, and what was said there."""

    settings: Settings
    catalog: Catalog
    heard: Heard = field(default_factory=Heard)

    @property
    def store(self) -> BlobStore:
        return BlobStore(self.settings.cache / "blobs")

    def solve(self, file: CondaFile = EVERYTHING, glibc: str = "2.31", limits: Limits | None = None) -> CondaLock:
        return solve(file, glibc=glibc, limits=limits, settings=self.settings, progress=self.heard)

    def build(
        self, lock: CondaLock, known_blob: Callable[[str], bool] | None = None, by: Compression = GZIP
    ) -> list[Layer]:
        return build_layers(
            lock,
            store=self.store,
            catalog=self.catalog,
            settings=self.settings,
            progress=self.heard,
            known_blob=known_blob,
            by=by,
        )

    def use(self, channel: Path) -> None:
        """Let conda-forge be this folder from now on."""
        self.settings = replace(self.settings, channels={"conda-forge": channel.as_uri()})


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_channel(tmp_path_factory.mktemp("mirror") / "any-name", hard_packages())


@pytest.fixture
def new_bench(channel: Path, tmp_path: Path) -> Iterator[Callable[[str], Bench]]:
    made: list[Bench] = []

    def make(name: str) -> Bench:
        cache = tmp_path / name
        settings = Settings(cache, {"conda-forge": channel.as_uri()})
        made.append(Bench(settings, Catalog(cache / "catalog.sqlite")))
        return made[-1]

    yield make
    for bench in made:
        bench.catalog.close()


@pytest.fixture
def bench(new_bench: Callable[[str], Bench]) -> Bench:
    return new_bench("cache")
