"""What Check over gRPC says of a lock file that counts, and of lint rules that are switched off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.images.world import CONDA, World, make_world
from tests.simulators.engine import Plugin, plain, running_plugin
from tests.simulators.registry import RegistrySimulator

TOKEN = "aciml:image:Environment"


@pytest.fixture
def world(tmp_path: Path, registry: RegistrySimulator) -> World:
    return make_world(tmp_path, registry.host)


@pytest.fixture
def plugin(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """A machine of its own, which has the mirrors of the world and none of its caches."""
    monkeypatch.setenv("ACIML_MIRRORS", world.environ["ACIML_MIRRORS"])
    with running_plugin(tmp_path / "other", {"target": "memory"}) as running:
        yield running


@pytest.fixture
def inputs(world: World, registry: RegistrySimulator) -> dict[str, Any]:
    base = {"baseImage": f"{registry.host}/team/base:1", "glibc": "2.31"}
    return {
        "loginServer": registry.host,
        "repository": "azureml/it",
        **base,
        "condaFile": str(world.folder / "conda.yml"),
        "serverRequirements": False,
    }


def failures(answer: Any) -> dict[str, str]:
    return {failure.property: failure.reason for failure in answer.failures}


def test_a_frozen_lock_that_does_not_fit_is_a_failure_that_names_the_specs(
    world: World, plugin: Plugin, inputs: dict[str, Any]
) -> None:
    world.run("lock")
    assert failures(plugin.check(TOKEN, {**inputs, "lockMode": "frozen"})) == {}
    (world.folder / "conda.yml").write_text(CONDA.replace("big]", "'big>=9', scipy]"))

    found = failures(plugin.check(TOKEN, {**inputs, "lockMode": "frozen"}))

    assert list(found) == ["lockFile"]
    assert "big>=9 is not satisfied by" in found["lockFile"]
    assert "scipy is not in it" in found["lockFile"]
    assert "write it again: aciml lock" in found["lockFile"]


def test_a_frozen_lock_that_is_missing_is_a_failure_and_an_unknown_mode_too(
    plugin: Plugin, inputs: dict[str, Any]
) -> None:
    assert "conda.lock does not exist" in failures(plugin.check(TOKEN, {**inputs, "lockMode": "frozen"}))["lockFile"]
    assert "frozen" in failures(plugin.check(TOKEN, {**inputs, "lockMode": "frozn"}))["lockMode"]


def test_a_lock_that_fits_is_what_a_frozen_check_answers_with(
    world: World, plugin: Plugin, inputs: dict[str, Any]
) -> None:
    world.run("lock")

    frozen, auto = (
        plain(plugin.check(TOKEN, {**inputs, "lockMode": mode}).inputs)["lock"] for mode in ("frozen", "auto")
    )

    assert frozen == auto != []


def test_a_rule_that_is_switched_off_finds_nothing_and_an_unknown_one_is_a_failure(
    plugin: Plugin, inputs: dict[str, Any]
) -> None:
    steps = {**inputs, "extraSteps": ["RUN apt-get update", "RUN apt-get install curl"]}
    (found,) = failures(plugin.check(TOKEN, steps)).items()
    assert found[0] == "extraSteps[1]"
    assert found[1].endswith("[apt-no-yes]")

    assert failures(plugin.check(TOKEN, {**steps, "lintOff": ["apt-no-yes"]})) == {}
    unknown = failures(plugin.check(TOKEN, {**steps, "lintOff": ["apt-no-yes", "apt-no-yse"]}))
    assert unknown == {"lintOff[1]": 'lintOff[1] is "apt-no-yse"; did you mean apt-no-yes?'}


def test_a_rule_that_is_switched_off_holds_for_the_text_of_a_dockerfile_too(
    plugin: Plugin, inputs: dict[str, Any]
) -> None:
    text = f"FROM {inputs.pop('baseImage')}\nRUN apt-get update && apt-get install curl\n"
    values = {**inputs, "dockerfileText": text}

    (found,) = failures(plugin.check(TOKEN, values)).items()
    assert found[0] == "dockerfileText"
    assert "Dockerfile:2:" in found[1]
    assert failures(plugin.check(TOKEN, {**values, "lintOff": ["apt-no-yes"]})) == {}
