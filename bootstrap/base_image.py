"""The stand-in for Docker Hub: a registry on this machine that holds the base image ``debian:bookworm-slim``."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from aciml.core.errors import OutageError
from aciml.core.progress import Silent
from aciml.docker.transfer import push_raw
from aciml.targets.protocol import Credentials

from .cache import cache_folder, key_of, staged
from .rootfs import write_rootfs
from .say import Missing, say

MIRROR = "aciml-mirror"
IMAGE = "debian:bookworm-slim"
START_SECONDS = 30


def ensure_base_image(engine: docker.DockerClient, port: int) -> int:
    """Make sure that the mirror runs and has the base image; return its port.

    Args:
        engine: has ``registry:2``.
        port: where the mirror was before; 0 if there was none.

    Raises:
        Missing: the base image cannot be made, or the mirror does not start.
    """
    port = _published_port(engine) or _run_mirror(engine, port)
    _wait(port)
    if not _has_image(port):
        _push(engine, port)
    return port


def _published_port(engine: docker.DockerClient) -> int:
    """Return the port of the mirror, started if it is there but does not run; 0 if there is none."""
    try:
        mirror: Container = engine.containers.get(MIRROR)
    except NotFound:
        return 0
    bound = mirror.attrs["HostConfig"]["PortBindings"]["5000/tcp"][0]["HostPort"]
    if mirror.status != "running":
        try:
            mirror.start()
        except APIError:  # most often its port is taken by now: another container takes the volume over
            mirror.remove(force=True)
            return 0
    return int(bound)


def _run_mirror(engine: docker.DockerClient, port: int) -> int:
    for candidate in (port or _free_port(), _free_port()):
        try:
            engine.containers.run(  # type: ignore[call-overload]  # the stubs lack this restart policy
                "registry:2",
                name=MIRROR,
                detach=True,
                ports={"5000/tcp": ("127.0.0.1", candidate)},
                restart_policy={"Name": "unless-stopped"},
                volumes={MIRROR: {"bind": "/var/lib/registry", "mode": "rw"}},
            )
        except APIError as error:
            with contextlib.suppress(NotFound):
                engine.containers.get(MIRROR).remove(force=True)
            reason = error.explanation
        else:
            return candidate
    raise Missing(f"the container {MIRROR} does not start ({reason})", f"docker logs {MIRROR}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return
        time.sleep(0.1)
    raise Missing(f"the container {MIRROR} does not answer on port {port}", f"docker logs {MIRROR}")


def _has_image(port: int) -> bool:
    name, tag = IMAGE.split(":")
    try:
        with urlopen(f"http://127.0.0.1:{port}/v2/library/{name}/tags/list", timeout=10) as answer:
            return f'"{tag}"' in answer.read().decode()
    except URLError:
        return False


def _push(engine: docker.DockerClient, port: int) -> None:
    """Import the root file system and push it; the engine keeps it under its usual name as well."""
    repository, tag = f"127.0.0.1:{port}/library/{IMAGE}".rsplit(":", 1)
    rootfs = _cached_rootfs()
    # The tag is a part of the name: Podman does not look at the parameter.
    engine.api.import_image(str(rootfs), repository=f"{repository}:{tag}", changes=['CMD ["bash"]'])
    try:
        engine.images.get(IMAGE)
    except NotFound:
        engine.images.get(f"{repository}:{tag}").tag(*IMAGE.split(":"))
    try:
        push_raw(engine, f"{repository}:{tag}", repository, tag, Credentials(), Silent())
    except OutageError as error:
        raise Missing(
            f"the base image cannot be pushed to {MIRROR} ({error.message})", f"docker logs {MIRROR}"
        ) from error


def _cached_rootfs() -> Path:
    folder = cache_folder() / "rootfs" / key_of([Path(__file__).with_name("rootfs.py")])
    if not folder.exists():
        say(f"Docker Hub does not answer: making {IMAGE} with debootstrap (half a minute)")
        with staged(folder) as work:
            build = work / "build"
            build.mkdir()
            write_rootfs(work / "rootfs.tar", build)
            shutil.rmtree(build)
    return folder / "rootfs.tar"
