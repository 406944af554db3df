"""What tests alone need is installed where it can be, and named where it cannot; the run goes on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bootstrap import apt, tools
from bootstrap.say import Missing


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Debian machine that has none of the programs."""
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path))
    monkeypatch.setattr(apt, "can_install", lambda: True)
    monkeypatch.setattr(apt, "suite", lambda: "bookworm")
    monkeypatch.setattr(shutil, "which", lambda _: None)


def refuse(*_: object) -> None:
    raise Missing("apt-get could not get it", "apt-get install it")


def test_nothing_is_tried_where_nothing_can_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "can_install", lambda: False)
    monkeypatch.setattr(apt, "install", refuse)

    assert tools.ensure_tools() == []


@pytest.mark.usefixtures("bare")
def test_what_is_missing_is_installed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(apt, "install", lambda *packages: installed.append(packages))
    monkeypatch.setattr(apt, "download", refuse)

    assert tools.ensure_tools() == []

    assert len(installed) == 1
    assert {"chromium-driver", "podman", "qemu-user"} <= set(installed[0])


@pytest.mark.usefixtures("bare")
def test_what_cannot_be_had_is_named_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(apt, "install", refuse)
    monkeypatch.setattr(apt, "download", refuse)

    assert tools.ensure_tools() == []

    said = capsys.readouterr().err
    assert "tests that need them are skipped" in said
    assert "tests with python3.14 and docker-buildx are skipped" in said
    assert not list((tmp_path / "test-tools").iterdir())


def test_packages_of_another_release_are_looked_for_where_this_machine_looks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(apt, "suite", lambda: "bookworm")
    both = [
        apt.Source("https://security.example/debian", ("bookworm-security",)),
        apt.Source("https://mirror.example/debian", ("bookworm", "bookworm-updates")),
    ]
    monkeypatch.setattr(apt, "debian_sources", lambda _: both)
    seen: list[tuple[list[str], str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        (place,) = (word.partition("=")[2] for word in command if "SourceList" in word)
        seen.append((command, Path(place).read_text()))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)

    apt.download(("python3.14", "libc6"), "forky", tmp_path)

    assert [command[-1] for command, _ in seen] == ["update", "libc6"]
    assert {text for _, text in seen} == {"deb https://mirror.example/debian forky main\n"}


@pytest.mark.skipif(shutil.which(tools.PYTHON) is None, reason=f"{tools.PYTHON} is not here")
def test_the_newer_python_runs_with_all_its_modules() -> None:
    modules = "asyncio, bz2, ctypes, lzma, sqlite3, ssl, uuid, zlib"
    done = subprocess.run([tools.PYTHON, "-c", f"import {modules}"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
