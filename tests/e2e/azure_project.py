"""The same project on the Azure target, pointed at the emulated cloud."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.project import Project
from tests.simulators.azure.emulator import Emulator

GROUPS = "/providers/microsoft.containerinstance/containergroups/"
REGISTRIES = "/providers/microsoft.containerregistry/registries/"


class AzureProject(Project):
    """A project whose cloud is the emulator of this test run."""

    stack = "azure"
    rebuilds_for_cpu = True

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

    def cores(self) -> float:
        containers = self.group()["properties"]["containers"]
        return float(containers[0]["properties"]["resources"]["requests"]["cpu"])

    def remove_service(self) -> None:
        from aciml.core.progress import Silent
        from aciml.settings import Settings
        from aciml.targets.azure import AzureTarget
        from aciml.targets.azure.config import AzureConfig

        config = AzureConfig.read(self.provider_config(), {})
        target = AzureTarget(config, Settings(self.folder / "cache", ca_bundle=self.bundle))
        target.delete_group(self.group()["id"], Silent())

    @contextmanager
    def registry_down(self) -> Iterator[None]:
        self.cloud.fault("503", times=1000, match=REGISTRIES.strip("/").split("/")[-1])
        yield
        self.cloud.world.faults.clear()

    def gone(self) -> bool:
        return self.resources(GROUPS) == []

    def images_kept(self) -> bool:
        return len(self.resources(REGISTRIES)) == 1

    def clean(self) -> None:
        found = list(self.cloud.violations)
        self.cloud.reset()
        assert not found, "\n".join(found)
