"""Container apps of one test: the target's apps against the emulated cloud, and what is asked behind its back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aciml.core.progress import Silent
from aciml.model.access import Access
from aciml.settings import Settings
from aciml.targets.azure.apps import calls as app_calls
from aciml.targets.azure.apps import gate, home, revisions
from aciml.targets.azure.apps.life import AzureApps
from aciml.targets.azure.apps.stream import trust
from aciml.targets.azure.arm import patience
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.protocol import GroupFacts, GroupSpec
from aciml.targets.smoke import ask
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.group_runtime_processes import Programs
from tests.targets.specs import spec

KIND, HOMES = "microsoft.app/containerapps", "microsoft.app/managedenvironments"
OWNER = "urn:pulumi:dev::shop::aciml:compute:ContainerGroup::{name}"


@dataclass
class AppLife:
    """One test's apps."""

    emulator: Emulator
    images: Mapping[str, str]
    folder: Path
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:6]}")
    session: AzureSession = field(init=False)
    apps: AzureApps = field(init=False)

    def __post_init__(self) -> None:
        self.session = AzureSession(AzureConfig.read(self.emulator.config(), {}), Settings(self.folder))
        self.apps = AzureApps(self.session, _no_account)

    def spec(self, behaviour: str = "serves", **settings: Any) -> GroupSpec:
        base = {"runsOn": "container_app", "cpuCores": 0.25, "memoryGb": 0.5, "startupTimeout": 40}
        return spec(self.name, self.images[behaviour], owner=OWNER.format(name=self.name), **{**base, **settings})

    def create(self, behaviour: str = "serves", **settings: Any) -> GroupFacts:
        return self.apps.create(self.spec(behaviour, **settings), Silent())

    def update(self, facts: GroupFacts, old: GroupSpec, new: GroupSpec, progress: Silent | None = None) -> GroupFacts:
        return self.apps.update(facts.id, old, new, progress or Silent())

    @property
    def id(self) -> str:
        where = f"/subscriptions/{self.emulator.subscription}/resourceGroups/{self.emulator.resource_group}"
        return f"{where}/providers/Microsoft.App/containerApps/{self.name}"

    def seen(self) -> dict[str, Any]:
        """Return what a GET says."""
        found: dict[str, Any] = self.session.call("GET", self.id, "2026-07-01") or {}
        return found

    def revisions(self) -> dict[str, dict[str, Any]]:
        """Return the properties of all revisions by name."""
        found = self.session.call("GET", f"{self.id}/revisions", "2026-07-01") or {}
        return {one["name"]: one["properties"] for one in found.get("value") or ()}

    def weights(self) -> dict[str, int]:
        """Return who gets how much."""
        traffic = self.seen()["properties"]["configuration"]["ingress"]["traffic"]
        return {one.get("revisionName", "latest"): one["weight"] for one in traffic if one.get("weight")}

    def homes(self) -> list[str]:
        """Name the environments that exist."""
        kinds = [key for key, one in self.emulator.world.resources.items() if one["type"].lower() == HOMES]
        return sorted(key.rpartition("/")[2] for key in kinds)

    def counts(self, *methods: str, of: str = KIND) -> int:
        """Count requests that change apps."""
        return sum(one.method in methods and of in one.path.lower() for one in self.emulator.requests())

    def answer(self, facts: GroupFacts, path: str = "/") -> str:
        """Return what the app answers over TLS; empty if it does not answer with 200."""
        got = ask(f"https://{facts.address}{path}", trust(self.session.ca_bundle))
        return got.text.strip() if got.status == 200 else ""


def _no_account(_image: str, _access: Access) -> None:
    """Let everybody pull: the tests' registry asks nobody."""


@contextmanager
def living_apps(
    emulator: Emulator, images: Mapping[str, str], folder: Path, programs: Programs | None = None
) -> Iterator[AppLife]:
    """Give apps that run on Docker, or what their images run as processes, which is quicker.

    What a container is to an app is proven on Docker: ``tests/azure``, ``tests/e2e``.
    """
    life = AppLife(emulator, images, folder)
    emulator.world.parts["groups"].programs = programs
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(patience, "BUSY_SECONDS", 0.2)
        for room in (patience, app_calls, home, revisions):
            patched.setattr(room, "LOOK_SECONDS", 0.05)
        patched.setattr(gate, "LOOK_SECONDS", 0.1)
        try:
            yield life
        finally:
            life.session.close()
