"""The image's entry point, run for real in every shell that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ENTRYPOINT = Path(__file__).parents[2] / "server" / "entrypoint.sh"
SHOW = ["sh", "-c", 'echo "$CONDA_PREFIX|$ONE|$TWO|$ACIML_ENTRYPOINT"; exit 7']


@pytest.fixture(params=["sh", "bash", "dash"])
def shell(request: pytest.FixtureRequest) -> str:
    found = shutil.which(str(request.param))
    if not found:
        pytest.skip(f"there is no {request.param} here")
    return found


def run(shell: str, prefix: Path, *, bash: bool = True) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "ACIML_PREFIX": str(prefix)}
    if not bash:
        env["ACIML_ENTRYPOINT"] = "as if there were no bash"
    return subprocess.run([shell, ENTRYPOINT, *SHOW], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("bash", [True, False], ids=["with bash", "without bash"])
def test_scripts_run_in_order_and_a_failing_one_only_warns(tmp_path: Path, shell: str, *, bash: bool) -> None:
    scripts = tmp_path / "etc/conda/activate.d"
    scripts.mkdir(parents=True)
    (scripts / "a one.sh").write_text("export ONE=1\n")
    (scripts / "b.sh").write_text("echo gone; exit 9\n")
    (scripts / "c.sh").write_text("if then (\n")
    (scripts / "d.sh").write_text('export TWO="$ONE$ONE"\n')
    (scripts / "e.csh").write_text("setenv TWO wrong\n")

    ended = run(shell, tmp_path, bash=bash)

    assert (ended.returncode, ended.stdout) == (7, f"{tmp_path}|1|11|\n")
    warned = [line for line in ended.stderr.splitlines() if line.startswith("warning: ")]
    assert [line.partition(" failed")[0].rpartition("/")[2] for line in warned] == ["b.sh", "c.sh"]


def test_an_image_without_an_environment_just_starts(tmp_path: Path, shell: str) -> None:
    ended = run(shell, tmp_path / "nothing")

    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "|||\n", "")
