"""The life of one container of a group: started, watched, started again as the restart policy says."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from docker.errors import DockerException, ImageNotFound

from .group_runtime_engine import Engine, explained
from .group_runtime_probes import Probes
from .group_runtime_shape import create
from .group_runtime_state import Events, History
from .http import ArmError

Json = dict[str, Any]
BACKOFF = (0.1, 5.0)  # seconds before the second start, and at most
GRACE = 1  # seconds from SIGTERM to SIGKILL


@dataclass
class Plan:
    """What a container is started with. ``trouble`` is crash-loop, oom or empty."""

    container: Json
    image: str
    holder: str
    address: str
    binds: list[str]
    policy: str
    trouble: str = ""
    is_init: bool = False
    pull: Callable[[], object] = lambda: None


@dataclass
class Member:
    """One container of a group; its thread ends when the container will not run again."""

    engine: Engine
    plan: Plan
    history: History
    begun: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    ready: bool = True

    def __post_init__(self) -> None:
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._id = ""
        self._before = ""
        self._thread = threading.Thread(target=self._live, daemon=True)

    @property
    def name(self) -> str:
        """The container's name in the group."""
        return str(self.plan.container["name"])

    @property
    def container_id(self) -> str:
        """Its container on Docker; empty before it was made."""
        return self._id

    def start(self) -> None:
        """Begin; ``begun`` is set after the first start, whether it went well or not."""
        self._thread.start()

    def end(self, *, at_once: bool = False) -> None:
        """Stop for good; the log stays until ``discard``."""
        self._ending.set()
        with self._lock, contextlib.suppress(DockerException):
            if self._id and self.history.phase == "Running":
                self.history.events.add("Killing", f"Killing container with id {self._id[:12]}")
                self.engine.api.stop(self._id, timeout=0 if at_once else GRACE)
        if self._thread.ident:
            self._thread.join()

    def discard(self) -> None:
        """Remove what is left in Docker."""
        for each in (self._before, self._id):
            if each:
                self.engine.remove(each)

    def kill(self, why: str) -> None:
        """End this run of the container; the restart policy decides what follows."""
        self.history.events.add("Killing", why)
        with self._lock, contextlib.suppress(DockerException):
            self.engine.api.kill(self._id)

    def logs(self, tail: int | None, *, timestamps: bool) -> str | None:
        """Return the log of the last run, or of the one before if it is empty; None if there was no run."""
        runs = [each for each in (self._id, self._before) if each]
        return next(filter(None, (self._log(each, tail, timestamps=timestamps) for each in runs)), "") if runs else None

    def all_logs(self, tail: int | None) -> str:
        """Return the last lines of the run before and of this one, with times.

        Of a container that crashes again and again this one may have written nothing yet.
        """
        runs = [each for each in (self._before, self._id) if each]
        lines = [line for each in runs for line in self._log(each, tail, timestamps=True).splitlines(keepends=True)]
        return "".join(lines[-tail:] if tail else lines)

    def _log(self, run: str, tail: int | None, *, timestamps: bool) -> str:
        with contextlib.suppress(DockerException):
            seen = self.engine.api.logs(run, tail="all" if tail is None else tail, timestamps=timestamps)
            return bytes(seen).decode(errors="replace")
        return ""

    def execute(self, command: list[str]) -> int:
        """Run a command in the container and return its exit code."""
        made = self.engine.api.exec_create(self._id, command)
        self.engine.api.exec_start(made["Id"])
        return int(self.engine.api.exec_inspect(made["Id"])["ExitCode"] or 0)

    def _live(self) -> None:
        wait = BACKOFF[0]
        try:
            while not self._ending.is_set():
                code = self._run()
                if self._ending.is_set() or not self._again(code):
                    return
                self.history.waits("CrashLoopBackOff")
                if code:
                    self.history.events.add("BackOff", "Back-off restarting failed container", "Warning")
                self._ending.wait(wait)
                wait = min(2 * wait, BACKOFF[1])
                self.history.restarts += 1
        finally:
            self.begun.set()
            self.over.set()

    def _again(self, code: int) -> bool:
        if self.plan.is_init and code == 0:
            return False
        return self.plan.policy == "Always" or (self.plan.policy == "OnFailure" and code != 0)

    def _run(self) -> int:
        """Start once and wait for the end; return the exit code."""
        try:
            with self._lock:
                if self._ending.is_set():
                    return 0
                self._create()
                self.engine.api.start(self._id)
                self.history.started()
        except DockerException as error:
            return self._could_not_start(error)
        self.history.events.add("Started", f"Started container {self.name}")
        probes = self._probes()
        self.begun.set()
        try:
            return self._wait()
        finally:
            probes.close()

    def _create(self) -> None:
        older = self._before
        name = f"aci-{self.engine.mark}-{self.name[:30]}-{uuid.uuid4().hex[:8]}"
        plan = self.plan
        holder = "" if plan.trouble else plan.holder  # what is ended at once must not answer before
        try:
            made = create(self.engine, plan.container, image=plan.image, name=name, holder=holder, binds=plan.binds)
        except ImageNotFound:
            # the engine is shared: whoever cleans it up may take an image away between its pull and its container
            try:
                plan.pull()
            except (ArmError, OSError) as error:
                raise DockerException(str(error)) from error
            made = create(self.engine, plan.container, image=plan.image, name=name, holder=holder, binds=plan.binds)
        self._before, self._id = self._id, made
        self.history.events.add("Created", f"Created container {self.name}")
        if older:
            self.engine.remove(older)

    def _could_not_start(self, error: DockerException) -> int:
        text = explained(error)
        self.history.events.add("Failed", f"Error: {text}", "Warning")
        code = 127 if "not found" in text or "no such file" in text.lower() else 128
        self.history.ended(code, "ContainerCannotRun")
        self.begun.set()
        return code

    def _wait(self) -> int:
        if self.plan.trouble:
            with contextlib.suppress(DockerException):
                self.engine.api.kill(self._id)
        try:
            code = int(self.engine.api.wait(self._id, timeout=None)["StatusCode"])
            killed = bool(self.engine.api.inspect_container(self._id)["State"].get("OOMKilled"))
        except (DockerException, OSError):  # removed under us: the group goes
            code, killed = 137, False
        if self.plan.trouble == "crash-loop":
            code = 1
        self.history.ended(code, "OOMKilled" if killed or self.plan.trouble == "oom" else "")
        return code

    def _probes(self) -> Probes:
        properties = self.plan.container["properties"]
        probes = Probes(self.plan.address, self.execute, self.history.events, eager=bool(properties.get("eager")))
        if probe := properties.get("startupProbe"):
            # containers of apps have one; until it succeeds the others are not asked
            self.ready = False
            probes.watch("Startup", probe, lambda good: self._set_started(probes, good=good), once=True)
        else:
            self._watch(probes)
        return probes

    def _watch(self, probes: Probes) -> None:
        properties = self.plan.container["properties"]
        if probe := properties.get("readinessProbe"):
            self.ready = False
            probes.watch("Readiness", probe, self._set_ready)
        else:
            self.ready = True
        if probe := properties.get("livenessProbe"):
            probes.watch("Liveness", probe, self._set_alive)

    def _set_started(self, probes: Probes, *, good: bool) -> None:
        if good:
            self._watch(probes)
        else:
            self.kill(f"Container {self.name} failed startup probe, will be restarted")

    def _set_ready(self, good: bool) -> None:  # noqa: FBT001  # the answer of a probe
        self.ready = good

    def _set_alive(self, good: bool) -> None:  # noqa: FBT001  # the answer of a probe
        if not good:
            self.kill(f"Container {self.name} failed liveness probe, will be restarted")


def member(engine: Engine, plan: Plan, events: Events) -> Member:
    """Make a container that has not begun."""
    return Member(engine, plan, History(events))
