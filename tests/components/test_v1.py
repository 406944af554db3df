"""``from_v1``: the classes of arguments from v1's files, as a program uses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from aciml.core.v1.keys import DEPLOYMENT, ENVIRONMENT, INFERENCE, Fate, Kind
from pulumi_aciml import (
    AzureArgs,
    EnvironmentImageArgs,
    LimitsArgs,
    NetworkArgs,
    ScoringServiceArgs,
    ServerArgs,
    V1Error,
)
from pulumi_aciml.args.declared import arguments_of, leaves_of

FILES = {
    "inferenceconfig.json": {"entryScript": "score.py", "sourceDirectory": "src", "condaFile": "conda.yml"},
    "deploymentconfig.json": {
        "computeType": "aci",
        "containerResourceRequirements": {"cpu": 0.1, "memoryInGB": 2},
        "authEnabled": True,
        "keys": {"primaryKey": "hunter2"},
        "scoringTimeoutMs": 1000,
        "vnetName": "v",
        "subnetName": "s",
    },
    "src/score.py": "def run(d): return d\n",
    "src/conda.yml": "dependencies: [python=3.11]\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    write(FILES)
    pulumi.runtime.set_config("aciml:target", "azure")
    yield tmp_path
    pulumi.runtime.set_all_config({})


def write(files: dict[str, Any]) -> None:
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content if isinstance(content, str) else json.dumps(content, indent=1))


def service(**more: Any) -> ScoringServiceArgs:
    return ScoringServiceArgs.from_v1(
        inference_config="inferenceconfig.json",
        deployment_config="deploymentconfig.json",
        login_server="host",
        environment_image="image",
        **more,
    )


def environment(**more: Any) -> EnvironmentImageArgs:
    return EnvironmentImageArgs.from_v1(inference_config="inferenceconfig.json", login_server="host", **more)


def test_a_service_has_what_both_files_say() -> None:
    made = service(models={"iris": "iris.pkl"})

    assert (made.source_directory, made.entry_script, made.auth_enabled) == ("src", "score.py", True)
    assert (made.login_server, made.environment_image, made.models) == ("host", "image", {"iris": "iris.pkl"})
    assert made.azure == AzureArgs(network=NetworkArgs(vnet_name="v", subnet_name="s"))


def test_a_key_is_a_secret() -> None:
    key = service().primary_key

    assert isinstance(key, pulumi.Output)
    assert asyncio.get_event_loop().run_until_complete(_secret(key)) == ("hunter2", True)
    assert "hunter2" not in repr(service())


async def _secret(output: pulumi.Output[str]) -> tuple[str | None, bool]:
    return await output.future(), await output.is_secret()


@pytest.mark.parametrize(("target", "cores"), [("local", 0.1), ("azure", 1.0)])
def test_less_than_a_core_stays_at_home(target: str, cores: float) -> None:
    pulumi.runtime.set_config("aciml:target", target)

    assert (service().cpu_cores, service().memory_gb) == (cores, 2.0)


def test_what_a_program_gives_counts_and_a_subject_is_filled_up() -> None:
    made = service(auth_enabled=False, server=ServerArgs(workers=2, limits=LimitsArgs(queue_timeout=3)))

    assert made.auth_enabled is False
    assert made.server == ServerArgs(workers=2, limits=LimitsArgs(queue_timeout=3, scoring_timeout_ms=1000))


def test_an_environment_has_what_the_inference_config_says() -> None:
    made = environment(repository="r")

    assert made.base_image == "debian:bookworm-slim"
    assert made.packages is not None
    assert made.packages.conda_file == "src/conda.yml"  # type: ignore[union-attr]  # no Output here
    assert made.repository == "r"


def test_a_saved_environment_is_given_by_its_folder() -> None:
    write(
        {
            "inferenceconfig.json": {"entryScript": "score.py", "sourceDirectory": "src"},
            "env/azureml_environment.json": {
                "python": {"userManagedDependencies": True, "interpreterPath": "/opt/bin/python"},
                "docker": {"baseImage": "own:1"},
            },
        }
    )

    made = environment(environment="env")

    assert made.base_image == "own:1"
    assert made.packages.interpreter_path == "/opt/bin/python"  # type: ignore[union-attr]


def test_the_files_may_lie_in_a_folder_and_name_what_is_beside_them(folder: Path) -> None:
    for name in ("inferenceconfig.json", "src"):
        (folder / "v1").mkdir(exist_ok=True)
        (folder / name).rename(folder / "v1" / name)

    made = EnvironmentImageArgs.from_v1(inference_config=Path("v1/inferenceconfig.json"), login_server="host")

    assert made.packages.conda_file == "v1/src/conda.yml"  # type: ignore[union-attr]


def test_all_that_is_wrong_is_told_at_once_with_file_and_line() -> None:
    write({"inferenceconfig.json": {"entryScript": "a.py", "sourceDirectry": "src"}, "deploymentconfig.json": "{}"})

    with pytest.raises(V1Error) as caught:
        service(modls={})

    assert caught.value.problems == (
        "inferenceconfig.json:3: sourceDirectry: unknown key; did you mean sourceDirectory?",
        "inferenceconfig.json:2: entryScript: a.py does not exist",
        "deploymentconfig.json:1: computeType: it is missing; write aci or local",
        "modls is no argument of ScoringServiceArgs; did you mean models?",
    )
    assert isinstance(caught.value, pulumi.RunError)


def test_files_that_are_missing_are_both_told(folder: Path) -> None:
    (folder / "inferenceconfig.json").unlink()
    (folder / "deploymentconfig.json").unlink()

    with pytest.raises(
        V1Error, match=r"inferenceconfig.json does not exist(.|\n)*deploymentconfig.json does not exist"
    ):
        service()


def test_each_argument_that_a_key_is_for_exists() -> None:
    """The table is in words: a field that gets another name must not leave a wrong one there."""
    names = {
        "environment": {".".join(path) for path, _ in leaves_of(EnvironmentImageArgs)},
        "service": {".".join(path) for path, _ in leaves_of(ScoringServiceArgs)},
    }
    for cls in (EnvironmentImageArgs, ScoringServiceArgs):
        section = "environment" if cls is EnvironmentImageArgs else "service"
        names[section] |= {argument.name for argument in arguments_of(cls)}
    wrong = [
        key.path
        for key in (*INFERENCE, *ENVIRONMENT, *DEPLOYMENT)
        if key.fate is Fate.USED and key.kind is not Kind.SECTION and "." in key.to
        for section, _, path in [key.to.partition(".")]
        if path not in names[section]
    ]

    assert wrong == []
