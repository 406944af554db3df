"""The program `aciml serve`: the scoring server with a script that lies here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aciml import __version__
from aciml.cli import main

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """\
import json, os
def init():
    print("init ran in", os.environ["AZUREML_MODEL_DIR"])
def run(raw_data):
    return sum(json.loads(raw_data))
"""
CONFIG = """\
config:
  scoring:service:
    source_directory: src
    entry_script: score.py
    scripts: {other: other.py}
    models: {m: models/m.bin}
    server: {documents: {service_title: Sums}}
    environment_variables: {A: "1"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("src", "models", "stacks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src/score.py").write_text(SCRIPT)
    (tmp_path / "src/other.py").write_text("def run(raw_data):\n    return 'other'\n")
    (tmp_path / "models/m.bin").write_text("")
    (tmp_path / "Pulumi.yaml").write_text("name: scoring\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks/Pulumi.local.yaml").write_text(CONFIG)
    return tmp_path


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[str, str]]:
    """Run the program; give its address and what it wrote before it listened."""
    command = [sys.executable, "-m", "aciml", "serve", "--port", "0", *words]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'provider'}:{ROOT / '.venv/packages'}", "PYTHONUNBUFFERED": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        said = ""
        rest = threading.Thread(target=process.stdout.read)  # or a script that prints would wait for room in the pipe
        try:
            for line in process.stdout:
                said += line
                if found := re.search(r"listening on port (\d+)", line):
                    rest.start()
                    yield f"http://127.0.0.1:{found[1]}", said
                    break
            else:
                raise AssertionError(said)
        finally:
            process.send_signal(signal.SIGTERM)
            rest.join() if rest.ident else process.stdout.read()
            assert process.wait(30) == 0


def ask(url: str, body: bytes | None = None) -> str:
    with urllib.request.urlopen(url, body, timeout=30) as answer:
        return str(answer.read().decode())


def test_a_script_in_this_folder_is_served(project: Path) -> None:
    with serving(project / "src", "--no-reload", "--models-dir", "../models") as (url, said):
        assert ask(f"{url}/score", b"[1, 2, 3]") == "6"
        with urllib.request.urlopen(f"{url}/", timeout=30) as answer:
            assert answer.headers["x-ms-server-version"] == f"aciml/{__version__}"
    assert f"init ran in {project}/models" in said
    assert "health on port" not in said


def edit(path: Path, text: str) -> None:
    """Change a file in the second in which it was written; of the same length it looks to Python as it was."""
    before, draft = path.stat(), path.with_suffix(".draft")
    draft.write_text(text)
    second = before.st_mtime_ns // 10**9 * 10**9
    os.utime(draft, ns=(before.st_atime_ns, second + (before.st_mtime_ns + 1) % 10**9))
    draft.replace(path)


def test_an_edit_is_served(project: Path) -> None:
    source = project / "src"
    with serving(source, "--models-dir", "../models") as (url, _):
        assert ask(f"{url}/score", b"[1, 2, 3]") == "6"
        edit(source / "score.py", SCRIPT.replace("sum(", "max("))
        until = time.monotonic() + 30
        while ask(f"{url}/score", b"[1, 2, 3]") != "3":
            assert time.monotonic() < until, "the edit was not noticed"


def test_a_stack_says_what_is_served(project: Path) -> None:
    with serving(project, "--stack", "local", "--no-reload") as (url, said):
        assert ask(f"{url}/score", b"[1, 2]") == "3"
        assert ask(f"{url}/score/other", b"[]") == '"other"'
        assert '"Sums"' in ask(f"{url}/swagger.json")
    assert f"init ran in {project}/models" in said


def test_the_exit_code_of_a_script_that_cannot_serve_is_passed_on(project: Path) -> None:
    (project / "src/score.py").write_text("def init():\n    raise RuntimeError('no')\ndef run(raw_data):\n    pass\n")
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'provider'}:{ROOT / '.venv/packages'}"}
    command = [sys.executable, "-m", "aciml", "serve", "--port", "0", "--no-reload"]
    done = subprocess.run(command, cwd=project / "src", env=environ, check=False, capture_output=True, text=True)

    assert done.returncode == 3
    assert "init() raised RuntimeError: no" in done.stderr


def test_a_python_without_httptools_is_told_what_to_install(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)

    assert main(["serve", "--source", str(project / "src"), "--python", str(bare)]) == 1
    said = capsys.readouterr().err
    assert "has no httptools, which the scoring server needs" in said
    assert '-m pip install -r "' in said


def test_what_is_not_there_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)

    assert main(["serve"]) == 1
    assert "score.py does not exist" in capsys.readouterr().err
    assert main(["serve", "--source", "nowhere"]) == 1
    assert "nowhere is not a folder" in capsys.readouterr().err
    assert main(["serve", "--stack", "other"]) == 1
    assert 'there is no stack "other"' in capsys.readouterr().err
