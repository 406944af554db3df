"""A project that lives through all tests of a module."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator

import pytest

from tests.e2e.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; run `make test`")
    from aciml.core.errors import AcimlError
    from aciml.docker.engine import connect

    try:
        connect().close()
    except AcimlError as error:
        pytest.skip(str(error))
    project = Project(tmp_path_factory.mktemp("project"), f"e2e-{uuid.uuid4().hex[:8]}")
    try:
        yield project
    finally:
        project.clean()
