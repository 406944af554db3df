"""The image ``registry:2``: there, pulled, or made of Debian's package of the same program."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
from docker.errors import APIError, ImageNotFound
from requests.exceptions import RequestException

from . import apt
from .say import Missing, phase

NAME, TAG = "registry", "2"
PULL_SECONDS = 20
"""How long the engine may stay silent."""

# that of the image itself (distribution, config-example.yml), and deletion, which clean-up and extra steps need
CONFIG = """\
version: 0.1
log: {fields: {service: registry}}
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
http:
  addr: :5000
  headers: {X-Content-Type-Options: [nosniff]}
health:
  storagedriver: {enabled: true, interval: 10s, threshold: 3}
"""
CHANGES = [
    'ENTRYPOINT ["/bin/registry", "serve"]',
    'CMD ["/etc/docker/registry/config.yml"]',
    "EXPOSE 5000",
    "VOLUME /var/lib/registry",
]
# Debian links the program with its C library, the image's own stands alone
LIBRARIES = "lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


def ensure_registry_image(engine: docker.DockerClient) -> None:
    """Make sure that the engine has ``registry:2``.

    Raises:
        Missing: it cannot be pulled, and there is no Debian package to make it of.
    """
    try:
        engine.images.get(f"{NAME}:{TAG}")
    except ImageNotFound:
        if not _pull(engine):
            with phase(f"{NAME}:{TAG} cannot be pulled: making it of Debian's package docker-registry"):
                _import(engine)


def _pull(engine: docker.DockerClient) -> bool:
    # the client's own limit is for calls that may take minutes; here the stand-in waits
    kept, engine.api.timeout = engine.api.timeout, PULL_SECONDS
    try:
        engine.images.pull(NAME, TAG)
    except (APIError, RequestException):
        return False
    finally:
        engine.api.timeout = kept
    return True


def _import(engine: docker.DockerClient) -> None:
    if not apt.suite():
        raise Missing(f"{NAME}:{TAG} cannot be pulled and this is no Debian to make it of", f"docker pull {NAME}:{TAG}")
    with TemporaryDirectory() as work:
        root = _unpacked(Path(work))
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            # an import makes no folders, and the program makes none but below these
            for folder in ("var/lib/registry", "tmp"):
                header = tarfile.TarInfo(folder)
                header.type, header.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(header)
            _add(tar, "bin/registry", (root / "usr/bin/docker-registry").read_bytes(), 0o755)
            _add(tar, "etc/docker/registry/config.yml", CONFIG.encode(), 0o644)
            for name in LIBRARIES:
                _add(tar, name, (root / name).read_bytes(), 0o755)
            _add(tar, "lib64/ld-linux-x86-64.so.2", (root / LIBRARIES[1]).read_bytes(), 0o755)
    # The tag is a part of the name: Podman does not look at the parameter.
    engine.api.import_image_from_data(content.getvalue(), repository=f"{NAME}:{TAG}", changes=CHANGES)


def _unpacked(work: Path) -> Path:
    """Unpack Debian's registry and the C library it needs."""
    if apt.can_install():
        apt.refresh()
    packages = ["docker-registry:amd64", "libc6:amd64"]
    command = ["apt-get", "download", "-qq", *packages]
    if subprocess.run(command, cwd=work, check=False, stderr=subprocess.DEVNULL).returncode:
        raise Missing("Debian's package docker-registry cannot be had", "sudo apt-get update")
    for archive in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", archive, work / "root"], check=True)
    return work / "root"


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    header = tarfile.TarInfo(name)
    header.size, header.mode = len(content), mode
    tar.addfile(header, io.BytesIO(content))
