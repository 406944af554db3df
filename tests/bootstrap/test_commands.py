"""What a person sees: a usage line, one sentence when something cannot be had, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.cache import PROJECT
from bootstrap.machine import FALLBACK, STATE, environment
from bootstrap.venv import VENV

in_venv = pytest.mark.skipif(sys.prefix != str(VENV), reason="runs inside the project's .venv; run `make test`")


def bootstrap(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(PROJECT), str(PROJECT / "provider")])
    command = [sys.executable, "-m", "bootstrap", *arguments]
    known = os.environ | {"PYTHONPATH": paths} | env
    return subprocess.run(command, cwd=PROJECT, env=known, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["install"], ["run"]])
def test_a_command_that_is_not_known_gets_the_usage(arguments: list[str]) -> None:
    done = bootstrap(*arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("python3 -m bootstrap {ready | up")


@in_venv
def test_a_docker_host_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    done = bootstrap("ready", DOCKER_HOST=f"unix://{tmp_path}/none.sock", ACIML_CACHE=str(tmp_path))

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Docker does not answer" in done.stderr
    assert "; to mend it: " in done.stderr


@pytest.fixture
def no_pulumi_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BACKEND_URL", "CONFIG_PASSPHRASE", "CONFIG_PASSPHRASE_FILE", "HOME"):
        monkeypatch.delenv(f"PULUMI_{name}", raising=False)
    for name in ("ACIML_BACKEND_URL", "ACIML_PASSPHRASE_FILE", FALLBACK):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_pulumi_settings")
def test_state_and_passphrase_are_in_the_project_and_the_venv_is_first() -> None:
    env = environment(Path("/somewhere/bin"))

    assert env["PULUMI_BACKEND_URL"] == (PROJECT / ".state").as_uri()
    assert Path(env["PULUMI_CONFIG_PASSPHRASE_FILE"]).stat().st_mode & 0o777 == 0o600
    assert env["PATH"].split(os.pathsep)[:2] == [str(VENV / "bin"), "/somewhere/bin"]


@pytest.mark.usefixtures("no_pulumi_settings")
def test_a_backend_of_the_user_stays_with_its_way_of_keeping_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    env = environment(Path("/somewhere/bin"))

    assert env["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME", FALLBACK} & env.keys()


@pytest.mark.usefixtures("no_pulumi_settings")
def test_a_backend_that_the_file_of_another_checkout_has_set_was_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_BACKEND_URL", "ACIML_BACKEND_URL"):
        monkeypatch.setenv(name, "file:///other/.state")
    for name in ("PULUMI_CONFIG_PASSPHRASE_FILE", "ACIML_PASSPHRASE_FILE"):
        monkeypatch.setenv(name, "/other/.state/passphrase")
    env = environment(Path("/somewhere/bin"))

    assert env["PULUMI_BACKEND_URL"] == STATE.as_uri()
    assert env["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(STATE / "passphrase")


@pytest.mark.usefixtures("no_pulumi_settings")
def test_a_passphrase_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")

    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in environment(Path("/somewhere/bin"))
