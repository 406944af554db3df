"""What does not matter makes no difference: rows through the plugin's Check and Diff."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import proto

from aciml.properties import Secret
from aciml.registry.client import RegistryClient
from tests.images.conftest import push_base
from tests.simulators.engine import Plugin, plain, running_plugin, struct
from tests.simulators.registry import RegistrySimulator

TOKEN = "aciml:image:Environment"
CONDA = "channels: [conda-forge]\ndependencies:\n  - python\n  - big\nvariables: {A: '1', B: '2'}\n"


@dataclass
class Program:
    """A user's folder, and the inputs that name its files."""

    folder: Path
    host: str

    def inputs(self, **more: Any) -> dict[str, Any]:
        files = {
            "condaFile": str(self.folder / "conda.yml"),
            "stepsContext": str(self.folder / "context"),
            "serverRequirements": False,
        }
        base = {"baseImage": f"{self.host}/base:one", "glibc": "2.31", "extraSteps": ["COPY a.sh b.txt /opt/"]}
        return {"loginServer": self.host, "repository": "azureml/it", **files, **base, **more}


@dataclass
class Scene:
    """A plugin, and what its check said of the program the first time."""

    plugin: Plugin
    program: Program
    registry: RegistrySimulator
    old: dict[str, Any]

    def check(self, inputs: dict[str, Any]) -> dict[str, Any]:
        answer = self.plugin.check(TOKEN, inputs, self.old)
        assert not answer.failures
        return plain(answer.inputs)

    def differing(self, new: dict[str, Any]) -> list[str]:
        request = proto.DiffRequest(
            id="x",
            urn=self.plugin.urn(TOKEN),
            olds=struct(self.old),
            old_inputs=struct(self.old),
            news=struct(new),
        )
        answer = self.plugin.stub.Diff(request)
        assert sorted(answer.diffs) == sorted({path.partition("[")[0] for path in answer.detailedDiff})
        return sorted(answer.detailedDiff)


def write_program(folder: Path, conda: str = CONDA) -> None:
    (folder / "context").mkdir(parents=True)
    (folder / "conda.yml").write_text(conda, encoding="utf-8")
    (folder / "context" / "a.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "context" / "a.sh").chmod(0o755)
    (folder / "context" / "b.txt").write_text("b\n", encoding="utf-8")


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as running, RegistryClient(running.host) as client:
        push_base(client, "one")
        yield running


@pytest.fixture(scope="module")
def mirrors(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Path:
    path = tmp_path_factory.mktemp("machine") / "mirrors.toml"
    path.write_text(f'[channels]\nconda-forge = "{channel.as_uri()}"\n', encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory, mirrors: Path) -> Iterator[Plugin]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACIML_MIRRORS", str(mirrors))
        with running_plugin(tmp_path_factory.mktemp("cache"), {"target": "memory"}) as running:
            yield running


@pytest.fixture
def scene(plugin: Plugin, registry: RegistrySimulator, tmp_path: Path) -> Scene:
    program = Program(tmp_path / "program", registry.host)
    write_program(program.folder)
    answer = plugin.check(TOKEN, program.inputs())
    assert not answer.failures
    return Scene(plugin, program, registry, plain(answer.inputs))


def another_folder(program: Program) -> None:
    moved = program.folder.with_name("elsewhere")
    program.folder.rename(moved)
    program.folder = moved


def another_time(program: Program) -> None:
    for path in program.folder.rglob("*"):
        os.utime(path, (4e9, 4e9))


def another_umask(program: Program) -> None:
    for path in program.folder.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)


def other_bits(program: Program) -> None:
    (program.folder / "context" / "a.sh").chmod(0o4777)
    (program.folder / "context" / "b.txt").chmod(0o606)


def another_order(program: Program) -> None:
    lines = "variables: {B: '2', A: '1'}\n# of our team\ndependencies:\n- big\n- python\nchannels:\n- conda-forge\n"
    (program.folder / "conda.yml").write_text(lines, encoding="utf-8")


def a_fresh_checkout(program: Program) -> None:
    copy = program.folder.with_name("checkout")
    shutil.copytree(program.folder, copy, copy_function=shutil.copy)
    program.folder = copy


def a_file_that_no_step_takes(program: Program) -> None:
    (program.folder / "context" / "notes.md").write_text("mine\n", encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        another_folder,
        another_time,
        another_umask,
        other_bits,
        another_order,
        a_fresh_checkout,
        a_file_that_no_step_takes,
    ],
)
def test_how_the_files_lie_there_makes_no_difference(scene: Scene, change: Callable[[Program], None]) -> None:
    change(scene.program)

    assert scene.differing(scene.check(scene.program.inputs())) == []


@pytest.mark.parametrize(
    "more",
    [
        {"builder": "docker"},
        {"previewLayers": "build"},
        {"lockMode": "auto"},
        {"lintOff": ["AC101"]},
        {"keepTags": 5, "keepDays": 30},
        {"baseUsername": "me", "basePassword": Secret("hush")},
        {"refreshBase": True},
    ],
    ids=" and ".join,
)
def test_ways_and_credentials_make_no_difference(scene: Scene, more: dict[str, Any]) -> None:
    new = {**scene.check(scene.program.inputs()), **more}

    assert scene.differing(new) == []


def test_a_rotated_password_makes_no_difference_and_stays_a_secret(scene: Scene) -> None:
    scene.old |= {"baseUsername": "me", "basePassword": Secret("old")}

    assert scene.differing({**scene.old, "basePassword": Secret("new"), "baseUsername": "you"}) == []


def test_a_tag_that_moved_makes_no_difference_until_it_is_asked_again(scene: Scene) -> None:
    with RegistryClient(scene.registry.host) as client:
        push_base(client, "moving")
        moving = {"baseImage": f"{scene.registry.host}/base:moving"}
        scene.old = scene.check(scene.program.inputs(**moving))
        moved = push_base(client, "moving", "2").digest
        before = len(scene.registry.requests())
        assert scene.differing(scene.check(scene.program.inputs(**moving))) == []
        assert len(scene.registry.requests()) == before

        known = proto.ReadRequest(
            id=f"{scene.registry.host}/base:moving@{moved}",
            urn=scene.plugin.urn(TOKEN),
            properties=struct({**scene.old, "image": f"{scene.registry.host}/base:moving@{moved}"}),
            inputs=struct(scene.old),
        )
        scene.old = plain(scene.plugin.stub.Read(known).inputs)
        assert "baseDigest" not in scene.old
        new = scene.check(scene.program.inputs(**moving))
        assert new["baseDigest"] == moved
        assert "baseDigest" in scene.differing(new)


def test_refresh_base_moves_the_pin_and_without_it_another_machine_keeps_it(
    scene: Scene, tmp_path: Path, mirrors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACIML_MIRRORS", str(mirrors))
    with RegistryClient(scene.registry.host) as client:
        first = push_base(client, "rolling").digest
        rolling = {"baseImage": f"{scene.registry.host}/base:rolling"}
        scene.old = scene.check(scene.program.inputs(**rolling))
        second = push_base(client, "rolling", "2").digest
    with running_plugin(tmp_path / "other", {"target": "memory"}) as scene.plugin:
        kept = scene.check(scene.program.inputs(**rolling))
        moved = scene.check(scene.program.inputs(**rolling, refreshBase=True))

        assert (kept["baseDigest"], moved["baseDigest"]) == (first, second)
        assert scene.differing(kept) == []
        assert scene.differing(moved) == ["baseDigest", "stepsKey"]


def test_a_refresh_sees_that_an_image_of_a_dockerfile_moved(scene: Scene) -> None:
    with RegistryClient(scene.registry.host) as client:
        push_base(client, "below")
        text = f"FROM {scene.registry.host}/base:below\nRUN true\n"
        inputs = {"loginServer": scene.registry.host, "repository": "azureml/it", "dockerfileText": text}
        scene.old = {}
        scene.old = scene.check(inputs)
        moved = push_base(client, "below", "3").digest
    image = f"{scene.registry.host}/base:below@{moved}"
    known = proto.ReadRequest(
        id=image,
        urn=scene.plugin.urn(TOKEN),
        properties=struct({**scene.old, "image": image}),
        inputs=struct(scene.old),
    )

    scene.old = plain(scene.plugin.stub.Read(known).inputs)
    new = scene.check(inputs)

    assert list(new["baseImages"].values()) == [moved]
    assert scene.differing(new)


def test_a_refresh_of_a_tag_that_stays_makes_no_difference(scene: Scene) -> None:
    image = f"{scene.registry.host}/base:one@{scene.old['baseDigest']}"
    known = proto.ReadRequest(
        id=image,
        urn=scene.plugin.urn(TOKEN),
        properties=struct({**scene.old, "image": image}),
        inputs=struct(scene.old),
    )

    assert plain(scene.plugin.stub.Read(known).inputs) == scene.old


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda folder: (folder / "context" / "a.sh").chmod(0o644), "stepsKey"),
        (lambda folder: (folder / "context" / "b.txt").write_text("c\n"), "stepsKey"),
        (lambda folder: (folder / "conda.yml").write_text(CONDA + "  # \n"), ""),
        (lambda folder: (folder / "conda.yml").write_text(CONDA.replace("big", "tool")), 'packages["tool"]'),
        (lambda folder: (folder / "conda.yml").write_text(CONDA.replace("'1'", "'3'")), 'dependencies["variables"]'),
    ],
    ids=["execute bit", "content", "comment", "package", "variable"],
)
def test_what_matters_is_named(scene: Scene, change: Callable[[Path], object], path: str) -> None:
    change(scene.program.folder)

    found = scene.differing(scene.check(scene.program.inputs()))

    assert path in found if path else not found
