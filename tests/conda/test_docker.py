"""Docker takes the layers as they are: pulled from a registry, they are the tree that was packed."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from aciml.blobs.compress import GZIP, Compression, compression_of
from aciml.blobs.store import BlobStore, write_layer
from aciml.core.errors import UserError
from aciml.core.image import Image, Layer
from aciml.core.layer import PREFIX, Entry
from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from aciml.targets.local.pull import ensure_image
from tests.conda.conftest import Bench
from tests.conda.test_layers import Tree, tree_of_layers
from tests.simulators.registry_program import missing_reason, running_registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    try:
        docker("version")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Docker Engine answers")
    if reason := missing_reason():
        pytest.skip(reason)
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as registry:
        yield registry.host


def pulled(name: str, tmp_path: Path) -> Tree:
    """Return what a container of the image would see below the prefix."""
    docker("pull", "--quiet", name)
    try:
        container = docker("create", name, "/none")
        try:
            docker("export", "--output", str(tmp_path / "export.tar"), container)
        finally:
            docker("rm", container)
    finally:
        docker("rmi", name)
    found: Tree = {}
    with tarfile.open(tmp_path / "export.tar") as tar:
        for member in tar:
            path = f"/{member.name}".removeprefix(f"{PREFIX}/")
            content = tar.extractfile(member) if member.isfile() else None
            if path.startswith("/") or member.isdir():
                continue
            body = content.read() if content else member.linkname.encode()
            found[path] = ("link" if member.issym() else "file", member.mode & 0o777, body)
    return found


def test_docker_sees_every_file_of_the_layers(bench: Bench, host: str, tmp_path: Path) -> None:
    layers = bench.build(bench.solve())
    layers.append(many_members(bench.store))
    image = Image().append(*layers)
    with RegistryClient(host) as client:
        push_image(client, "conda/layers", "1", image, bench.store, mount_from={}, progress=Silent())

    assert pulled(f"{host}/conda/layers@{image.digest}", tmp_path) == tree_of_layers(layers, bench.store)


def test_docker_takes_layers_that_are_not_compressed(bench: Bench, host: str, tmp_path: Path) -> None:
    """And not those of zstd, before Docker 23: see decisions/compressor.md."""
    image = Image().append(many_members(bench.store, compression_of("none")))
    with RegistryClient(host) as client:
        push_image(client, "conda/plain", "1", image, bench.store, mount_from={}, progress=Silent())

    assert len(pulled(f"{host}/conda/plain@{image.digest}", tmp_path)["share/long.txt"][2]) == 3_600_000


def test_docker_takes_layers_of_zstd_or_the_user_is_told_what_to_write(bench: Bench, host: str) -> None:
    image = Image().append(many_members(bench.store, compression_of("zstd")))
    with RegistryClient(host) as client:
        push_image(client, "conda/zstd", "1", image, bench.store, mount_from={}, progress=Silent())
    name = f"{host}/conda/zstd@{image.digest}"
    old = int(docker("version", "--format", "{{.Server.Version}}").partition(".")[0]) < 23
    with closing(connect()) as engine, pytest.raises(UserError, match="compression: gzip") if old else nullcontext():
        ensure_image(engine, name, {}, Silent())
    if not old:
        docker("rmi", name)


def many_members(store: BlobStore, by: Compression = GZIP) -> Layer:
    """Return a layer of four blocks, with a file over three of them."""
    body = b"one line of a long file\n" * 150_000
    return write_layer([Entry.of_bytes(f"{PREFIX[1:]}/share/long.txt", body, mtime=1_600_000_000)], store, by=by)
