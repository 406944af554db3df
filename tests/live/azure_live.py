"""A real subscription under contract: what it is reached by, what is made in it, what that costs at most."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.registry.client import RegistryClient
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.arm.session import GROUPS_API, AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.protocol import GroupFacts, RegistryFacts, RegistrySpec
from tests.contract.azure_world import AzureWorld
from tests.contract.worlds import Kind
from tests.targets.registries import wanted_registry

ASKED = "ACIML_TEST_AZURE"
CONFIG = "ACIML_TEST_AZURE_CONFIG"
GROUP_API = "2023-05-01"
GROUPS = "Microsoft.ContainerInstance/containerGroups"
REGISTRIES = "Microsoft.ContainerRegistry/registries"

OWNER = "urn:pulumi:live::aciml::aciml:registry:ContainerRegistry::live"

CORE_SECOND = 0.0000135
GIB_SECOND = 0.0000015
BASIC_DAY = 0.167
"""US dollars, of the order of the list prices (Linux, pay as you go). No source was at hand when they were written
down: compare with the price pages before you rely on them."""
LARGEST = 2.0  # cores and GiB of the largest group of the contract


def missing_reason(environ: Mapping[str, str]) -> str:
    """Return why the real cloud is not asked; empty if it is."""
    if environ.get(ASKED) == "1":
        return ""
    return f"set {ASKED}=1 and AZURE_SUBSCRIPTION_ID, and log in (AZURE_TENANT_ID, AZURE_CLIENT_ID, ..., or az login)"


@dataclass
class Bill:
    """What was used: seconds that a group ran at most, days of registries."""

    seconds: float = 0.0
    registries: int = 0
    rows: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def group(self, what: str) -> Iterator[None]:
        """Count the time of one promise as if its largest group had run all the while."""
        started = time.monotonic()
        try:
            yield
        finally:
            passed = time.monotonic() - started
            self.seconds += passed
            self.rows.append((what, passed))

    def lines(self) -> Iterator[str]:
        """Yield the bill."""
        groups = self.seconds * LARGEST * (CORE_SECOND + GIB_SECOND)
        for what, passed in self.rows:
            yield f"{passed:7.1f} s  {what}"
        yield f"container groups, at most: {self.seconds:.0f} s of {LARGEST:g} cores, {LARGEST:g} GiB: {groups:.4f} USD"
        yield f"registries, Basic, a day each: {self.registries}: {self.registries * BASIC_DAY:.3f} USD"
        yield f"cost, at most: {groups + self.registries * BASIC_DAY:.2f} USD (an estimate)"


class Live:
    """A resource group of our own with a registry, both removed by ``close``; a group that is named is kept."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.name = f"aciml{uuid.uuid4().hex[:10]}"
        said = json.loads(Path(environ[CONFIG]).read_text(encoding="utf-8")) if environ.get(CONFIG) else {}
        self._own = "resourceGroup" not in said
        ours = {"resourceGroup": f"{self.name}-live", "createResourceGroup": "true", "location": "westeurope"}
        taken = {"location": environ["AZURE_LOCATION"]} if environ.get("AZURE_LOCATION") else {}
        self.config = AzureConfig.read({**ours, **taken, **said}, environ)
        self.target = AzureTarget(self.config, Settings.read(dict(environ)))
        self.session: AzureSession = self.target.account.session
        self.bill = Bill()
        self.folder = folder

    def registry_spec(self, **tags: str) -> RegistrySpec:
        said = {"purpose": "test", **tags}
        return wanted_registry(self.name, OWNER, deleteData=True, sku="Basic", adminUserEnabled=True, tags=said)

    def make_registry(self) -> RegistryFacts:
        facts = self.target.registry.create(self.registry_spec(), Silent())
        self.bill.registries = 1
        return facts

    def client(self, facts: RegistryFacts) -> RegistryClient:
        return RegistryClient(facts.login_server, self.target.credentials(facts.login_server))

    def close(self) -> None:
        """Remove all that was made."""
        registry = self.session.resource_id(REGISTRIES, self.name)
        self.target.registry.delete(registry, delete_data=True, progress=Silent())
        if self._own:
            where = f"/subscriptions/{self.config.subscription_id}/resourcegroups/{self.config.resource_group}"
            self.session.call("DELETE", where, GROUPS_API)
        self.session.close()


def copied(source: str, client: RegistryClient) -> str:
    """Copy an image of this machine's registry, and return its new reference."""
    image = Reference.parse(source)
    with RegistryClient(image.registry) as old:
        manifest = old.manifest(image.repository, image.digest or image.tag)
        assert manifest is not None
        body = json.loads(manifest.body)
        for blob in (body["config"], *body["layers"]):
            with old.blob(image.repository, blob["digest"]) as reader:
                data = b"".join(reader)
            client.upload_blob("probe", blob["digest"], len(data), lambda data=data: io.BytesIO(data))  # type: ignore[misc]  # read at once
    tag = manifest.digest.rpartition(":")[2][:12]
    client.put_manifest("probe", tag, manifest.body, manifest.media_type)
    return f"{client.host}/probe:{tag}@{manifest.digest}"


class LiveWorld(AzureWorld):
    """The hands of the contract in a real subscription; what one test makes begins with ``prefix``."""

    def __init__(self, live: Live, images: dict[str, str]) -> None:
        self.prefix = f"{live.name}{uuid.uuid4().hex[:6]}"
        self.live, self.images, self.target = live, images, live.target

    def __repr__(self) -> str:
        return f"LiveWorld({self.prefix})"

    def unknown(self, kind: Kind) -> str:
        provider = GROUPS if kind == "group" else REGISTRIES
        return self.live.session.resource_id(provider, f"{self.prefix}unknown")

    def incarnation(self, facts: GroupFacts) -> str:
        seen: Any = self.live.session.call("GET", facts.id, GROUP_API)
        state = seen["properties"]["containers"][0]["properties"]["instanceView"]["currentState"]
        return f"{facts.id} {state['startTime']}"

    def leftovers(self) -> list[str]:
        path = self.live.session.resource_id(GROUPS, "").rstrip("/")
        seen: Any = self.live.session.call("GET", path, GROUP_API) or {"value": []}
        return [each["id"] for each in seen["value"] if each["name"].startswith(self.prefix)]

    def clean(self) -> None:
        for left in self.leftovers():
            self.target.service.delete(left, Silent())


def environment() -> dict[str, str]:
    """Return the environment as it is."""
    return dict(os.environ)
