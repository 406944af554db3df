"""The file that a person sources: what it sets, what it leaves, in each shell that is here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from bootstrap.machine import FALLBACK
from bootstrap.shell import shell_text

SHELLS = [name for name in ("sh", "bash", "zsh", "dash", "busybox") if shutil.which(name)]


class Sourced:
    """A file of a checkout in a folder with a difficult name, and shells that read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / 'it\'s $HOME `here`; "two" {words}'
        self.folder.mkdir()
        self.state = self.folder / ".state"
        self.file = self.folder / "env.sh"
        self.file.write_text(
            shell_text(
                venv=self.folder / ".venv",
                pulumi=self.folder / "cli",
                state=self.state,
                home=self.folder / "home",
                passphrase=self.state / "passphrase",
            )
        )

    def read(self, shell: str, given: Mapping[str, str] = MappingProxyType({}), *, times: int = 1) -> dict[str, str]:
        """Return the variables of a shell that has sourced the file, given some at the start."""
        command = [shell, *(["sh"] if shell == "busybox" else []), "-euc"]
        script = "; ".join(['. "$1"'] * times) + "; env -0"
        known = {"PATH": "/usr/bin:/bin", **given}
        done = subprocess.run(
            [*command, script, "sh", self.file], env=known, capture_output=True, text=True, check=True
        )
        assert not done.stderr
        return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


@pytest.fixture
def sourced(tmp_path: Path) -> Sourced:
    return Sourced(tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
def test_it_sets_what_make_sets(sourced: Sourced, shell: str) -> None:
    found = sourced.read(shell)

    assert found["PATH"] == f"{sourced.folder}/.venv/bin:{sourced.folder}/cli:/usr/bin:/bin"
    assert found["PULUMI_BACKEND_URL"] == sourced.state.as_uri()
    assert found["PULUMI_HOME"] == str(sourced.folder / "home")
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(sourced.state / "passphrase")
    assert found[FALLBACK] == "true"


@pytest.mark.parametrize("shell", SHELLS)
def test_to_source_it_twice_changes_nothing_more(sourced: Sourced, shell: str) -> None:
    assert sourced.read(shell, times=2) == sourced.read(shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_backend_of_the_user_stays_with_its_way_of_keeping_secrets(sourced: Sourced, shell: str) -> None:
    found = sourced.read(shell, {"PULUMI_BACKEND_URL": "s3://bucket"})

    assert found["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert not {"PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE_FILE", "ACIML_BACKEND_URL", FALLBACK} & found.keys()
    assert str(sourced.folder / "cli") in found["PATH"]


@pytest.mark.parametrize("given", [{"PULUMI_CONFIG_PASSPHRASE": ""}, {"PULUMI_CONFIG_PASSPHRASE_FILE": "/mine"}])
def test_a_passphrase_of_the_user_stays(sourced: Sourced, given: dict[str, str]) -> None:
    found = sourced.read("sh", given)

    assert found["PULUMI_BACKEND_URL"] == sourced.state.as_uri()
    assert {name: value for name, value in found.items() if "CONFIG_PASSPHRASE" in name} == given


def test_the_file_of_a_second_checkout_takes_the_place_of_the_first_ones(sourced: Sourced, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = Sourced(tmp_path / "second")
    found = second.read("sh", sourced.read("sh"))

    assert found["PULUMI_BACKEND_URL"] == second.state.as_uri()
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(second.state / "passphrase")
    assert found["PATH"].startswith(f"{second.folder}/.venv/bin:")
