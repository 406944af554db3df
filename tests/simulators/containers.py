"""Tiny images that serve, end at once or hang, and a registry to pull them from, in the engine of this machine."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from aciml.core.credentials import Credentials
from aciml.core.progress import Silent
from aciml.docker.podman import is_podman
from aciml.docker.transfer import push_raw
from aciml.registry.client import RegistryClient

if TYPE_CHECKING:
    import docker

REPOSITORY = f"aciml-test-{uuid.uuid4().hex[:8]}"
"""Of this process: several run tests on one engine at the same time, and each removes what it made."""

REGISTRY_IMAGE = "registry:2"
_HUB = "docker.io/library/"  # how Podman writes what has no host
_WAIT = "trap 'exit 0' TERM; {command} & wait"
COMMANDS = {
    "serves": _WAIT.format(command="httpd -f -p 5001 -h /one"),
    "serves-too": _WAIT.format(command="httpd -f -p 5001 -h /two"),
    "refuses": _WAIT.format(command="httpd -f -p 5001 -h /empty"),
    "hangs": _WAIT.format(command="echo waiting for godot; sleep 1000"),
    "exits": "echo 'the key is' $SECRET; echo 'Traceback (most recent call last):' >&2; "
    "echo '  File \"/var/azureml-app/score.py\", line 3, in init' >&2; "
    "echo \"ModuleNotFoundError: No module named 'joblib'\" >&2; exit 3",
    "lacks-its-command": "",
}


def missing_engine() -> str:
    """Return why there is no Docker Engine to test with; empty if there is one."""
    if not shutil.which("docker"):
        return "the docker program is not here"
    seen = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], check=False, capture_output=True)
    return "" if seen.returncode == 0 else "no Docker Engine answers"


def changes_what_runs(client: docker.DockerClient) -> bool:
    """Tell whether the engine can change a container: Docker, and Podman from 5.1 on."""
    major, minor = client.version()["Version"].split(".")[:2]
    return not is_podman(client) or (int(major), int(minor)) >= (5, 1)


def find_busybox(folder: Path) -> Path | None:
    """Find a static busybox: on PATH, else from the distribution's archive, fetched into ``folder`` once a machine."""
    if (here := shutil.which("busybox")) and "statically linked" in _said("file", "-L", here):
        return Path(here)
    # apt takes a second of a core, and each of several processes would ask it again and again
    kept = Path(tempfile.gettempdir(), f"busybox-aciml-test-{os.getuid()}")  # it goes by how its name begins
    if not (kept.is_file() and kept.lstat().st_uid == os.getuid()):
        if (found := _fetched_busybox(folder)) is None:
            return None
        fresh = kept.with_name(f"{kept.name}-{uuid.uuid4().hex}")
        shutil.copy(found, fresh)
        fresh.replace(kept)
    return kept


def _fetched_busybox(folder: Path) -> Path | None:
    if not shutil.which("apt-get"):
        return None
    subprocess.run(["apt-get", "download", "busybox-static"], cwd=folder, check=False, capture_output=True)
    for package in folder.glob("busybox-static_*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "unpacked"], check=True)
    return next(folder.glob("unpacked/*bin/busybox"), next(folder.glob("unpacked/usr/*bin/busybox"), None))


def write_pages(folder: Path) -> dict[str, Path]:
    """Write the folders that the commands serve, and return them by name."""
    files = {name: folder / name for name in ("one", "two", "empty")}
    for path in files.values():
        path.mkdir()
    for name in ("one", "two"):
        (files[name] / "index.html").write_text(f"{name}\n")
    return files


def make_image(client: docker.DockerClient, files: dict[str, Path], tag: str, changes: list[str]) -> None:
    """Import an image of a few files; ``changes`` are Dockerfile lines."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, path in files.items():
            tar.add(os.path.realpath(path), name)
    # The tag is a part of the name: Podman's API does not look at the parameter (containers/podman issue 18597).
    client.api.import_image_from_data(data.getvalue(), repository=f"{REPOSITORY}:{tag}", changes=changes)


def make_images(client: docker.DockerClient) -> list[str]:
    """Make one image for each of ``COMMANDS``, tagged with its name; nothing if there is no busybox to be had.

    Those that are here already, of this process, stay as they are.
    """
    here = {tag for image in client.api.images(name=REPOSITORY) for tag in image.get("RepoTags") or ()}
    if here >= {f"{REPOSITORY}:{tag}" for tag in COMMANDS}:
        return list(COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        busybox = find_busybox(Path(folder))
        if busybox is None:
            return []
        # in the image, and not written by the command: without capabilities root may not write into Podman's /
        pages = Path(folder, "pages")
        pages.mkdir()
        files = {"bin/busybox": busybox, **write_pages(pages)}
        for name, command in COMMANDS.items():
            words = ["/bin/busybox", "sh", "-c", command] if command else ["/bin/lost"]
            make_image(client, files, name, ["ENV PATH=/bin", f"CMD {json.dumps(words)}"])
    return list(COMMANDS)


def registry_image(client: docker.DockerClient) -> str:
    """Return the engine's ``registry:2``, else an image made of the program; empty if there is neither."""
    from docker.errors import ImageNotFound

    try:
        client.images.get(REGISTRY_IMAGE)
    except ImageNotFound:
        program = shutil.which("docker-registry")
        if not program:
            return ""
    else:
        return REGISTRY_IMAGE
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yml")
        config.write_text(
            "version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/registry}}\nhttp: {addr: ':5000'}\n"
        )
        libraries = re.findall(r"(/\S+)", _said("ldd", program))
        files = {"registry": Path(program), "config.yml": config, **{path[1:]: Path(path) for path in libraries}}
        make_image(client, files, "registry", ['CMD ["/registry", "serve", "/config.yml"]'])
    return f"{REPOSITORY}:registry"


def push(client: docker.DockerClient, tag: str, login_server: str) -> str:
    """Push one of the images and return its full reference, digest included."""
    repository = f"{login_server}/probe"
    push_raw(client, f"{REPOSITORY}:{tag}", repository, tag, Credentials(), Silent())
    with RegistryClient(login_server) as registry:
        return f"{repository}:{tag}@{registry.head_manifest('probe', tag)}"


def remove_images(client: docker.DockerClient, repository: str) -> None:
    """Remove all images of a repository; Docker drops the digests of a repository with its last tag."""
    from docker.errors import APIError

    # the summaries: to look at each image fails with "no such image" where another process removes one meanwhile
    for image in client.api.images(name=repository):
        for name in (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())):
            if name.removeprefix(_HUB).startswith((f"{repository}:", f"{repository}@")):
                with contextlib.suppress(APIError):  # Podman drops the digest with the last tag and then errs
                    client.images.remove(name, force=True)


def _said(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout
