"""Outside the checkout: the wheel in a venv of its own, and the plugin's folder as Pulumi's language host uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc
from uv import find_uv_bin

import aciml
from tests.e2e.outside import Outside
from tests.installed import ROOT, Installed, run

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


@pytest.fixture
def outside(tools: None, installed: Installed, packed: Path, tmp_path: Path) -> Iterator[Outside]:
    made = Outside.make(tmp_path, installed, packed)
    try:
        yield made
    finally:
        made.clean()


def test_what_is_installed_fits_together_and_has_no_general_name(installed: Installed, tmp_path: Path) -> None:
    tops = {path.name for path in installed.packages.iterdir()}

    assert "No broken requirements" in run([installed.python, "-m", "pip", "check"], tmp_path)
    assert not tops & {"components", "provider", "server", "tests", "bench", "bootstrap", "examples"}
    assert "aciml" in installed.distributions()
    assert "Usage: aciml" in run([installed.venv / "bin/aciml", "--help"], tmp_path, installed.environ())


def test_the_program_of_the_documentation_is_up_and_answers_and_goes(outside: Outside) -> None:
    outside.pulumi("stack", "init", "dev")

    said = outside.pulumi("up", "--yes", "--skip-preview")

    assert str(outside.installed.venv / "bin/pulumi-resource-aciml") in said, "another plugin was used"
    assert outside.ask('{"data": [[1, 2], [3, 4]]}') == [0.5, 2.5]
    # a registry, a service and its door
    assert len(outside.containers()) == 3
    assert f"{aciml.__version__}" in outside.pulumi("stack", "export"), "state does not say which plugin it needs"
    outside.pulumi("destroy", "--yes", "--skip-preview")
    assert outside.containers() == []


@contextmanager
def answering(command: list[str | Path], folder: Path, environ: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Start a plugin as a language host does; give the version and the schema that it answers."""
    with subprocess.Popen([*command, "127.0.0.1:1"], cwd=folder, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                version = stub.GetPluginInfo(empty_pb2.Empty()).version
                yield version, stub.GetSchema(proto.GetSchemaRequest()).schema
        finally:
            process.kill()


def test_the_folder_of_the_plugin_works_with_the_venv_that_a_language_host_makes_of_it(tmp_path: Path) -> None:
    """A stand-in for the host: the one that can be built here passes over the folder of a plugin."""
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone])
    elsewhere.mkdir()
    folder, python = clone / "provider", clone / "provider/.venv/bin/python"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    # pip comes from here: to unpack another one takes as long as to install half of this
    run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], folder, environ)
    # uv installs from the same file by the same hashes, in a tenth of the time; pip then says that it is all there.
    # What a plugin imports is compiled when it starts: a tenth of what there is
    run([find_uv_bin(), "pip", "install", "--quiet", "--python", python, "-r", "requirements.txt"], folder, environ)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--dry-run", "--no-index"]
    assert "Would install" not in run([*pip, "-r", "requirements.txt"], folder, environ)
    with answering([python, folder], elsewhere, environ) as (version, schema):
        assert version == aciml.__version__
        assert "aciml:image:Environment" in schema
    bare = {**environ, "PATH": "/usr/bin:/bin"}  # no Python there has what the plugin needs
    with answering([folder / "pulumi-resource-aciml"], elsewhere, bare) as (version, _):
        assert version == aciml.__version__
    assert run(["git", "status", "--porcelain"], clone) == ""


def test_the_folder_of_the_plugin_is_taken_as_it_is_beside_an_installed_wheel(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "provider").symlink_to(ROOT / "provider")

    with answering([tmp_path / "provider/pulumi-resource-aciml"], tmp_path, installed.environ()) as (version, _):
        assert version == aciml.__version__
    ask = "import runpy, sys; runpy.run_path(sys.argv[1])['use_checkout'](); import aciml, pulumi_aciml as c; "
    ask += "print(aciml.__file__, c.__file__)"
    said = run([installed.python, "-c", ask, ROOT / "provider/__main__.py"], tmp_path, installed.environ())
    assert str(ROOT / "provider/aciml") in said
    assert str(ROOT / "components") in said
