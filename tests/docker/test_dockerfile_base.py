"""Bases from the user's own Dockerfile, built by a real engine and pushed to a real registry."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from aciml.core.errors import UserError
from aciml.core.image import Image
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.docker.base_build import DockerfileJob, build_dockerfile
from aciml.docker.finish import find_built
from aciml.images.dockerfile_base import read_draft
from aciml.registry.pull import pull_image
from aciml.targets.protocol import Credentials
from tests.docker.conftest import Kitchen
from tests.registry.images import Listener

pytestmark = [pytest.mark.docker, pytest.mark.registry]
_keys = itertools.count(1)


def job_of(kitchen: Kitchen, text: str, **inputs: object) -> DockerfileJob:
    """Read a Dockerfile in which BASE is the base of these tests; its key is its own."""
    draft, findings = read_draft(
        {"dockerfileText": text.replace("BASE", f"{kitchen.host}/{kitchen.repository}:1"), **inputs}
    )
    assert findings == []
    assert draft
    images = dict.fromkeys(draft.dockerfile.images, kitchen.digest)
    key = replace(draft, arguments={**draft.arguments, "test": str(next(_keys))}).key(images)
    return DockerfileJob(draft.dockerfile, images, draft.context, draft.arguments, key, draft.secrets)


def build(kitchen: Kitchen, job: DockerfileJob, progress: Listener | None = None) -> Image:
    return build_dockerfile(
        kitchen.engine,
        job,
        client=kitchen.client,
        repository=f"{kitchen.host}/{kitchen.repository}",
        credentials=Credentials(),
        progress=progress or Silent(),
    )


def layers_below(kitchen: Kitchen) -> tuple[str, ...]:
    found = pull_image(kitchen.client, Reference(kitchen.host, kitchen.repository, digest=kitchen.digest))
    return tuple(layer.digest for layer in found.image.layers)


def test_a_stage_takes_from_another_stage_and_stands_on_the_very_layers_of_its_base(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    (tmp_path / "data.txt").write_text("from the context\n")
    text = """ARG FLAVOUR=plain
FROM BASE AS builder
ARG WORD
COPY data.txt /data.txt
RUN <<EOF
echo "made of $WORD" > /made
EOF
FROM BASE AS runtime
COPY --from=builder /made /data.txt /opt/
ENV KIND=runtime
FROM runtime AS tests
RUN exit 3
"""
    job = job_of(kitchen, text, buildContext=str(tmp_path), buildTarget="runtime", buildArgs={"WORD": "oak"})

    image = build(kitchen, job)

    assert kitchen.run(image, "cat", "/opt/made", "/opt/data.txt") == "made of oak\nfrom the context\n"
    assert tuple(layer.digest for layer in image.layers[:-1]) == layers_below(kitchen)
    assert image.env()["KIND"] == "runtime"
    assert b"oak" not in image.config()
    assert find_built(kitchen.client, kitchen.repository, job.key) == image


def test_an_image_from_scratch_has_its_own_layers_alone(kitchen: Kitchen) -> None:
    image = build(kitchen, job_of(kitchen, "FROM BASE AS b\nRUN echo hi > /hi\nFROM scratch\nCOPY --from=b /hi /hi\n"))

    assert len(image.layers) == 1
    assert image.created == "2000-01-01T00:00:00Z"


def test_a_failing_instruction_is_named_with_its_line(kitchen: Kitchen) -> None:
    job = job_of(kitchen, "FROM BASE AS one\nRUN true\n\nFROM one\nRUN echo last words && exit 7\n")

    with pytest.raises(UserError) as caught:
        build(kitchen, job)

    assert str(caught.value).startswith("Dockerfile:5: step 4 of 4 failed with exit code 7: RUN echo last words")


def test_copying_from_an_image_takes_the_pinned_one(kitchen: Kitchen) -> None:
    image = build(kitchen, job_of(kitchen, "FROM BASE\nCOPY --from=BASE /etc/debian_version /copied\n"))

    assert kitchen.run(image, "cat", "/copied").startswith("12")


def test_a_certificate_bundle_is_trusted_in_every_stage_and_is_in_no_layer(kitchen: Kitchen, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    text = (
        "FROM BASE AS a\nRUN cat $SSL_CERT_FILE > /seen\nFROM BASE\nCOPY --from=a /seen /seen\nRUN test -s $PIP_CERT\n"
    )
    image = build(kitchen, replace(job_of(kitchen, text), ca_bundle=bundle))

    assert len(image.layers) == len(layers_below(kitchen)) + 1
    assert kitchen.run(image, "ls", "/run").split() == kitchen.run(image, "ls", "/run").split()
    assert "aciml" not in kitchen.run(image, "ls", "/run")
    assert "PIP_CERT" not in image.env()


def test_what_needs_buildkit_says_so_where_there_is_none(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    job = job_of(kitchen, "FROM BASE\nRUN --mount=type=cache,target=/c true\n")

    with pytest.raises(UserError, match="line 2: RUN --mount needs BuildKit, and docker buildx is not here"):
        build(kitchen, job)


def has_buildx() -> bool:
    try:
        return subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not has_buildx(), reason="docker buildx is not here")
def test_a_secret_reaches_its_instruction_and_nothing_else(kitchen: Kitchen) -> None:
    secrets: Mapping[str, str] = {"token": "pa55word-of-the-index"}
    text = """FROM BASE
RUN --mount=type=secret,id=token cat /run/secrets/token && sha256sum /run/secrets/token | cut -c1-8 > /seen
"""
    heard = Listener()
    job = job_of(kitchen, text, buildSecrets=secrets)

    image = build(kitchen, job, heard)

    assert kitchen.run(image, "cat", "/seen") != ""
    assert "***" in "\n".join(heard.lines)
    told = "\n".join([*heard.lines, repr(job)]) + image.config().decode() + image.manifest().decode()
    assert "pa55word" not in told
    assert kitchen.run(image, "find", "/run/secrets", "-type", "f", "-size", "+0") == ""


@pytest.mark.skipif(not has_buildx(), reason="docker buildx is not here")
def test_buildkit_names_what_failed_without_the_secret(kitchen: Kitchen) -> None:
    text = "FROM BASE\nRUN --mount=type=secret,id=token echo $(cat /run/secrets/token) last words && exit 9\n"

    with pytest.raises(UserError) as caught:
        build(kitchen, job_of(kitchen, text, buildSecrets={"token": "pa55word"}))

    assert "*** last words" in str(caught.value)
    assert "pa55word" not in str(caught.value)
