"""The Docker Engine as container groups use it: marked containers and volumes, and a certain end of all of them."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import socket
import tarfile
import threading
from collections.abc import Iterator

import docker
from docker.errors import APIError, DockerException, ImageNotFound

LABEL = "aciml-emulator"
OWNER = "aciml-emulator-process"
_CODE = {
    # pause(2) for ever
    "x86_64": bytes.fromhex("b8220000000f05ebf7"),
    # ppoll(0, 0, 0, 0) for ever
    "aarch64": bytes.fromhex("000080d2010080d2020080d2030080d2280980d2010000d4faffff17"),
}
_MACHINE = {"x86_64": 62, "aarch64": 183}
_LOAD = 0x400000


class Engine:
    """Everything that one emulator makes in Docker; ``close`` leaves nothing of it."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.client = docker.from_env(timeout=120, max_pool_size=64)
        self.api = self.client.api
        self.labels = {LABEL: mark, OWNER: f"{socket.gethostname()}:{os.getpid()}"}
        self.images: set[str] = set()
        self.cores = float(self.client.info()["NCPU"])
        self._lock = threading.Lock()
        self._sweep()

    def holder_image(self) -> str:
        """Return an image whose program only waits; it holds the network of a group."""
        name = f"aciml-holder:{self.mark}"
        with self._lock:
            try:
                self.client.images.get(name)
            except ImageNotFound:
                data = _tar({"wait": _waiting_program(platform.machine())}, mode=0o755)
                self.api.import_image_from_data(data, repository=name, changes=['ENTRYPOINT ["/wait"]'])
        return name

    def fill(self, volume: str, files: dict[str, bytes] | None, archive: bytes = b"") -> None:
        """Make a volume with these files (or this tar) in it."""
        self.client.volumes.create(volume, labels=self.labels)
        config = self.api.create_host_config(binds=[f"{volume}:/fill"])
        made = self.api.create_container(self.holder_image(), labels=self.labels, host_config=config, volumes=["/fill"])
        try:
            self.api.put_archive(made["Id"], "/fill", archive or _tar(files or {}, mode=0o644))
        finally:
            self.remove(made["Id"])

    def remove(self, container: str) -> None:
        """Remove a container, running or not; fine if it is gone."""
        with contextlib.suppress(DockerException):
            self.api.remove_container(container, force=True, v=True)

    def remove_volume(self, name: str) -> None:
        """Remove a volume; fine if it is gone."""
        with contextlib.suppress(DockerException):
            self.api.remove_volume(name, force=True)

    def close(self) -> None:
        """Remove all that carries our mark, and the images that we pulled."""
        self._remove_marked(f"{LABEL}={self.mark}")
        # A container that starts while its group is removed makes the volume anew, without labels.
        for each in (self.api.volumes(filters={"name": f"aciml-{self.mark}-"}) or {}).get("Volumes") or []:
            self.remove_volume(each["Name"])
        for image in (*self.images, f"aciml-holder:{self.mark}"):
            with contextlib.suppress(DockerException):
                self.api.remove_image(image, force=False)
        self.client.close()

    def _remove_marked(self, label: str) -> None:
        for each in self.api.containers(all=True, filters={"label": label}):
            self.remove(each["Id"])
        for each in (self.api.volumes(filters={"label": label}) or {}).get("Volumes") or []:
            self.remove_volume(each["Name"])

    def _sweep(self) -> None:
        """Remove what emulators left that were killed on this machine."""
        here = socket.gethostname()
        for owner in set(self._owners()):
            host, _, process = owner.partition(":")
            if host == here and process.isdigit() and not _is_alive(int(process)):
                self._remove_marked(f"{OWNER}={owner}")

    def _owners(self) -> Iterator[str]:
        for each in self.api.containers(all=True, filters={"label": OWNER}):
            yield each["Labels"][OWNER]
        for each in (self.api.volumes(filters={"label": OWNER}) or {}).get("Volumes") or []:
            yield each["Labels"][OWNER]


def missing_reason() -> str:
    """Return why no group can run here; empty if one can."""
    if platform.system() != "Linux":
        return "containers have addresses of their own on Linux alone"
    try:
        client = docker.from_env(timeout=10)
    except DockerException as error:
        return f"no Docker Engine: {error}"
    with contextlib.closing(client):
        try:
            client.ping()
        except (DockerException, OSError) as error:
            return f"no Docker Engine answers: {error}"
    return "" if platform.machine() in _CODE else f"no waiting program for {platform.machine()}"


def explained(error: Exception) -> str:
    """Return what Docker says, without the class and the URL."""
    return str(error.explanation) if isinstance(error, APIError) else str(error)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def _waiting_program(machine: str) -> bytes:
    """Return a static ELF program, some 130 bytes, that sleeps until it is killed."""
    code = _CODE[machine]
    size = 64 + 56 + len(code)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    words = (
        (2, 2),
        (_MACHINE[machine], 2),
        (1, 4),
        (_LOAD + 120, 8),
        (64, 8),
        (0, 8),
        (0, 4),
        (64, 2),
        (56, 2),
        (1, 2),
    )
    head += b"".join(value.to_bytes(length, "little") for value, length in (*words, (0, 2), (0, 2), (0, 2)))
    segment = ((1, 4), (5, 4), (0, 8), (_LOAD, 8), (_LOAD, 8), (size, 8), (size, 8), (0x1000, 8))
    return head + b"".join(value.to_bytes(length, "little") for value, length in segment) + code
