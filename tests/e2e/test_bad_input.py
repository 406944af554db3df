"""Wrong input: one clear error each, without a traceback, and nothing is lost."""

from __future__ import annotations

import copy
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.project import CONDA, SCORE, Project

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


@pytest.fixture(autouse=True)
def restored(project: Project) -> Iterator[None]:
    """Give each test the same project, whatever the one before did to it."""
    kept = copy.deepcopy(project.config)
    yield
    project.config = kept
    for path, text in (("src/score.py", SCORE), ("conda.yml", CONDA), ("context/service.conf", "mode = test\n")):
        project.write(path, text)


ENVIRONMENT = {
    "conda_file": "conda.yaml",
    "base_image": "Debian:x",
    "ca_bundle": "none.pem",
    "extra_steps": ["RUN true", "RUNN true", "COPY service.cnf /x", "FROM scratch"],
}
SERVICE = {"entry_script": "main.py", "models": {"m": "none.bin"}}


@pytest.mark.parametrize(
    ("section", "change", "words"),
    [
        ("scoring:registry", {"prot": 1}, ["scoring:registry.prot: unknown key", "did you mean port?"]),
        (
            "scoring:environment",
            ENVIRONMENT,
            [
                "conda.yaml does not exist",
                '"library/Debian" is not a repository name',
                "none.pem is not a file",
                *("step 2", "did you mean RUN?"),
                *("step 3", "service.cnf"),
                *("step 4", "FROM"),
            ],
        ),
        ("scoring:service", {"source_directory": "source"}, ["source is not a folder"]),
        ("scoring:service", SERVICE, ["src/main.py does not exist", "none.bin does not exist"]),
        ("scoring:service", {"cpu_cores": "many"}, ["scoring:service.cpu_cores must be a number, not a text"]),
    ],
    ids=["a key", "an environment", "a folder", "a service", "a kind"],
)
def test_all_that_is_wrong_with_a_resource_is_said_at_once_and_clearly(
    project: Project, section: str, change: dict[str, Any], words: list[str]
) -> None:
    project.config[section] = {**project.config[section], **change}

    project.pulumi("preview").check_failed(*words)


def test_a_broken_conda_file_is_named_with_its_line(project: Project) -> None:
    project.write("conda.yml", "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - numpy=>1.26\n")

    project.pulumi("preview").check_failed("conda.yml:4", "numpy=>1.26", "numpy>=1.26")


def test_an_environment_that_cannot_be_solved_says_why(project: Project) -> None:
    project.write("conda.yml", CONDA.replace("numpy=1.26.4", "numpy=99"))

    project.pulumi("preview").check_failed("numpy", "99")


def test_a_pip_package_that_does_not_exist_is_named(project: Project) -> None:
    project.write("conda.yml", CONDA.replace("tabulate==0.9.0", "tabulate==99.0"))

    project.pulumi("preview").check_failed("tabulate==99.0")


def test_a_script_without_run_is_named(project: Project) -> None:
    project.write("src/score.py", "def init(): pass\n")

    project.pulumi("preview").check_failed("has no function run(raw_data)")


def test_an_unknown_provider_key_is_named(project: Project) -> None:
    project.config["aciml:locaton"] = "x"
    project.pulumi("preview").check_failed("did you mean aciml:location?")


def test_docker_that_does_not_run_is_one_sentence(project: Project) -> None:
    project.pulumi("up", "--yes", "--skip-preview", DOCKER_HOST="unix:///nowhere/docker.sock").check_failed(
        "unix:///nowhere/docker.sock"
    )


def test_a_port_of_somebody_else_is_named_before_anything_changes(project: Project) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        port = somebody.getsockname()[1]
        project.config["scoring:registry"] = {**project.config["scoring:registry"], "port": port}

        project.up().check_failed(f"port {port}", "in use")

    assert project.container("registry") is None


def test_a_step_that_fails_names_itself_its_exit_code_and_its_last_words(project: Project) -> None:
    steps = ["RUN true", "RUN echo last words && exit 7"]
    project.config["scoring:environment"] = {**project.config["scoring:environment"], "extra_steps": steps}

    # that the next one goes on where it failed: test_interrupted.py
    project.up().check_failed("step 2", "exit 7", "last words", "7")
