"""Bases from the user's own Dockerfile, built by a real engine and pushed to a real registry."""

from __future__ import annotations

import contextlib
import itertools
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from aciml.core.credentials import Credentials
from aciml.core.errors import UserError
from aciml.core.image import Image
from aciml.core.progress import Silent
from aciml.core.recipe import DockerfileBase
from aciml.core.reference import Reference
from aciml.docker.base_build import build_dockerfile, build_dockerfile_remotely
from aciml.docker.build import cache_name
from aciml.docker.finish import find_built
from aciml.images.plan.dockerfile import read_draft
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.registry.pull import pull_image
from aciml.resources.environment import EnvironmentImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.docker.conftest import REPOSITORY, Kitchen
from tests.docker.elsewhere import Elsewhere
from tests.heard import Heard

pytestmark = [pytest.mark.docker, pytest.mark.registry]
_keys = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def tidy(engine: docker.DockerClient, registry_host: str) -> Iterator[None]:
    """Leave nothing of these repositories in the engine."""
    yield
    for repository in (f"{REPOSITORY}:base", "env/dockerfile:base", "env/steps:base", "env/steps"):
        with contextlib.suppress(DockerException):
            engine.images.remove(cache_name(repository))
    # the summaries: to look at each image would fail where another process removes one meanwhile
    for found in engine.api.images():
        for name in found.get("RepoDigests") or ():
            if name.startswith(f"{registry_host}/env/"):
                engine.images.remove(name)


def job_of(kitchen: Kitchen, text: str, **inputs: object) -> DockerfileBase:
    """Read a Dockerfile in which BASE is the base of these tests; its key is its own."""
    values = {"dockerfileText": text.replace("BASE", f"{kitchen.host}/{kitchen.repository}:1"), **inputs}
    draft, findings = read_draft(read_environment(values).base)
    assert findings == []
    assert draft
    images = dict.fromkeys(draft.dockerfile.images, kitchen.digest)
    key = replace(draft, arguments={**draft.arguments, "test": str(next(_keys))}).key(images)
    return DockerfileBase(draft.dockerfile, images, draft.context, draft.arguments, key, draft.secrets)


def build(kitchen: Kitchen, job: DockerfileBase, progress: Heard | None = None, ca_bundle: Path | None = None) -> Image:
    return build_dockerfile(
        kitchen.engine,
        job,
        ca_bundle=ca_bundle,
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
    job = job_of(kitchen, "FROM BASE AS one\nENV A=1\n\nFROM one\nRUN echo last words && exit 7\n")

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
    image = build(kitchen, job_of(kitchen, text), ca_bundle=bundle)

    assert len(image.layers) == len(layers_below(kitchen)) + 1
    assert "aciml" not in kitchen.run(image, "ls", "/run")
    assert "PIP_CERT" not in image.env()


def test_what_needs_buildkit_says_so_where_there_is_none(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aciml.docker.buildkit.has_buildkit", lambda _: False)
    job = job_of(kitchen, "FROM BASE\nRUN --mount=type=cache,target=/c true\n")

    with pytest.raises(UserError, match="line 2: RUN --mount needs BuildKit, and this engine does not have it"):
        build(kitchen, job)


def test_a_secret_reaches_its_instruction_and_nothing_else(kitchen: Kitchen) -> None:
    secrets: Mapping[str, str] = {"token": "pa55word-of-the-index"}
    text = """FROM BASE
RUN --mount=type=secret,id=token cat /run/secrets/token && sha256sum /run/secrets/token | cut -c1-8 > /seen
"""
    heard = Heard()
    once = text.replace("RUN", f"ENV RUN_OF_THIS_TEST={uuid.uuid4().hex}\nRUN", 1)  # BuildKit's cache has the text's
    job = job_of(kitchen, once, buildSecrets=secrets)

    image = build(kitchen, job, heard)

    seen = kitchen.run(image, "sh", "-c", "cat /seen; find /run/secrets -type f -size +0")
    assert re.fullmatch("[0-9a-f]{8}\n", seen)  # of the secret, and no file of it
    assert "***" in "\n".join(heard.lines)
    shown = [*heard.lines, *heard.notes, *heard.warnings, repr(job), image.config().decode(), image.manifest().decode()]
    told = "\n".join(shown)
    assert "pa55word" not in told


def test_buildkit_names_what_failed_without_the_secret(kitchen: Kitchen) -> None:
    text = "FROM BASE\nRUN --mount=type=secret,id=token echo $(cat /run/secrets/token) last words && exit 9\n"

    with pytest.raises(UserError) as caught:
        build(kitchen, job_of(kitchen, text, buildSecrets={"token": "pa55word"}))

    assert str(caught.value).startswith("Dockerfile:2: step 2 of 2 failed with exit code 9: RUN --mount=type=secret")
    assert "*** last words" in str(caught.value)
    assert "pa55word" not in str(caught.value)


def test_buildkit_names_the_users_line_though_the_bundle_adds_instructions(kitchen: Kitchen, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    heard = Heard()
    text = f"""FROM BASE AS a
RUN --mount=type=cache,target=/c echo {uuid.uuid4().hex} > /a

FROM BASE
COPY --from=a /a /a
RUN echo reached && \\
    exit 7
"""

    with pytest.raises(
        UserError, match=r"^Dockerfile:6: step 5 of 5 failed with exit code 7: RUN echo reached"
    ) as seen:
        build(kitchen, job_of(kitchen, text), heard, ca_bundle=bundle)

    assert str(seen.value).count("\n    reached") == 1
    assert "step 2 of 5: RUN --mount=type=cache" in "\n".join(heard.lines)


def test_an_environment_on_a_dockerfile_is_built_once_and_then_foreseen(kitchen: Kitchen, tmp_path: Path) -> None:
    text = f"FROM {kitchen.host}/{kitchen.repository}:1\nRUN echo {next(_keys)} > /made\nENV A=1\n"
    place = {"loginServer": kitchen.host, "repository": "env/dockerfile"}
    values = {**place, "dockerfileText": text, "serverRequirements": False}  # this base has no Python
    resource = EnvironmentImage(Tools.of(MemoryTarget(tmp_path / "t.json"), Settings(tmp_path / "one")))
    checked = resource.check(None, values, Silent())
    assert checked.findings == []

    made = resource.create(checked.inputs, Silent(), preview=False)

    elsewhere = EnvironmentImage(Tools.of(MemoryTarget(tmp_path / "t.json"), Settings(tmp_path / "two")))
    foreseen = elsewhere.create(elsewhere.check(None, values, Silent()).inputs, Silent(), preview=True)
    assert foreseen.state["image"] == made.state["image"]
    again = elsewhere.check(checked.inputs, values, Silent()).inputs
    assert not elsewhere.diff(checked.inputs, made.state, again).detail
    commented = {**values, "dockerfileText": f"# only a comment\n{text}"}
    assert not elsewhere.diff(checked.inputs, made.state, elsewhere.check(again, commented, Silent()).inputs).detail
    changed = elsewhere.check(again, {**values, "dockerfileText": f"{text}ENV B=2\n"}, Silent()).inputs
    assert list(elsewhere.diff(again, made.state, changed).detail) == ["baseKey"]


def test_extra_steps_stand_on_what_a_dockerfile_made(kitchen: Kitchen, tmp_path: Path) -> None:
    text = f"FROM {kitchen.host}/{kitchen.repository}:1\nRUN echo {next(_keys)} > /made\n"
    place = {"loginServer": kitchen.host, "repository": "env/steps"}
    values = {**place, "dockerfileText": text, "serverRequirements": False}  # this base has no Python
    resource = EnvironmentImage(Tools.of(MemoryTarget(tmp_path / "t.json"), Settings(tmp_path / "one")))
    checked = resource.check(None, {**values, "extraSteps": ["RUN cat /made > /seen"]}, Silent())
    assert checked.findings == []

    made = resource.create(checked.inputs, Silent(), preview=False)

    foreseen = resource.create(checked.inputs, Silent(), preview=True)
    assert foreseen.state["image"] == made.state["image"]


def test_a_builder_elsewhere_makes_the_same_image_and_trusts_the_bundle_too(kitchen: Kitchen, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    job = job_of(
        kitchen, "FROM BASE AS a\nRUN test -s $SSL_CERT_FILE && echo hi > /a\nFROM BASE\nCOPY --from=a /a /a\n"
    )
    repository = f"{kitchen.host}/{kitchen.repository}"

    image = build_dockerfile_remotely(
        Elsewhere(kitchen.engine),
        job,
        ca_bundle=bundle,
        client=kitchen.client,
        repository=repository,
        progress=Silent(),
    )

    assert kitchen.run(image, "cat", "/a") == "hi\n"
    assert len(image.layers) == len(layers_below(kitchen)) + 1
    assert "SSL_CERT_FILE" not in image.env()
    assert find_built(kitchen.client, kitchen.repository, job.key) == image
    assert not [tag for tag in kitchen.client.tags(kitchen.repository) if tag.startswith(("raw-", "trust-"))]


def test_a_builder_elsewhere_names_the_line_that_failed_and_refuses_secrets(kitchen: Kitchen) -> None:
    repository = f"{kitchen.host}/{kitchen.repository}"
    job = job_of(kitchen, "FROM BASE\n\nRUN exit 7\n")
    with pytest.raises(UserError, match=r"Dockerfile:3: step 2 of 2 failed with exit code 7: RUN exit 7"):
        build_dockerfile_remotely(
            Elsewhere(kitchen.engine), job, client=kitchen.client, repository=repository, progress=Silent()
        )
    secret = replace(job, secrets={"token": "pa55word"})
    with pytest.raises(UserError, match="buildSecrets needs BuildKit, which the target's builder does not have"):
        build_dockerfile_remotely(
            Elsewhere(kitchen.engine), secret, client=kitchen.client, repository=repository, progress=Silent()
        )
