"""Tiny images by names of a test's own, in the engine of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import pytest

from tests.simulators.azure.group_runtime_engine import missing_reason
from tests.simulators.containers import REPOSITORY, make_images, remove_images


@contextlib.contextmanager
def own_images(name: str) -> Iterator[docker.DockerClient]:
    """Make them as ``name:<tag>`` and lend the engine; the test is skipped where there is none, or nothing to make."""
    if reason := missing_reason():
        pytest.skip(reason)
    with contextlib.closing(docker.from_env()) as client:
        made = make_images(client)
        for tag in made:
            client.api.tag(f"{REPOSITORY}:{tag}", name, tag)
        remove_images(client, REPOSITORY)
        if not made:
            pytest.skip("there is no busybox to make images of")
        yield client
        remove_images(client, name)
