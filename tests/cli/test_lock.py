"""``aciml lock`` as a program, on a project with a channel in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aciml.cli.sections import environment_of
from aciml.cli.stack import project_folder
from aciml.core.errors import UserError
from tests.simulators.channel import Package, make_channel, python_package

PROVIDER = Path(__file__).resolve().parents[2] / "provider"
CONFIG = """\
config:
  aciml:target: memory
  scoring:environment:
    base_image: debian:bookworm-slim
    glibc: "2.36"
    packages:
      conda_file: env/conda.yml
      server_requirements: false
      virtual_packages: {__cuda: "12.4"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project, and the mirrors file of this machine."""
    channel = make_channel(tmp_path / "channel", [python_package(), Package("tool"), Package("old")])
    project = tmp_path / "project"
    (project / "env").mkdir(parents=True)
    (project / "stacks").mkdir()
    (project / "Pulumi.yaml").write_text("name: scoring\nruntime: python\nstackConfigDir: stacks\n")
    (project / "stacks/Pulumi.local.yaml").write_text(CONFIG)
    (project / "env/conda.yml").write_text("dependencies:\n- python\n- tool\n- old\n")
    (tmp_path / "mirrors.toml").write_text(f'[channels]\nconda-forge = "{channel.as_uri()}"\n')
    return project


def aciml(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    home = folder.parent
    while not (home / "mirrors.toml").exists():
        home = home.parent
    env = os.environ | {
        "PYTHONPATH": f"{PROVIDER}:{PROVIDER.parent / '.venv/packages'}",
        "ACIML_CACHE": str(home / "cache"),
        "ACIML_MIRRORS": str(home / "mirrors.toml"),
    }
    command = [sys.executable, "-m", "aciml", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_it_writes_the_lock_beside_conda_yml_and_says_what_came(folder: Path) -> None:
    done = aciml(folder / "env", "lock")  # anywhere below Pulumi.yaml

    assert (done.returncode, done.stderr) == (0, "")
    path = folder / "env/conda.lock"
    assert done.stdout.splitlines() == [
        "+ old 1.0 0",
        "+ python 3.11.2 h0_cpython",
        "+ tool 1.0 0",
        f"wrote {path}: 3 conda packages, 0 pip packages",
    ]
    assert "__cuda=12.4=0" in path.read_text()
    assert str(folder.parent) not in path.read_text()
    assert path.stat().st_mode & 0o044


def test_it_says_what_changed_and_check_says_what_is_wrong(folder: Path) -> None:
    aciml(folder, "lock")
    good = aciml(folder, "lock", "--check")
    same = aciml(folder, "lock")
    (folder / "env/conda.yml").write_text("dependencies:\n- python\n- tool>1\n")
    before = (folder / "env/conda.lock").read_bytes()
    bad = aciml(folder, "lock", "--check")
    after = (folder / "env/conda.lock").read_bytes()
    make_channel(folder.parent / "channel", [Package("tool", "1.5")])
    changed = aciml(folder, "lock")

    assert (good.returncode, good.stdout) == (0, f"{folder}/env/conda.lock is good\n")
    assert same.stdout == f"{folder}/env/conda.lock is as it was\n"
    assert (bad.returncode, after) == (1, before)
    assert "tool>1 is not satisfied by 1.0 0 of conda-forge\n" in bad.stdout
    assert "old is locked, but nothing asks for it\n" in bad.stdout
    assert changed.stdout.splitlines()[:2] == ["- old 1.0 0", "~ tool 1.0 0 => 1.5 0"]


def test_check_without_a_lock_fails(folder: Path) -> None:
    done = aciml(folder, "lock", "--check")

    assert done.returncode == 1
    assert "conda.lock does not exist; write it: aciml lock" in done.stdout


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("env/conda.yml", "dependencies:\n- python=>3\n", 'conda.yml:2: "python=>3" is not a version; did you mean'),
        ("env/conda.yml", "dependencies:\n- python\n- scipy\n", "no environment satisfies the conda file"),
        ("stacks/Pulumi.local.yaml", CONFIG.replace("conda_file", "conda_fil"), "did you mean conda_file?"),
        ("stacks/Pulumi.local.yaml", "config: {}\n", "__main__.py does not exist"),
        ("stacks/Pulumi.local.yaml", "a: [\n", "cannot be read"),
        ("stacks/Pulumi.local.yaml", CONFIG.replace("      conda_file: env/conda.yml\n", ""), "has no packages"),
    ],
)
def test_what_is_wrong_is_one_message_and_no_traceback(folder: Path, file: str, text: str, expected: str) -> None:
    (folder / file).write_text(text)

    done = aciml(folder, "lock")

    assert done.returncode == 1
    assert done.stderr.startswith("aciml: ")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "env/conda.lock").exists()


def test_a_stack_that_does_not_exist_is_told_with_those_that_do(folder: Path) -> None:
    done = aciml(folder, "lock", "--stack", "azure")

    assert done.returncode == 1
    assert 'there is no stack "azure"' in done.stderr
    assert "stacks are local" in done.stderr


def test_the_section_becomes_inputs_with_paths_below_the_project(folder: Path) -> None:
    values = environment_of("local", project_folder(folder / "env"))

    assert values == {
        "baseImage": "debian:bookworm-slim",
        "glibc": "2.36",
        "condaFile": f"{folder}/env/conda.yml",
        "serverRequirements": False,
        "virtualPackages": {"__cuda": "12.4"},
        "repository": "azureml/environment",
    }


def test_outside_of_a_project_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no Pulumi\.yaml"):
        project_folder(tmp_path)


def test_a_secret_that_pulumi_cannot_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "stacks/Pulumi.local.yaml"
    path.write_text(CONFIG + "    base_password: {secure: djE6}\n")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(UserError, match="which only the Pulumi CLI opens"):
        environment_of("local", folder)
