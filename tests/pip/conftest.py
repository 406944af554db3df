"""A folder of wheels as the index, and resolving against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.core.pip_package import PipPackage
from aciml.core.progress import Silent
from aciml.pip.resolve import resolve
from aciml.settings import Settings
from tests.pip.index import Index, serve

Resolver = Callable[..., tuple[PipPackage, ...]]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of conda.yml."""
    folder = tmp_path / "a project"
    folder.mkdir()
    return folder


@pytest.fixture
def resolver(index: Path, home: Path, tmp_path: Path) -> Resolver:
    def resolved(
        *lines: str, conda: dict[str, str] | None = None, glibc: str = "2.36", pinned: dict[str, str] | None = None
    ) -> tuple[PipPackage, ...]:
        return resolve(
            ("--no-index", f"--find-links {index}", *lines),
            conda=conda or {},
            python_version="3.11",
            glibc=glibc,
            folder=home,
            settings=Settings(tmp_path / "cache"),
            progress=Silent(),
            pinned=pinned,
        )

    return resolved


@pytest.fixture
def server(index: Path) -> Iterator[Index]:
    with serve(index) as server:
        yield server


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        yield catalog
