"""Link scripts run in Docker on top of the packages, and their layers are found again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.core.layer import PREFIX
from aciml.docker.build import cache_name
from aciml.images.tools import Tools
from aciml.registry.client import RegistryClient
from aciml.resources.environment import EnvironmentImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.docker.base_image import BASE, copy_base
from tests.heard import Heard
from tests.images.conftest import REPOSITORY, conda_file
from tests.simulators.channel import Package, PackedFile, make_channel, python_package
from tests.simulators.registry_program import missing_reason, running_registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]
GOOD = b"""#!/bin/bash
echo "$PKG_NAME $PKG_VERSION $PKG_BUILDNUM in $PREFIX" > $PREFIX/was-run
cat $PREFIX/share/below >> $PREFIX/was-run
echo 'read the manual' >> $PREFIX/.messages.txt
"""
PACKAGES = [
    python_package(),
    Package("below", files={"share/below": PackedFile(b"from below\n")}),
    Package("good", depends=("below",), files={"bin/.good-post-link.sh": PackedFile(GOOD, 0o755)}),
    Package("bad", files={"bin/.bad-post-link.sh": PackedFile(b"echo it is broken; exit 3\n", 0o755)}),
]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Site:
    """A machine with Docker, and a registry that has the base."""

    environment: EnvironmentImage
    host: str
    heard: Heard

    def inputs(self, conda: Path) -> dict[str, Any]:
        new = {
            "loginServer": self.host,
            "repository": REPOSITORY,
            "baseImage": f"{self.host}/base:one",
            "glibc": "2.36",
            "condaFile": str(conda),
            "serverRequirements": False,
            "postLink": "step",
            "builder": "docker",
        }
        checked = self.environment.check(None, new, self.heard)
        assert not checked.findings
        return checked.inputs

    def preview(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.environment.create(inputs, self.heard, preview=True).state

    def up(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.environment.create(inputs, self.heard, preview=False).state


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[[str], Site]]:
    if reason := missing_reason():
        pytest.skip(reason)
    try:
        docker("image", "inspect", BASE)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"no Docker Engine answers that has the image {BASE}")
    (tmp_path / "registry").mkdir()
    channel = make_channel(tmp_path / "channel", PACKAGES)
    shops: list[Tools] = []
    with running_registry(tmp_path / "registry") as registry:
        with RegistryClient(registry.host) as client:
            is_copied = bool(copy_base(client, "base", "one"))
        if not is_copied:
            name = f"{registry.host}/base:one"
            docker("tag", BASE, name)
            docker("push", "--quiet", name)
            docker("rmi", name)

        def make(name: str) -> Site:
            shops.append(Tools.of(MemoryTarget(), Settings(tmp_path / name, {"conda-forge": channel.as_uri()})))
            return Site(EnvironmentImage(shops[-1]), registry.host, Heard())

        yield make
        with suppress(subprocess.CalledProcessError):
            docker("rmi", cache_name(REPOSITORY))
        for left in docker("images", "--digests", "--format", "{{.Repository}}@{{.Digest}}").split():
            if left.startswith(f"{registry.host}/"):  # what the scripts ran in
                docker("rmi", left)
        for shop in shops:
            shop.cache.catalog.close()
            shop.client(registry.host).close()


def test_a_script_runs_once_after_what_it_needs_and_its_layers_are_foreseen(
    new_site: Callable[[str], Site], tmp_path: Path
) -> None:
    site = new_site("one")
    inputs = site.inputs(conda_file(tmp_path, "python", "good"))
    assert "digest" not in site.preview(inputs) or not isinstance(site.preview(inputs)["digest"], str)
    made = site.up(inputs)

    name = f"{site.host}/{REPOSITORY}@{made['digest']}"
    shown = docker("run", "--rm", "--entrypoint", "cat", name, f"{PREFIX}/was-run")
    docker("rmi", name)
    assert shown == f"good 1.0 0 in {PREFIX}\nfrom below"
    assert site.preview(inputs)["digest"] == made["digest"]
    assert new_site("fresh").up(inputs)["digest"] == made["digest"]  # the registry keeps what the scripts left


def test_a_script_that_fails_is_named_with_its_last_lines(new_site: Callable[[str], Site], tmp_path: Path) -> None:
    site = new_site("one")

    with pytest.raises(UserError, match=r"(?s)bad-post-link.*it is broken|it is broken.*bad-post-link"):
        site.up(site.inputs(conda_file(tmp_path, "python", "bad")))
