"""The files of ``aciml new --pipelines``: what schemas and linters of the services say, and what is left alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.e2e.runner import azure_steps, github_steps
from tests.program import aciml

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = {
    "github": ("vendor.github-workflows",),
    # the options of check-jsonschema's own hook for these files
    "azure": ("vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"),
}
FILES = {
    "github": [".github/workflows/deploy.yml", ".github/workflows/preview.yml"],
    "azure": ["azure-pipelines.yml"],
}
SERVICES = [*FILES]


def new(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return aciml("new", *words)


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(service: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipelines") / "My_App.2"
    done = new(folder, "--pipelines", service)
    assert done.returncode == 0, done.stderr
    return folder


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_they_fit_the_schema_of_their_service(service: str, project: Path) -> None:
    schema, *options = SCHEMAS[service]
    words = ["check-jsonschema", "--builtin-schema", schema, *options]
    program = Path(sys.executable).with_name("check-jsonschema")

    done = subprocess.run(
        [program, *words[1:], *(project / name for name in FILES[service])], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not on PATH; run `make test`")
def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    assert new(tmp_path / "app", "--pipelines", "github").returncode == 0
    flows = [tmp_path / "app" / name for name in FILES["github"]]

    done = subprocess.run(["actionlint", *flows], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_shell_takes_every_command(service: str, project: Path) -> None:
    steps = github_steps if service == "github" else azure_steps
    scripts = [step.script for name in FILES[service] for step in steps(project / name, {})]

    assert len(scripts) >= 8
    for script in scripts:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_azure_runs_the_commands_that_github_runs_which_are_run_in_a_container(tmp_path: Path) -> None:
    for service in SERVICES:
        assert new(tmp_path / service, "--name", "app", "--pipelines", service).returncode == 0
    flows = [step for name in FILES["github"] for step in github_steps(tmp_path / "github" / name, {})]
    # annotations beside the lines of a pull request are GitHub's own
    commands = {line.removesuffix(" --format github") for step in flows for line in step.script.splitlines()}
    azure = [
        line.removeprefix("test ! -s preview.json || ").replace("--post azure", "--post github")
        for step in azure_steps(tmp_path / "azure/azure-pipelines.yml", {})
        if step.name != "Install"
        for line in step.script.splitlines()
        # what is told to later steps is told in a way of its own
        if line != "set -e" and not line.startswith(("#", "place=")) and "##vso" not in line
    ]

    assert set(azure) <= commands
    assert {line.split(" --")[0] for line in azure} >= {"aciml lint", "aciml lock", "pulumi up", "aciml invoke"}


def test_a_job_of_github_has_the_rights_that_it_needs_and_actions_are_pinned(tmp_path: Path) -> None:
    assert new(tmp_path / "app", "--pipelines", "github").returncode == 0
    preview, deploy = (read(tmp_path / "app" / name) for name in reversed(FILES["github"]))

    assert preview["permissions"] == deploy["permissions"] == {}
    assert preview["jobs"]["preview"]["permissions"] == {
        "contents": "read",
        "id-token": "write",
        "pull-requests": "write",
    }
    for job in deploy["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert job["concurrency"]["cancel-in-progress"] is False
    groups = [job["concurrency"]["group"] for job in deploy["jobs"].values()]
    assert len(set(groups)) == 2
    uses = [
        step["uses"]
        for flow in (preview, deploy)
        for job in flow["jobs"].values()
        for step in job["steps"]
        if "uses" in step
    ]
    assert uses
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in uses)


def test_production_waits_for_staging_and_takes_its_image(service: str, project: Path) -> None:
    config = read(project / "Pulumi.production.yaml")["config"]

    assert config["My_App.2:promote"] == "staging"
    assert not [key for key in config if key.endswith(":registry")]
    text = (project / FILES[service][0]).read_text()
    assert "needs: staging" in text or "dependsOn: staging" in text
    assert "promote" in (project / "__main__.py").read_text()
    compile((project / "__main__.py").read_text(), "__main__.py", "exec")
    for name, content in files_of(project).items():
        assert not re.search(r"\{\{\w", content), name


def test_production_runs_what_its_own_run_has_tested_and_nothing_later(tmp_path: Path) -> None:
    for service in SERVICES:
        assert new(tmp_path / service, "--name", "app", "--pipelines", service).returncode == 0
    jobs = read(tmp_path / "github" / FILES["github"][0])["jobs"]
    *_, production = read(tmp_path / "azure/azure-pipelines.yml")["stages"]
    steps = {
        "github": [*github_steps(tmp_path / "github" / FILES["github"][0], {})],
        "azure": [*azure_steps(tmp_path / "azure/azure-pipelines.yml", {})],
    }

    assert jobs["staging"]["outputs"] == {"digest": "${{ steps.tested.outputs.digest }}"}
    assert jobs["production"]["env"] == {"TESTED": "${{ needs.staging.outputs.digest }}"}
    tested = "$[ stageDependencies.staging.staging.outputs['staging.tested.digest'] ]"
    assert production["jobs"][0]["variables"] == {"TESTED": tested}
    for found in steps.values():
        names = {job: [step.name for step in found if step.job == job] for job in ("staging", "production")}
        assert names["staging"][-2:] == ["Smoke test", "Tested"]
        order = [name for name in names["production"] if name != "Install"]
        assert order == ["Still tested", "Up", "Same digest", "Smoke test"]


def test_a_project_that_is_there_gets_them_and_nothing_else_is_touched(service: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: mine\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "__main__.py").write_text("print()\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.staging.yaml").write_text("config: {}\n")
    before = files_of(tmp_path)

    done = new(tmp_path, "--pipelines", service)

    after = files_of(tmp_path)
    assert done.returncode == 0, done.stderr
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == [*FILES[service], "stacks/Pulumi.production.yaml"]
    assert "kept as they are" in done.stdout
    assert "mine:promote: staging" in after["stacks/Pulumi.production.yaml"]
    assert '"aciml~=' in after[FILES[service][0]]  # it has no requirements.txt

    again = new(tmp_path, "--pipelines", service)

    assert again.returncode == 1
    assert "is there already; nothing was written" in again.stderr
    assert files_of(tmp_path) == after


def test_a_folder_without_a_project_and_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")

    done = new(tmp_path, "--pipelines", "github")

    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert sorted(files_of(tmp_path)) == ["notes"]
