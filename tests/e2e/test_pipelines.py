"""What ``aciml new --pipelines`` writes, run as its service would: in a clean container, against the emulated cloud."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aciml.settings import Settings
from bootstrap.venv import write_programs
from tests.e2e.project import PASSPHRASE, ROOT
from tests.e2e.python import cold_python
from tests.e2e.runner import Runner, Step, azure_said, azure_steps, github_steps
from tests.simulators.azure.emulator import Emulator
from tests.simulators.pull_requests import TOKEN, PullRequest, azure_devops, github

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not here"),
]


NETWORK = ("SSL_CERT", "REQUESTS_CA", "CURL_CA", "UV_", "PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


class Pipelines:
    """A project with pipelines in a folder of its own, whose stacks are in the emulated cloud."""

    def __init__(self, folder: Path, cloud: Emulator, pull: PullRequest) -> None:
        self.name, self.cloud, self.pull = f"pl{uuid.uuid4().hex[:8]}", cloud, pull
        self.folder, programs, state = folder / "checkout", folder / "programs", folder / "state"
        for made in (programs, state):
            made.mkdir()
        write_programs(programs, Path(sys.executable))
        cli = Path(str(shutil.which("pulumi"))).resolve().parent
        cache = Settings.read().cache
        event = folder / "event.json"
        event.write_text(json.dumps({"number": 7, "pull_request": {"number": 7}}))
        mirrors = {"ACIML_MIRRORS": str(cache / "mirrors.toml")} if (cache / "mirrors.toml").exists() else {}
        # how this machine reaches an index at all: a network of one's own sets these on its runners, too
        network = {name: value for name, value in os.environ.items() if name.upper().startswith(NETWORK)}
        environ = {
            **mirrors,
            **network,
            "PYTHONPATH": str(ROOT / ".venv/packages"),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "GITHUB_PATH": str(folder / "github-path"),
            "GITHUB_OUTPUT": str(folder / "github-output"),
            "GITHUB_REPOSITORY": "team/scoring",
            "GITHUB_API_URL": pull.url,
            "GITHUB_EVENT_PATH": str(event),
        }
        python = cold_python()
        path = f"{programs}:{python}:{Path(sys.executable).parent}:{cli}:/usr/bin:/bin"
        real = (ROOT / ".venv/bin").resolve().parent
        files = [Path(value) for value in network.values() if value.startswith("/") and Path(value).exists()]
        self.runner = Runner(self.folder, (real, cli.parent, cache, python, *files), path, environ)
        self.known = {
            "vars.PULUMI_BACKEND_URL": state.as_uri(),
            "secrets.PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "github.token": TOKEN,
        }

    def write(self, service: str) -> None:
        """Write the project as a user does, and lead its stacks to the cloud of the test."""
        self.run(self.step(f"aciml new {self.folder} --name {self.name} --pipelines {service}"))
        bundle = self.folder.parent / "authorities.pem"
        shutil.copy(self.cloud.ca_bundle, bundle)
        for stack in ("staging", "production"):
            path = self.folder / f"Pulumi.{stack}.yaml"
            lines = path.read_text().splitlines()
            kept = [line for line in lines if f"{self.name}:" in line or line.startswith("    ")]
            config = self.cloud.config(caBundle=str(bundle))
            place = [f"  aciml:{key}: {json.dumps(value)}" for key, value in config.items()]
            path.write_text("\n".join(["config:", *place, *kept]) + "\n")

    def step(self, script: str) -> Step:
        return Step("by hand", script, script, {})

    def run(self, step: Step, more: Mapping[str, str] | None = None) -> str:
        """Run a step, with more variables than its own; what it printed."""
        done = self.runner.run(replace(step, variables={**step.variables, **(more or {})}))
        assert done.returncode == 0, f"{step.job}, {step.name}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def pipelines(tmp_path: Path, cloud: Emulator) -> Iterator[Pipelines]:
    cloud.reset()
    with github() as pull:
        made = Pipelines(tmp_path, cloud, pull)
        # so that the container's user, root, is who may write and remove
        try:
            yield made
        finally:
            made.runner.close()
    cloud.reset()


def test_a_pull_request_is_commented_and_main_goes_to_production_by_the_same_digest(pipelines: Pipelines) -> None:
    pipelines.folder.mkdir()
    pipelines.write("github")
    pipelines.run(pipelines.step("aciml lock --stack staging"))
    flows = pipelines.folder / ".github/workflows"
    skipped = {"Install"}  # it is installed: the wheel is not in an index yet

    preview = [step for step in github_steps(flows / "preview.yml", pipelines.known) if step.name not in skipped]
    for step in (*preview, preview[-1]):  # a second run changes the comment
        pipelines.run(step)
    assert len(pipelines.pull.bodies) == 1
    assert f"`{pipelines.name}/staging`" in pipelines.pull.bodies[0]
    assert "image of the environment" in pipelines.pull.bodies[0]
    assert [line.split()[0] for line in pipelines.pull.requests if not line.startswith("GET")] == ["POST", "PATCH"]
    said: dict[str, str] = {}
    for job in ("staging", "production"):
        deploy = [step for step in github_steps(flows / "deploy.yml", pipelines.known) if step.name not in skipped]
        said |= {f"{job}: {step.name}": pipelines.run(step) for step in deploy if step.job == job}
        digest = (pipelines.folder.parent / "github-output").read_text().partition("digest=")[2].strip()
        pipelines.known["needs.staging.outputs.digest"] = digest

    staging = ("staging: Lock", "staging: Up", "staging: Smoke test", "staging: Tested")
    names = ("production: Still tested", "production: Up", "production: Same digest", "production: Smoke test")
    assert list(said) == [*staging, *names]
    assert digest.startswith("sha256:")
    for stack in ("staging", "production"):
        assert json.loads(said[f"{stack}: Smoke test"].splitlines()[-1]) == {"predictions": [7.5, 3.0]}

    # the stacks are up: what is left to see is whether Azure's commands run, in their order and with their variables
    with azure_devops() as pull:
        azure = run_on_azure(pipelines, pull)
    assert f"`{pipelines.name}/staging`" in pull.bodies[0]
    assert "no changes" in pull.bodies[0]
    assert "[Report of the images](http" in pull.bodies[0]
    assert list(azure) == [
        "preview: Preview",
        "preview: Report",
        "preview: Comment",
        *staging_of(said),
        *list(said)[4:],
    ]
    assert azure_said(azure["staging: Tested"]) == {"digest": digest}
    assert json.loads(azure["production: Smoke test"].splitlines()[-1]) == {"predictions": [7.5, 3.0]}


def run_on_azure(pipelines: Pipelines, pull: PullRequest) -> dict[str, str]:
    """Run the file of Azure Pipelines in the same checkout; return what each step printed."""
    other = pipelines.folder.parent / "azure"
    pipelines.runner.close()
    pipelines.run(pipelines.step(f"aciml new {other} --name {pipelines.name} --pipelines azure"))
    # what the agent sets for every step ("Predefined variables")
    agent = {
        "SYSTEM_COLLECTIONURI": f"{pull.url}/team/", "SYSTEM_TEAMPROJECT": "models", "SYSTEM_TEAMPROJECTID": "p1",
        "BUILD_REPOSITORY_ID": "r1", "BUILD_BUILDID": "42", "SYSTEM_PULLREQUEST_PULLREQUESTID": "7", "REPORT": "",
        "PULUMI_BACKEND_URL": pipelines.known["vars.PULUMI_BACKEND_URL"],
    }  # fmt: skip
    known, said = {**pipelines.known, "System.AccessToken": TOKEN}, dict[str, str]()
    for step in azure_steps(other / "azure-pipelines.yml", known):
        if step.name == "Install":
            continue
        said[f"{step.job}: {step.name}"] = printed = pipelines.run(step, agent)
        told = azure_said(printed)
        agent |= {"TESTED" if name == "digest" else name: value for name, value in told.items()}
    return said


def staging_of(said: Mapping[str, str]) -> list[str]:
    """Return the steps on staging: Azure has no `Lock` of its own, it is part of `Up`."""
    return [one for one in said if one.startswith("staging:") and one != "staging: Lock"]
