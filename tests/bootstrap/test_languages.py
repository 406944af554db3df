"""What other languages need is built of pinned modules, or what is missing is said in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap import pulumi_languages
from bootstrap.cache import PROJECT
from bootstrap.pulumi_cli import VERSION
from bootstrap.pulumi_languages import CODEGEN, HERE, YAML, ensure_codegen, ensure_node_host, ensure_yaml_host
from bootstrap.say import Missing


@pytest.mark.parametrize("module", [YAML[0], CODEGEN[0]])
def test_modules_are_pinned_with_checksums(module: str) -> None:
    required = (HERE / module / "go.mod").read_text()
    sums = (HERE / module / "go.sum").read_text()

    assert "replace" not in required
    assert sums.count("h1:") > 100


def test_the_generator_is_that_of_the_cli() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{VERSION}\n" in (HERE / CODEGEN[0] / "go.mod").read_text()


def test_what_npm_installs_is_pinned_with_hashes_and_names_no_host() -> None:
    text = (PROJECT / "tests/e2e/typescript/package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    wanted = json.loads((PROJECT / "tests/e2e/typescript/package.json").read_text())

    assert "://" not in text
    assert "resolved" not in text
    assert all(one["integrity"].startswith("sha512-") for name, one in packages.items() if name)
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert packages[f"node_modules/{name}"]["version"] == version


@pytest.mark.parametrize("ensure", [ensure_yaml_host, ensure_codegen, ensure_node_host])
def test_without_go_one_sentence_says_so(
    ensure: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path / "cache"))

    with pytest.raises(Missing, match="there is no Go to build it; to mend it: install Go"):
        ensure()


def test_a_host_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pulumi-language-yaml"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert ensure_yaml_host() == tmp_path


def test_what_was_built_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for Go counts; what it builds is real enough to be found again."""
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text(f'#!/bin/sh\necho x >> {tmp_path}/calls\nwhile [ "$1" != -o ]; do shift; done\n: > "$2"\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/bin:/usr/bin")
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path / "cache"))

    assert pulumi_languages.ensure_codegen() == pulumi_languages.ensure_codegen()
    assert (tmp_path / "calls").read_text() == "x\n"
