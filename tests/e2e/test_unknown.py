"""A step that comes from a resource which is still to be made, and the real CLI: the preview names the packages."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aciml.registry.client import RegistryClient
from tests.e2e.project import Project
from tests.images.conftest import conda_file, push_base
from tests.simulators.channel import hard_packages, make_channel
from tests.simulators.registry import RegistrySimulator

pytestmark = pytest.mark.e2e
PROGRAM = """\
import pulumi

from pulumi_aciml import EnvironmentImage, EnvironmentImageArgs, PackagesArgs, Registry, StepsArgs

mirror = Registry("mirror")
environment = EnvironmentImage(
    "environment",
    EnvironmentImageArgs(
        login_server="{host}",
        repository="waiting",
        base_image="{host}/base:one",
        glibc="2.31",
        packages=PackagesArgs(conda_file="program/conda.yml", server_requirements=False),
        steps=StepsArgs(lines=["{first}", mirror.login_server.apply(lambda host: f"ENV MIRROR={{host}}")]),
    ),
)
pulumi.export("image", environment.image)
"""
LINE = "+2 ~0 -0 packages; the image's digest is not known yet: steps.lines[1] comes from another resource"


class Waiting(Project):
    """A project with a registry and an environment that waits for it; it needs no Docker."""

    def provider_config(self) -> dict[str, str]:
        return {"target": "memory"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; run `make test`")
    channel = make_channel(tmp_path / "channel", hard_packages())
    (tmp_path / "mirrors.toml").write_text(f'[channels]\n"conda-forge" = "{channel.as_uri()}"\n')
    monkeypatch.setenv("ACIML_MIRRORS", str(tmp_path / "mirrors.toml"))
    (tmp_path / "project").mkdir()
    found = Waiting(tmp_path / "project", "waiting")
    conda_file(found.folder / "program", "python", "big")
    with RegistrySimulator() as registry:
        with RegistryClient(registry.host) as client:
            push_base(client, "one")
        found.write("__main__.py", PROGRAM.format(host=registry.host, first="RUN true"))
        yield found


def previewed(project: Project) -> tuple[dict[str, Any], list[str]]:
    """Return the inputs that a preview has for the environment, and what it says beside."""
    text = project.pulumi("preview", "--json").check_ok().text
    said = json.loads(text[text.index("{") :])
    inputs = [
        step["newState"]["inputs"] for step in said["steps"] if step["newState"]["type"] == "aciml:image:Environment"
    ]
    return inputs[0], [line["message"].strip() for line in said.get("diagnostics", [])]


def test_a_preview_names_the_packages_though_a_step_is_still_to_come(project: Waiting) -> None:
    inputs, said = previewed(project)

    assert set(inputs["packages"]) == {"python", "big"}
    assert inputs["baseDigest"].startswith("sha256:")
    assert len(inputs["lock"].splitlines()) == 2
    assert inputs["extraSteps"][0] == "RUN true"
    assert [line for line in said if "not known yet" in line] == [LINE]
    text = project.pulumi("preview", "--diff").check_ok().text
    assert re.search(r'big +: "1\.0', text)
    assert text.count(LINE) == 1


def test_what_is_wrong_with_a_step_is_said_though_the_next_one_is_still_to_come(project: Waiting) -> None:
    program = (project.folder / "__main__.py").read_text()
    project.write("__main__.py", program.replace("RUN true", "RUNN true"))

    project.pulumi("preview").check_failed("steps.lines[0]", "step 1", "did you mean RUN?")
