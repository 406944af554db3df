"""What a run leaves in the Docker Engine: seen before and after by the one process that begins and ends it."""

from __future__ import annotations

import shutil
import subprocess

LISTS = {
    "container": ("ps", "--all", "--format", "{{.ID}} {{.Names}} of {{.Image}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
    "network": ("network", "ls", "--format", "{{.Name}}"),
    "image": ("images", "--digests", "--format", "{{.ID}} {{.Repository}}:{{.Tag}} {{.Digest}}"),
}
"""The engine's own lists, by what is in them. What bootstrap makes is there before the tests are."""


def in_the_engine() -> frozenset[str] | None:
    """Return one line for each thing that is in the engine; None if none answers."""
    if shutil.which("docker") is None:
        return None
    lines = []
    for kind, words in LISTS.items():
        said = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
        if said.returncode:
            return None
        lines += [f"{kind} {line}" for line in said.stdout.splitlines()]
    return frozenset(lines)


def left_behind(before: frozenset[str] | None) -> list[str]:
    """Return what is there now and was not before."""
    now = in_the_engine()
    return sorted(now - before) if now is not None and before is not None else []
