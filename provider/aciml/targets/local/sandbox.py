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
    """Who runs an image: uid and gid, and the home where that user writes."""

    ids: tuple[int, int]
    home: str


def runner_of(engine: LocalEngine, image: str) -> Runner:
    """Ask the engine who runs an image that it has; a user that is a name is looked up in the image's own files.

    Raises:
        OutageError: the engine does not answer.
    """
    from docker.errors import NotFound

    with docker_answers(f"look at image {image}"):
        try:
            config = engine.client.images.get(image).attrs.get("Config") or {}
        except NotFound:  # the creation says so in better words
            config = {}
    user = str(config.get("User") or "")
    env = dict(str(item).partition("=")[::2] for item in config.get("Env") or ())
    if is_root(user):
        return Runner((0, 0), env.get("HOME") or "/root")
    ids = Accounts().ids_of(user) if ":" in user else None
    return Runner(ids or _accounts_in(engine, image).ids_of(user) or (0, 0), env.get("HOME") or HOME)


def _accounts_in(engine: LocalEngine, image: str) -> Accounts:
    """Read the files from a container that never runs: the engine gives no file of an image."""
    with docker_answers(f"look into image {image}"):
        container = engine.client.containers.create(image)
    try:
        return Accounts(_text(container, "/etc/passwd"), _text(container, "/etc/group"))
    finally:
        engine.remove(container)


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
            said.processes,
            *said.log,
        )

    @property
    def label(self) -> str:
        """Say it in a few words, by which two containers are compared: engines write their options in several ways."""
        who = "root" if self.run_as_root else "user"
        where = "read-only" if self.read_only_root else "writable"
        return f"{who} {where} processes={self.processes} log={self.log_files}x{self.log_size_mb}m"

    def options(self, engine: LocalEngine, runner: Runner | None) -> dict[str, Any]:
        """Return what Docker's call that creates a container takes; ``runner`` counts where the root is read-only."""
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
        if self.read_only_root and runner:
            # programs that compile as they run (numba, torch) load what they wrote: exec, which is not the default
            options["tmpfs"] = dict.fromkeys(_IN_MEMORY, "rw,exec,nosuid,nodev,mode=1777")
            # a home that is in the image gives its mode to what is mounted there, and not its owner
            uid, gid = runner.ids
            options["tmpfs"][runner.home] = f"rw,exec,nosuid,nodev,uid={uid},gid={gid},mode=0700"
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
