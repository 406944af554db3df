"""The Azure target under contract: real SDK clients against the emulated cloud, whose groups really run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aciml.core.image import OCI_MANIFEST, sha256_digest
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.protocol import GroupFacts, RegistryFacts
from tests.contract.worlds import BLOB, LATE, Kind, ask
from tests.simulators.azure.emulator import Emulator

GROUPS = "/providers/microsoft.containerinstance/containergroups/"
REGISTRIES = "/providers/microsoft.containerregistry/registries/"


@dataclass
class AzureWorld:
    """A target that points at the emulator."""

    prefix: str
    emulator: Emulator
    images: dict[str, str]
    cache: Path
    target: AzureTarget = field(init=False)
    registry_image: str = ""
    changes_what_runs: bool = False
    has_ports: bool = False
    serves_while_it_changes: bool = False
    stops_what_fails: bool = False
    late: tuple[str, str] = (LATE, "Running")
    images_outlive_their_server: bool = False
    costs_of_cpu: str = "replace"
    size: tuple[float, float] = (1.0, 1.0)
    port: int = 5001
    said: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = AzureConfig.read(self.emulator.config(), {})
        self.target = AzureTarget(config, Settings(self.cache, ca_bundle=self.emulator.ca_bundle))

    def image(self, behaviour: str) -> str:
        return self.images[behaviour]

    def registry_name(self) -> str:
        return f"{self.prefix}registry"

    def unknown(self, kind: Kind) -> str:
        provider = GROUPS if kind == "group" else REGISTRIES
        where = f"/subscriptions/{self.emulator.subscription}/resourceGroups/{self.emulator.resource_group}"
        return f"{where}{provider}{self.prefix}unknown"

    def serves(self, facts: GroupFacts) -> str:
        return ask(facts.address, "GET", "/")[1].strip()

    def incarnation(self, facts: GroupFacts) -> str:
        seen = self.emulator.world.resources[facts.id.lower()]
        state = seen["properties"]["containers"][0]["properties"]["instanceView"]["currentState"]
        return f"{facts.id} {state['startTime']}"

    def remove_by_hand(self, id_: str) -> None:
        """Delete it as somebody in the portal would: by a request that is none of ours."""
        if GROUPS in id_.lower():
            self.target.service.delete(id_, Silent())
        else:
            self.target.registry.delete(id_, delete_data=True, progress=Silent())

    def store(self, facts: RegistryFacts) -> None:
        with self._client(facts) as client:
            client.upload_blob("probe", BLOB, 5, lambda: io.BytesIO(b"hello"))
            client.upload_blob("probe", sha256_digest(b"{}"), 2, lambda: io.BytesIO(b"{}"))
            client.put_manifest("probe", "one", _manifest(), OCI_MANIFEST)

    def holds(self, facts: RegistryFacts) -> bool:
        with self._client(facts) as client:
            return client.has_blob("probe", BLOB)

    @contextmanager
    def taken_port(self) -> Iterator[int]:
        raise AssertionError("nothing in this cloud has ports of its own")

    def leftovers(self) -> list[str]:
        return [
            id_ for id_ in self.emulator.world.resources if self.prefix in id_ and (GROUPS in id_ or REGISTRIES in id_)
        ]

    def clean(self) -> None:
        """Leave it to the emulator, which is as new for the next test."""

    def _client(self, facts: RegistryFacts) -> RegistryClient:
        assert urlsplit(f"//{facts.login_server}").hostname == "127.0.0.1"
        return RegistryClient(facts.login_server, self.target.credentials(facts.login_server))


def _manifest() -> bytes:
    """Return the manifest of an image with the one blob as its layer: what no manifest names is no content."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256_digest(b"{}"), "size": 2}
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": BLOB, "size": 5}
    body = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}
    return json.dumps(body).encode()
