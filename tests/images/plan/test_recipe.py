"""Compression, link scripts and the number of layers, as a user meets them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import Finding, UserError
from aciml.core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from aciml.core.reference import Reference
from aciml.registry.client import RegistryClient
from aciml.registry.pull import pull_image
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.simulators.channel import Package, PackedFile, make_channel, python_package
from tests.simulators.registry import RegistrySimulator

SCRIPT = PackedFile(b"#!/bin/bash\ntouch $PREFIX/was-run\n", 0o755)
SCRIPTED = Package("scripted", files={"bin/.scripted-post-link.sh": SCRIPT})


def findings(machine: Machine, conda: Path, **more: Any) -> list[Finding]:
    base = {
        "baseImage": f"{machine.registry.host}/base:one",
        "glibc": "2.31",
        "condaFile": str(conda),
        "serverRequirements": False,
    }
    new = {"loginServer": machine.registry.host, "repository": REPOSITORY, **base, **more}
    return machine.environment.check(None, new, machine.heard).findings


def media_types(machine: Machine, state: dict[str, Any]) -> list[str]:
    reference = Reference(machine.registry.host, REPOSITORY, digest=state["digest"])
    pulled = pull_image(machine.shop.client(machine.registry.host), reference)
    return [layer.media_type.rpartition(".")[2] for layer in pulled.image.layers]


@pytest.fixture
def scripted(new_machine: Callable[..., Machine], tmp_path: Path) -> Machine:
    return new_machine("scripted", make_channel(tmp_path / "channel", [python_package(), SCRIPTED]))


@pytest.mark.parametrize(("word", "kind"), [("gzip", "tar+gzip"), ("zstd", "tar+zstd"), ("none", "tar")])
def test_layers_of_packages_are_compressed_as_chosen(
    new_machine: Callable[..., Machine], tmp_path: Path, word: str, kind: str
) -> None:
    machine = new_machine("one")
    inputs = machine.inputs(conda_file(tmp_path, "python", "tool", "big"), compression=word)
    state = machine.up(inputs)

    base, *conda, entry = media_types(machine, state)
    assert (base, entry) == ("tar+gzip", "tar+gzip")  # the base's stay as they are
    assert set(conda) == {kind}
    assert machine.preview(inputs)["digest"] == state["digest"]
    assert any(note.startswith("3 layers of packages: ") for note in machine.heard.notes)


def test_words_that_do_not_exist_are_all_named_at_once(new_machine: Callable[..., Machine], tmp_path: Path) -> None:
    found = findings(new_machine("one"), conda_file(tmp_path, "python", "tool"), compression="gip", postLink="ignor")

    assert [(finding.where, finding.why) for finding in found] == [
        ("postLink", 'postLink is "ignor"; write fail, step or ignore; did you mean ignore?'),
        ("compression", 'compression is "gip"; write gzip, zstd or none; did you mean gzip?'),
    ]


def test_a_package_with_a_script_is_a_finding_before_it_is_fetched(scripted: Machine, tmp_path: Path) -> None:
    (found,) = findings(scripted, conda_file(tmp_path, "python", "scripted"))

    assert found.where == "postLink"
    assert "scripts of scripted" in found.why
    assert "bin/.scripted-post-link.sh" in found.why
    assert "write postLink: step" in found.why
    assert not findings(scripted, conda_file(tmp_path, "python"))


def test_a_script_that_check_could_not_see_fails_the_build(scripted: Machine, tmp_path: Path) -> None:
    inputs = scripted.inputs(conda_file(tmp_path, "python", "scripted"), postLink="ignore")

    with pytest.raises(UserError, match="scripts of scripted"):
        scripted.up({**inputs, "postLink": "fail"})


def test_a_script_that_is_ignored_is_warned_of_and_not_run(scripted: Machine, tmp_path: Path) -> None:
    state = scripted.up(scripted.inputs(conda_file(tmp_path, "python", "scripted"), postLink="ignore"))

    assert any("scripts of scripted" in text and "ignored" in text for text in scripted.heard.warnings)
    assert len(media_types(scripted, state)) == 4  # base, python, package, entry point


def test_a_base_with_too_many_layers_is_judged_by_their_number(
    new_machine: Callable[..., Machine], registry: RegistrySimulator, tmp_path: Path
) -> None:
    bodies = [b"layer %d" % number for number in range(115)]
    layers = [Layer(sha256_digest(b"tar" + body), sha256_digest(body), len(body)) for body in bodies]
    image = Image(tuple(layers))
    with RegistryClient(registry.host) as client:
        for body in (*bodies, image.config()):
            client.upload_blob("base", sha256_digest(body), len(body), lambda body=body: io.BytesIO(body))  # type: ignore[misc]
        client.put_manifest("base", "many", image.manifest(), OCI_MANIFEST)
    found = findings(
        new_machine("one"), conda_file(tmp_path, "python", "tool", "big"), baseImage=f"{registry.host}/base:many"
    )

    assert [finding.where for finding in found] == ["baseImage"]
    assert "127 layers (115 of the base, 0 of extra steps, 3 of conda packages" in found[0].why


def test_created_is_the_time_of_the_newest_package(new_machine: Callable[..., Machine], tmp_path: Path) -> None:
    """Neither the clock nor 1970: jib #606. The packages of the channel are of 2020-09-13."""
    machine = new_machine("one")
    state = machine.up(machine.inputs(conda_file(tmp_path, "python", "tool")))
    reference = Reference(machine.registry.host, REPOSITORY, digest=state["digest"])
    pulled = pull_image(machine.shop.client(machine.registry.host), reference)

    assert pulled.image.created == "2020-09-13T12:26:40Z"
    assert b"1970-" not in pulled.config


CLASH = [
    python_package(),
    Package("one", files={"share/x": PackedFile(b"a file")}),
    Package("two", files={"share/x/y": PackedFile(b"below it")}),
    Package("out", files={"share/z": PackedFile(target="../../etc")}),
    Package("into", files={"share/z/y": PackedFile(b"below it")}),
]


def test_packages_that_cannot_be_installed_together_are_a_finding_before_they_are_fetched(
    new_machine: Callable[..., Machine], tmp_path: Path
) -> None:
    machine = new_machine("clash", make_channel(tmp_path / "channel", CLASH))
    (found,) = findings(machine, conda_file(tmp_path, "python", "one", "two"))

    assert found.where == "condaFile"
    assert "share/x: a file in one package, a folder in another (one, two); leave one of them out" in found.why


def test_where_links_lead_is_found_out_by_the_build_and_is_a_finding_from_then_on(
    new_machine: Callable[..., Machine], tmp_path: Path
) -> None:
    machine = new_machine("clash", make_channel(tmp_path / "channel", CLASH))
    conda = conda_file(tmp_path, "python", "out", "into")
    inputs = machine.inputs(conda)
    with pytest.raises(UserError, match=r"share/z: a link that leads out of the install, .* \(into, out\)"):
        machine.up(inputs)
    (found,) = findings(machine, conda)

    assert "share/z: a link that leads out" in found.why
    assert machine.shop.client(machine.registry.host).tags(REPOSITORY) == []
