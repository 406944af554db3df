"""Who runs the extra steps: Docker, the builder of the target, or nobody."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from aciml.core.builder import Builder, RemoteBuilder
from aciml.core.errors import UserError
from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.core.steps import parse_steps
from aciml.images.build.steps import StepsJob, run_steps
from aciml.images.plan.check import read_builder
from aciml.images.tools import Tools
from aciml.resources.environment import EnvironmentImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.docker.conftest import Kitchen
from tests.docker.elsewhere import Elsewhere
from tests.heard import Heard

_numbers = itertools.count(1)


class Away(MemoryTarget):
    """A target with a builder of its own."""

    remote: RemoteBuilder

    def builder(self) -> RemoteBuilder:
        return self.remote


class Scene:
    """Tools for the kitchen's registry, and the builder of its target."""

    def __init__(self, kitchen: Kitchen, folder: Path) -> None:
        self.kitchen, self.remote, self.listener = kitchen, Elsewhere(kitchen.engine), Heard()
        target = Away(folder / "target.json")
        target.remote = self.remote
        self.shop = Tools.of(target, Settings(folder))

    def run(self, builder: Builder, line: str = "ENV A=1") -> None:
        job = StepsJob(parse_steps([line], "steps"), (), f"{next(_numbers):064x}", self.kitchen.digest)
        run_steps(self.shop, job, Place(self.kitchen.host, self.kitchen.repository), builder, self.listener)


@pytest.fixture
def scene(kitchen: Kitchen, tmp_path: Path) -> Scene:
    return Scene(kitchen, tmp_path)


@pytest.fixture
def no_docker(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After the scene has its engine, nobody else finds one."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.mark.docker
@pytest.mark.registry
def test_auto_takes_docker_where_it_answers(scene: Scene) -> None:
    scene.run("auto")

    assert scene.remote.pushed == []


@pytest.mark.docker
@pytest.mark.registry
def test_auto_takes_the_target_where_docker_does_not_answer(scene: Scene, no_docker: None) -> None:
    scene.run("auto")

    assert len(scene.remote.pushed) == 1


@pytest.mark.docker
@pytest.mark.registry
def test_acr_is_taken_though_docker_answers(scene: Scene) -> None:
    scene.run("acr")

    assert len(scene.remote.pushed) == 1


@pytest.mark.docker
@pytest.mark.registry
def test_docker_alone_is_taken_if_the_user_says_so(scene: Scene, no_docker: None) -> None:
    with pytest.raises(Exception, match=r"Docker does not answer at unix://.*none\.sock"):
        scene.run("docker")


@pytest.mark.docker
@pytest.mark.registry
def test_a_refusal_falls_back_to_docker_and_says_why(scene: Scene) -> None:
    scene.remote.refusal = "TasksOperationsNotAllowed"
    scene.run("acr", "RUN true")

    assert scene.listener.warnings == ["TasksOperationsNotAllowed; Docker runs the steps instead"]


@pytest.mark.docker
@pytest.mark.registry
def test_a_refusal_without_docker_names_both(scene: Scene, no_docker: None) -> None:
    scene.remote.refusal = "TasksOperationsNotAllowed"
    with pytest.raises(UserError, match=r"TasksOperationsNotAllowed, and Docker does not answer at .*; start Docker"):
        scene.run("auto")


@pytest.fixture
def shop(tmp_path: Path) -> Tools:
    return Tools.of(MemoryTarget(tmp_path / "target.json"), Settings(tmp_path))


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("dokcer", 'builder is "dokcer"; write auto, docker or acr; did you mean docker?'),
        ("ACR", 'builder is "ACR"; write auto, docker or acr; did you mean acr?'),
        ("kaniko", 'builder is "kaniko"; write auto, docker or acr'),
        ("acr", "the target memory cannot run steps by itself; write builder: docker, or auto"),
    ],
)
def test_check_names_a_builder_that_is_not_to_be_had(shop: Tools, word: str, why: str) -> None:
    asked = {"loginServer": "r", "repository": "e", "baseImage": "debian:12", "builder": word}
    found = EnvironmentImage(shop).check(None, asked, Silent()).findings

    assert [(finding.where, finding.why) for finding in found] == [("builder", why)]


def test_nothing_said_is_auto(shop: Tools) -> None:
    assert read_builder("", shop) == "auto"


def test_another_builder_is_no_change(shop: Tools) -> None:
    before = {"loginServer": "r", "repository": "e", "baseImage": "debian:12", "builder": "docker"}

    assert not EnvironmentImage(shop).diff(before, before, {**before, "builder": "acr"}).detail
