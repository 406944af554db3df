"""The stand-in for Docker Hub: a registry on this machine that holds the base image ``debian:bookworm-slim``.

Each cache folder has one of its own, so two users of one engine never move or remove each other's: its port is written
in the ``mirrors.toml`` of that folder. All clones that share a cache folder share it, and the first one's image stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from aciml.core.credentials import Credentials
from aciml.core.errors import OutageError
from aciml.core.progress import Silent
from aciml.docker.transfer import push_raw

from .cache import cache_folder, key_of, staged
from .rootfs import write_rootfs
from .say import Missing, phase

SHARED = "aciml-mirror"
"""Name of the mirror of older versions, one for all users of the engine; it goes on for the folder that made it."""

LABEL = "io.aciml.mirror"
"""Label of a mirror's container, with the name of its cache folder's mirror."""

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
    shared = _find(engine, SHARED)
    # the shared one goes on only where this folder's mirrors.toml has its port (decisions/owners.md)
    name = SHARED if port and shared and _bound(shared) == port else mirror_name()
    port = _published_port(engine, name) or _run_mirror(engine, name, port)
    _wait(name, port)
    if not _has_image(port):
        _push(engine, name, port)
    return port


def mirror_name() -> str:
    """Return the name of the container and volume: it differs from that of other users and other cache folders."""
    who = f"{socket.gethostname()}\0{cache_folder().resolve()}"
    return f"{SHARED}-{hashlib.sha256(who.encode()).hexdigest()[:7]}"


def _find(engine: docker.DockerClient, name: str) -> Container | None:
    try:
        found: Container = engine.containers.get(name)
    except NotFound:
        return None
    return found


def _bound(mirror: Container) -> int:
    """Return the port that a container was made with; 0 if it has none, so it is no mirror."""
    # what it was made with: a container that does not run publishes nothing
    bindings = (mirror.attrs["HostConfig"].get("PortBindings") or {}).get("5000/tcp") or [{}]
    return int(bindings[0].get("HostPort") or 0)


def _published_port(engine: docker.DockerClient, name: str) -> int:
    """Return the port of the mirror, started if it is there but does not run; 0 if there is none.

    Raises:
        Missing: a container of its name is no mirror of ours.
    """
    mirror = _find(engine, name)
    if mirror is None:
        return 0
    bound = _bound(mirror)
    if name != SHARED and mirror.labels.get(LABEL) != name:
        raise Missing(f"a container {name} is there and was not made as a mirror by us", f"docker rm -f {name}")
    if mirror.status != "running":
        try:
            mirror.start()
        except APIError:  # most often its port is taken by now: another container takes the volume over
            mirror.remove(force=True)
            return 0
    return bound


def _run_mirror(engine: docker.DockerClient, name: str, port: int) -> int:
    # the port of before comes first, as mirrors.toml has it; what
    # is free now may be taken a moment later, so two are tried
    for candidate in (port or _free_port(), _free_port()):
        try:
            engine.containers.run(  # type: ignore[call-overload]  # the stubs lack this restart policy
                "registry:2",
                name=name,
                labels={LABEL: name},
                detach=True,
                # for this machine alone: nobody logs in there
                ports={"5000/tcp": ("127.0.0.1", candidate)},
                # the plugin looks for it also after a restart of the machine, when no bootstrap has run
                restart_policy={"Name": "unless-stopped"},
                volumes={name: {"bind": "/var/lib/registry", "mode": "rw"}},
            )
        except APIError as error:
            with contextlib.suppress(NotFound):
                engine.containers.get(name).remove(force=True)
            reason = error.explanation
        else:
            return candidate
    raise Missing(f"the container {name} does not start ({reason})", f"docker logs {name}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(name: str, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return
        time.sleep(0.1)
    raise Missing(f"the container {name} does not answer on port {port}", f"docker logs {name}")


def _has_image(port: int) -> bool:
    name, tag = IMAGE.split(":")
    try:
        with urlopen(f"http://127.0.0.1:{port}/v2/library/{name}/tags/list", timeout=10) as answer:
            return f'"{tag}"' in answer.read().decode()
    except URLError:
        return False


def _push(engine: docker.DockerClient, name: str, port: int) -> None:
    """Import the root file system and push it; the engine keeps it under its usual name as well."""
    # library/ is what Docker Hub's short names mean, and so what a mirror of it is asked for
    repository, tag = f"127.0.0.1:{port}/library/{IMAGE}".rsplit(":", 1)
    rootfs = _cached_rootfs()
    # The tag is a part of the name: Podman does not look at the parameter.
    engine.api.import_image(str(rootfs), repository=f"{repository}:{tag}", changes=['CMD ["bash"]'])
    try:
        # the usual name is set only where it is missing: one that the user has pulled stays (decisions/owners.md)
        engine.images.get(IMAGE)
    except NotFound:
        engine.images.get(f"{repository}:{tag}").tag(*IMAGE.split(":"))
    try:
        # by the plugin's own push, which also tells Podman that the
        # mirror speaks plain HTTP (decisions/docker-engines.md)
        push_raw(engine, f"{repository}:{tag}", repository, tag, Credentials(), Silent())
    except OutageError as error:
        raise Missing(f"the base image cannot be pushed to {name} ({error.message})", f"docker logs {name}") from error


def _cached_rootfs() -> Path:
    # by the recipe: another one is another file system
    folder = cache_folder() / "rootfs" / key_of([Path(__file__).with_name("rootfs.py")])
    if not folder.exists():
        what = f"Docker Hub does not answer: making {IMAGE} with debootstrap, half a minute"
        with phase(what), staged(folder) as work:
            build = work / "build"
            build.mkdir()
            write_rootfs(work / "rootfs.tar", build)
            shutil.rmtree(build)
    return folder / "rootfs.tar"
