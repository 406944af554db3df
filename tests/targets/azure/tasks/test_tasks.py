"""Extra steps by ACR Tasks: the SDK's client against the emulated cloud, whose runs really build."""

from __future__ import annotations

import io
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
from azure.mgmt.containerregistrytasks.models import RunStatus
from docker.errors import APIError

from aciml.core.builder import BuilderRefused
from aciml.core.credentials import Credentials
from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.image import Image
from aciml.core.lint import steps_key
from aciml.core.place import Place
from aciml.core.progress import Progress, Silent
from aciml.core.reference import Reference
from aciml.core.steps import parse_steps
from aciml.docker.build import cache_name
from aciml.docker.finish import find_built
from aciml.docker.remote import build_remotely
from aciml.docker.transfer import push_raw
from aciml.images.build.steps import StepsJob, run_steps
from aciml.images.tools import Tools
from aciml.registry.base import copy_image
from aciml.registry.client import RegistryClient
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.registries.life import AzureRegistries
from aciml.targets.azure.tasks.builder import TaskBuilder, build_request, run_limit
from tests.docker.conftest import REPOSITORY as PUSHED
from tests.docker.conftest import registry_host
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.simulators.containers import REPOSITORY as OWN
from tests.simulators.containers import find_busybox, make_image, remove_images
from tests.targets.registries import wanted_registry

__all__ = ["registry_host"]
pytestmark = [pytest.mark.docker, pytest.mark.registry]
REPOSITORY = "azureml/steps"
LOOK = 0.05  # seconds between two looks at a run


class Acting(Heard):
    """A listener that does something when it first hears a line."""

    def __init__(self, word: str, act: Callable[[], None]) -> None:
        super().__init__()
        self._word, self._act = word, act
        self._done = False

    def say(self, text: str) -> None:
        super().say(text)
        if self._word in text and not self._done:
            self._done = True
            self._act()


@dataclass
class Bench:
    """A registry of the emulated cloud with a base in it, and steps sent to its tasks."""

    emulator: Emulator
    session: AzureSession
    registries: AzureRegistries
    host: str
    client: RegistryClient
    digest: str
    keys: list[str] = field(default_factory=list)

    def build(self, lines: list[str], progress: Progress | None = None) -> Image:
        steps = parse_steps(lines, "steps")
        self.keys.append(steps_key(f"{self.digest}-{uuid.uuid4()}", steps, ""))
        return build_remotely(
            TaskBuilder(self.session, self.registries, look=LOOK),
            base=f"{self.host}/{REPOSITORY}@{self.digest}",
            steps=steps,
            context=(),
            ca_bundle=self.emulator.ca_bundle,
            client=self.client,
            repository=f"{self.host}/{REPOSITORY}",
            key=self.keys[-1],
            progress=progress or Silent(),
        )

    def run_ends(self) -> str:
        """Wait until the one run has ended, and return how."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            (run,) = self.session.tasks.runs.list(self.emulator.resource_group, "stepsregistry")
            if run.finish_time:
                return RunStatus(run.status).value
        raise AssertionError("the run does not end")

    def cancel(self) -> None:
        self.session.tasks.runs.cancel(self.emulator.resource_group, "stepsregistry", "ca1")

    def scheduled(self) -> list[dict[str, Any]]:
        return [sent.body for sent in self.emulator.requests() if sent.path.endswith("/scheduleRun")]

    def passing_tags(self) -> list[str]:
        return [tag for tag in self.client.tags(REPOSITORY) if tag.startswith(("raw-", "trust-"))]


@pytest.fixture(scope="session")
def base_digest(
    tiny: docker.DockerClient,
    registry_host: str,  # the fixture
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Push a base of 2 MB in which a shell runs, and give its digest: each test has a copy of it in the cloud."""
    folder = tmp_path_factory.mktemp("base")
    busybox, bash = find_busybox(folder), folder / "bash"
    assert busybox is not None, "the tiny images were made of one"
    bash.write_text('#!/bin/sh\nexec /bin/sh "$@"\n')
    bash.chmod(0o755)
    make_image(tiny, {"bin/sh": busybox, "bin/bash": bash}, "shell", ["ENV PATH=/bin"])
    repository = f"{registry_host}/{PUSHED}"
    push_raw(tiny, f"{OWN}:shell", repository, "1", Credentials(), Silent())
    with RegistryClient(registry_host) as client:
        digest = client.head_manifest(PUSHED, "1")
    assert digest
    yield digest
    remove_images(tiny, repository)


@pytest.fixture
def bench(
    registry_host: str,  # these two are fixtures
    base_digest: str,
    emulator: Emulator,
    azure_config: AzureConfig,
    tmp_path: Path,
) -> Iterator[Bench]:
    session = AzureSession(azure_config, Settings(tmp_path))
    registries = AzureRegistries(session)
    facts = registries.create(wanted_registry("stepsregistry", owner="urn:steps"), Silent())
    base = Reference(registry_host, PUSHED, digest=base_digest)
    with (
        closing(session),
        RegistryClient(registry_host) as source,
        RegistryClient(facts.login_server, registries.credentials(facts.login_server)) as client,
    ):
        copy_image(source, base, client, REPOSITORY, progress=Silent())
        emulator.forget()
        yield Bench(emulator, session, registries, facts.login_server, client, base_digest)


def test_steps_run_in_the_cloud_and_leave_the_clean_image_alone(bench: Bench) -> None:
    listener = Heard(timeout=900)
    image = bench.build(["RUN echo hello > /hello", "ENV GREETING=hello"], listener)

    assert find_built(bench.client, REPOSITORY, bench.keys[-1]) == image
    assert image.env()["GREETING"] == "hello"
    assert bench.passing_tags() == []
    assert b"echo hello" not in image.config()
    assert "step 1 of 2: RUN echo hello > /hello" in listener.lines
    assert any(line.startswith("uploading the steps: 100 % of") for line in listener.lines)
    assert re.fullmatch(
        r"ACR run ca1 took \d+ s, queued \d+ s", [line for line in listener.notes if " took " in line][-1]
    )
    # the request has limits, platform and names, and nothing secret
    (sent,) = bench.scheduled()
    assert {name: value for name, value in sent.items() if name not in ("arguments", "sourceLocation")} == {
        "type": "DockerBuildRequest",
        "imageNames": [f"{REPOSITORY}:raw-{bench.keys[-1]}"],
        "isPushEnabled": True,
        "dockerFilePath": "aciml.Dockerfile",
        "platform": {"os": "Linux", "architecture": "amd64"},
        "timeout": 900,
        "agentConfiguration": {"cpu": 2},
    }
    assert all(argument["value"].startswith("/run/aciml/") for argument in sent["arguments"])


def test_a_failing_step_is_named_with_its_last_words_and_no_signature_or_token_is_said(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Heard()
    with caplog.at_level(logging.DEBUG), pytest.raises(UserError) as caught:
        bench.build(["ENV A=1", "RUN echo last words && exit 7"], listener)

    assert str(caught.value).startswith("step 2 of 2 failed with exit code 7: RUN echo last words && exit 7")
    assert "    last words\n" in str(caught.value)
    assert bench.run_ends() == "Failed"
    assert bench.passing_tags() == []
    said = "\n".join([caplog.text, str(caught.value), *listener.lines, *listener.notes, *listener.warnings])
    assert "/acrstorage/" in caplog.text
    assert not re.search(r"sig=(?!\.\.\.)", said)
    assert not re.search(r"eyJ[A-Za-z0-9_-]{20,}", said)
    assert bench.emulator.client_secret not in said


def test_ctrl_c_cancels_the_run(bench: Bench) -> None:
    with pytest.raises(Cancelled):
        bench.build(["RUN echo begun && sleep 3600"], Heard(": begun"))

    assert bench.run_ends() == "Canceled"
    assert bench.passing_tags() == []


def test_a_run_that_outlasts_what_the_user_allows_is_cancelled(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"ACR run ca1 was not done after \d+ s.*it was cancelled; allow more time"):
        bench.build(["RUN sleep 3600"], Heard(timeout=3))

    assert bench.run_ends() == "Canceled"


def test_a_run_that_acr_stops_for_its_time_says_the_limit(bench: Bench) -> None:
    bench.emulator.fault("task-timeout")
    with pytest.raises(UserError, match=r"(?s)ACR run ca1 was stopped at its limit of 3600 s.*allow more time"):
        bench.build(["RUN true"])


def test_a_run_that_breaks_down_in_acr_is_an_outage(bench: Bench) -> None:
    bench.emulator.fault("task-error")
    with pytest.raises(
        OutageError, match=r"(?s)ACR run ca1 broke down in ACR: the agent was lost.*run the same command"
    ):
        bench.build(["RUN true"])


def test_a_run_that_somebody_else_cancels_is_an_outage(bench: Bench) -> None:
    listener = Acting(": begun", bench.cancel)
    with pytest.raises(OutageError, match="ACR run ca1 was cancelled by somebody else"):
        bench.build(["RUN echo begun && sleep 3600"], listener)


def test_the_time_in_the_queue_is_shown_while_it_lasts(bench: Bench) -> None:
    bench.emulator.fault("task-queue-slow")
    listener = Acting("ACR run ca1 is queued: ", bench.emulator.world.faults.clear)
    bench.build(["ENV A=1"], listener)

    assert "ACR run ca1 is queued: 0 s" in listener.lines


@pytest.mark.parametrize(
    ("fault", "match", "said"),
    [
        ("tasks-not-allowed", "scheduleRun", r"starting the ACR run: Azure answered TasksOperationsNotAllowed .*trial"),
        ("forbidden", "listBuildSourceUploadUrl", r"asking ACR where to upload .*AuthorizationFailed"),
    ],
)
def test_an_account_that_may_run_no_tasks_is_told_from_an_outage(
    bench: Bench, fault: str, match: str, said: str
) -> None:
    bench.emulator.fault(fault, match=match)
    with pytest.raises(BuilderRefused, match=said):
        bench.build(["ENV A=1"])

    assert bench.passing_tags() == []


def test_where_tasks_are_not_allowed_docker_runs_the_steps_and_says_why(
    bench: Bench,
    azure_config: AzureConfig,
    tmp_path: Path,
    engine: docker.DockerClient,  # the fixture
) -> None:
    bench.emulator.fault("tasks-not-allowed")
    settings, listener = Settings(tmp_path), Heard()
    shop = Tools.of(AzureTarget(azure_config, settings), settings)
    job = StepsJob(parse_steps(["RUN echo docker > /by"], "steps"), (), uuid.uuid4().hex, bench.digest)

    try:
        image = run_steps(shop, job, Place(bench.host, REPOSITORY), "acr", listener)
    finally:
        for name in (cache_name(REPOSITORY), f"{bench.host}/{REPOSITORY}@{bench.digest}"):
            with suppress(APIError):
                engine.images.remove(name)

    assert find_built(bench.client, REPOSITORY, job.key) == image
    assert "Azure answered TasksOperationsNotAllowed" in listener.warnings[0]
    assert listener.warnings[0].endswith("; Docker runs the steps instead")
    assert bench.passing_tags() == []


def test_a_registry_of_somebody_else_is_refused(bench: Bench) -> None:
    tasks = TaskBuilder(bench.session, bench.registries)
    with pytest.raises(BuilderRefused, match=r"other.example.com is no registry of subscription"):
        tasks.build(
            io.BytesIO(), dockerfile="d", login_server="other.example.com", name="a:b", arguments={}, hear=print,
            progress=Silent(),
        )  # fmt: skip


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut"])
def test_a_service_that_fails_for_now_is_asked_again(bench: Bench, fault: str) -> None:
    for match in ("GET /subscriptions", "/acrstorage/", "listLogSasUrl"):
        bench.emulator.fault(fault, match=match, times=2)

    assert bench.build(["ENV A=1"]).env()["A"] == "1"
    assert bench.emulator.world.faults.left(fault) < 6  # how often each is asked is the affair of the run


def test_a_log_that_cannot_be_read_is_a_warning(bench: Bench) -> None:
    bench.emulator.fault("forbidden", match="GET /acrstorage/", times=99)
    bench.emulator.fault("forbidden", match="HEAD /acrstorage/", times=99)
    listener = Heard()
    bench.build(["ENV A=1"], listener)

    assert [line for line in listener.warnings if line.startswith("the log of ACR run ca1 cannot be read (")]


def test_an_accepted_run_without_a_name_is_found(bench: Bench) -> None:
    bench.emulator.fault("task-accepted")

    assert bench.build(["ENV A=1"]).env()["A"] == "1"


@pytest.mark.parametrize(("allowed", "limit"), [(0, 3600), (60, 300), (1800.5, 1800), (1e6, 28800)])
def test_a_run_may_take_what_the_user_allows_within_the_bounds_of_acr(allowed: float, limit: int) -> None:
    assert run_limit(allowed) == limit


def test_a_registry_with_roles_by_repository_is_entered_with_the_rights_of_the_caller() -> None:
    request = build_request("s", dockerfile="d", name="a:b", arguments={}, limit=300, by_caller=True)

    assert request.as_dict()["credentials"] == {"sourceRegistry": {"identity": "[caller]"}}
