"""What other people's tools say of our images: pushed, as a layout, as an archive; and what scanners find in them."""

from __future__ import annotations

import gzip
import io
import json
import re
import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aciml.core.layer import PREFIX
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.tools import Tools
from aciml.registry.referrers import CYCLONEDX, attached
from aciml.resources.environment import EnvironmentImage
from aciml.resources.protocol import Existing
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.images.independent import crane, skopeo
from tests.images.world import CONDA, World, make_world
from tests.pip.wheels import make_wheel
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_program import missing_reason, running_registry

SOMEBODY = "somebody-unmistakable"
_TELLING = 5  # letters of a host's name; a shorter one is in compressed bytes by chance


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    if reason := missing_reason():
        pytest.skip(reason)
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as registry:
        yield registry.host


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment's image, made by somebody whose name, home and caches would be known again."""
    tmp_path = tmp_path_factory.mktemp("layout")
    with RegistrySimulator() as registry:
        world = make_world(tmp_path / SOMEBODY, registry.host)
        home, temporary = tmp_path / f"home-of-{SOMEBODY}", tmp_path / f"tmp-of-{SOMEBODY}"
        home.mkdir()
        temporary.mkdir()
        names = {"USER": SOMEBODY, "LOGNAME": SOMEBODY, "HOME": str(home), "TMPDIR": str(temporary)}
        conda = CONDA.replace("big]", "big, pip, pip: [./greeter-1.0-py3-none-any.whl]]")
        (world.folder / "conda.yml").write_text(conda)
        make_wheel(world.folder, "greeter", entry_points="[console_scripts]\ngreet = greeter:main\n")
        somebodys = World(world.folder, {**world.environ, **names})
        somebodys.run("export", "--format", "oci-layout", "--name", "env:1", str(tmp_path / "layout"))
        somebodys.run("export", "--format", "docker-archive", "--name", "env:1", str(tmp_path / "archive.tar"))
        yield tmp_path / "layout"


def pushed(world: World, host: str, compression: str) -> str:
    """Bring an environment up as the plugin does, and return its reference."""
    settings = Settings(world.cache, {"conda-forge": (world.folder.parent / "channel").as_uri()})
    shop = Tools.of(MemoryTarget(world.cache / "target.json"), settings)
    environment = EnvironmentImage(shop)
    inputs = {
        "loginServer": host,
        "repository": f"env-{compression}",
        "baseImage": f"{host}/team/base:1",
        "condaFile": str(world.folder / "conda.yml"),
        "serverRequirements": False,
        "glibc": "2.31",
        "compression": compression,
    }
    checked = environment.check(None, inputs, Silent())
    assert checked.findings == []
    made = environment.create(checked.inputs, Silent(), preview=False)
    bills = attached(shop.client(host), f"env-{compression}", made.state["digest"], CYCLONEDX)
    assert len(bills) == 1
    _judge(str(made.state["image"]).partition("@")[0], str(made.state["digest"]), world)
    environment.delete(Existing(made.id, made.state), Silent())
    reference = Reference.parse(str(made.state["image"]))
    assert attached(shop.client(host), reference.repository, reference.digest) == []
    assert shop.client(host).head_manifest(reference.repository, str(bills[0]["digest"])) is None
    shop.client(host).close()
    shop.cache.catalog.close()
    return str(made.state["digest"])


def _judge(image: str, digest: str, world: World) -> None:
    _validate(image, world.folder / "exported.tar")
    facts = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{image}"))
    skopeo("copy", "--preserve-digests", "--src-tls-verify=false", f"docker://{image}", f"oci:{world.folder}/copy:1")
    index = json.loads((world.folder / "copy/index.json").read_text())

    assert facts["Digest"] == digest
    assert facts["Architecture"] == "amd64"
    assert [entry["digest"] for entry in index["manifests"]] == [digest]


def _validate(image: str, exported: Path) -> None:
    """Let crane judge an image; its ``validate`` takes every layer for gzip, so others it is made to unpack instead."""
    plain = image.partition("/")[2].startswith("env-gzip")
    crane("validate", *([] if plain else ["--fast"]), "--remote", image)
    crane("export", image, str(exported))
    with tarfile.open(exported) as tar:
        assert f"{PREFIX[1:]}/lib/big.bin" in tar.getnames()


@pytest.mark.registry
@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_crane_and_skopeo_find_nothing_wrong_with_a_pushed_image(host: str, compression: str, tmp_path: Path) -> None:
    pushed(make_world(tmp_path / "world", host), host, compression)


def test_crane_and_skopeo_read_layout_and_archive(layout: Path, tmp_path: Path) -> None:
    archive = layout.with_name("archive.tar")
    digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    whole = json.loads(skopeo("inspect", f"oci:{layout}:1"))

    crane("validate", "--tarball", str(archive))
    skopeo("copy", f"docker-archive:{archive}", f"dir:{tmp_path}/copied")
    assert whole["Digest"] == digest
    loaded = json.loads(skopeo("inspect", "--config", f"docker-archive:{archive}"))
    assert loaded["rootfs"] == json.loads(skopeo("inspect", "--config", f"oci:{layout}:1"))["rootfs"]


def layers_of(layout: Path) -> list[bytes]:
    """Return the layers as plain tars, lowest first."""
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(_blob(layout, index["manifests"][0]["digest"]))
    return [gzip.decompress(_blob(layout, layer["digest"])) for layer in manifest["layers"]]


def _blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def read_conda_meta(layer: bytes) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Return the packages of a layer as a scanner finds them, by this layer alone, with the paths the layer has.

    They look for ``conda-meta/*.json``, take name, version and build from it, and the files it owns from ``files``.
    """
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        paths = {member.name for member in tar}
        for member in tar:
            content = tar.extractfile(member) if re.fullmatch(r".*/conda-meta/[^/]+\.json", member.name) else None
            if content:
                yield json.load(content), paths


def test_a_scanner_finds_every_package_in_the_layer_that_has_its_files(layout: Path) -> None:
    found: dict[str, dict[str, Any]] = {}
    for layer in layers_of(layout):
        for record, paths in read_conda_meta(layer):
            found[record["name"]] = record
            lost = [path for path in record["files"] if f"{PREFIX[1:]}/{path}" not in paths]
            assert lost == [], record["name"]

    assert set(found) == {"python", "noarchy", "clash-a", "clash-b", "meta", "tool", "big", "pip"}
    assert all(record["version"] and record["build"] and record["url"] for record in found.values())


def test_a_scanner_finds_the_wheels_too(layout: Path) -> None:
    names: list[str] = []
    for layer in layers_of(layout):
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            names += tar.getnames()

    library = f"{PREFIX[1:]}/lib/python3.11/site-packages"
    assert [name for name in names if name.endswith("/METADATA")] == [f"{library}/greeter-1.0.dist-info/METADATA"]


def test_nothing_of_the_builder_is_in_any_layer(layout: Path) -> None:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    host = socket.gethostname()
    words = [SOMEBODY, str(layout.parent), today, *([host] if len(host) > _TELLING else [])]
    index = json.loads((layout / "index.json").read_text())
    manifest = _blob(layout, index["manifests"][0]["digest"])
    config = _blob(layout, json.loads(manifest)["config"]["digest"])

    seen = [word for content in [*layers_of(layout), manifest, config] for word in words if word.encode() in content]

    assert seen == []


def test_no_file_is_younger_than_the_image_says_it_is(layout: Path) -> None:
    times, owners = set[float](), set[tuple[int, int, str, str]]()
    for layer in layers_of(layout)[1:]:
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            for member in tar:
                times.add(member.mtime)
                owners.add((member.uid, member.gid, member.uname, member.gname))

    assert max(times) <= 1_600_000_000  # when the packages were made
    assert owners == {(0, 0, "", "")}
