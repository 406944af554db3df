"""The start without a shell, run for real by the Python that is here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

STARTER = Path(__file__).parents[2] / "server" / "entrypoint.py"
SHOW = "import os, signal; print(os.environ.get('CONDA_PREFIX'), os.environ.get('ONE'), os.environ.get('TWO'))"


def run(prefix: Path, *command: str, shell: str = "/no/shell") -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "ACIML_PREFIX": str(prefix), "ACIML_SHELL": shell}
    start = [sys.executable, "-I", "-S", "-B", str(STARTER), *command]
    return subprocess.run(start, env=env, capture_output=True, text=True, check=False)


def made(prefix: Path) -> Path:
    for folder in ("etc/conda/env_vars.d", "etc/conda/activate.d", "conda-meta"):
        (prefix / folder).mkdir(parents=True)
    (prefix / "etc/conda/env_vars.d/a.json").write_text(json.dumps({"ONE": "1", "TWO": "1"}))
    (prefix / "etc/conda/env_vars.d/b.json").write_text("broken")
    (prefix / "conda-meta/state").write_text(json.dumps({"env_vars": {"TWO": "2"}}))
    (prefix / "etc/conda/activate.d/z.sh").write_text("export ONE=3\n")
    return prefix


def test_without_a_shell_files_of_variables_count_and_scripts_are_warned_of(tmp_path: Path) -> None:
    ended = run(made(tmp_path), sys.executable, "-c", SHOW)

    assert (ended.returncode, ended.stdout) == (0, f"{tmp_path} 1 2\n")
    assert ended.stderr == "warning: no shell is here for the activation scripts z.sh\n"


def test_with_a_shell_files_of_variables_count_and_then_the_scripts_run(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    (prefix / "etc/conda/activate.d/z.sh").write_text('export ONE="$ONE then 3"\n')

    ended = run(prefix, sys.executable, "-c", SHOW, shell="/bin/sh")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{tmp_path} 1 then 3 2\n", "")


def test_a_variable_that_was_taken_away_is_not_set(tmp_path: Path) -> None:
    prefix = made(tmp_path)
    (prefix / "conda-meta/state").write_text(json.dumps({"env_vars": {"TWO": "***unset***"}}))

    assert run(prefix, sys.executable, "-c", SHOW, shell="/bin/sh").stdout == f"{tmp_path} 3 None\n"


def test_signals_are_as_they_were(tmp_path: Path) -> None:
    ended = run(tmp_path, "sh", "-c", "yes | head -1; exit 5")

    assert (ended.returncode, ended.stdout, ended.stderr) == (5, "y\n", "")


def test_a_command_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    ended = run(tmp_path, "no-such-program")

    assert ended.returncode == 1
    assert ended.stderr == "no-such-program cannot be started: No such file or directory; the image has no shell\n"
