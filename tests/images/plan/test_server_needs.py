"""What the scoring server needs comes with the user's packages, in a layer of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.server_needs import server_needs
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.pip.wheels import make_wheel
from tests.simulators.channel import Package, hard_packages, make_channel

NewMachine = Callable[..., Machine]
NAMES = {"httptools": "0.6.4", "orjson": "3.10.15", "uvloop": "0.21.0"}
ON: dict[str, Any] = {"serverRequirements": True}


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return make_channel(tmp_path / "with-pip", [*hard_packages(), Package("pip", "24.0")])


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    for name, version in {**NAMES, "rich": "1.0"}.items():
        make_wheel(folder, name, version)
    return folder


def asking(folder: Path, index: Path, *lines: str) -> Path:
    rows = [f"--find-links {index}", "--no-index", *lines]
    return conda_file(folder, "python", "pip", "pip:" + "".join(f"\n      - {row}" for row in rows))


def layers(machine: Machine, state: dict[str, Any]) -> list[str]:
    image = machine.shop.load_image(Reference.parse(state["image"]))
    assert image
    return [layer.digest for layer in image.layers]


def refused(machine: Machine, conda: Path, **more: Any) -> str:
    base = {"baseImage": f"{machine.registry.host}/base:one", "glibc": "2.31", "condaFile": str(conda)}
    new = {"loginServer": machine.registry.host, "repository": REPOSITORY, **base, **more}
    return " ".join(finding.why for finding in machine.environment.check(None, new, Silent()).findings)


def test_it_is_resolved_with_the_users_packages_and_shown_by_name(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    inputs = new_machine("one", mirror).inputs(asking(tmp_path / "a", index, "rich"), **ON)

    assert inputs["pipPackages"] == {**NAMES, "rich": "1.0"}
    assert inputs["dependencies"]["server"] == list(server_needs())


def test_its_layer_is_the_same_in_every_image(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    machine = new_machine("one", mirror)
    both = [machine.up(machine.inputs(asking(tmp_path / "a", index, *lines), **ON)) for lines in (["rich"], [])]

    with_rich, without = (layers(machine, state) for state in both)
    assert len(with_rich) == len(without) + 1
    assert set(without) < set(with_rich)


def test_what_conda_brings_is_not_brought_again(new_machine: NewMachine, tmp_path: Path) -> None:
    ours = [Package(name, version, depends=("python",)) for name, version in NAMES.items()]
    mirror = make_channel(tmp_path / "all", [*hard_packages(), *ours])
    inputs = new_machine("one", mirror).inputs(conda_file(tmp_path / "a", "python", *NAMES), **ON)

    assert "pipPackages" not in inputs
    assert set(NAMES) <= inputs["packages"].keys()


def test_it_can_be_switched_off(new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path) -> None:
    inputs = new_machine("one", mirror).inputs(asking(tmp_path / "a", index, "rich"), serverRequirements=False)

    assert inputs["pipPackages"] == {"rich": "1.0"}
    assert "server" not in inputs["dependencies"]


def test_a_version_that_does_not_fit_is_told_with_what_the_server_needs(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    make_wheel(index, "orjson", "3.8.0")
    why = refused(new_machine("one", mirror), asking(tmp_path / "a", index, "orjson==3.8.0"))

    assert "the scoring server needs orjson>=3.9,<4" in why
    assert "serverRequirements" in why


def test_an_index_that_does_not_answer_is_told_with_the_reason_why_it_was_asked(
    new_machine: NewMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(Exception, match=r"it is asked because the scoring server needs httptools>=0\.6,<1, uvloop"):
        refused(new_machine("one"), conda_file(tmp_path / "a", "python"))


def test_a_frozen_lock_without_it_has_to_be_written_again(
    new_machine: NewMachine, mirror: Path, index: Path, tmp_path: Path
) -> None:
    machine = new_machine("one", mirror)
    conda = asking(index.parent, index, "rich")
    lock(machine, conda)

    why = refused(machine, conda, lockMode="frozen")

    assert "pip: httptools<1,>=0.6 is not in it" in why
    assert "aciml lock" in why


def lock(machine: Machine, conda: Path) -> None:
    """Write a lock file as it was before the server needed anything."""
    from aciml.images.plan.lock import lock_text, solve_anew
    from aciml.images.plan.sources import read_sources
    from aciml.model.environment import read_environment

    declared = read_environment({"condaFile": str(conda), "glibc": "2.31", "serverRequirements": False})
    sources, path = read_sources(declared), conda.with_suffix(".lock")
    locked = solve_anew(machine.shop, sources, declared.limits, Silent())
    path.write_text(lock_text(machine.shop, locked, sources, declared.limits, path, {}), encoding="utf-8")
