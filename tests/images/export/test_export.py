"""``aciml export``: layouts and archives without a registry, the same bytes each time; setup folders of Azure ML v1."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from aciml.core.compose import ENTRYPOINT, entry_command
from aciml.core.image import OCI_MANIFEST, Image, sha256_digest
from aciml.core.layer import PREFIX
from aciml.core.pip_package import PipPackage
from aciml.core.reference import Reference
from aciml.images.export.setup_text import dockerfile
from aciml.registry.client import RegistryClient
from tests.images.world import CONDA, World, make_world
from tests.simulators.registry import RegistrySimulator


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, registry: RegistrySimulator) -> World:
    return make_world(tmp_path, registry.host)


def files_of(layout: Path) -> dict[str, bytes]:
    """Return the files of a folder or a tar."""
    if layout.is_dir():
        return {str(path.relative_to(layout)): path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    with tarfile.open(layout) as tar:
        members = [(member, tar.extractfile(member)) for member in tar if member.isfile()]
        return {member.name: content.read() for member, content in members if content}


def config_of(layout: dict[str, bytes]) -> Any:
    index = json.loads(layout["index.json"])
    manifest = json.loads(layout[path_of(index["manifests"][0]["digest"])])
    return json.loads(layout[path_of(manifest["config"]["digest"])])


def path_of(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def test_a_layout_is_whole_and_every_blob_is_what_its_name_says(world: World, tmp_path: Path) -> None:
    world.run("export", "--format", "oci-layout", str(tmp_path / "layout"))
    found = files_of(tmp_path / "layout")

    blobs = {name: content for name, content in found.items() if name.startswith("blobs/")}
    assert all(hashlib.sha256(content).hexdigest() == Path(name).name for name, content in blobs.items())
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    config = config_of(found)
    assert len(config["rootfs"]["diff_ids"]) == len(blobs) - 2
    assert f"AZUREML_CONDA_ENVIRONMENT_PATH={PREFIX}" in config["config"]["Env"]
    assert config["config"]["Entrypoint"] == entry_command(python=True)


def test_the_bytes_are_the_same_each_time_and_need_no_network_after_the_first(
    world: World, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first, second, archive = tmp_path / "1.tar", tmp_path / "2.tar", tmp_path / "3.tar"
    world.run("export", "--format", "oci-layout", str(first))
    registry.fail("server-error", ".", times=10_000)
    (tmp_path / "channel").rename(tmp_path / "gone")

    world.run("export", "--format", "oci-layout", str(second))
    world.run("export", "--format", "docker-archive", str(archive))

    assert first.read_bytes() == second.read_bytes()
    assert "manifest.json" in files_of(archive)


def test_a_damaged_blob_of_the_cache_is_not_exported(world: World, tmp_path: Path) -> None:
    world.run("export", "--format", "oci-layout", str(tmp_path / "1.tar"))
    index = json.loads(files_of(tmp_path / "1.tar")["index.json"])
    manifest = json.loads(files_of(tmp_path / "1.tar")[path_of(index["manifests"][0]["digest"])])
    base = world.cache / path_of(manifest["layers"][0]["digest"])
    base.write_bytes(bytes(base.stat().st_size))

    world.run("export", "--format", "oci-layout", str(tmp_path / "2.tar"))

    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_a_folder_with_something_in_it_is_left_alone(world: World, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")

    for words in (["--format", "oci-layout"], []):
        done = world.try_to_run("export", *words, str(tmp_path / "full"))

        assert done.returncode == 1
        assert "is there already" in done.stderr
    assert files_of(tmp_path / "full") == {"mine": b"mine"}


def test_any_pushed_image_is_exported_by_its_name_or_as_the_output_of_the_stack(
    world: World, registry: RegistrySimulator, tmp_path: Path
) -> None:
    name = f"{registry.host}/team/base:1"
    pulumi = tmp_path / "bin/pulumi"
    pulumi.parent.mkdir()
    pulumi.write_text(f"#!/bin/sh\n[ \"$*\" = 'stack output image --stack local' ] && echo {name}\n")
    pulumi.chmod(0o755)
    world.environ["PATH"] = f"{pulumi.parent}:{world.environ['PATH']}"

    world.run("export", "--format", "docker-archive", "--image", name, str(tmp_path / "1.tar"))
    world.run("export", "--format", "docker-archive", "--image", "service", str(tmp_path / "2.tar"))
    done = world.try_to_run("export", "--format", "oci-layout", "--image", f"{name}2", str(tmp_path / "3.tar"))

    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    assert json.loads(files_of(tmp_path / "1.tar")["manifest.json"])[0]["RepoTags"][0].startswith("team/base:")
    assert done.returncode == 1
    assert f"there is no image {name}2" in done.stderr


@pytest.mark.docker
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_docker_loads_the_archive_under_its_name_and_with_its_id(
    registry: RegistrySimulator, compression: str, tmp_path: Path
) -> None:
    world = make_world(tmp_path, registry.host, compression=compression)
    try:
        subprocess.run(["docker", "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Docker Engine answers")
    # of this run alone: another one may be at work in the same engine
    name = f"aciml-export:{uuid.uuid4().hex[:8]}"
    world.run("export", "--format", "docker-archive", "--as", name, str(tmp_path / "a.tar"))
    world.run("export", "--format", "oci-layout", str(tmp_path / "layout"))
    index = json.loads((tmp_path / "layout/index.json").read_text())
    manifest = json.loads((tmp_path / "layout" / path_of(index["manifests"][0]["digest"])).read_text())

    docker("load", "--input", str(tmp_path / "a.tar"))
    try:
        assert docker("image", "inspect", "--format", "{{.Id}}", name) == manifest["config"]["digest"]
        container = docker("create", name)
        exported = subprocess.run(["docker", "export", container], check=True, capture_output=True).stdout
        docker("rm", container)
    finally:
        docker("rmi", "--force", name)
    with tarfile.open(fileobj=io.BytesIO(exported)) as tar:
        names = set(tar.getnames())
    assert {"etc/base", f"{PREFIX[1:]}/conda-meta/big-1.0-0.json", ENTRYPOINT[1:]} <= names


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def have_installer(world: World, registry: RegistrySimulator) -> str:
    """Give Docker Hub a stand-in that has the installer, and return its digest."""
    with Path(world.environ["ACIML_MIRRORS"]).open("a") as mirrors:
        mirrors.write(f'[registries]\n"docker.io" = "http://{registry.host}"\n')
    image = Image(settings={"Cmd": ["micromamba"]})
    config = image.config()
    with RegistryClient(registry.host) as client:
        client.upload_blob("mambaorg/micromamba", sha256_digest(config), len(config), lambda: io.BytesIO(config))
        return client.put_manifest("mambaorg/micromamba", "2.3.3", image.manifest(), OCI_MANIFEST)


def test_the_installer_of_a_setup_folder_is_pinned_or_named(
    world: World, registry: RegistrySimulator, tmp_path: Path
) -> None:
    digest = have_installer(world, registry)

    def dockerfile(name: str, *words: str) -> tuple[str, str]:
        done = world.try_to_run("export", str(tmp_path / name), *words)
        assert done.returncode == 0, done.stderr
        return (tmp_path / name / "azureml-environment-setup/Dockerfile").read_text(), done.stderr

    pinned, said = dockerfile("one")
    assert f"ARG MICROMAMBA=docker.io/mambaorg/micromamba:2.3.3@{digest}\nFROM ${{MICROMAMBA}} AS conda" in pinned
    assert "is not pinned" not in said
    mine = f"{registry.host}/team/base@sha256:{'1' * 64}"
    assert f"ARG MICROMAMBA={mine}\n" in dockerfile("two", "--installer", mine)[0]
    loose, said = dockerfile("three", "--installer", f"{registry.host}/nowhere:1")
    assert f"did not answer when this was written.\nARG MICROMAMBA={registry.host}/nowhere:1\n" in loose
    assert f"{registry.host}/nowhere:1 is not pinned to a digest" in said
    assert "which may move" not in pinned


def test_a_setup_folder_has_what_azure_ml_wrote(world: World, tmp_path: Path) -> None:
    world.run("export", str(tmp_path / "setup"))
    found = {name: content.decode() for name, content in files_of(tmp_path / "setup").items()}
    home = "azureml-environment-setup"
    lines = found[f"{home}/Dockerfile"].splitlines()
    mutated = YAML(typ="safe").load(found[f"{home}/mutated_conda_dependencies.yml"])
    name = mutated.pop("name")

    assert set(found) == {
        f"{home}/{file}"
        for file in (
            "Dockerfile",
            "conda-linux-64.lock",
            "docker_env_builder.sh",
            "docker_env_checker.sh",
            "entrypoint.sh",
            "mutated_conda_dependencies.yml",
        )
    }
    assert mutated == YAML(typ="safe").load(CONDA)
    assert f"azureml/{name}" in found[f"{home}/docker_env_builder.sh"]
    assert len([line for line in lines if line.startswith("RUN")]) == 1
    assert "team/base@sha256:" in next(line for line in lines if line.startswith("FROM 127"))
    assert 'ENV GREETING="say \\"hi\\""' in lines
    packages = found[f"{home}/conda-linux-64.lock"].splitlines()[2:]
    assert len(packages) == 7
    assert all("#sha256:" in line and str(tmp_path) not in line for line in packages)


def test_a_setup_folder_is_the_same_each_time(world: World, registry: RegistrySimulator, tmp_path: Path) -> None:
    have_installer(world, registry)
    for name in ("one", "two"):
        world.run("export", str(tmp_path / name))

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.parametrize(
    ("wheel", "installs"),
    [("", "python -m pip install"), ("pip-25.1-py3-none-any.whl", "python pip-25.1-py3-none-any.whl/pip install")],
)
def test_wheels_are_installed_by_the_environments_own_pip_or_by_one_that_lies_in_the_folder(
    wheel: str, installs: str
) -> None:
    base = Reference.parse(f"registry.example.com/team/base@sha256:{'1' * 64}")
    six = PipPackage("six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl", "2" * 64, "https://pypi.org/six.whl")

    found = dockerfile(base, (), {}, conda=True, pip=[six], pip_wheel=wheel)

    assert installs in found
    assert (f"/{wheel} ./" in found) == bool(wheel)
