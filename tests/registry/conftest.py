"""One registry in this process and, where it can be had, the real one; the contract is held against both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from aciml.registry.client import RegistryClient
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_program import RegistryProgram, missing_reason, running_registry

_names = itertools.count(1)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProgram]:
    if reason := missing_reason():
        pytest.skip(reason)
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as registry:
        yield registry


@pytest.fixture(params=["simulator", pytest.param("program", marks=pytest.mark.registry)])
def registry(request: pytest.FixtureRequest) -> RegistrySimulator | RegistryProgram:
    found: RegistrySimulator | RegistryProgram = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def repository() -> str:
    """A repository that nobody has used."""
    return f"team/app-{next(_names)}"


@pytest.fixture
def client(registry: RegistrySimulator | RegistryProgram) -> Iterator[RegistryClient]:
    with RegistryClient(registry.host, wait=lambda _: None) as made:
        yield made


@pytest.fixture
def new_requests(registry: RegistrySimulator | RegistryProgram) -> Callable[[], list[str]]:
    """Return the requests since the last call."""
    seen = len(registry.requests())

    def since() -> list[str]:
        nonlocal seen
        everything = registry.requests()
        fresh, seen = everything[seen:], len(everything)
        return fresh

    return since
