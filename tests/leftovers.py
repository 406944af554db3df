"""What a run leaves in the Docker Engine: seen before and after by the one process that begins and ends it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

LISTS = {
    "container": ("ps", "--all", "--format", "{{.ID}}\t{{.Names}} of {{.Image}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}\t"),
    "network": ("network", "ls", "--format", "{{.Name}}\t"),
    "image": ("images", "--digests", "--format", "{{.ID}}\t{{.Repository}}:{{.Tag}}@{{.Digest}}"),
}
"""The engine's own lists, by what is in them. What bootstrap makes is there before the tests are."""

UNNAMED = "<none>:<none>@<none>"
CACHED = re.compile(rf"(127\.0\.0\.1:\d+/|aciml-steps:cache-|aciml-envoy:|{UNNAMED})")
"""How names of images begin that an engine keeps as its cache: of a test's registry, of steps, of stages of builds, of
Envoy."""

KEPT = "docker_gwbridge"
"""A network that an engine makes for a swarm, and keeps when it leaves: nobody's, and there for the next one."""


@dataclass(frozen=True, order=True)
class Thing:
    """Something in the engine: ``id`` is short, and empty for none but images."""

    kind: str
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.name}".strip()

    @property
    def is_cached(self) -> bool:
        """Tell whether it is an image that a stack leaves behind, as an engine's own cache of builds."""
        return self.kind == "image" and CACHED.match(self.name) is not None

    def remove(self) -> None:
        """Remove this name of an image; its content goes with the last one."""
        tagged, _, digest = self.name.partition("@")
        repository, _, tag = tagged.rpartition(":")
        named = f"{repository}@{digest}" if tag == "<none>" else tagged
        name = self.id if self.name == UNNAMED else named
        subprocess.run(["docker", "rmi", "--force", name], capture_output=True, check=False)


def in_the_engine() -> frozenset[Thing] | None:
    """Return what is in the engine; None if none answers."""
    if shutil.which("docker") is None:
        return None
    found = []
    for kind, words in LISTS.items():
        said = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
        if said.returncode:
            return None
        things = [Thing(kind, *line.split("\t")) for line in said.stdout.splitlines()]
        found += [thing for thing in things if (thing.kind, thing.id) != ("network", KEPT)]
    return frozenset(found)


def left_behind(before: frozenset[Thing] | None, *, shared: bool) -> list[Thing]:
    """Return what is there now and was not before, when images that were cached for the tests alone are removed.

    In an engine that others use at the same time nothing is removed: it may be theirs.
    """
    now = in_the_engine()
    if now is None or before is None:
        return []
    if shared:
        return sorted(now - before)
    for _ in range(3):  # what loses its last name may stay for once, without one
        cached = [thing for thing in now - before if thing.is_cached]
        for thing in cached:
            thing.remove()
        now = in_the_engine() or now
    return sorted(now - before)
