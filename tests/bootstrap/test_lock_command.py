"""``make lock``, through all of bootstrap: with what this machine has, or its stand-ins."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.cache import PROJECT
from bootstrap.venv import VENV

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.skipif(sys.prefix != str(VENV), reason="runs inside the project's .venv; run `make test`"),
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not here"),
]
CONFIG = """\
config:
  aciml:target: memory
  scoring:environment:
    {base_image: "debian:bookworm-slim", glibc: "2.36", packages: {conda_file: conda.yml, lock_mode: frozen}}
"""


def make_lock(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "lock", f"ARGS={' '.join(['--project', str(folder), *words])}"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.local.yaml").write_text(CONFIG)
    (tmp_path / "Pulumi.yaml").write_text("name: scoring\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "conda.yml").write_text("channels: [conda-forge]\ndependencies: [python=3.11, joblib]\n")
    return tmp_path


def test_it_writes_a_lock_with_hashes_that_names_no_stand_in_and_is_good_at_once(folder: Path) -> None:
    done = make_lock(folder)

    assert done.returncode == 0, done.stderr
    text = (folder / "conda.lock").read_text()
    packages = [line for line in text.splitlines() if line.startswith(("- conda: ", "- pypi: "))]
    assert any("/joblib-" in line for line in packages)
    assert any("httptools" in line for line in packages)
    assert text.count("sha256: ") == len(packages)
    assert not any(trace in text for trace in ("127.0.0.1", "localhost", "file:", str(folder)))
    assert make_lock(folder, "--check").returncode == 0


def test_a_lock_that_is_out_of_date_ends_make_with_an_error_that_names_the_package(folder: Path) -> None:
    assert make_lock(folder).returncode == 0
    (folder / "conda.yml").write_text("channels: [conda-forge]\ndependencies: [python=3.11, joblib, scipy]\n")

    done = make_lock(folder, "--check")

    assert done.returncode != 0
    assert "scipy is not in it" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
