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


def up_until(project: Project, words: str, then: Callable[[int], object], *, cold: bool = False) -> str:
    """Run `up`, do something (it gets the process group) once a line has the words, and return all that was said."""
    project.save()
    environ = {**project.environ(), **({"PATH": path_with(cold_python())} if cold else {})}
    process = subprocess.Popen(
        ["pulumi", "--non-interactive", "--color", "never", "up", "--yes", "--skip-preview"],
        cwd=project.folder,
        env=environ,
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


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def press_ctrl_c(group: int) -> None:
    os.killpg(group, signal.SIGINT)


def test_each_up_goes_on_where_ctrl_c_or_a_lost_registry_stopped_the_one_before(project: Project) -> None:
    registry = f"aciml-registry-{project.name}"
    service, environment = project.config["scoring:service"], project.config["scoring:environment"]

    # during a build
    environment["extra_steps"] = [SLOW_STEP]
    up_until(project, "turn 1", press_ctrl_c, cold=True)

    # during a push: a registry that is lost is an outage, and the next one pushes the rest
    environment["extra_steps"] = ["RUN true"]
    (project.folder / "big.bin").write_bytes(os.urandom(15_000_000))
    service["models"] = {"big": "big.bin"}
    # a registry that takes seconds for what it gets, and does no more work than one that takes none
    docker("update", "--cpus", "0.02", registry)
    said = up_until(project, "layer ", lambda _: docker("kill", registry))
    assert "127.0.0.1:" in said
    docker("start", registry)
    up_until(project, "layer ", press_ctrl_c)
    docker("update", "--cpus", "1", registry)

    # while a service starts
    project.write("src/score.py", "import time\ntime.sleep(3)\n" + SCORE)
    up_until(project, "waiting for 200", press_ctrl_c)

    project.write("src/score.py", SCORE)
    project.up().check_ok()
    assert project.ask() == {"sum": 6.5}
    assert f"aciml-{project.name}-next" not in docker("ps", "-a", "--format", "{{.Names}}").split()
