"""The local target's swarm under contract: services of the engine of this machine, with Envoy in front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aciml.core.progress import Silent
from aciml.targets.local.swarm.app import Apps, id_of, network_of
from aciml.targets.local.swarm.cluster import look
from aciml.targets.local.swarm.door import door_name
from aciml.targets.local.swarm.service import SwarmServices
from aciml.targets.protocol import GroupFacts
from aciml.targets.runs_on import RunsOn
from tests.contract.worlds import Kind, LocalWorld


@dataclass
class SwarmWorld(LocalWorld):
    """Registries are those of the local target; a service is a container app."""

    said: Mapping[str, Any] = field(default_factory=lambda: {"runsOn": "container_app"})

    @property
    def changes_what_runs(self) -> bool:
        """A revision never changes."""
        return False

    @property
    def apps(self) -> Apps:
        """What is behind the target."""
        service = self.target.service
        assert isinstance(service, RunsOn)
        assert isinstance(service.apps, SwarmServices)
        return service.apps.apps

    def unknown(self, kind: Kind) -> str:
        return super().unknown(kind) if kind == "registry" else id_of(f"{self.prefix}-unknown")

    def incarnation(self, facts: GroupFacts) -> str:
        there = self.apps.look(facts.name, None)
        assert there.serving is not None
        return " ".join(sorted(task.container for task in self.apps.services.tasks(there.serving) if task.runs))

    def remove_by_hand(self, id_: str) -> None:
        if not id_.startswith("swarm:"):
            super().remove_by_hand(id_)
            return
        app = id_.removeprefix("swarm:")
        there = self.apps.look(app, None)
        for made in there.revisions:
            self.apps.services.remove(made.name)
        self.apps.services.wait_gone([made.name for made in there.revisions], Silent(), 60)
        self.apps.services.prune_secrets(app, frozenset())
        self.client.containers.get(door_name(app)).remove(force=True)
        self.apps.swarm.remove_network(network_of(app), Silent())

    def leftovers(self) -> list[str]:
        own = [str(one.name) for one in self._containers() if one.labels["aciml.kind"] == "registry"]
        return sorted({*own, *map(id_of, self._services())})

    def _services(self) -> set[str]:
        """Name the services of which there is anything: Envoy, a revision, a network, a secret."""
        api: Any = self.client.api
        found = [one.labels for one in self._containers() if one.labels["aciml.kind"] == "door"]
        found += [one.get("Labels") or {} for one in api.networks(filters={"label": "aciml.kind=network"})]
        if look(self.client).active:
            found += [one["Spec"]["Labels"] for one in api.services(filters={"label": "aciml.kind=revision"})]
            found += [one["Spec"]["Labels"] for one in api.secrets(filters={"label": "aciml.kind=revision"})]
        return {labels["aciml.name"] for labels in found if labels["aciml.name"].startswith(self.prefix)}

    def clean(self) -> None:
        """Remove every service, container and volume of this test; the last one leaves the swarm that it made."""
        for app in self._services():
            self.apps.delete(app, None, Silent())
        super().clean()
