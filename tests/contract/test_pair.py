"""A registry of one place for services of another: the emulated cloud's registry, and Docker on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.core.errors import AcimlError, OutageError
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.settings import Settings
from aciml.targets.choice import choose_targets, config_findings
from aciml.targets.local.target import LocalTarget
from aciml.targets.protocol import GroupSpec
from tests.contract.azure_world import AzureWorld
from tests.contract.worlds import LocalWorld
from tests.live.azure_live import copied
from tests.simulators import containers
from tests.simulators.azure.emulator import Emulator
from tests.targets.registries import wanted_registry
from tests.targets.specs import spec

OWNER = "urn:pulumi:test::contract::group::pair"
IMPOSSIBLE = [
    ("azure", "local", "a service in the cloud cannot pull from a registry on this machine"),
    ("azure", "memory", "a service in the cloud cannot pull from a registry in memory"),
    ("local", "memory", "Docker cannot pull from a registry in memory"),
]


@pytest.mark.parametrize(("services", "registries", "why"), IMPOSSIBLE)
def test_a_pair_that_cannot_work_is_one_sentence(services: str, registries: str, why: str, emulator: Emulator) -> None:
    config = {**emulator.config(), "target": services, "registryTarget": registries}

    (finding,) = [one for one in config_findings(config) if one.where == "registryTarget"]

    assert finding.why.startswith(f'aciml:registryTarget is "{registries}", and {why}')


@pytest.mark.parametrize(("services", "registries"), [("local", "azure"), ("memory", "local"), ("memory", "azure")])
def test_other_pairs_are_taken_and_each_half_is_of_its_place(
    services: str, registries: str, emulator: Emulator, tmp_path: Path
) -> None:
    config = {**emulator.config(), "target": services, "registryTarget": registries}

    assert config_findings(config) == []
    pair = choose_targets(config, Settings(tmp_path))
    assert (pair.service.name, pair.registry.name, pair.name) == (services, registries, registries)
    assert pair.largest_image() == 0
    assert (pair.builder() is not None) == (registries == "azure")


def test_what_the_registrys_place_lacks_is_asked_for_although_services_are_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"):
        monkeypatch.delenv(name, raising=False)

    found = {one.where for one in config_findings({"target": "local", "registryTarget": "azure"})}

    assert "subscriptionId" in found


def test_a_word_that_is_no_target_is_named_once_at_its_key() -> None:
    (finding,) = config_findings({"registryTarget": "azur"})

    assert (finding.where, finding.why) == (
        "registryTarget",
        'aciml:registryTarget is "azur"; write local or azure or memory',
    )


@pytest.fixture
def image(azure: AzureWorld, local: LocalWorld) -> Iterator[str]:
    """Push the image that serves to the cloud's registry, which shows it to nobody without a login."""
    facts = azure.target.registry.create(wanted_registry(azure.registry_name(), OWNER), Silent())
    with RegistryClient(facts.login_server, azure.target.credentials(facts.login_server)) as client:
        made = copied(local.image("serves"), client)
    yield made
    containers.remove_images(local.client, f"{facts.login_server}/probe")


def service(local: LocalWorld, image: str) -> GroupSpec:
    cpu, memory = local.size
    return spec(f"{local.prefix}-g", image, owner=OWNER, cpuCores=cpu, memoryGb=memory, startupTimeout=30)


@pytest.mark.docker
def test_a_service_here_pulls_from_the_clouds_registry_by_its_login(
    azure: AzureWorld, local: LocalWorld, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nothing"))  # nobody has said docker login
    settings = Settings(tmp_path)
    alone = LocalTarget(lambda: local.client, settings)
    pair = LocalTarget(lambda: local.client, settings, elsewhere=azure.target.registry)

    with pytest.raises(OutageError, match="Docker could not pull"):
        alone.service.create(service(local, image), Silent())
    facts = pair.service.create(service(local, image), Silent())

    assert local.serves(facts) == "one"
    assert facts.image == image
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []  # the token is nowhere


@pytest.mark.docker
def test_a_service_that_has_its_image_asks_the_cloud_nothing(
    azure: AzureWorld, local: LocalWorld, image: str, emulator: Emulator, tmp_path: Path
) -> None:
    pair = LocalTarget(lambda: local.client, Settings(tmp_path), elsewhere=azure.target.registry)
    wanted = service(local, image)
    facts = pair.service.create(wanted, Silent())
    emulator.forget()

    pair.service.update(facts.id, wanted, wanted.but(environment_variables={"A": "1"}), Silent())

    assert emulator.requests() == []


@pytest.mark.docker
def test_a_login_that_is_refused_is_said_as_the_cloud_says_it(
    local: LocalWorld, emulator: Emulator, image: str, tmp_path: Path
) -> None:
    wrong = {**emulator.config(), "target": "local", "registryTarget": "azure", "clientSecret": "wrong"}
    pair = choose_targets(wrong, Settings(tmp_path))

    with pytest.raises(AcimlError, match="could not log in with its client secret"):
        pair.service.create(service(local, image), Silent())
    assert local.leftovers() == []
