"""A Docker Engine, a registry of the test's own, and a small base image in it."""

from __future__ import annotations

import contextlib
import io
import itertools
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import APIError, ImageNotFound

from aciml.core.context import uses_context
from aciml.core.credentials import Credentials
from aciml.core.image import Image, Layer
from aciml.core.lint import steps_key
from aciml.core.progress import Progress, Silent
from aciml.core.steps import parse_steps
from aciml.docker.build import build_steps, cache_name
from aciml.docker.context import context_hash, walk
from aciml.docker.transfer import push_raw
from aciml.registry.client import RegistryClient
from aciml.targets.local.pull import ensure_image
from tests.docker.base_image import BASE, copy_base
from tests.simulators.registry_program import missing_reason, running_registry

REPOSITORY = f"steps-test/base-{uuid.uuid4().hex[:8]}"  # its steps are cached in the engine under its name
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def registry_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if reason := missing_reason():
        pytest.skip(reason)
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry.host


@pytest.fixture(scope="session")
def base_digest(engine: docker.DockerClient, registry_host: str) -> Iterator[str]:
    """Have the base in the test's registry, as an image of its own, and in the engine; give its digest."""
    try:
        engine.images.get(BASE)
    except ImageNotFound:
        pytest.skip(f"the engine does not have the image {BASE}")
    repository, own = f"{registry_host}/{REPOSITORY}", f"aciml-test-{REPOSITORY}"
    with RegistryClient(registry_host) as client:
        if digest := copy_base(client, REPOSITORY, "1"):
            ensure_image(engine, f"{repository}@{digest}", {}, Silent())
            engine.api.tag(f"{repository}@{digest}", own)  # what has no tag goes with anybody's `docker image prune`
        else:
            text = io.BytesIO(f"FROM {BASE}\nMAINTAINER {REPOSITORY}\n".encode())
            engine.images.build(fileobj=text, tag=own, rm=True, forcerm=True, nocache=True)
            push_raw(engine, own, repository, "1", Credentials(), Silent())
            digest = client.head_manifest(REPOSITORY, "1") or ""
    assert digest
    yield digest
    for name in (cache_name(REPOSITORY), f"{repository}@{digest}", own):
        with contextlib.suppress(APIError):  # not there, gone, or in use by a build that Podman has not ended
            engine.images.remove(name)


class Kitchen:
    """Builds steps the way an environment does, in the repository of the base."""

    def __init__(self, engine: docker.DockerClient, host: str, digest: str) -> None:
        self.engine, self.host, self.digest, self.repository = engine, host, digest, REPOSITORY
        self.client = RegistryClient(host)
        self.keys: list[str] = []

    def build(
        self,
        lines: list[str],
        *,
        context: Path | None = None,
        ca_bundle: Path | None = None,
        progress: Progress | None = None,
        base: str = "",
        sent: list[Layer] | None = None,
    ) -> Image:
        steps = parse_steps(lines, "steps")
        entries = walk(context) if context else []
        hashed = context_hash(steps, entries) if uses_context(steps) else ""
        self.keys.append(steps_key(f"{self.digest}-{REPOSITORY}-{next(_numbers)}", steps, hashed))
        return build_steps(
            self.engine,
            base=base or f"{self.host}/{self.repository}@{self.digest}",
            steps=steps,
            context=entries,
            ca_bundle=ca_bundle,
            client=self.client,
            repository=f"{self.host}/{self.repository}",
            key=self.keys[-1],
            credentials=Credentials(),
            progress=progress or Silent(),
            sent=sent,
        )

    def run(self, image: Image, *command: str) -> str:
        """Pull the image into the engine, run a command in it, and return what it says."""
        name = f"{self.host}/{self.repository}@{image.digest}"
        ensure_image(self.engine, name, {}, Silent())
        try:
            return bytes(self.engine.containers.run(name, list(command), remove=True, entrypoint="")).decode()
        finally:
            self.engine.images.remove(name)


@pytest.fixture
def kitchen(engine: docker.DockerClient, registry_host: str, base_digest: str) -> Iterator[Kitchen]:
    made = Kitchen(engine, registry_host, base_digest)
    yield made
    made.client.close()


@pytest.fixture
def containers(engine: docker.DockerClient) -> Callable[[str], list[str]]:
    """Return ids of containers, running or not, whose command has a word."""

    def having(word: str) -> list[str]:
        found = engine.api.containers(all=True, trunc=False)
        return [item["Id"] for item in found if word in item["Command"]]

    return having
