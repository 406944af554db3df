"""A base whose tag moved, and the real CLI: an ``up`` keeps the pin, a refresh takes the new one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.registry.client import RegistryClient
from tests.e2e.project import InMemory
from tests.images.conftest import push_base
from tests.simulators.registry import RegistrySimulator

pytestmark = pytest.mark.e2e
PROGRAM = """\
import pulumi

from pulumi_aciml import EnvironmentImage, EnvironmentImageArgs, PackagesArgs

place = EnvironmentImageArgs(
    login_server="{host}",
    repository="rolled",
    base_image="{host}/base:rolling",
    packages=PackagesArgs(server_requirements=False),
)
pulumi.export("image", EnvironmentImage("environment", place).image)
"""


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as running:
        yield running


def test_an_up_keeps_the_base_that_it_had_and_a_refresh_takes_the_one_that_the_tag_means_now(
    registry: RegistrySimulator, tmp_path: Path
) -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; run `make test`")
    project = InMemory(tmp_path, "moved")
    project.write("__main__.py", PROGRAM.format(host=registry.host))
    with RegistryClient(registry.host) as client:
        push_base(client, "rolling")
        project.up().check_ok()
        before = project.outputs()["image"]
        push_base(client, "rolling", "2")

    project.up("--expect-no-changes").check_ok()
    said = project.up("--refresh").check_ok()

    assert project.outputs()["image"] != before
    assert "1 updated" in said.text
    project.up("--refresh", "--expect-no-changes").check_ok()
