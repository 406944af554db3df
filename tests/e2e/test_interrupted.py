"""Ctrl-C during a long step: the CLI ends, and the next `up` goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.project import LONG, SCORE, Project, path_with
from tests.e2e.python import cold_python

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
# lines of conda, which is made beside the steps, come between those of the turns; that of turn 10 or 15 does, too
SLOW_STEP = "RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo turn $i; sleep 0.5; done"


def up_until(project: Project, words: str, then: Callable[[int], object]) -> str:
    """Run `up`, do something (it gets the process group) once a line has the words, and return all that was said."""
    project.save()
    process = subprocess.Popen(
        ["pulumi", "--non-interactive", "--color", "never", "up", "--yes", "--skip-preview"],
        cwd=project.folder,
        env={**project.environ(), "PATH": path_with(cold_python())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            then(process.pid)
            break
    said.append(process.communicate(timeout=LONG)[0])
    text = "".join(said)
    assert words in text, text
    assert process.returncode != 0, text
    assert "provider/aciml/" not in text
    assert "fault of aciml" not in text
    return text


def press_ctrl_c(group: int) -> None:
    os.killpg(group, signal.SIGINT)


@pytest.mark.parametrize("words", ["turn 1", "layer ", "waiting for 200"], ids=["build", "push", "start"])
def test_the_next_up_goes_on_where_ctrl_c_stopped(project: Project, words: str) -> None:
    project.config["scoring:environment"]["extra_steps"] = [SLOW_STEP] if words == "turn 1" else ["RUN true"]
    if words == "layer ":
        (project.folder / "big.bin").write_bytes(os.urandom(150_000_000))
        project.config["scoring:service"]["models"] = {"big": "big.bin"}
    start = "import time\ntime.sleep(3)\n" if words.startswith("waiting") else ""
    project.write("src/score.py", start + SCORE + f"# {words}\n")

    up_until(project, words, press_ctrl_c)

    project.config["scoring:environment"]["extra_steps"] = ["RUN true"]
    project.pulumi("cancel", "--yes")
    project.up().check_ok()
    assert project.ask() == {"sum": 6.5}
    leftovers = subprocess.run(
        ["docker", "ps", "-a", "--format", "{{.Names}}"], capture_output=True, text=True, check=True
    )
    assert f"aciml-{project.name}-next" not in leftovers.stdout.split()


def test_a_registry_lost_half_way_is_an_outage_and_the_next_up_pushes_the_rest(project: Project) -> None:
    registry = f"aciml-registry-{project.name}"
    (project.folder / "first.bin").write_bytes(os.urandom(150_000_000))
    project.config["scoring:service"]["models"] = {"first": "first.bin"}

    said = up_until(
        project, "layer ", lambda _: subprocess.run(["docker", "kill", registry], check=True, capture_output=True)
    )

    assert "127.0.0.1:" in said
    subprocess.run(["docker", "start", registry], check=True, capture_output=True)
    project.up().check_ok()
    assert project.ask() == {"sum": 6.5}
    project.pulumi("destroy", "--yes", "--skip-preview").check_ok()
