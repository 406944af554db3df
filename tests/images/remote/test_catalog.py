"""A fresh machine and a warm registry: what is known there is not made again."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from aciml.core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.plan.base import find_base
from aciml.images.remote import catalog as published
from aciml.images.remote.catalog import find_present, name_of, publish, read_facts
from aciml.images.remote.facts import Facts, SharedCatalog
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.registry.client import RegistryClient
from aciml.registry.pull import pull_image
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.pip.wheels import make_wheel
from tests.simulators.channel import Package, hard_packages, make_channel
from tests.simulators.registry import RegistrySimulator

NewMachine = Callable[..., Machine]
SPECS = ("python", "noarchy", "clash-b", "big")


def writes(registry: RegistrySimulator, since: int = 0) -> list[str]:
    return [request for request in registry.requests()[since:] if request.split()[0] not in ("GET", "HEAD")]


def test_a_fresh_machine_shows_the_digest_and_fetches_no_package(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    conda = conda_file(tmp_path / "program", *SPECS)
    first = new_machine("first")
    inputs = first.inputs(conda)
    made = first.up(inputs)
    fresh = new_machine("fresh", tmp_path / "no-channel")  # whatever it would fetch is not there
    before = len(registry.requests())

    seen = fresh.preview(inputs)

    assert seen["digest"] == made["digest"]
    asked = registry.requests()[before:]
    assert not writes(registry, before)
    layers = made["layers"]
    assert sum(request.startswith("HEAD") and "/blobs/" in request for request in asked) <= layers
    assert len([request for request in asked if request.startswith("GET")]) <= 4, asked  # ping, tags, manifest, facts
    assert fresh.heard.notes[-1].endswith(f"0 MB to upload, {layers} layers reused, digest {made['digest']}")


def test_an_update_on_a_fresh_machine_makes_and_pushes_nothing(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    conda = conda_file(tmp_path / "program", *SPECS)
    inputs = new_machine("first").inputs(conda)
    made = new_machine("other").up(inputs)
    fresh = new_machine("fresh", tmp_path / "no-channel")
    before = len(registry.requests())

    again = fresh.up(inputs)

    assert again == made
    assert not writes(registry, before)
    assert not (fresh.shop.settings.cache / "pkgs").exists()


def test_of_a_changed_environment_only_what_changed_is_made(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = new_machine("first")
    first.up(first.inputs(conda_file(tmp_path / "one", "python", "big")))
    less = tmp_path / "channel-without-big"
    make_channel(less, [package for package in hard_packages() if package.name != "big"])
    inputs = first.inputs(conda_file(tmp_path / "two", "python", "big", "noarchy"))
    fresh = new_machine("fresh", less)  # big cannot be had here

    seen = fresh.preview({**inputs, "previewLayers": "build"})
    made = fresh.up(inputs)

    assert seen["digest"] == made["digest"]
    assert "big-1.0-0" not in " ".join(path.name for path in (fresh.shop.settings.cache / "pkgs").iterdir())


def test_a_layer_that_the_registry_lost_is_not_taken_for_known(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = new_machine("first")
    inputs = first.inputs(conda_file(tmp_path / "program", "python", "big"))
    made = first.up(inputs)
    blobs = registry.repository(REPOSITORY).blobs
    biggest = max(blobs, key=lambda digest: len(blobs[digest]))
    del blobs[biggest]
    fresh = new_machine("fresh")

    fresh.preview(inputs)
    assert "layer big is not made yet: its digest is not known" in fresh.heard.notes
    assert fresh.up(inputs)["digest"] == made["digest"]
    assert biggest in blobs


def test_what_another_repository_knows_is_not_asked_for(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = new_machine("first")
    conda = conda_file(tmp_path / "program", "python")
    first.up(first.inputs(conda))
    elsewhere = new_machine("fresh")
    before = len(registry.requests())

    elsewhere.preview({**first.inputs(conda), "repository": "azureml/other"})

    assert not [request for request in registry.requests()[before:] if REPOSITORY in request]
    assert any("not made yet" in text for text in elsewhere.heard.notes)


def test_two_writers_at_once_lose_nothing(registry: RegistrySimulator) -> None:
    facts = {f"{n}" * 16: Facts({f"key-{n}": Layer("t", sha256_digest(b"%d" % n), 1)}) for n in range(6)}
    registry.repository("it").blobs.update({sha256_digest(b"%d" % n): b"%d" % n for n in range(6)})
    with RegistryClient(registry.host) as client:
        with ThreadPoolExecutor(12) as pool:
            waiting = [
                pool.submit(publish, client, "it", name, "2024-01-01T00:00:00Z", one, Silent())
                for name, one in [*facts.items(), *facts.items()]
            ]
            assert {future.exception() for future in waiting} == {None}

        for name, one in facts.items():
            assert read_facts(client, "it", name) == one


def test_without_the_very_recipe_the_newest_are_read(registry: RegistrySimulator) -> None:
    registry.repository("it").blobs[sha256_digest(b"x")] = b"x"
    layer = Layer("t", sha256_digest(b"x"), 1)
    with RegistryClient(registry.host) as client:
        for year in range(2010, 2010 + published.NEWEST + 2):
            publish(client, "it", f"{year}" * 4, f"{year}-01-01T00:00:00Z", Facts({str(year): layer}), Silent())

        found = read_facts(client, "it", "f" * 16)

    assert found is not None
    assert sorted(found.layers) == [str(year) for year in range(2012, 2012 + published.NEWEST)]


def test_old_ones_go(registry: RegistrySimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "KEPT", 2)
    with RegistryClient(registry.host) as client:
        for year in range(2010, 2014):
            publish(client, "it", "a" * 16, f"{year}-01-01T00:00:00Z", Facts({}, {("glibc", str(year)): "2"}), Silent())

        assert [tag.removeprefix(published.TAG)[:4] for tag in client.tags("it")] == ["2012", "2013"]


def test_a_registry_that_refuses_is_noted_and_the_image_is_there_all_the_same(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    inputs = machine.inputs(conda_file(tmp_path / "program", "python"))
    registry.fail("method-not-allowed", f"PUT .*/manifests/{published.TAG}", times=9)

    assert machine.up(inputs)["digest"]
    assert any("does not keep what is known" in text for text in machine.heard.notes)


@pytest.mark.parametrize(
    "body", [b"not gzip", b"\x1f\x8b\x08\x00damaged", b"{}"], ids=["text", "cut gzip", "no catalog"]
)
def test_a_damaged_artifact_is_passed_over(registry: RegistrySimulator, body: bytes) -> None:
    with RegistryClient(registry.host) as client:
        publish(client, "it", "a" * 16, "2020-01-01T00:00:00Z", Facts(), Silent())
        blobs = registry.repository("it").blobs
        digest = sha256_digest(body)
        blobs[digest] = body
        manifest = json.loads(client.manifest("it", f"{published.TAG}20200101000000-{'a' * 16}").body)  # type: ignore[union-attr]
        manifest["layers"][0] |= {"digest": digest, "size": len(body)}
        again = json.dumps(manifest).encode()
        client.put_manifest("it", f"{published.TAG}20200101000000-{'a' * 16}", again, manifest["mediaType"])

        assert read_facts(client, "it", "a" * 16) == Facts()


def test_facts_that_are_not_what_their_names_say_are_left_out() -> None:
    wrong = Facts(
        {},
        {("base", "sha256:00"): "{}", ("solve", "x"): "injected", ("glibc", "d"): "2.36"},
        {"ab": '{"sha256": "cd"}'},
    )

    assert Facts.of_json(wrong.to_json()) == Facts({}, {("glibc", "d"): "2.36"})


def test_what_is_read_is_not_written_to_the_catalog_of_the_machine(new_machine: NewMachine) -> None:
    own = new_machine("one").shop.catalog
    layer = Layer("t", "d", 1)
    shared = SharedCatalog(own, Facts({"k": layer}, {("glibc", "d"): "2.36"}))

    assert shared.layer("k") == layer
    assert shared.get_fact("glibc", "d") == "2.36"
    assert own.layer("k") is None
    shared.put_layer("mine", layer)
    assert own.layer("mine") == layer


def test_large_facts_leave_the_paths_of_packages_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "LARGEST", 200)
    facts = Facts({}, {("conda-paths", str(n)): sha256_digest(b"%d" % n) for n in range(50)})

    assert len(published._packed(facts)) < 200


def test_many_blobs_are_looked_for_at_once(registry: RegistrySimulator) -> None:
    there = {sha256_digest(b"%d" % number) for number in range(40)}
    registry.repository("it").blobs.update(dict.fromkeys(there, b""))
    with RegistryClient(registry.host) as client:
        assert find_present(client, "it", there | {sha256_digest(b"none")}) == there
        assert find_present(client, "it", ()) == frozenset()


def test_the_name_depends_on_lock_base_and_writer_and_not_on_order() -> None:
    name = name_of(["a", "b"], "base", ["1"])

    assert name == name_of(["b", "a"], "base", ["1"])
    assert (
        len({name, name_of(["a"], "base", ["1"]), name_of(["a", "b"], "o", ["1"]), name_of(["a", "b"], "base", ["2"])})
        == 4
    )


def test_of_pip_packages_a_fresh_machine_asks_no_index(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "rich", "1.0")
    section = f"pip:\n      - --no-index\n      - --find-links {index}\n      - rich"
    conda = conda_file(tmp_path / "program", "python", "pip", section)
    mirror = make_channel(tmp_path / "with-pip", [*hard_packages(), Package("pip", "24.0")])
    first = new_machine("first", mirror)
    inputs = first.inputs(conda)
    assert inputs["pipPackages"] == {"rich": "1.0"}
    made = first.up(inputs)
    shutil.rmtree(index)
    fresh = new_machine("fresh", tmp_path / "no-channel")
    before = len(registry.requests())

    assert fresh.preview(inputs)["digest"] == made["digest"]
    assert fresh.up(inputs) == made
    assert not writes(registry, before)


def test_a_changed_lock_is_judged_with_what_the_registry_knows(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = new_machine("first")
    inputs = first.inputs(conda_file(tmp_path / "one", "python", "big"))
    first.up(inputs)
    fresh = new_machine("fresh")

    new = fresh.inputs(conda_file(tmp_path / "two", "python", "big", "tool"), old={**inputs, "lock": []})

    looked = [
        line
        for line in new["lock"].splitlines()
        if fresh.shop.catalog.get_fact("conda-scripts", line.rpartition(":")[2])
    ]
    assert [line.rpartition("/")[2].partition("-")[0] for line in looked] == ["tool"]


def glibc_of(tools: Tools, values: dict[str, str]) -> str | None:
    return find_base(tools, read_environment({}), read_environment(dict(values)), Silent()).glibc


def push_large_base(registry: RegistrySimulator) -> str:
    """Push a base whose one layer has two megabytes before its glibc, and return its reference."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, content in (("usr/bin/bash", bytes(2_000_000)), ("lib64/libc-2.31.so", b"x")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    body = sink.getvalue()
    image = Image((Layer(sha256_digest(body), sha256_digest(body), len(body)),))
    with RegistryClient(registry.host) as client:
        for blob in (body, image.config()):
            client.upload_blob("base", sha256_digest(blob), len(blob), partial(io.BytesIO, blob))
        client.put_manifest("base", "large", image.manifest(), OCI_MANIFEST)
    return f"{registry.host}/base:large"


def test_the_glibc_of_a_base_that_an_image_of_the_repository_has_is_told_and_no_layer_is_read(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    text = push_large_base(registry)
    where = {"baseImage": text, "loginServer": registry.host, "repository": REPOSITORY, "condaFile": "any"}
    first = new_machine("first")
    before = registry.sent
    assert glibc_of(first.shop, where) == "2.31"
    assert registry.sent > before + 1_000_000
    first.up(first.inputs(conda_file(tmp_path / "one", "python"), baseImage=text))
    known = len(registry.requests())
    second = new_machine("second")
    before = registry.sent

    assert glibc_of(second.shop, where) == "2.31"

    assert registry.sent - before < 100_000
    asked = registry.requests()[known:]
    assert len(asked) <= 5, asked  # of the base tag and config, of the facts tags and manifest
    known = len(registry.requests())
    assert glibc_of(second.shop, where) == "2.31"
    assert len(registry.requests()) == known


def test_what_was_told_of_a_base_is_told_on(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "NEWEST", 1)
    monkeypatch.setattr(published, "KEPT", 1)
    text = push_large_base(registry)
    where = {"baseImage": text, "loginServer": registry.host, "repository": REPOSITORY, "condaFile": "any"}
    for number, specs in enumerate((("python",), ("python", "big"), ("python", "noarchy"))):
        machine = new_machine(f"machine-{number}")
        before = registry.sent
        assert glibc_of(machine.shop, where) == "2.31"
        assert (registry.sent - before > 1_000_000) == (number == 0)
        conda = conda_file(tmp_path / f"conda-{number}", *specs)
        machine.up(machine.inputs(conda, baseImage=text))


@pytest.mark.parametrize("there", ["nothing", "nobody"])
def test_where_nothing_is_told_of_a_base_its_layers_are_read(
    new_machine: NewMachine, registry: RegistrySimulator, there: str
) -> None:
    server = registry.host if there == "nothing" else "127.0.0.1:1"
    where = {"baseImage": push_large_base(registry), "loginServer": server, "repository": "it", "condaFile": "any"}

    assert glibc_of(new_machine("one").shop, where) == "2.31"


def test_another_image_on_the_same_layer_does_not_read_it_again(
    new_machine: NewMachine, registry: RegistrySimulator
) -> None:
    shop = new_machine("one").shop
    text = push_large_base(registry)
    glibc_of(shop, {"baseImage": text, "condaFile": "any"})
    with RegistryClient(registry.host) as client:
        pulled = pull_image(client, Reference.parse(text)).image
        other = replace(pulled, settings={"Env": ["OTHER=1"]})
        config = other.config()
        client.upload_blob("base", sha256_digest(config), len(config), partial(io.BytesIO, config))
        client.put_manifest("base", "other", other.manifest(), OCI_MANIFEST)
    before = registry.sent

    glibc = glibc_of(shop, {"baseImage": f"{registry.host}/base:other", "condaFile": "any"})

    assert glibc == "2.31"
    assert registry.sent - before < 100_000
