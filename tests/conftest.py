"""What tests of several folders share: the emulated cloud, one process-wide server, as new for each test."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.leftovers import Thing, in_the_engine, left_behind
from tests.run_folder import run_folder

if TYPE_CHECKING:
    import docker

    from tests.simulators.azure.emulator import Emulator
    from tests.simulators.azure.group_runtime_processes import Programs

# Whether an example takes long depends on who else uses the machine: no test is judged by that. Half of what Hypothesis
# draws by default: the examples of each run are others, and all runs together draw as many as ever.
settings.register_profile(
    "unhurried", parent=settings.default, max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

LONG = (
    "contract/test_target.py",
    "e2e/test_azure_killed.py",
    "e2e/test_examples.py",
    "e2e/test_azure_changes.py",
    "contract/test_swarm.py",
    "e2e/test_apps.py",
    "e2e/test_life.py",
    "upgrades/test_upgrades.py",
    "e2e/test_swarm.py",
    "bootstrap/test_up.py",
    "e2e/test_outside.py",
    "targets/azure/apps/test_app_faults.py",
    "e2e/test_commands.py",
    "contract/test_wrong_apps.py",
    "targets/azure/tasks/test_tasks.py",
    "targets/azure/groups/test_life_faults.py",
    "targets/azure/groups/test_life_rollout.py",
    "e2e/test_pipelines.py",
    "e2e/test_interrupted.py",
    "targets/test_front.py",
    "server/contract/test_contract.py",
    "e2e/test_provider.py",
    "images/export/test_setup_builds.py",
    "e2e/test_options.py",
    "targets/test_podman.py",
    "e2e/test_two_clones.py",
    "targets/test_local.py",
    "e2e/test_own_python.py",
    "e2e/test_rights.py",
    "contract/test_handover.py",
    "server/worker/test_workers.py",
    "e2e/test_new_project.py",
    "e2e/test_azure_refused.py",
    "e2e/test_yaml.py",
    "docker/test_build.py",
    "server/front/test_telemetry.py",
    "images/remote/test_old_tags.py",
    "e2e/test_v1_project.py",
    "azure/test_emulator_runs.py",
    "targets/azure/apps/test_app_environment.py",
    "pip/test_like_uv.py",
    "server/test_life.py",
    "e2e/test_no_swarm.py",
    "docs/test_site.py",
    "docker/test_dockerfile_base.py",
    "images/export/test_export.py",
    "server/front/test_limits.py",
    "docker/test_remote.py",
    "e2e/test_says.py",
    "azure/test_emulator_apps_run.py",
    "e2e/test_base_moved.py",
    "targets/azure/groups/test_life_update.py",
    "e2e/test_typescript.py",
    "contract/test_strangers.py",
    "targets/azure/apps/test_app_life.py",
    "upgrades/test_states.py",
    "targets/azure/registries/test_life.py",
)
"""Files of half a minute and more, the longest first. Those that compute take turns with those that wait for an engine:
both cores have work all the time."""
WAITING = ("e2e", "upgrades", "bootstrap", "contract", "docker", "azure", "images", "targets", "server", "conda")
"""Folders whose other files come next, those that take long first: the end of a run is for files that take no time."""

ENGINE_BEFORE = pytest.StashKey[frozenset[Thing] | None]()
LEFT = pytest.StashKey[list[Thing]]()


def begins_and_ends_the_run(config: pytest.Config) -> bool:
    """Tell whether this is the process that people see: not a worker, and one that runs tests."""
    return not hasattr(config, "workerinput") and not config.option.collectonly


def pytest_configure() -> None:
    run_folder()  # before there are workers: they have the same one


def pytest_sessionstart(session: pytest.Session) -> None:
    if begins_and_ends_the_run(session.config):
        session.config.stash[ENGINE_BEFORE] = in_the_engine()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for rubbish, and never look at what was collected again.

    Each worker makes eight thousand tests and what they import, which live as long as it does.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long; the order within a file stays."""
    here = Path(__file__).parent
    files = {name: place for place, name in enumerate(LONG)}
    folders = {name: place for place, name in enumerate(WAITING)}

    def turn(item: pytest.Item) -> tuple[int, int]:
        path = item.path.relative_to(here)
        return files.get(path.as_posix(), len(files)), folders.get(path.parts[0], len(folders))

    items.sort(key=turn)


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


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """Docker, as the plugin finds it."""
    from aciml.core.errors import OutageError
    from aciml.docker.engine import connect

    try:
        client = connect()
    except OutageError as error:
        pytest.skip(str(error))
    yield client
    client.close()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerClient]:
    """Docker, with the tiny images of ``tests/simulators/containers.py`` in it, once for a process."""
    import docker

    from tests.simulators.containers import REPOSITORY, make_images, missing_engine, remove_images

    if reason := missing_engine():
        pytest.skip(reason)
    client = docker.from_env()
    if not make_images(client):
        pytest.skip("there is no static busybox to make tiny images of")
    yield client
    remove_images(client, REPOSITORY)
    client.close()


@pytest.fixture(scope="session")
def pushed(tiny: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """An image of a registry, and the tiny images by their names in a registry of their own."""
    from tests.contract.worlds import pushed_images

    with pushed_images(tiny, tmp_path_factory.mktemp("cache")) as made:
        if not made[1]:
            pytest.skip("there is no registry to push tiny images to")
        yield made


@pytest.fixture(scope="session")
def programs(pushed: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """What the tiny images run, to be run without Docker."""
    from tests.simulators.azure.group_runtime_processes import Programs
    from tests.simulators.containers import COMMANDS, REPOSITORY, find_busybox, write_pages

    folder = tmp_path_factory.mktemp("programs")
    busybox = find_busybox(folder)
    assert busybox is not None, "the images were made of one"
    write_pages(folder)
    names = {name: (image.rpartition("@")[2], f"{REPOSITORY}:{name}") for name, image in pushed[1].items()}
    return Programs(busybox, folder, {one: command for name, command in COMMANDS.items() for one in names[name]})
