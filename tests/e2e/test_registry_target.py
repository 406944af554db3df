"""The pair that a team starts with, with the real CLI: images in the cloud's registry, the service in Docker here."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.azure_project import GROUPS, REGISTRIES, AzureProject
from tests.e2e.project import Project
from tests.simulators.azure.emulator import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
TOKEN = re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.")
"""A token, whoever gave it out: two JSON objects in base64, and a signature."""


class PairProject(AzureProject):
    """The emulated cloud for registries, this machine for services; nobody has said ``docker login``."""

    stack = "local"

    def provider_config(self) -> dict[str, str]:
        return {**super().provider_config(), "target": "local", "registryTarget": "azure"}

    def registry_config(self) -> dict[str, object]:
        return {"name": self.name}

    def environ(self) -> dict[str, str]:
        return {**super().environ(), "DOCKER_CONFIG": str(self.folder / "docker")}

    def clean(self) -> None:
        Project.clean(self)
        super().clean()


@pytest.fixture
def pair(tools: None, packed: Path, cloud: Emulator, tmp_path: Path) -> Iterator[PairProject]:
    (tmp_path / "cache").symlink_to(packed)
    project = PairProject(tmp_path, f"e2e{uuid.uuid4().hex[:8]}", cloud)
    project.without_steps()
    try:
        yield project
    finally:
        project.clean()


def test_images_go_to_the_cloud_and_the_service_runs_here(pair: PairProject) -> None:
    done = pair.up().check_ok()
    assert {step["op"] for step in done.steps()} == {"create"}

    (registry,) = pair.resources(REGISTRIES)
    assert pair.resources(GROUPS) == []
    container = Project.container(pair)
    assert container is not None
    assert container["Config"]["Image"].startswith(f"{registry['properties']['loginServer']}/")
    assert pair.ask() == {"sum": 6.5}
    pair.up("--refresh", "--expect-no-changes").check_ok()

    places = (pair.folder / "state", pair.folder / "stacks", pair.folder / "cache")
    files = [path for place in places for path in place.rglob("*") if not {"pkgs", "blobs"} & {*path.parts}]
    texts = [path.read_bytes() for path in files if path.is_file()]
    assert texts
    assert not [text for text in (*texts, done.text.encode(), json.dumps(container).encode()) if TOKEN.search(text)]
    assert not (pair.folder / "docker").exists()

    pair.pulumi("destroy", "--yes", "--skip-preview").check_ok()
    assert Project.container(pair) is None
    assert pair.images_kept()  # they are in the cloud, where a registry with images stays unless delete_data
