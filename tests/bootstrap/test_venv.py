"""What ``.venv`` holds: a user's packages or a developer's, and the programs of the wheel, from the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.cache import PROJECT
from bootstrap.conda_channel import TOOLS
from bootstrap.say import Missing
from bootstrap.venv import DEVELOPER, LOCKS, USER, locked, wanted_packages, whose_packages, write_programs


@pytest.mark.parametrize(
    ("stamp", "developer", "whose"),
    [
        ("", False, USER),
        ("", True, DEVELOPER),
        ("user 123", False, USER),
        ("user 123", True, DEVELOPER),
        ("developer 123", True, DEVELOPER),
        ("developer 123", False, DEVELOPER),  # `make up` takes nothing away
        ("0123abcd", False, DEVELOPER),  # as it was written before there were two
    ],
)
def test_a_venv_may_grow_and_never_shrinks(stamp: str, developer: bool, whose: str) -> None:  # noqa: FBT001
    assert whose_packages(stamp, developer=developer) == whose


def test_a_user_gets_the_lock_of_users_and_pip_which_pulumi_asks() -> None:
    wanted = wanted_packages(USER)

    assert wanted.startswith(LOCKS[USER].read_text())
    assert re.search(r"^pip==\S+ \\\n    --hash=sha256:", wanted, re.MULTILINE)
    assert not re.search(r"^(pytest|mypy|numpy|pandas|pyarrow|ruff)==", wanted, re.MULTILINE)


def test_what_the_stand_ins_are_made_with_is_locked_with_hashes() -> None:
    lines = locked(*TOOLS)

    assert [line.split("==")[0] for line in lines.splitlines() if "==" in line and not line.startswith(" ")] == [*TOOLS]
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\w)", lines.strip()))


def test_a_package_that_is_not_locked_is_named() -> None:
    with pytest.raises(Missing, match=r"requirements-dev.txt has no nothing-of-that-name; to mend it: make pins"):
        locked("pip", "nothing-of-that-name")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    write_programs(folder, Path(sys.executable))
    return folder


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT / ".venv/packages")}


def test_the_program_aciml_runs_anywhere_and_takes_no_module_of_the_folder_it_stands_in(programs: Path) -> None:
    (programs / "aciml.py").write_text("raise SystemExit('the wrong one')\n")
    command: list[str | Path] = [programs / "aciml", "--help"]
    done = subprocess.run(command, cwd=programs, env=environ(), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: aciml ")


def test_the_plugin_starts_by_its_name_and_gives_a_port(programs: Path) -> None:
    command: list[str | Path] = [programs / "pulumi-resource-aciml", "127.0.0.1:9"]
    with subprocess.Popen(command, cwd="/", env=environ(), stdout=subprocess.PIPE, text=True) as plugin:
        assert plugin.stdout is not None
        port = plugin.stdout.readline()
        plugin.kill()

    assert port.strip().isdigit()
