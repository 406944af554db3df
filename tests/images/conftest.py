"""Machines with caches of their own, a channel with what is hard, and a registry with a base image."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aciml.core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from aciml.images.tools import Tools
from aciml.registry.client import RegistryClient
from aciml.resources.environment import EnvironmentImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard
from tests.simulators.channel import hard_packages, make_channel
from tests.simulators.registry import RegistrySimulator

REPOSITORY = "azureml/it"


@dataclass
class Machine:
    """One machine: its caches, and an environment as the plugin would treat it."""

    shop: Tools
    registry: RegistrySimulator
    heard: Heard = field(default_factory=Heard)

    @property
    def environment(self) -> EnvironmentImage:
        return EnvironmentImage(self.shop)

    def inputs(self, conda: Path, old: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Return what check makes of an environment."""
        base = {
            "baseImage": f"{self.registry.host}/base:one",
            "glibc": "2.31",
            "condaFile": str(conda),
            "serverRequirements": False,
        }
        new = {"loginServer": self.registry.host, "repository": REPOSITORY, **base, **more}
        checked = self.environment.check(old, new, self.heard)
        assert not checked.findings
        return checked.inputs

    def preview(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.environment.create(inputs, self.heard, preview=True).state

    def up(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.environment.create(inputs, self.heard, preview=False).state


def push_base(client: RegistryClient, tag: str, text: str = "1") -> Image:
    """Push an image of one layer."""
    body = b"layer " + text.encode()
    image = Image((Layer(sha256_digest(b"tar" + body), sha256_digest(body), len(body)),), {"Env": [f"A={text}"]})
    for blob in (body, image.config()):
        client.upload_blob("base", sha256_digest(blob), len(blob), lambda blob=blob: io.BytesIO(blob))  # type: ignore[misc]
    client.put_manifest("base", tag, image.manifest(), OCI_MANIFEST)
    return image


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_channel(tmp_path_factory.mktemp("mirror") / "channel", hard_packages())


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as running:
        with RegistryClient(running.host) as client:
            push_base(client, "one")
        yield running


@pytest.fixture
def new_machine(channel: Path, tmp_path: Path, registry: RegistrySimulator) -> Iterator[Callable[..., Machine]]:
    made: list[Machine] = []

    def make(name: str, mirror: Path = channel) -> Machine:
        settings = Settings(tmp_path / name, {"conda-forge": mirror.as_uri()})
        made.append(Machine(Tools.of(MemoryTarget(), settings), registry))
        return made[-1]

    yield make
    for machine in made:
        machine.shop.cache.catalog.close()
        machine.shop.client(registry.host).close()


def conda_file(folder: Path, *specs: str) -> Path:
    """Write a conda.yml of these specs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "conda.yml"
    lines = "".join(f"  - {spec}\n" for spec in specs)
    path.write_text(f"channels: [conda-forge]\ndependencies:\n{lines}", encoding="utf-8")
    return path
