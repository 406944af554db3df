from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.worlds import pushed_images
from tests.live.azure_live import Bill, Live, LiveWorld, copied, environment, missing_reason
from tests.simulators.containers import missing_engine

BILLS: list[Bill] = []


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A resource group in the real cloud; the bill is shown at the end."""
    if reason := missing_reason(environment()):
        pytest.skip(reason)
    made = Live(tmp_path_factory.mktemp("live"), environment())
    try:
        yield made
    finally:
        made.close()
        BILLS.append(made.bill)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for bill in BILLS:
        terminalreporter.section("cost")
        for line in bill.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def images(live: Live, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tiny images of the contract, in the registry of the real cloud."""
    if reason := missing_engine():
        pytest.skip(reason)
    import docker

    facts = live.make_registry()
    engine = docker.from_env()
    try:
        with pushed_images(engine, tmp_path_factory.mktemp("cache")) as (_, made), live.client(facts) as client:
            if not made:
                pytest.skip("neither a registry nor a static busybox can be had to make tiny images of")
            return {behaviour: copied(reference, client) for behaviour, reference in made.items()}
    finally:
        engine.close()


@pytest.fixture
def world(live: Live, images: dict[str, str]) -> Iterator[LiveWorld]:
    """One test's part of the resource group."""
    here = LiveWorld(live, images)
    try:
        yield here
    finally:
        here.clean()
