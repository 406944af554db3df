"""The same project in two folders, as two clones of it: neither touches what the other has made."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import _need_all
from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


class Clone(Project):
    """A project without names of its own, and without extra steps, which take time."""

    def __init__(self, folder: Path, name: str, cache: Path) -> None:
        folder.mkdir()
        (folder / "cache").symlink_to(cache)
        super().__init__(folder, name)
        self.config["scoring:registry"] = {"port": 0}
        self.config["scoring:service"].pop("name")
        self.without_steps()

    def ids(self) -> dict[str, str]:
        """Return the containers' names that the state has, by kind."""
        kinds = {"ContainerRegistry": "registry", "ContainerGroup": "group"}
        found = {each["type"].rpartition(":")[2]: each.get("id", "") for each in self.in_state()}
        return {kinds[kind]: id_ for kind, id_ in found.items() if kind in kinds and id_}

    def clean(self) -> None:
        for id_ in self.ids().values():
            subprocess.run(["docker", "rm", "-f", "-v", id_, f"{id_}.front"], capture_output=True, check=False)
            subprocess.run(["docker", "network", "rm", f"{id_}.front"], capture_output=True, check=False)
        super().clean()


@pytest.fixture(scope="module")
def clones(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clone, Clone]]:
    _need_all()
    folder, name = tmp_path_factory.mktemp("clones"), f"e2e{uuid.uuid4().hex[:8]}"
    made = [Clone(folder / each, name, packed) for each in ("first", "second")]
    try:
        yield made[0], made[1]
    finally:
        volumes = [clone.ids().get("registry", "") for clone in made]
        for clone in made:
            clone.clean()
        for volume in (*volumes, *REGISTRIES):
            subprocess.run(["docker", "volume", "rm", volume], capture_output=True, check=False)


REGISTRIES: list[str] = []
"""Volumes that stay when their registries go."""


def labels(container: str) -> dict[str, str]:
    said = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(said.stdout)[0]["Config"]["Labels"]
    return found


def test_with_default_names_both_come_up_and_answer(clones: tuple[Clone, Clone]) -> None:
    first, second = clones
    said = first.pulumi("up", "--yes").check_ok()  # with its preview, which has to foresee the same name
    second.up().check_ok()

    assert first.ask() == second.ask() == {"sum": 6.5}
    assert set(first.ids().values()).isdisjoint(second.ids().values())
    assert first.ids()["group"].startswith("aciml-diabetes-scoring-local-")
    assert first.ids()["registry"].startswith("aciml-registry-aciml-scoring-local-")
    told = [labels(clone.ids()["group"]) for clone in clones]
    assert told[0]["io.aciml.urn"] == told[1]["io.aciml.urn"]
    assert told[0]["io.aciml.workspace"] != told[1]["io.aciml.workspace"]
    assert "warning" not in said.text


def test_destroying_one_leaves_the_other_and_says_what_stays(clones: tuple[Clone, Clone]) -> None:
    first, second = clones
    volume = second.ids()["registry"]
    REGISTRIES.append(volume)

    said = second.pulumi("destroy", "--yes", "--skip-preview").check_ok()

    assert first.ask() == {"sum": 6.5}
    for command in (f"docker volume rm {volume}", "docker image rm ", "aciml cache prune"):
        assert command in said.text, said.text
    assert first.preview() == []


def test_a_second_clone_with_the_names_of_the_first_is_refused_with_the_owner_named(
    clones: tuple[Clone, Clone],
) -> None:
    first, second = clones
    names = {kind: id_.removeprefix(f"aciml-{ending}") for kind, id_, ending in _named(first)}
    second.config["scoring:registry"]["name"] = names["registry"]
    owner = "of stack local, project scoring in another folder or on another machine"
    second.pulumi("preview").check_failed(f'ContainerRegistry "aciml-registry" {owner}', "pulumi import")

    del second.config["scoring:registry"]["name"]
    second.config["scoring:service"]["name"] = names["group"]
    # the SDK may write a trace of its own: the engine ends while the program registers outputs
    said = second.pulumi("preview")
    assert said.code != 0
    assert f'ContainerGroup "diabetes-group" {owner}' in said.text, said.text
    assert first.ask() == {"sum": 6.5}


def _named(clone: Clone) -> list[tuple[str, str, str]]:
    return [(kind, id_, "registry-" if kind == "registry" else "") for kind, id_ in clone.ids().items()]
