"""The labels of a service's image over its life: what makes another image, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aciml import __version__
from aciml.core.image import Image
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.build import service as service_image
from aciml.images.plan import contents
from aciml.images.plan import service as service_plan
from aciml.images.tools import Answers
from aciml.resources.protocol import Existing
from aciml.resources.service import ServiceImage
from tests.images.build.test_revision import commit, git, settings_of_nobody
from tests.images.conftest import Machine, conda_file

__all__ = ["settings_of_nobody"]
OCI = "org.opencontainers.image."
SCRIPT = "def init():\n    pass\n\ndef run(raw_data):\n    return raw_data\n"


@dataclass
class Made:
    """An environment that is in the registry, and what makes services on it."""

    machine: Machine
    environment: dict[str, Any]

    def service(self) -> ServiceImage:
        """As another run has it: what one run has asked, the next one asks again."""
        return ServiceImage(replace(self.machine.shop, answers=Answers()))

    def inputs(self, source: Path, old: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Return what check makes of a service."""
        new = {
            "loginServer": self.machine.registry.host,
            "repository": "azureml/iris",
            "environmentImage": self.environment["image"],
            "sourceDirectory": str(source),
            "entryScript": "score.py",
            **more,
        }
        checked = self.service().check(old, new, Silent())
        assert not checked.findings
        return checked.inputs

    def up(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.service().create(inputs, Silent(), preview=False).state

    def preview(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.service().create(inputs, Silent(), preview=True).state

    def image(self, state: dict[str, Any]) -> Image:
        found = self.machine.shop.load_image(Reference.parse(state["image"]))
        assert found is not None
        return found


@pytest.fixture
def made(new_machine: Callable[..., Machine], tmp_path: Path) -> Made:
    machine = new_machine("one")
    return Made(machine, machine.up(machine.inputs(conda_file(tmp_path / "environment", "python"))))


def source(folder: Path) -> Path:
    """Write a scoring source."""
    folder.mkdir(parents=True)
    (folder / "score.py").write_text(SCRIPT)
    return folder


def repository(folder: Path, remote: str = "") -> Path:
    """Write a repository with a scoring source and return that."""
    found = source(folder / "src")
    git(folder, "init", "--quiet")
    if remote:
        git(folder, "remote", "add", "origin", remote)
    commit(folder)
    return found


def test_an_environment_says_its_base_and_when_its_newest_package_was_made(made: Made) -> None:
    labels, host = made.image(made.environment).labels(), made.machine.registry.host

    assert labels.keys() == {f"{OCI}base.name", f"{OCI}base.digest", f"{OCI}created"}
    assert labels[f"{OCI}base.name"] == f"{host}/base:one"
    assert labels[f"{OCI}base.digest"] == made.environment["baseDigest"]
    assert labels[f"{OCI}created"] == made.image(made.environment).created


def test_an_environments_image_does_not_depend_on_git(made: Made, tmp_path: Path) -> None:
    path = conda_file(repository(tmp_path / "project"), "python")
    commit(tmp_path / "project")

    assert made.machine.up(made.machine.inputs(path))["digest"] == made.environment["digest"]


def test_a_service_says_its_commit_and_the_base_of_its_environment(made: Made, tmp_path: Path) -> None:
    path = repository(tmp_path / "project", "git@host.example:x/y.git")
    labels = made.image(made.up(made.inputs(path))).labels()

    assert labels == {
        **made.image(made.environment).labels(),
        f"{OCI}revision": git(path, "rev-parse", "HEAD"),
        f"{OCI}source": "https://host.example/x/y",
        f"{OCI}created": "2026-02-03T02:05:06Z",
        f"{OCI}title": "iris",
        "io.aciml.version": __version__,
    }


def test_without_git_only_the_base_is_said_and_the_bytes_are_those_of_before(made: Made, tmp_path: Path) -> None:
    plain = made.image(made.up(made.inputs(source(tmp_path / "plain" / "src"))))
    same = made.image(made.up(made.inputs(repository(tmp_path / "project"))))

    assert plain.labels() == made.image(made.environment).labels()
    assert plain.digest != same.digest
    assert same.with_labels(plain.labels()).manifest() == plain.manifest()


def test_two_clones_of_one_commit_make_one_image(made: Made, tmp_path: Path) -> None:
    path = repository(tmp_path / "project", "https://me:hidden@host.example/x/y")
    git(tmp_path, "clone", "--quiet", "project", "again")
    git(tmp_path / "again", "remote", "set-url", "origin", "git@host.example:x/y.git")

    digests = {made.up(made.inputs(one))["digest"] for one in (path, tmp_path / "again" / "src")}

    assert len(digests) == 1


def test_a_preview_knows_the_digest_also_of_a_change_that_is_not_committed(made: Made, tmp_path: Path) -> None:
    inputs = made.inputs(repository(tmp_path / "project"))
    foreseen = made.preview(inputs)
    assert foreseen["digest"] == made.up(inputs)["digest"]

    (tmp_path / "project/src/score.py").write_text(SCRIPT + "#\n")
    dirty = made.inputs(tmp_path / "project/src", inputs)
    assert made.preview(dirty)["digest"] == made.up(dirty)["digest"] != foreseen["digest"]
    assert made.image(made.up(dirty)).labels()[f"{OCI}revision"].endswith("-dirty")


def test_a_new_commit_without_a_new_content_is_no_change(made: Made, tmp_path: Path) -> None:
    path = repository(tmp_path / "project")
    inputs = made.inputs(path)
    state = made.up(inputs)
    (tmp_path / "project/README.md").write_text("more\n")
    commit(tmp_path / "project")

    again = made.inputs(path, inputs)

    assert again == inputs
    assert made.service().diff(inputs, state, again).detail == {}


def test_an_import_reads_no_label_and_then_nothing_differs(made: Made, tmp_path: Path) -> None:
    inputs = made.inputs(repository(tmp_path / "project"))
    state = made.up(inputs)

    seen = made.service().read(Existing(state["image"], {}), Silent())

    assert seen is not None
    assert "server" not in seen.inputs
    assert made.service().diff(seen.inputs, seen.state, inputs).detail == {}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server of the test's own, which may be edited."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "run.py").write_text("1")
    monkeypatch.setattr(contents, "SERVER", folder)
    return folder


def test_an_upgrade_with_another_server_is_one_line_with_both_versions(
    made: Made, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path / "src")
    monkeypatch.setattr(service_plan, "__version__", "0.1.0")
    old = made.inputs(path)
    monkeypatch.setattr(service_plan, "__version__", "0.2.0")
    (server / "run.py").write_text("2")
    new = made.inputs(path, old)

    assert (old["server"], new["server"]) == ("0.1.0", "0.2.0")
    assert old["serverHash"] != new["serverHash"]
    assert made.service().diff(old, {}, new).detail == {"server": "update"}


def test_an_upgrade_with_the_same_server_is_no_change(
    made: Made, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path / "src")
    monkeypatch.setattr(service_plan, "__version__", "0.1.0")
    old = made.inputs(path)
    monkeypatch.setattr(service_plan, "__version__", "0.2.0")

    assert server.is_dir()
    assert made.inputs(path, old) == old
    assert made.inputs(path, made.inputs(path, old))["server"] == "0.1.0"  # what is in the image


def test_an_edit_of_the_server_shows_the_start_of_its_hash(made: Made, server: Path, tmp_path: Path) -> None:
    path, version = source(tmp_path / "src"), __version__
    seen = [made.inputs(path)]
    for text in ("2", "3", "1"):
        (server / "run.py").write_text(text)
        seen.append(made.inputs(path, seen[-1]))

    assert seen[0]["server"] == version
    assert [one["server"] for one in seen[1:]] == [f"{version}+{one['serverHash'][:8]}" for one in seen[1:]]
    for old, new in pairwise(seen):
        assert made.service().diff(old, {}, new).detail == {"server": "update"}
    assert made.inputs(path, seen[-1]) == seen[-1]


def test_a_state_of_before_that_has_a_hash_alone_differs_only_with_other_files(
    made: Made, server: Path, tmp_path: Path
) -> None:
    path = source(tmp_path / "src")
    old = {name: value for name, value in made.inputs(path).items() if name != "server"}

    same = made.inputs(path, old)
    assert made.service().diff(old, {}, same).detail == {}

    (server / "run.py").write_text("2")
    other = made.inputs(path, old)
    assert other["server"] == __version__
    assert made.service().diff(old, {}, other).detail == {"server": "update"}


def test_a_newer_tool_with_the_same_server_gives_an_image_without_git_the_same_bytes(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = made.inputs(source(tmp_path / "src"))
    digest = made.up(inputs)["digest"]
    monkeypatch.setattr(service_image, "__version__", "9.9.9")

    assert made.preview(inputs)["digest"] == digest
