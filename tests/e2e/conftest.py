"""A project that lives through all tests of a module."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import Project


@pytest.fixture(scope="module")
def target() -> str:
    """The target of the module's project; a module that runs on several overrides it."""
    return "local"


@pytest.fixture(scope="module")
def project(target: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Project]:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; run `make test`")
    from aciml.core.errors import AcimlError
    from aciml.docker.engine import connect

    try:
        connect().close()
    except AcimlError as error:
        pytest.skip(str(error))
    folder, name = tmp_path_factory.mktemp("project"), f"e2e{uuid.uuid4().hex[:8]}"
    project = Project(folder, name) if target == "local" else _on_azure(folder, name, request)
    try:
        yield project
    finally:
        project.clean()


def _on_azure(folder: Path, name: str, request: pytest.FixtureRequest) -> Project:
    from tests.e2e.azure_project import AzureProject

    return AzureProject(folder, name, request.getfixturevalue("cloud"))
