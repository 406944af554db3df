"""The promises that a service lives by, kept by Podman behind Docker's API."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aciml.core.errors import OutageError
from aciml.docker.engine import connect
from aciml.docker.podman import is_podman
from tests.contract import test_target as promises
from tests.contract.worlds import LocalWorld, pushed_images
from tests.simulators.containers import REGISTRY_IMAGE

if TYPE_CHECKING:
    import docker


def addresses() -> Iterator[str]:
    """Give where Podman may listen: what its own client is told, then its usual sockets."""
    if told := os.environ.get("CONTAINER_HOST"):
        yield told
    for folder in (os.environ.get("XDG_RUNTIME_DIR"), "/run"):
        if folder:
            yield f"unix://{folder}/podman/podman.sock"


def find_podman() -> docker.DockerClient | None:
    return next(filter(None, map(answering, addresses())), None)


def answering(address: str) -> docker.DockerClient | None:
    """Return a client of the Podman at an address; None if none answers."""
    with contextlib.suppress(OutageError):
        client = connect({"DOCKER_HOST": address})
        if is_podman(client):
            return client
        client.close()
    return None


CONFIG = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
runtime = "runc"
"""
"""Podman asks for a million open files, which not every root may have, and then for more processes than it left itself
(``pid_max``); its usual runtime, crun, does not start where both kinds of cgroups are mounted."""


@contextlib.contextmanager
def started_podman() -> Iterator[docker.DockerClient]:
    """Start Podman's service with a storage of its own, which is removed with all that is in it."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("no Podman answers (systemctl start podman.socket, or set CONTAINER_HOST)")
    with tempfile.TemporaryDirectory(prefix="podman") as name:  # a short path: a socket's has at most 107 letters
        folder = Path(name)
        program = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run")]
        address = f"unix://{folder}/podman.sock"
        files, processes = (resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
        processes = min(processes, int(Path("/proc/sys/kernel/pid_max").read_text()))
        (folder / "conf").write_text(CONFIG.format(files=files, processes=processes))
        env = {**os.environ, "CONTAINERS_CONF": str(folder / "conf")}
        with (folder / "log").open("w") as log:
            words = [*program, "system", "service", "--time=0", address]
            service = subprocess.Popen(words, env=env, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 30
            while (client := answering(address)) is None:
                if time.monotonic() > deadline or service.poll() is not None:
                    pytest.skip(f"Podman does not start here: {(folder / 'log').read_text()[-300:]}")
                time.sleep(0.05)
            give_the_registry(client)
            yield client
            client.close()
        finally:
            service.terminate()
            service.wait()
            subprocess.run([*program, "system", "reset", "--force"], capture_output=True, check=False)


def give_the_registry(podman: docker.DockerClient) -> None:
    """Copy the image of a registry from Docker, which has it from bootstrap."""
    import docker

    with contextlib.suppress(docker.errors.DockerException):
        engine = docker.from_env()
        try:
            podman.images.load(b"".join(engine.images.get(REGISTRY_IMAGE).save(named=True)))
        finally:
            engine.close()


@pytest.fixture(scope="module")
def podman() -> Iterator[docker.DockerClient]:
    client = find_podman()
    if client is None:
        with started_podman() as client:
            yield client
        return
    yield client
    client.close()


@pytest.fixture(scope="module")
def made(podman: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    with pushed_images(podman, tmp_path_factory.mktemp("cache")) as (registry, images):
        if not images:
            pytest.skip("Podman has no registry:2, or there is no static busybox to make tiny images of")
        yield registry, images


@pytest.fixture
def world(podman: docker.DockerClient, made: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[LocalWorld]:
    world = LocalWorld(f"t{uuid.uuid4().hex[:8]}", podman, *made, tmp_path)
    yield world
    world.clean()


@pytest.mark.docker
def test_podman_keeps_a_registry_and_its_images(world: LocalWorld) -> None:
    facts = promises.made_registry(world)
    promises.a_registry_created_again_is_adopted_with_its_port(world, facts)
    promises.images_are_deleted_only_when_that_is_asked_for(world, facts)


@pytest.mark.docker
def test_podman_tells_why_a_group_does_not_come_up_and_keeps_what_serves_when_what_follows_fails_or_is_cancelled(
    world: LocalWorld,
) -> None:
    promises.a_group_that_exits_at_once_fails_with_code_log_and_hint_and_is_kept_to_look_at(world)
    facts, spec = promises.made_group(world), promises.group_spec(world)
    promises.a_group_serves_and_is_read_by_its_id_alone(world, facts)
    promises.a_group_created_again_is_adopted_as_it_runs(world, facts, spec)
    promises.the_old_group_serves_after_a_bad_one_was_tried_and_where_it_can_also_meanwhile(world, facts)
    promises.new_limits_restart_the_group_only_where_they_must(world, facts)
    # which ends with another image on the same port
    second = promises.a_cancelled_update_loses_nothing_and_the_next_one_works(world, facts)
    assert (second.id, second.port, second.image) == (facts.id, facts.port, world.image("serves-too"))
    assert world.leftovers() == [facts.id]
