"""What a group's container may do on Docker: its rights, where it may write, its processes, its log.

Sources: Docker Engine API 1.41 (HostConfig), "Configure logging drivers", "JSON File logging driver"; no_new_privs(7).
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.account import HOME, Accounts, is_root
from ...core.errors import OutageError
from ...model.sandbox import LOG_FILES, LOG_SIZE_MB, PROCESSES
from ..protocol import GroupSpec
from .engine import LocalEngine, docker_answers

if TYPE_CHECKING:
    from docker.models.containers import Container

SANDBOX = "aciml.sandbox"
"""Label with what a container may; one that an older version made has none, and is made anew with the next change."""

_ROTATING = frozenset({"json-file", "local"})
"""Log drivers of the engine that keep files, and know how large and how many; others keep their log elsewhere."""

_IN_MEMORY = ("/tmp", "/var/tmp", "/run")  # noqa: S108  # what programs expect to be able to write in


@dataclass(frozen=True)
class Runner:
    """``user`` is the image's, as it says it; ``home`` where that user writes."""

    user: str
    home: str

    def ids(self, container: Container) -> tuple[int, int]:
        """Return uid and gid; a user that is a name is looked up in the container's own file.

        Raises:
            OutageError: the engine does not answer.
        """
        if is_root(self.user):
            return 0, 0
        ids = Accounts().ids_of(self.user) if ":" in self.user else None
        return (
            ids or Accounts(_text(container, "/etc/passwd"), _text(container, "/etc/group")).ids_of(self.user) or (0, 0)
        )


def runner_of(engine: LocalEngine, spec: GroupSpec) -> Runner:
    """Ask the engine who runs an image that it has."""
    from docker.errors import NotFound

    with docker_answers(f"look at image {spec.image}"):
        try:
            config = engine.client.images.get(spec.image).attrs.get("Config") or {}
        except NotFound:  # the creation says so in better words
            config = {}
    env = dict(str(item).partition("=")[::2] for item in config.get("Env") or ())
    return Runner(str(config.get("User") or ""), env.get("HOME") or HOME)


@dataclass(frozen=True)
class Sandbox:
    """Rights and limits of one container, with their defaults."""

    run_as_root: bool
    read_only_root: bool
    processes: int
    log_size_mb: int
    log_files: int

    @classmethod
    def of(cls, spec: GroupSpec) -> Sandbox:
        """Return those of a spec."""
        said = spec.declared.sandbox
        return cls(
            bool(said.run_as_root),
            bool(said.read_only_root),
            int(said.max_processes or PROCESSES),
            int(said.log_size_mb or LOG_SIZE_MB),
            int(said.log_files or LOG_FILES),
        )

    @property
    def label(self) -> str:
        """Say it in a few words, by which two containers are compared: engines write their options in several ways."""
        who = "root" if self.run_as_root else "user"
        where = "read-only" if self.read_only_root else "writable"
        return f"{who} {where} processes={self.processes} log={self.log_files}x{self.log_size_mb}m"

    def options(self, engine: LocalEngine, runner: Runner) -> dict[str, Any]:
        """Return what Docker's call that creates a container takes."""
        options: dict[str, Any] = {
            # no program of the image, setuid or with file capabilities, gives more than was there at the start
            "security_opt": ["no-new-privileges"],
            "pids_limit": self.processes,
            "read_only": self.read_only_root,
            **self._log(engine),
        }
        if not self.run_as_root:
            # an image whose user is root keeps root's files, and nothing else that root may
            options["cap_drop"] = ["ALL"]
        if self.read_only_root:
            # programs that compile as they run (numba, torch) load what they wrote: exec, which is not the default
            options["tmpfs"] = dict.fromkeys(_IN_MEMORY, "rw,exec,nosuid,nodev,mode=1777")
            options["tmpfs"][runner.home] = "rw,exec,nosuid,nodev,mode=1777"
        return options

    def _log(self, engine: LocalEngine) -> dict[str, Any]:
        from docker.types import LogConfig

        with docker_answers("say how it keeps logs"):
            driver = str(engine.client.info().get("LoggingDriver") or "")
        if driver not in _ROTATING:
            return {}
        sizes = {"max-size": f"{self.log_size_mb}m", "max-file": str(self.log_files)}
        return {"log_config": LogConfig(type=driver, config=sizes)}


def _text(container: Container, path: str) -> str:
    try:
        with docker_answers(f"read {path}"):
            chunks, _ = container.get_archive(path)
            packed = io.BytesIO(b"".join(chunks))
    except OutageError:
        return ""
    with tarfile.open(fileobj=packed) as tar:
        content = tar.extractfile(tar.next() or "")
        return content.read().decode("utf-8", "replace") if content else ""
