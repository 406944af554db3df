"""What tests of several folders share: the emulated cloud, one process-wide server, as new for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.leftovers import Thing, in_the_engine, left_behind

if TYPE_CHECKING:
    from tests.simulators.azure.emulator import Emulator

# Whether an example takes long depends on who else uses the machine: no test is judged by that.
settings.register_profile(
    "unhurried", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

WAITING = ("e2e", "upgrades", "bootstrap", "contract", "docker", "azure", "images", "targets", "server")
"""Folders whose files take long, the longest first: the end of a run is for files that take no time."""

ENGINE_BEFORE = pytest.StashKey[frozenset[Thing] | None]()
LEFT = pytest.StashKey[list[Thing]]()


def begins_and_ends_the_run(config: pytest.Config) -> bool:
    """Tell whether this is the process that people see: not a worker, and one that runs tests."""
    return not hasattr(config, "workerinput") and not config.option.collectonly


def pytest_sessionstart(session: pytest.Session) -> None:
    if begins_and_ends_the_run(session.config):
        session.config.stash[ENGINE_BEFORE] = in_the_engine()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take long; the order within a file stays."""
    places = {name: place for place, name in enumerate(WAITING)}
    here = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(here).parts[0], len(places)))


@pytest.hookimpl(trylast=True)  # after the workers have ended, and the fixtures that they kept to the end
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that leaves something in the Docker Engine.

    Where other people use the engine at the same time, ``ACIML_TEST_ENGINE=shared`` makes it a report.
    """
    shared = os.environ.get("ACIML_TEST_ENGINE") == "shared"
    session.config.stash[LEFT] = left = left_behind(session.config.stash.get(ENGINE_BEFORE, None), shared=shared)
    if left and not shared and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left := config.stash.get(LEFT, []):
        terminalreporter.section(f"left in the Docker Engine: {len(left)}", red=True)
        for thing in left:
            terminalreporter.write_line(str(thing))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The server; tests take ``emulator``."""
    from tests.simulators.azure.emulator import running_emulator

    with running_emulator(tmp_path_factory.mktemp("azure")) as emulator:
        yield emulator


@pytest.fixture
def emulator(cloud: Emulator) -> Iterator[Emulator]:
    """A cloud with one empty resource group; the test fails if a request or an answer broke the specification."""
    cloud.latency = 0
    cloud.reset()
    yield cloud
    found = list(cloud.violations)
    cloud.reset()
    assert not found, "\n".join(found)
