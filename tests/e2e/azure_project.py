"""The same project on the Azure target, pointed at the emulated cloud."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from tests.e2e.project import Project
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.group_runtime_engine import LABEL

if TYPE_CHECKING:
    import docker

GROUPS = "/providers/microsoft.containerinstance/containergroups/"
REGISTRIES = "/providers/microsoft.containerregistry/registries/"


class AzureProject(Project):
    """A project whose cloud is the emulator of this test run."""

    stack = "azure"

    def __init__(self, folder: Path, name: str, cloud: Emulator) -> None:
        self.cloud = cloud
        cloud.reset()
        self.bundle = folder / "authorities.pem"
        known = Path(os.environ["SSL_CERT_FILE"]).read_text() if os.environ.get("SSL_CERT_FILE") else ""
        self.bundle.write_text(known + cloud.ca_bundle.read_text())
        super().__init__(folder, name)

    def provider_config(self) -> dict[str, str]:
        return self.cloud.config(caBundle=str(self.bundle))

    def registry_config(self) -> dict[str, Any]:
        return {"name": self.name, "admin_user_enabled": True}

    def importable(self) -> tuple[str, ...]:
        return (*super().importable(), "aciml:compute:ContainerGroup")

    def group(self) -> dict[str, Any]:
        """Return the container group as ARM would."""
        (found,) = self.resources(GROUPS)
        return found

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """Return what there is of this project of a kind."""
        with self.cloud.world.lock:
            return [one for id_, one in self.cloud.world.resources.items() if kind in id_ and self.name in id_]

    def writes(self, kind: str = GROUPS) -> list[str]:
        """Return ``METHOD name`` of the requests that changed resources of a kind, since the cloud forgot."""
        sent = [one for one in self.cloud.requests() if kind in one.path.lower() and one.method not in {"GET", "HEAD"}]
        return [f"{one.method} {one.path.lower().partition(kind)[2]}" for one in sent]

    def running(self) -> list[str]:
        """Return the ids of the containers that the emulator runs for the service."""
        engine = connect()
        try:
            marked = engine.containers.list(filters={"label": LABEL}, ignore_removed=True)
            return [str(one.id) for one in marked if self.name in str(one.name) and _has_key(one.attrs)]
        finally:
            engine.close()

    def container(self, kind: str = "") -> dict[str, Any] | None:
        """Return the container that the emulator runs for the service; there is none of a registry."""
        engine = connect()
        try:
            marked = engine.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
            ours = [one.attrs for one in marked if not kind and self.name in str(one.name) and _has_key(one.attrs)]
        finally:
            engine.close()
        return dict(ours[0]) if ours else None

    def cores(self) -> float:
        containers = self.group()["properties"]["containers"]
        return float(containers[0]["properties"]["resources"]["requests"]["cpu"])

    def target(self) -> AzureTarget:
        """Return the target as the plugin has it."""
        config = AzureConfig.read(self.provider_config(), {})
        return AzureTarget(config, Settings(self.folder / "cache", ca_bundle=self.bundle))

    def fetch(self, engine: docker.DockerClient, image: str) -> None:
        account = self.target().credentials(image.partition("/")[0])
        repository, _, digest = image.partition("@")
        engine.images.pull(
            repository.rpartition(":")[0],
            digest,
            auth_config={"username": account.username, "password": account.password},
        )

    def remove_service(self) -> None:
        self.target().service.delete(self.group()["id"], Silent())

    @contextmanager
    def registry_down(self) -> Iterator[None]:
        self.cloud.fault("503", times=1000, match=REGISTRIES.strip("/").split("/")[-1])
        try:
            yield
        finally:
            self.cloud.world.faults.clear()

    def gone(self) -> bool:
        return self.resources(GROUPS) == []

    def images_kept(self) -> bool:
        return len(self.resources(REGISTRIES)) == 1

    def clean(self) -> None:
        found = list(self.cloud.violations)
        self.cloud.reset()
        assert not found, "\n".join(found)


def _has_key(container: dict[str, Any]) -> bool:
    return any(str(line).startswith("ACIML_PRIMARY_KEY=") for line in container["Config"]["Env"] or ())
