"""A service says what it is: its commit, its base, its image; and what of that is a change. Run in this order."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest

from aciml import __version__
from tests.e2e.project import Project, run_pulumi
from tests.images.build.test_revision import commit, git

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
OCI = "org.opencontainers.image."


def labels(project: Project) -> dict[str, str]:
    """Return the labels of the service's container."""
    container = project.container()
    assert container is not None
    return dict(container["Config"]["Labels"])


def get(project: Project, path: str) -> tuple[dict[str, str], str]:
    """Return header lines and text of an answer."""
    outputs = project.outputs()
    url = outputs["scoring_uri"].removesuffix("/score") + path
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {outputs['primary_key']}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}, answer.read().decode()


def rewrite(project: Project, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the state be one of another version: change what it has of the service's image."""
    state = json.loads(project.kept.read_text())
    resources = state["checkpoint"]["latest"]["resources"]
    (service,) = [one for one in resources if one["type"] == "aciml:image:Service"]
    change(service["inputs"])
    change(service["outputs"])
    project.kept.write_text(json.dumps(state))


def test_a_service_of_a_repository_says_its_commit_its_base_and_its_digest(project: Project) -> None:
    project.without_steps()
    git(project.folder, "init", "--quiet")
    git(project.folder, "remote", "add", "origin", "https://me:open-sesame@host.example/x/y.git")
    (project.folder / ".gitignore").write_text("/*\n!/src\n")
    revision = commit(project.folder)
    project.up().check_ok()

    found, digest = labels(project), project.outputs()["image"].rpartition("@")[2]
    assert found[f"{OCI}revision"] == revision
    assert found[f"{OCI}source"] == "https://host.example/x/y"
    assert found[f"{OCI}base.name"] == "docker.io/library/debian:bookworm-slim"
    assert found[f"{OCI}base.digest"].startswith("sha256:")
    assert found[f"{OCI}title"] == "diabetes"
    assert found[f"{OCI}ref.name"] == project.outputs()["image"].partition("@")[0]
    assert found["io.aciml.image.digest"] == digest
    assert found["io.aciml.version"] == __version__
    assert "open-sesame" not in json.dumps(found)
    headers, text = get(project, "/metrics")
    assert headers["x-aciml-image"] == digest
    assert f'image="{digest}"' in text


def test_a_commit_that_changes_no_file_of_the_service_changes_nothing(project: Project) -> None:
    before = labels(project)
    commit(project.folder)

    project.pulumi("preview", "--expect-no-changes").check_ok()
    shutil.rmtree(project.folder / ".git")
    project.up("--expect-no-changes").check_ok()
    assert labels(project) == before


def test_a_newer_server_shows_by_its_version_alone(project: Project) -> None:
    current = json.dumps(__version__)
    rewrite(project, lambda values: values.update(server="0.0.1", serverHash="0" * 64))
    said = project.pulumi("preview", "--diff").check_ok().text
    assert f'~ server: "0.0.1" => {current}' in " ".join(said.split())
    assert "serverHash" not in said

    rewrite(project, lambda values: values.pop("server", None) and None)
    said = project.up("--diff").check_ok().text
    assert f"+ server: {current}" in " ".join(said.split())
    assert "serverHash" not in said
    assert project.ask() == {"sum": 6.5}
    rewrite(project, lambda values: values.pop("server") and None)
    project.pulumi("preview", "--expect-no-changes").check_ok()


def test_what_the_config_encrypts_is_in_nothing_that_a_service_says_and_the_header_goes(project: Project) -> None:
    mark = "open-sesame-4711"
    project.config["scoring:service"]["image_header"] = False
    encrypt(project, {"scoring:service.environment_variables.TOKEN": mark})
    said = run_pulumi(["up", "--yes", "--skip-preview", "--diff"], project.folder, project.environ()).check_ok().text
    container = project.container()
    assert container is not None
    image = container["Image"]

    assert f"TOKEN={mark}" in container["Config"]["Env"]  # it is there where it is needed
    assert mark not in json.dumps({**container, "Config": {**container["Config"], "Env": []}})
    assert mark not in said
    assert mark not in project.state()
    for words in (["image", "inspect", image], ["history", "--no-trunc", image]):
        assert mark not in subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
        assert saved.stdout is not None
        assert not holds(saved.stdout, mark.encode())
    assert files_with(project.folder / "cache", mark) == []
    headers, text = get(project, "/metrics")
    assert "x-aciml-image" not in headers
    assert 'image="sha256:' in text


def files_with(folder: Path, mark: str) -> list[Path]:
    """Return the files below a folder that have a word in them; others use the folder, so that one may go meanwhile."""
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and mark.encode() in path.read_bytes():
                found.append(path)
    return found


def encrypt(project: Project, values: dict[str, str]) -> None:
    """Write the config, then encrypt values in it by path as a user does."""
    project.save()
    words = [word for path, value in values.items() for word in ("--secret", f"{path}={value}")]
    run_pulumi(["config", "set-all", "--path", *words], project.folder, project.environ()).check_ok()


def holds(stream: IO[bytes], mark: bytes) -> bool:
    """Tell whether bytes are anywhere in a stream."""
    before = b""
    while block := stream.read(1 << 20):
        if mark in before + block:
            return True
        before = block[-len(mark) :]
    return False
