"""The emulated ACR Tasks, held to what their client and the protocol of ``az acr build`` expect."""

from __future__ import annotations

import base64
import io
import tarfile
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError

from aciml.core.credentials import Credentials
from aciml.registry.client import RegistryClient
from tests.simulators.azure.blobs import Blobs
from tests.simulators.azure.tokens import TOKEN_USER
from tests.simulators.containers import missing_engine

if TYPE_CHECKING:
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

    from tests.simulators.azure.emulator import Emulator

pytestmark = [pytest.mark.registry, pytest.mark.docker]
GROUP, REGISTRY = "emulated", "images"
BASE = "debian:bookworm-slim"
ENDED = {"Succeeded", "Failed", "Canceled", "Error", "Timeout"}
PATIENCE = 60.0  # seconds until a test gives up; never reached when all is well


class Workshop:
    """Runs builds the way ``az acr build`` does."""

    def __init__(self, emulator: Emulator, client: ContainerRegistryTasksMgmtClient, login_server: str) -> None:
        self.emulator, self.client, self.login_server = emulator, client, login_server
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.verify = str(emulator.ca_bundle)

    def upload(self, dockerfile: str) -> str:
        """Upload a context and return its relative path."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            member = tarfile.TarInfo("steps/Dockerfile")
            member.size = len(dockerfile.encode())
            tar.addfile(member, io.BytesIO(dockerfile.encode()))
        place = self.client.registries.get_build_source_upload_url(GROUP, REGISTRY)
        headers = {"x-ms-blob-type": "BlockBlob"}
        answer = self.web.put(str(place.upload_url), packed.getvalue(), headers=headers, timeout=20)
        assert answer.status_code == 201, answer.text
        return str(place.relative_path)

    def schedule(self, dockerfile: str, *names: str, **more: Any) -> str:
        """Start a quick build and return the id of its run."""
        body: Any = {
            "type": "DockerBuildRequest",
            "dockerFilePath": "steps/Dockerfile",
            "imageNames": list(names),
            "sourceLocation": self.upload(dockerfile),
            "platform": {"os": "Linux", "architecture": "amd64"},
            "timeout": 600,
            **more,
        }
        return str(self.client.registries.schedule_run(GROUP, REGISTRY, body).run_id)

    def status(self, run_id: str) -> str:
        seen = self.client.runs.get(GROUP, REGISTRY, run_id).status
        return str(getattr(seen, "value", seen))

    def reach(self, run_id: str, *wanted: str) -> Any:
        """Wait for a status and return the run."""
        deadline = time.monotonic() + PATIENCE
        while (seen := self.status(run_id)) not in wanted:
            assert seen not in ENDED, f"the run is {seen}: {self.log(run_id)[1]}"
            assert time.monotonic() < deadline, f"the run is still {seen}"
            time.sleep(0.02)
        return self.client.runs.get(GROUP, REGISTRY, run_id)

    def log(self, run_id: str) -> tuple[str, str]:
        """Return how a log says that it is complete, and the log."""
        link = self.client.runs.get_log_sas_url(GROUP, REGISTRY, run_id).log_link
        answer = self.web.get(str(link), timeout=20)
        return answer.headers.get("x-ms-meta-complete", ""), answer.text

    def until_log_has(self, run_id: str, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.log(run_id)[1]:
            assert time.monotonic() < deadline, f"no {text} in {self.log(run_id)[1]}"
            time.sleep(0.02)


@pytest.fixture
def workshop(emulator: Emulator, tasks: ContainerRegistryTasksMgmtClient, login_server: str) -> Iterator[Workshop]:
    if reason := missing_engine():
        pytest.skip(reason)
    made = Workshop(emulator, tasks, login_server)
    yield made
    made.web.close()


@pytest.fixture
def base() -> str:
    """An image of the engine in which a shell runs."""
    import docker

    engine = docker.from_env()
    try:
        engine.images.get(BASE)
    except docker.errors.ImageNotFound:
        pytest.skip(f"the engine does not have the image {BASE}")
    finally:
        engine.close()
    return BASE


def test_a_build_is_pushed_and_its_log_kept(workshop: Workshop) -> None:
    words = f"FROM scratch\nARG WORD=none\nENV WORD=$WORD\nCOPY steps /\nLABEL one={uuid.uuid4()}\n"
    run_id = workshop.schedule(words, "team/app:{{.Run.ID}}", arguments=[{"name": "WORD", "value": "said"}])
    run = workshop.reach(run_id, "Succeeded")

    image = run.output_images[0]
    assert (image.registry, image.repository, image.tag) == (workshop.login_server, "team/app", run_id)
    assert run.create_time <= run.start_time <= run.finish_time
    account = Credentials(TOKEN_USER, workshop.emulator.world.parts["fronts"].password(workshop.login_server))
    with RegistryClient(workshop.login_server, account) as client:
        assert client.head_manifest("team/app", run_id) == image.digest
    complete, log = workshop.log(run_id)
    assert complete == "successful"
    assert log.count("\n") == log.count("\r\n") > 5
    for line in ("Step 2/5 : ARG WORD=none", f"Run ID: {run_id} was successful after", image.digest):
        assert line in log


def test_a_base_in_the_registry_is_pulled_with_the_rights_of_the_run(workshop: Workshop) -> None:
    mark = uuid.uuid4().hex
    first = workshop.reach(workshop.schedule(f"FROM scratch\nLABEL one={mark}\nCOPY steps /\n", "base:v1"), "Succeeded")
    named = f"{workshop.login_server}/base@{first.output_images[0].digest}"
    run_id = workshop.schedule(
        f"ARG BASE=none\nFROM $BASE\nLABEL two={mark}\n", "app:v1", arguments=[{"name": "BASE", "value": named}]
    )
    workshop.reach(run_id, "Succeeded")
    assert any(
        line.startswith("GET /v2/base/manifests/") for line in workshop.emulator.world.parts["fronts"].traffic().lines
    )


def test_a_step_that_fails_fails_the_run_and_pushes_nothing(workshop: Workshop, base: str) -> None:
    run_id = workshop.schedule(f"FROM {base}\nRUN echo seen-{uuid.uuid4().hex} && exit 3\n", "app:v1")
    run = workshop.reach(run_id, "Failed")
    assert not run.output_images
    complete, log = workshop.log(run_id)
    assert complete == "failed"
    assert "returned a non-zero code: 3" in log
    assert workshop.emulator.world.parts["fronts"].of(REGISTRY).index.names() == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"dockerFilePath": "Elsewhere"}, "the source has no Elsewhere"),
        ({"sourceLocation": "source/none.tar.gz"}, "the source was not uploaded"),
    ],
)
def test_a_source_that_is_not_there_fails_the_run(workshop: Workshop, more: dict[str, str], why: str) -> None:
    run_id = workshop.schedule("FROM scratch\n", "app:v1", **more)
    workshop.reach(run_id, "Failed")
    assert why in workshop.log(run_id)[1]


def test_a_cancelled_run_stops_in_the_middle_of_a_step(workshop: Workshop, base: str) -> None:
    run_id = workshop.schedule(f"FROM {base}\nRUN echo begun-{uuid.uuid4().hex} && sleep 600\n", "app:v1")
    workshop.until_log_has(run_id, "\nbegun-")
    workshop.client.runs.cancel(GROUP, REGISTRY, run_id)
    run = workshop.reach(run_id, "Canceled")
    assert run.finish_time
    assert workshop.log(run_id)[0] == "canceled"


def unlike_any() -> str:
    """Return a Dockerfile: of equal images in one engine, whoever is done first takes the other's away."""
    return f"FROM scratch\nLABEL one={uuid.uuid4()}\nCOPY steps /\n"


def test_runs_are_listed_newest_first_filtered_and_updated(workshop: Workshop) -> None:
    for tag in ("one", "two"):
        workshop.reach(workshop.schedule(unlike_any(), f"app:{tag}"), "Succeeded")
    listed = workshop.client.runs.list(GROUP, REGISTRY, top=1)
    assert [run.name for run in listed] == ["ca2"]
    assert not list(workshop.client.runs.list(GROUP, REGISTRY, filter="Status eq 'Failed'"))
    body: Any = {"isArchiveEnabled": True}
    changed = workshop.client.runs.update(GROUP, REGISTRY, "ca1", body)
    assert changed.as_dict()["properties"]["isArchiveEnabled"] is True


def test_a_task_file_with_build_and_push_runs(workshop: Workshop) -> None:
    content = (
        "steps:\n- build: -t $Registry/file:{{.Run.ID}} -f steps/Dockerfile .\n- push: ['$Registry/file:{{.Run.ID}}']\n"
    )
    body: Any = {
        "type": "EncodedTaskRunRequest",
        "encodedTaskContent": base64.b64encode(content.encode()).decode(),
        "sourceLocation": workshop.upload(unlike_any()),
        "platform": {"os": "Linux", "architecture": "amd64"},
    }
    run_id = str(workshop.client.registries.schedule_run(GROUP, REGISTRY, body).run_id)
    assert workshop.reach(run_id, "Succeeded").output_images[0].repository == "file"


def test_the_queue_the_time_and_the_service_fail_by_name(workshop: Workshop) -> None:
    workshop.emulator.fault("task-queue-slow")
    waiting = workshop.schedule(unlike_any(), "app:v1")
    assert workshop.status(waiting) == "Queued"
    workshop.emulator.fault("tasks-not-allowed")
    with pytest.raises(HttpResponseError, match="TasksOperationsNotAllowed") as caught:
        workshop.schedule("FROM scratch\n", "app:v2")
    assert caught.value.status_code == 403
    for fault, status in (("task-timeout", "Timeout"), ("task-error", "Error")):
        workshop.emulator.fault(fault)
        workshop.reach(workshop.schedule("FROM scratch\n", "app:v3"), status)
    workshop.emulator.world.faults.clear()
    workshop.reach(waiting, "Succeeded")


def test_a_timeout_out_of_bounds_is_refused(workshop: Workshop) -> None:
    with pytest.raises(HttpResponseError, match="InvalidTimeout"):
        workshop.schedule("FROM scratch\n", "app:v1", timeout=10)
    workshop.emulator.violations.clear()  # the published bounds forbid to ask for it


def test_signed_urls_are_good_for_their_blob_their_time_and_their_permission(emulator: Emulator) -> None:
    blobs: Blobs = emulator.world.parts["blobs"]
    blobs.append("source/a", b"0123456789", complete="yes")
    with requests.Session() as web:
        web.trust_env, web.verify = False, str(emulator.ca_bundle)
        good = blobs.url("source/a", "r")

        def code(answer: requests.Response) -> tuple[int, str]:
            return answer.status_code, answer.headers.get("x-ms-error-code", "")

        assert web.get(good, timeout=20).content == b"0123456789"
        assert web.head(good, timeout=20).headers["x-ms-meta-complete"] == "yes"
        part = web.get(good, headers={"x-ms-range": "bytes=3-5"}, timeout=20)
        assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"345", "bytes 3-5/10")
        assert code(web.get(good, headers={"Range": "bytes=10-"}, timeout=20)) == (416, "InvalidRange")
        assert code(web.get(good.replace("/a?", "/b?"), timeout=20)) == (403, "AuthenticationFailed")
        assert code(web.get(good.replace("sp=r", "sp=rw"), timeout=20)) == (403, "AuthenticationFailed")
        assert code(web.get(blobs.url("source/a", "r", life=-1), timeout=20)) == (403, "AuthenticationFailed")
        assert code(web.put(good, b"", timeout=20)) == (403, "AuthorizationPermissionMismatch")
        assert code(web.get(blobs.url("source/none", "r"), timeout=20)) == (404, "BlobNotFound")
        assert code(web.put(blobs.url("source/a", "w"), b"", timeout=20)) == (400, "MissingRequiredHeader")


def test_a_blob_is_put_in_blocks(emulator: Emulator) -> None:
    blobs: Blobs = emulator.world.parts["blobs"]
    url = blobs.url("source/c", "rcw")
    names = [base64.b64encode(name).decode() for name in (b"one", b"two")]
    with requests.Session() as web:
        web.trust_env, web.verify = False, str(emulator.ca_bundle)
        for name, block in zip(names, (b"first ", b"second"), strict=True):
            answer = web.put(url, block, params={"comp": "block", "blockid": name}, timeout=20)
            assert answer.status_code == 201
        assert web.head(url, timeout=20).status_code == 404
        listed = "".join(f"<Latest>{name}</Latest>" for name in names)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
        assert web.put(url, body.encode(), params={"comp": "blocklist"}, timeout=20).status_code == 201
        assert web.get(url, timeout=20).content == b"first second"
