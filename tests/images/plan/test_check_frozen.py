"""What Check over gRPC says of a lock file that counts, and of lint rules that are switched off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import engine_pb2

from tests.images.world import CONDA, World, make_world, push_base
from tests.simulators.engine import Plugin, plain, running_plugin
from tests.simulators.registry import RegistrySimulator

WARNING, INFO = engine_pb2.WARNING, engine_pb2.INFO
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
    steps = {**inputs, "extraSteps": ["RUN apt-get update", "RUN apt-get instal -y curl"]}
    (found,) = failures(plugin.check(TOKEN, steps)).items()
    assert found[0] == "extraSteps[1]"
    assert found[1].endswith("[apt-command]")

    assert failures(plugin.check(TOKEN, {**steps, "lintOff": ["apt-command"]})) == {}
    unknown = failures(plugin.check(TOKEN, {**steps, "lintOff": ["apt-command", "apt-comand"]}))
    assert unknown == {"lintOff[1]": 'lintOff[1] is "apt-comand"; did you mean apt-command?'}


def test_a_rule_that_is_switched_off_holds_for_the_text_of_a_dockerfile_too(
    plugin: Plugin, inputs: dict[str, Any]
) -> None:
    text = f"FROM {inputs.pop('baseImage')}\nRUN apt-get update && apt-get instal -y curl\n"
    values = {**inputs, "dockerfileText": text}

    (found,) = failures(plugin.check(TOKEN, values)).items()
    assert found[0] == "dockerfileText"
    assert "Dockerfile:2:" in found[1]
    assert failures(plugin.check(TOKEN, {**values, "lintOff": ["apt-command"]})) == {}


def test_a_warning_is_in_the_log_with_its_place_and_stops_nothing(plugin: Plugin, inputs: dict[str, Any]) -> None:
    steps = {**inputs, "extraSteps": ["", "RUN apt-get update && apt-get install curl", "WORKDIR app"]}

    assert failures(plugin.check(TOKEN, steps)) == {}
    told = [
        (line.severity, line.message.partition(";")[0]) for line in plugin.logs.lines if "extraSteps[" in line.message
    ]
    assert told == [
        (WARNING, "extraSteps[1]: step 1, column 31: apt-get install may ask, and nobody can answer"),
        (INFO, "extraSteps[2]: step 2, column 9: WORKDIR app is inside the folder that the base has, / if it has none"),
    ]


def test_steps_that_need_root_on_a_base_of_another_user_are_warned_of(
    plugin: Plugin, inputs: dict[str, Any], registry: RegistrySimulator, tmp_path: Path
) -> None:
    push_base(tmp_path / "of-builder", registry.host, User="builder:1000")
    steps = ["RUN apt-get update", "USER root", "RUN apt-get update"]

    assert failures(plugin.check(TOKEN, {**inputs, "extraSteps": steps})) == {}
    (told,) = [line.message for line in plugin.logs.lines if "[not-root]" in line.message]
    assert told.startswith(
        "extraSteps[0]: step 1, column 5: apt-get needs root, and this step runs as builder; write USER root"
    )
