"""What goes to ACR Tasks besides extra steps: link scripts of packages, and Dockerfiles without their secrets."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from pathlib import Path

import pytest

from aciml.conda.scripts import LinkScript
from aciml.core.conda_lock import LockedPackage
from aciml.core.errors import UserError
from aciml.core.image import Image
from aciml.core.layer import PREFIX
from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.core.recipe import DockerfileBase
from aciml.core.reference import Reference
from aciml.core.steps import parse_steps
from aciml.docker.base_build import build_dockerfile_remotely
from aciml.images.build.steps import LinkJob, find_linked, run_linked
from aciml.images.plan.dockerfile import read_draft
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.registry.pull import pull_image
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.tasks.builder import TaskBuilder
from tests.heard import Heard
from tests.simulators.azure.blobs import blobs_of
from tests.targets.azure.tasks.test_tasks import LOOK, REPOSITORY, Bench, base_digest, bench, registry_host

__all__ = ["base_digest", "bench", "registry_host"]
pytestmark = [pytest.mark.docker, pytest.mark.registry]
SCRIPT = f"{PREFIX}/bin/.good-post-link.sh"


def below(at: Bench) -> Image:
    return pull_image(at.client, Reference(at.host, REPOSITORY, digest=at.digest)).image


def build(at: Bench, job: DockerfileBase) -> Image:
    return build_dockerfile_remotely(
        TaskBuilder(at.session, at.registries, look=LOOK),
        job,
        client=at.client,
        repository=f"{at.host}/{REPOSITORY}",
        progress=Silent(),
    )


def sent_dockerfile(at: Bench) -> str:
    """Return the Dockerfile of the one context that was uploaded."""
    (request,) = at.scheduled()
    with tarfile.open(fileobj=io.BytesIO(blobs_of(at.emulator.world).read(request["sourceLocation"]) or b"")) as tar:
        member = tar.extractfile("aciml.Dockerfile")
        assert member
        return member.read().decode()


def test_link_scripts_run_in_the_cloud_in_the_image_of_the_packages(
    bench: Bench, azure_config: AzureConfig, tmp_path: Path
) -> None:
    package = LockedPackage("good", "1.0", "0", "noarch", "conda-forge", "good-1.0-0.conda", "0" * 64, 0)
    step = LinkScript(package, "bin/.good-post-link.sh").step
    prepared = bench.build([f"RUN mkdir -p {PREFIX}/bin && echo 'echo $PKG_NAME > $PREFIX/was-run' > {SCRIPT}"])
    bench.emulator.forget()
    settings, listener = Settings(tmp_path), Heard()
    shop = Tools.of(AzureTarget(azure_config, settings), settings)
    place = Place(bench.host, REPOSITORY)
    job = LinkJob(parse_steps([step], "postLink"), prepared.with_env(RUN=uuid.uuid4().hex))

    layers = run_linked(shop, job, place, "acr", listener, {})

    (sent,) = bench.scheduled()
    assert sent["imageNames"] == [f"{REPOSITORY}:raw-{job.key}"]
    text = sent_dockerfile(bench)
    assert text.startswith(f"FROM {bench.host}/{REPOSITORY}@sha256:")
    assert text.endswith(f"{step}\n")
    assert len(layers) == 1
    assert find_linked(shop, job, place) == layers
    blob = bench.client.read_blob(REPOSITORY, layers[0].digest)
    with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
        member = tar.extractfile(f"{PREFIX.lstrip('/')}/was-run")
        assert member
        assert member.read() == b"good\n"


def test_a_dockerfile_of_the_cloud_takes_its_arguments_and_no_secret_leaves_this_machine(bench: Bench) -> None:
    name = f"{bench.host}/{REPOSITORY}@{bench.digest}"
    text = f"FROM {name}\nARG WORD\nRUN echo $WORD > /word\n"
    values = {"dockerfileText": text, "buildArgs": {"WORD": "said"}, "buildSecrets": {"token": "pa55word"}}
    draft, findings = read_draft(read_environment(values).base)
    assert draft
    assert findings == []
    images = dict.fromkeys(draft.dockerfile.images, bench.digest)
    key = uuid.uuid4().hex

    with pytest.raises(UserError, match="buildSecrets needs BuildKit, which the target's builder does not have"):
        build(bench, DockerfileBase(draft.dockerfile, images, (), draft.arguments, key, draft.secrets))
    assert bench.scheduled() == []

    image = build(bench, DockerfileBase(draft.dockerfile, images, (), draft.arguments, key))
    (sent,) = bench.scheduled()
    assert {"name": "WORD", "value": "said", "isSecret": False} in sent["arguments"]
    assert len(image.layers) == len(below(bench).layers) + 1
    bodies = json.dumps([recorded.body for recorded in bench.emulator.requests()], default=repr)
    assert "pa55word" not in bodies
    assert "pa55word" not in sent_dockerfile(bench)
