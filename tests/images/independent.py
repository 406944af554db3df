"""Tools of other people that judge images: crane, built of its Go module, and skopeo, a package of Debian."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bootstrap import apt
from bootstrap.cache import cache_folder, only_one_run, staged
from bootstrap.say import Missing

CRANE = "github.com/google/go-containerregistry"
VERSION, CHECKSUM = "v0.20.3", "h1:oNx7IdTI936V8CQRveCjaxOiegWwvM7kqkbXTpyiovI="
BUILD_SECONDS = 600


def crane(*words: str) -> str:
    """Run crane and return what it printed; skip the test, with the reason, if it cannot be had."""
    return _run(_crane(), *words)


def skopeo(*words: str) -> str:
    """Run skopeo and return what it printed; skip the test, with the reason, if it cannot be had."""
    return _run(_skopeo(), *words)


def _run(program: str, *words: str) -> str:
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program} {' '.join(words)}: {done.stderr}"
    return done.stdout


def _skopeo() -> str:
    if found := shutil.which("skopeo"):
        return found
    if not apt.can_install():
        pytest.skip("skopeo is not installed, and this is not root on a machine with apt")
    try:
        with only_one_run():
            apt.install("skopeo")
    except Missing as error:
        pytest.skip(f"skopeo cannot be installed: {error}")
    return "skopeo"


def _crane() -> str:
    if found := shutil.which("crane"):
        return found
    folder = cache_folder() / "crane" / VERSION
    if not (folder / "crane").exists():
        if shutil.which("go") is None:
            pytest.skip("crane is not installed, and there is no Go to build it")
        with only_one_run():
            _build(folder)
    return str(folder / "crane")


def _build(folder: Path) -> None:
    facts = _go(["mod", "download", "-json", f"{CRANE}@{VERSION}"], folder)
    if json.loads(facts)["Sum"] != CHECKSUM:
        pytest.fail(f"the Go module {CRANE} {VERSION} is not the one that is pinned")
    with staged(folder) as work:
        _go(["install", f"{CRANE}/cmd/crane@{VERSION}"], work)


def _go(words: list[str], into: Path) -> str:
    command = ["go", *words]
    environ = {**os.environ, "GOBIN": str(into)}
    done = subprocess.run(
        command, cwd="/", env=environ, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    if done.returncode:
        pytest.skip(f"crane cannot be built: {done.stderr.strip()[-300:]}")
    return done.stdout
