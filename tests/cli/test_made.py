"""``aciml plan`` and ``aciml build`` as programs: on a registry, a channel and a base of this machine."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from aciml.cli.build import Goal
from aciml.cli.declared import decoded
from aciml.core.errors import UserError
from aciml.properties import UNKNOWN, Secret
from tests.cli.project import leave_state, make_program
from tests.images.world import World
from tests.simulators.registry import RegistrySimulator


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, registry: RegistrySimulator) -> World:
    return make_program(tmp_path, registry.host)


def told(world: World, *words: str) -> Any:
    return json.loads(world.run(*words, "--json"))


def test_what_is_planned_is_built_and_pushed_and_compared_with(
    world: World, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = told(world, "plan")
    made = told(world, "plan", "--make")
    there = f"{registry.host}/azureml/iris"
    built = told(world, "build", "--to", f"registry:{there}:v1")
    layout = told(world, "build", "--to", f"oci:{tmp_path / 'layout.tar'}")

    # nothing is made yet, so nobody knows the digest; then all that tells it agree
    assert first["environment"]["digest"] is first["service"]["digest"] is None
    assert first["environment"]["to_make"]["layers"] > 0
    assert made["environment"]["to_make"] == {"layers": 0, "package_bytes": 0}
    assert built["reference"] == f"{there}:v1@{built['digest']}"
    assert built["digest"] == layout["digest"] == made["service"]["digest"]
    assert registry.repository("azureml/iris").tags["v1"] == built["digest"]
    with tarfile.open(tmp_path / "layout.tar") as tar:
        index = json.loads(tar.extractfile("index.json").read())  # type: ignore[union-attr]
    assert index["manifests"][0]["digest"] == built["digest"]

    # the state of an update that pushed this, and then another package
    (environment,) = [digest for tag, digest in registry.repository("azureml/sklearn").tags.items() if len(tag) == 12]
    inputs = json.loads(
        json.loads(registry.repository("azureml/sklearn").manifests[environment][0])["annotations"]["io.aciml.inputs"]
    )
    place = {"loginServer": registry.host, "repository": "azureml/sklearn"}
    leave_state(
        world,
        {
            "type": "aciml:registry:ContainerRegistry",
            "name": "models-registry",
            "outputs": {"loginServer": registry.host},
        },
        {
            "type": "aciml:image:Environment",
            "name": "sklearn-image",
            "inputs": {**inputs, **place, "condaFile": "conda.yml", "serverRequirements": False},
            "outputs": {"image": f"{registry.host}/azureml/sklearn:1@{environment}", "size": 5.0},
        },
    )
    same = told(world, "plan")["environment"]
    conda = world.folder / "conda.yml"
    conda.write_text(conda.read_text().replace("meta, big", "big, pip"))
    changed = told(world, "plan")
    lines = world.run("plan", "--against", f"{there}:v1").splitlines()

    # a program in another language is told by what its last update was given
    (world.folder / "Pulumi.yaml").write_text("name: scoring\nruntime: yaml\nstackConfigDir: stacks\n")
    other = told(world, "plan")

    assert other["environment"]["packages"] == changed["environment"]["packages"]
    assert (same["digest"], same["upload"], same["size_before"]) == (environment, 0, 5)
    packages = changed["environment"]["packages"]
    assert (list(packages["added"]), list(packages["removed"]), packages["changed"]) == (["pip"], ["meta"], {})
    assert changed["against"].endswith(environment)
    assert lines[0] == f"against {there}:v1@{built['digest']}"
    assert {"    + pip 25.0 0", "    - meta 1.0 0"} <= set(lines)


def test_several_services_are_planned_at_once_and_their_environment_is_told_once(world: World) -> None:
    program = world.folder / "__main__.py"
    second = program.read_text()[program.read_text().index("service = ") :].replace('"iris"', '"lilac"', 1)
    third = program.read_text()[program.read_text().index("environment = ") :].partition("service = ")[0]
    program.write_text(program.read_text() + second + third.replace('"sklearn"', '"alone"', 1))
    facts = told(world, "plan")["plans"]
    lines = world.run("plan").splitlines()

    assert [(one["environment"]["name"], (one["service"] or {}).get("name")) for one in facts] == [
        ("sklearn", "iris"),
        ("sklearn", "lilac"),
        ("alone", None),
    ]
    heads = [line for line in lines if line.startswith(("environment", "service"))]
    assert heads == [
        "environment sklearn (azureml/sklearn)",
        "service iris (azureml/iris)",
        "environment sklearn (azureml/sklearn), as above",
        "service lilac (azureml/lilac)",
        "environment alone (azureml/alone)",
    ]
    assert told(world, "plan", "--name", "lilac")["service"]["name"] == "lilac"
    # a lock is of one environment, and is asked for by its name
    assert told(world, "lock", "--name", "alone")["good"] is True
    # so is what is exported, and a service that is tried here
    several = world.try_to_run("export", "--format", "oci-layout", "layout")
    assert "declares 2 of the kind environment: sklearn, alone; choose one by --name" in several.stderr
    assert told(world, "export", "--format", "oci-layout", "--name", "alone", "layout")["name"].startswith(
        "azureml/alone:"
    )
    several = world.try_to_run("serve", "--stack", "local")
    assert "declares 2 of the kind service: iris, lilac; choose one by --name" in several.stderr


def test_files_by_options_need_no_project_and_steps_need_a_registry(
    world: World, registry: RegistrySimulator, tmp_path: Path
) -> None:
    (world.folder / "Pulumi.yaml").unlink()
    files = ["--base", f"{registry.host}/team/base:1", "--no-server"]
    (world.folder / "steps").write_text("RUN true\n")

    plan = told(world, "plan", *files)
    built = told(world, "build", *files, "--to", f"{registry.host}/mine/env")
    refused = world.try_to_run("build", *files, "--steps", "steps", "--to", f"oci:{tmp_path / 'no'}", "--json")
    gone = world.try_to_run("plan", "--conda", "gone.yml", "--base", "debian:12")
    nowhere = world.try_to_run("build")
    wrong = world.try_to_run("build", *files, "--to", "nowhere")

    assert plan["service"] is None
    assert registry.repository("mine/env").tags[built["digest"][7:19]] == built["digest"]
    assert "kept in a registry" in json.loads(refused.stdout)["error"]["message"]
    assert (gone.returncode, gone.stderr) == (1, "aciml: --conda: gone.yml does not exist\n")
    assert "no Pulumi.yaml" in nowhere.stderr
    assert (refused.returncode, nowhere.returncode, wrong.returncode) == (1, 1, 2)
    assert not (tmp_path / "no").exists()


def test_where_nothing_is_known_of_a_registry_or_a_network_one_sentence_says_so(
    world: World, registry: RegistrySimulator
) -> None:
    unmade = world.try_to_run("build")
    other = world.try_to_run("plan", "--name", "other")
    foreign = world.try_to_run("plan", "--against", f"{registry.host}/team/base:1")
    registry.close()
    silent = world.try_to_run("plan")

    for done, text in (
        (unmade, "registry is not made yet"),
        (other, 'declares no service "other"; it has iris'),
        (foreign, "does not say what it is made of"),
        (silent, "could not be reached"),
    ):
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("aciml: ")
        assert text in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("said", "beside", "goal"),
    [
        ("", "", None),
        ("oci:a/b", "", Goal("oci", "a/b")),
        ("docker:name:tag", "", Goal("docker", "name:tag")),
        ("registry:host/repo:tag", "", Goal("registry", "host/repo:tag")),
        ("registry", "host:5000/repo", Goal("registry", "host:5000/repo")),
        ("host:5000/repo", "", Goal("registry", "host:5000/repo")),
    ],
)
def test_a_place_is_said_in_one_of_three_forms(said: str, beside: str, goal: Goal | None) -> None:
    assert Goal.read(said, beside) == goal


@pytest.mark.parametrize("said", ["x", "registry", "oci:", "docker:"])
def test_any_other_place_is_wrong_use(said: str) -> None:
    with pytest.raises(click.UsageError):
        Goal.read(said, "")


def test_a_name_that_no_image_has_is_refused_before_anything_is_built() -> None:
    with pytest.raises(UserError, match="not a repository name"):
        Goal.read("docker:Upper", "")


def test_the_engine_s_json_is_read_with_what_is_secret_and_what_is_not_known() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}

    assert decoded({"a": 1.0, "b": [0.5, None], "c": None, "__defaults": []}) == {"a": 1, "b": [0.5, None]}
    assert decoded("04da6b54-80e4-46f7-96ec-b56ff0331ba9") is UNKNOWN
    assert decoded({**secret, "value": "x"}) == Secret("x")
