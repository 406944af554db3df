"""Container groups of one test: the target's groups against the emulated cloud, and what is asked behind its back."""

from __future__ import annotations

import http.client
import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from aciml.core.progress import Silent
from aciml.model.access import Access
from aciml.settings import Settings
from aciml.targets.azure.arm import patience
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.groups import stable_name
from aciml.targets.azure.groups.life import AzureGroups
from aciml.targets.protocol import GroupFacts, GroupSpec
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.group_runtime_processes import Programs
from tests.targets.specs import spec

KIND = "microsoft.containerinstance/containergroups"
OWNER = "urn:pulumi:dev::shop::aciml:compute:ContainerGroup::{name}"


class Killed(BaseException):
    """The end of the process, as far as the code under test can tell: nothing of it catches this."""


@dataclass
class Life:
    """One test's groups."""

    emulator: Emulator
    images: Mapping[str, str]
    folder: Path
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:6]}")
    session: AzureSession = field(init=False)
    groups: AzureGroups = field(init=False)

    def __post_init__(self) -> None:
        self.session = AzureSession(AzureConfig.read(self.emulator.config(), {}), Settings(self.folder))
        self.groups = AzureGroups(self.session, _no_account)

    def spec(self, behaviour: str = "serves", **settings: Any) -> GroupSpec:
        sized = {"cpuCores": 1, "memoryGb": 1, "port": 5001, "startupTimeout": 40}
        return spec(self.name, self.images[behaviour], owner=OWNER.format(name=self.name), **{**sized, **settings})

    def create(self, behaviour: str = "serves", **settings: Any) -> GroupFacts:
        return self.groups.create(self.spec(behaviour, **settings), Silent())

    def update(self, facts: GroupFacts, old: GroupSpec, new: GroupSpec) -> GroupFacts:
        return self.groups.update(facts.id, old, new, Silent())

    def there(self) -> list[str]:
        """Name the groups that exist, without the name of the test."""
        found = [key.rpartition("/")[2] for key in self.emulator.world.resources if f"/{KIND}/{self.name}" in key]
        return sorted(name.removeprefix(self.name) for name in found)

    def seen(self, ending: str = "") -> dict[str, Any]:
        """Return what a GET would say."""
        where = f"/subscriptions/{self.emulator.subscription}/resourceGroups/{self.emulator.resource_group}"
        found: dict[str, Any] = self.emulator.world.parts["groups"].seen(
            f"{where}/providers/{KIND}/{self.name}{ending}"
        )
        return found

    def counts(self, *methods: str) -> int:
        """Count requests about container groups."""
        return sum(one.method in methods and KIND in one.path.lower() for one in self.emulator.requests())

    def close(self) -> None:
        self.session.close()


def _no_account(_image: str, _access: Access) -> None:
    """Let everybody pull: the tests' registry asks nobody."""


def dies_at(life: Life, step: int, work: Callable[[], object]) -> bool:
    """End a run before its write to the cloud with the number ``step // 2``, or right behind it where ``step`` is odd.

    Between two writes nothing in the cloud is changed by us: one that dies right behind a write leaves an operation
    that is at work, and one that dies before the next write has seen its end.

    Returns:
        Whether it died; else it has fewer writes.
    """
    session, left = life.session._transport.session, step // 2
    send = session.request

    def counted(method: str, url: str, **options: Any) -> Any:
        nonlocal left
        writes = method != "GET" and "/subscriptions/" in url
        left -= writes
        if writes and left < 0 and step % 2 == 0:
            raise Killed
        answer = send(method, url, **options)
        if writes and left < 0:
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session, "request", counted)
        try:
            work()
        except Killed:
            return True
    return False


class Death:
    """One round of ``each_death``: a run that is to end at one write, and is told whether it has."""

    def __init__(self, life: Life, step: int) -> None:
        self._life, self.step, self.died = life, step, False

    def __str__(self) -> str:
        return f"a run that died {('before', 'behind')[self.step % 2]} its write {self.step // 2 + 1}"

    def of(self, work: Callable[[], object]) -> None:
        """Run it until it dies."""
        self.died = dies_at(self._life, self.step, work)


def each_death(life: Life, least: int) -> Iterator[Death]:
    """Give a death for each write of a run, and last a round in which it lives; each has to end as it began.

    Args:
        life: the groups of the test.
        least: how many deaths there are at least: two a write.
    """
    for step in itertools.count():
        yield (death := Death(life, step))
        if not death.died:
            break
    assert step >= least


@contextmanager
def living(
    emulator: Emulator, images: tuple[str, dict[str, str]], folder: Path, programs: Programs | None = None
) -> Iterator[Life]:
    """Give groups that run on Docker, or what their images run as processes, which is quicker.

    What a container is to a group is proven on Docker: ``tests/azure``, ``tests/e2e``.
    """
    life = Life(emulator, images[1], folder)
    emulator.world.parts["groups"].programs = programs
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(patience, "BUSY_SECONDS", 0.5)
        patched.setattr(stable_name, "DRAIN_SECONDS", 0.5)
        try:
            yield life
        finally:
            life.close()


def answer(address: str) -> str:
    """Return what ``/`` answers: ``one`` or ``two``; empty if nothing does."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/")
        got = connection.getresponse()
        return got.read().decode().strip() if got.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


@contextmanager
def watching(look: Any) -> Iterator[list[str]]:
    """Call ``look`` again and again in a thread; give what it returned."""
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(look())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


__all__ = ["Killed", "Life", "answer", "each_death", "living", "replace", "watching"]
