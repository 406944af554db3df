"""An image that brings its own Python, Debian's by apt: no conda, no pip, and nothing of the server in it. In order."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from aciml.core.credentials import Credentials
from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.docker.transfer import push_raw
from tests.e2e.project import Project
from tests.simulators.registry_program import missing_reason, running_registry

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

DEBIAN = """FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
"""
SCORE = """
import json, sys

def init():
    global weights
    weights = [1.0, 2.0]

def run(raw_data):
    import httptools
    return {
        "sum": sum(w * x for w, x in zip(weights, json.loads(raw_data))),
        "python": [sys.executable, list(sys.version_info[:2])],
        "parser": httptools.__file__,
        "path": sys.path,
    }
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian with its python3, in a registry of the test's own."""
    if reason := missing_reason():
        pytest.skip(reason)
    mark = uuid.uuid4().hex[:8]
    engine, own = connect(), f"aciml-test-own-python-{mark}"
    # an image of its own: equal builds have one id, and the process that is done first would remove it
    text = f"{DEBIAN}LABEL own={mark}\n".encode()
    engine.images.build(fileobj=io.BytesIO(text), tag=own, rm=True, forcerm=True, nocache=True, network_mode="host")
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        push_raw(engine, own, f"{registry.host}/team/python", "1", Credentials(), Silent())
        yield f"{registry.host}/team/python:1"
    engine.images.remove(own, force=True)
    engine.close()


@pytest.fixture(scope="module", autouse=True)
def own(project: Project, base: str) -> dict[str, Any]:
    project.write("src/score.py", SCORE)
    environment: dict[str, Any] = project.config["scoring:environment"]
    for name in ("conda_file", "extra_steps", "steps_context"):
        del environment[name]
    environment["base_image"] = base
    return environment


def test_debians_python3_serves_with_what_the_server_needs_beside_it(project: Project) -> None:
    project.up().check_ok()
    seen = project.ask("[3, 4]")

    assert seen["sum"] == 11.0
    assert seen["python"] == ["/usr/bin/python3", [3, 11]]
    assert seen["parser"].startswith("/opt/aciml/needs/httptools/")
    # whatever the image has of these comes before it
    assert seen["path"].index("/opt/aciml/needs") > seen["path"].index("/usr/lib/python3/dist-packages")


def test_its_packages_are_untouched(project: Project) -> None:
    image = project.outputs()["image"]
    said = project.run_in(image, "find / -xdev -name '*httptools*' -not -path '/proc/*' | grep -v ^/opt/aciml/ | wc -l")
    assert said.split() == ["0"]


def test_a_python_of_a_step_is_found_in_what_the_step_made(project: Project, own: dict[str, Any]) -> None:
    # a name that only the step knows: the base has python3 elsewhere, and apt takes longer than all of this
    own["extra_steps"] = ["RUN ln -s /usr/bin/python3.11 /usr/local/bin/mine"]
    own["interpreter_path"] = "/usr/local/bin/mine"
    project.up().check_ok()

    assert project.ask("[1, 1]")["python"][0] == "/usr/local/bin/mine"
    container = project.container()
    assert container is not None
    assert container["Config"]["Cmd"] == ["/usr/local/bin/mine", "/opt/aciml/server/run.py"]


def test_an_interpreter_that_is_not_there_is_named_before_anything_is_built(
    project: Project, own: dict[str, Any], base: str
) -> None:
    own.update(base_image=base, interpreter_path="/opt/venv/bin/python")
    del own["extra_steps"]
    said = project.pulumi("preview").check_failed("interpreter_path", "/opt/venv/bin/python is no program in")
    assert "apt-get install -y python3" in said.text


def test_a_venv_that_a_dockerfile_makes_is_the_first_of_path(project: Project, own: dict[str, Any], base: str) -> None:
    for name in ("base_image", "interpreter_path"):
        del own[name]
    venv = "RUN python3 -m venv --without-pip /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n"
    own["dockerfile_text"] = f"FROM {base}\n{venv}"
    project.up().check_ok()

    assert project.ask("[1, 1]")["python"][0] in ("/opt/venv/bin/python3", "/opt/venv/bin/python")
    # nothing is a difference afterwards
    assert project.preview() == []
