"""Images in files: what we write, what Docker and buildx write, and what is damaged."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.core.image import OCI_INDEX, OCI_MANIFEST, canonical_json, sha256_digest
from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.export.archive import write_archive
from aciml.images.export.layers import LayerSource
from aciml.images.export.layout import write_layout
from aciml.images.report.contents import Report
from aciml.images.report.gather import report_of
from aciml.images.report.kept_file import is_kept, read_kept
from aciml.registry.pull import pull_image
from tests.images.conftest import Machine, conda_file
from tests.simulators.registry import RegistrySimulator

NewMachine = Callable[..., Machine]
LAYER = b"a layer"
CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "rootfs": {"type": "layers", "diff_ids": [sha256_digest(LAYER)]},
    "history": [{"created_by": "COPY . ."}],
}


def packages(report: Report) -> list[tuple[str, str, int]]:
    return [(one.name, one.how, one.unpacked) for layer in report.layers for one in layer.packages]


def test_what_we_write_is_read_as_from_its_registry(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    names = ("python", "noarchy", "clash-a", "clash-b", "meta", "big")
    old = machine.up(machine.inputs(conda_file(tmp_path / "one", *names[:-1])))
    made = machine.up(machine.inputs(conda_file(tmp_path / "two", *names), old))
    pulled, silent = pull_image(machine.shop.client(registry.host), Reference.parse(made["image"])), Silent()
    blobs = LayerSource(machine.shop, [Place(pulled.reference.registry, pulled.reference.repository)])
    for name in ("layout", "layout.tar"):
        write_layout(pulled.image, blobs, tmp_path / name, "mine", silent)
    write_archive(pulled.image, blobs, tmp_path / "saved.tar", "mine:1", silent)
    # another machine, which has no layer of it in its store
    shop = new_machine("other", tmp_path / "no-channel").shop

    there = report_of(shop, pulled.reference, old["image"], silent)
    assert there.against is not None
    for name, title in (("layout", "mine"), ("layout.tar", "mine"), ("saved.tar", "mine:1")):
        here = report_of(shop, read_kept(str(tmp_path / name)), old["image"], silent)
        assert here.name == f"{tmp_path / name} ({title})"
        assert (here.size, here.ours, packages(here)) == (there.size, True, packages(there))
        assert here.against == there.against
        assert here.digest == (there.digest if name != "saved.tar" else sha256_digest(pulled.image.config()))
    # and the other way round
    against = report_of(shop, Reference.parse(old["image"]), f"oci:{tmp_path / 'layout'}", silent).against
    assert against is not None
    assert against.bytes.gone == there.against.bytes.new
    with pytest.raises(UserError, match="in none; name a path"):
        report_of(shop, read_kept(str(tmp_path / "layout")), ":tag", silent)


def layout(*rows: Mapping[str, Any], **more: bytes) -> dict[str, bytes]:
    """Return the files of a layout with one image; ``rows`` are those of its index, which lead to it without."""
    config = canonical_json(CONFIG)
    layer = {"digest": sha256_digest(LAYER), "size": len(LAYER), "mediaType": "application/vnd.oci.image.layer.v1.tar"}
    manifest = canonical_json(
        {"config": {"digest": sha256_digest(config)}, "layers": [layer], "mediaType": OCI_MANIFEST}
    )
    found = {blob(body): body for body in (config, manifest, LAYER)}
    listed = [{"digest": sha256_digest(manifest), "mediaType": OCI_MANIFEST, **row} for row in rows or [{}]]
    return {**found, "index.json": canonical_json({"manifests": listed}), **more}


def blob(body: bytes) -> str:
    return "blobs/" + sha256_digest(body).replace(":", "/")


def write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))


def named(name: str) -> dict[str, Any]:
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


def test_an_index_with_attestations_leads_to_the_image_for_linux(tmp_path: Path) -> None:
    files = layout()
    (inner,) = json.loads(files["index.json"])["manifests"]
    rows = [
        {**inner, "digest": sha256_digest(b"none"), "platform": {"os": "unknown", "architecture": "unknown"}},
        {**inner, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
    index = canonical_json({"manifests": rows, "mediaType": OCI_INDEX})
    files |= {blob(index): index}
    files |= {"index.json": canonical_json({"manifests": [{"digest": sha256_digest(index), "mediaType": OCI_INDEX}]})}
    write_tar(tmp_path / "a.tar", files)

    found = read_kept(str(tmp_path / "a.tar"))

    assert found.digest == inner["digest"]
    with found.blob(sha256_digest(LAYER)) as chunks:
        assert b"".join(chunks) == LAYER


def test_of_several_images_one_is_named(tmp_path: Path) -> None:
    long = {"annotations": {"io.containerd.image.name": "docker.io/library/b:2"}}
    write_tar(tmp_path / "a.tar", layout(named("one"), long))

    assert read_kept(f"{tmp_path}/a.tar:one").name == "one"
    assert read_kept(f"oci:{tmp_path}/a.tar:2").name == "docker.io/library/b:2"
    assert read_kept(f"{tmp_path}/a.tar:docker.io/library/b:2").name == "docker.io/library/b:2"
    with pytest.raises(UserError, match=r"has 2 images: one, docker.io/library/b:2; name one, as .*a\.tar:one"):
        read_kept(f"{tmp_path}/a.tar")
    with pytest.raises(UserError, match='has no image "three"'):
        read_kept(f"{tmp_path}/a.tar:three")


def test_what_docker_saved_until_24_is_read(tmp_path: Path) -> None:
    config = canonical_json(CONFIG)
    listed = [{"Config": "c.json", "RepoTags": ["a:1", "a:2"], "Layers": ["x/layer.tar"]}]
    write_tar(tmp_path / "a.tar", {"c.json": config, "x/layer.tar": LAYER, "manifest.json": canonical_json(listed)})

    found = read_kept(str(tmp_path / "a.tar"))

    assert (found.name, found.digest) == ("a:1, a:2", sha256_digest(config))
    assert [(one.digest, one.size) for one in found.image.layers] == [(sha256_digest(LAYER), len(LAYER))]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "neither an OCI layout nor an archive of docker save"),
        ({"index.json": b"{"}, "is damaged"),
        ({"index.json": b"[]"}, "is damaged"),
        ({"index.json": b'{"manifests": []}'}, "has 0 images: none"),
        ({"index.json": b'{"manifests": [{"digest": "sha256:../../etc/passwd"}]}'}, "is no digest"),
        ({**layout(), blob(LAYER): None}, "lacks sha256:.*, a layer of its image"),
        ({**layout({"platform": {"os": "linux", "architecture": "arm64"}})}, "has 0 images"),
        ({"manifest.json": b'[{"Config": "c.json", "Layers": []}]'}, "is damaged"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_damaged_is_one_message(files: dict[str, bytes | None], why: str, tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {name: body for name, body in files.items() if body is not None})

    with pytest.raises(UserError, match=why):
        read_kept(str(tmp_path / "a.tar"))


def test_what_is_no_tar_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("x")
    for path, why in (("a.tar", "a.tar is no whole tar; write it by"), ("gone", "gone does not exist")):
        with pytest.raises(UserError, match=why):
            read_kept(str(tmp_path / path))


def test_words_that_mean_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team").mkdir()
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout/index.json").write_text("{}")
    means = ("layout", "layout:tag", "oci:anything", "./gone", "/gone", "gone.tar", "team/../layout")
    means_not = ("team", "iris", "team/x:1", "127.0.0.1:5000/team/x:1", "debian:12", "r.io/a@sha256:" + "0" * 64)

    assert [is_kept(one) for one in (*means, *means_not)] == [True] * len(means) + [False] * len(means_not)
