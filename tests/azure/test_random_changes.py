"""Any change of any property: what the provider decides, the service takes; what is then there is what is declared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from azure.mgmt.containerinstance.models import Resource

from aciml.settings import Settings
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.groups.account import foreseen_pull
from aciml.targets.azure.groups.change import group_changes, plan
from aciml.targets.azure.groups.drift import drift
from aciml.targets.azure.groups.group import folded, same, to_arm
from aciml.targets.azure.groups.place import resource_group_of
from aciml.targets.azure.groups.tags import tags_of
from aciml.targets.protocol import GroupSpec
from tests.azure.random_groups import OTHER_GROUP, changed, differences, random_wish
from tests.simulators.azure.emulator import Emulator, running_emulator

STARTS, CHANGES = 20, 10
"""200 changes in all."""
KIND = "Microsoft.ContainerInstance/containerGroups"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A cloud whose groups are all there is to see: none of them runs, but every rule is the same."""
    with running_emulator(tmp_path_factory.mktemp("azure"), containers=False, retry_after=0.001) as emulator:
        yield emulator


class Bench:
    """Sends what the provider decides, without waiting for a server that answers."""

    def __init__(self, cloud: Emulator, folder: Path) -> None:
        self.cloud, self.config = cloud, AzureConfig.read(cloud.config(), {})
        self.session = AzureSession(self.config, Settings(folder))
        for name in (self.config.resource_group, OTHER_GROUP):
            cloud.groups.make(name, "westeurope")

    def bring(self, old: GroupSpec | None, new: GroupSpec) -> str:
        """Do what ``plan`` says; return its word."""
        groups = self.session.containers.container_groups
        decided = "create" if old is None else plan(old, new, self.config)
        if decided == "replace" and old is not None:
            groups.begin_delete(resource_group_of(old.declared, self.config), old.name).result()
        if decided in {"create", "replace", "put"}:
            body = json.dumps(to_arm(new, self.config, foreseen_pull(new.declared))).encode()
            place = resource_group_of(new.declared, self.config)
            groups.begin_create_or_update(place, new.name, body).result()  # type: ignore[call-overload]  # bytes are an IO
        if decided == "tags" or (decided == "put" and old is not None and tags_of(old) != tags_of(new)):
            groups.update(resource_group_of(new.declared, self.config), new.name, Resource(tags=tags_of(new)))
        return decided

    def differing(self, spec: GroupSpec) -> dict[str, object]:
        """Say in what the emulated group differs from the declared one."""
        path = self.session.resource_id(KIND, spec.name, resource_group_of(spec.declared, self.config))
        seen = self.session.call("GET", path, "2023-05-01")
        assert seen is not None
        return drift(spec, to_arm(spec, self.config, foreseen_pull(spec.declared)), seen).properties()

    def keeps(self, spec: GroupSpec) -> bool:
        """Tell whether what the service keeps, secrets too, is what would be sent now."""
        path = self.session.resource_id(KIND, spec.name, resource_group_of(spec.declared, self.config))
        kept, wanted = self.cloud.world.secrets[path.lower()], to_arm(spec, self.config, foreseen_pull(spec.declared))
        return bool(folded(same(kept)) == folded(same(wanted)))


@pytest.fixture(scope="module")
def bench(cloud: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(cloud, tmp_path_factory.mktemp("cache"))
    with closing(made.session):
        yield made


@pytest.mark.parametrize("seed", range(STARTS))
def test_any_change_is_taken_and_ends_in_what_is_declared(bench: Bench, seed: int) -> None:
    random = Random(seed)
    bench.cloud.reset()
    bench.cloud.groups.make(OTHER_GROUP, "westeurope")
    wish, old = random_wish(random), None
    for number in range(CHANGES + 1):
        new = wish.spec(bench.cloud.subscription)
        said = differences(old, new) if old else [str(new)]
        story = "\n  ".join([f"seed {seed}, change {number}:", *said])
        bench.cloud.forget()

        decided = step(bench, old, new, story)

        assert not [r for r in bench.cloud.requests() if r.status >= 400], story
        assert bench.differing(new) == {}, f"{story}\n  decided: {decided}"
        assert bench.keeps(new), f"{story}\n  decided: {decided}, but the service has another model"
        assert bench.cloud.violations == [], story
        wish, old = changed(wish, random), new


def step(bench: Bench, old: GroupSpec | None, new: GroupSpec, story: str) -> str:
    """Bring the group on, and see that what is sent is what was told."""
    try:
        decided = bench.bring(old, new)
    except Exception as error:
        raise AssertionError(f"{story}\n  {error}") from error
    if old is not None:
        told = group_changes(old, new, bench.config)
        assert ("replace" in told.values()) == (decided == "replace"), f"{story}\n  told: {told}, decided: {decided}"
        assert told or decided == "nothing", f"{story}\n  told nothing, decided: {decided}"
    if decided == "nothing":
        assert bench.cloud.requests() == [], story
    return decided
