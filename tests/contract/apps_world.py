"""The Azure target under contract once more: its services are container apps of the emulated cloud."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aciml.core.progress import Silent
from aciml.targets.protocol import GroupFacts
from tests.contract.azure_world import REGISTRIES, AzureWorld
from tests.contract.worlds import Kind

APPS = "/providers/microsoft.app/containerapps/"


@dataclass
class AppsWorld(AzureWorld):
    """Registries are those of the Azure target; a service is a container app, called by TLS at its ingress."""

    serves_while_it_changes: bool = True
    late: tuple[str, str] = ("did not answer 200 on / within 0.5 seconds (startup_timeout", "Unknown")
    costs_of_cpu: str = "update"
    size: tuple[float, float] = (0.5, 1.0)
    said: Mapping[str, Any] = field(default_factory=lambda: {"runsOn": "container_app"})

    def unknown(self, kind: Kind) -> str:
        if kind == "registry":
            return super().unknown(kind)
        where = f"/subscriptions/{self.emulator.subscription}/resourceGroups/{self.emulator.resource_group}"
        return f"{where}{APPS}{self.prefix}unknown"

    def serves(self, facts: GroupFacts) -> str:
        trust = ssl.create_default_context(cafile=str(self.emulator.ca_bundle))
        try:
            with urllib.request.urlopen(f"https://{facts.fqdn}/", timeout=20, context=trust) as answer:
                return str(answer.read().decode().strip())
        except (urllib.error.URLError, OSError):
            return ""

    def incarnation(self, facts: GroupFacts) -> str:
        app = self.emulator.world.parts["apps"].need(facts.id)
        running = [revision for name, revision in app.revisions.items() if app.weights().get(name)]
        return " ".join(replica.name for revision in running for replica in revision.replicas)

    def remove_by_hand(self, id_: str) -> None:
        if APPS in id_.lower():
            self.target.service.delete(id_, Silent())
        else:
            super().remove_by_hand(id_)

    def leftovers(self) -> list[str]:
        return [
            id_ for id_ in self.emulator.world.resources if self.prefix in id_ and (APPS in id_ or REGISTRIES in id_)
        ]
