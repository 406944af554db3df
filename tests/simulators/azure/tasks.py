"""ACR Tasks: quick builds that really build with Docker and push to the registry. API 2025-03-01-preview.

Faults: ``tasks-not-allowed`` refuses scheduleRun as for a subscription on trial; ``task-queue-slow`` leaves a run
Queued until faults are forgotten; ``task-timeout`` lets the time of a run be over when it begins; ``task-error`` ends
it as an error of the service; ``task-accepted`` answers scheduleRun with 202 and nothing.
"""

from __future__ import annotations

import base64
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .blobs import blobs_of
from .http import ArmError, Request, Response, Router
from .registries import fronts_of
from .registries_fronts import KIND
from .tasks_docker import Agent
from .tasks_run import FailedError, Run, StoppedError
from .tasks_steps import Step, docker_steps, encoded_steps
from .world import World

_PLACE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + KIND + "/{name}"
FAULTS = ("tasks-not-allowed", "task-queue-slow", "task-timeout", "task-error", "task-accepted")
_FILTER = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)
SHORTEST, LONGEST = 300, 28800  # seconds: TaskProperties.timeout in the OpenAPI of 2019-06-01-preview


def install(router: Router, world: World) -> None:
    """Answer for runs; ``world.parts["tasks"]`` has them."""
    tasks = world.parts["tasks"] = Tasks(world)
    world.faults.know(*FAULTS)
    world.closers.append(tasks.stop)
    world.resetters.append(tasks.stop)
    router.add("POST", f"{_PLACE}/listBuildSourceUploadUrl", tasks.upload_url)
    router.add("POST", f"{_PLACE}/scheduleRun", tasks.schedule)
    router.add("GET", f"{_PLACE}/runs", tasks.list_)
    router.add("GET", f"{_PLACE}/runs/{{run}}", tasks.get)
    router.add("PATCH", f"{_PLACE}/runs/{{run}}", tasks.update)
    router.add("POST", f"{_PLACE}/runs/{{run}}/cancel", tasks.cancel)
    router.add("POST", f"{_PLACE}/runs/{{run}}/listLogSasUrl", tasks.log_url)


class Tasks:
    """All runs of all registries; each in a thread of its own."""

    def __init__(self, world: World) -> None:
        self._world, self._fronts, self._blobs = world, fronts_of(world), blobs_of(world)
        self._runs: dict[str, dict[str, Run]] = {}  # by the registry's id in lower case, then by run id
        self._threads: list[threading.Thread] = []

    def stop(self) -> None:
        """Cancel all runs, wait for their ends and forget them."""
        with self._world.lock:
            runs = [run for known in self._runs.values() for run in known.values()]
            threads = list(self._threads)
        for run in runs:
            run.cancelled.set()
        for thread in threads:
            thread.join(60)
        with self._world.lock:
            self._runs.clear()
            self._threads.clear()

    def upload_url(self, request: Request, **_: str) -> Response:
        self._registry(request)
        path = f"source/{datetime.now(UTC):%Y%m%d%H%M}/{uuid.uuid4()}.tar.gz"
        return Response(200, {"uploadUrl": self._blobs.url(path, "rcw"), "relativePath": path})

    def schedule(self, request: Request, name: str, **_: str) -> Response:
        registry = self._registry(request)
        body = request.json() or {}
        if self._world.faults.take(self._world.line, "tasks-not-allowed"):
            message = (
                f"ACR Tasks requests for the registry {name} and {self._world.subscription} are not permitted. "
                "Please file an Azure support request at http://aka.ms/azuresupport for assistance."
            )
            raise ArmError(403, "TasksOperationsNotAllowed", message)
        login_server = registry["properties"]["loginServer"]
        with self._world.lock:
            known = self._runs.setdefault(registry["id"].lower(), {})
            number = f"ca{len(known) + 1}"
            steps = self._steps(body, login_server, number)
            run = Run(f"{registry['id']}/runs/{number}", number, login_server, body, self._blobs)
            known[number] = run
            shown = run.shown()
            thread = threading.Thread(target=self._work, args=(run, steps, self._world.line), daemon=True)
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()
        accepted = self._world.faults.take(self._world.line, "task-accepted")
        return Response(202) if accepted else Response(200, shown)

    def list_(self, request: Request, **_: str) -> Response:
        registry_id = request.path.rpartition("/")[0]
        self._world.need(registry_id)
        wanted = {name.lower(): value for name, value in _FILTER.findall(request.query.get("$filter", ""))}
        with self._world.lock:
            newest_first = [run.shown() for run in reversed(self._runs.get(registry_id.lower(), {}).values())]
        found = [run for run in newest_first if _fits(run["properties"], wanted)]
        return Response(200, {"value": found[: int(request.query.get("$top") or 100)]})

    def get(self, request: Request, run: str, **_: str) -> Response:
        return Response(200, self._run(request.path.rsplit("/", 2)[0], run).shown())

    def update(self, request: Request, run: str, **_: str) -> Response:
        found = self._run(request.path.rsplit("/", 2)[0], run)
        found.archive(enabled=bool((request.json() or {}).get("isArchiveEnabled")))
        return Response(200, found.shown())

    def cancel(self, request: Request, run: str, **_: str) -> Response:
        self._run(request.path.rsplit("/", 3)[0], run).cancelled.set()
        return Response(200)

    def log_url(self, request: Request, run: str, **_: str) -> Response:
        found = self._run(request.path.rsplit("/", 3)[0], run)
        return Response(200, {"logLink": self._blobs.url(found.log_path, "r")})

    def _registry(self, request: Request) -> dict[str, Any]:
        return self._world.need(request.path.rpartition("/")[0])

    def _run(self, registry_id: str, run: str) -> Run:
        self._world.need(registry_id)
        with self._world.lock:
            found = self._runs.get(registry_id.lower(), {}).get(run)
        if found is None:
            raise ArmError(404, "RunNotFound", f"The run '{run}' was not found.")
        return found

    def _steps(self, body: Mapping[str, Any], login_server: str, number: str) -> list[Step]:
        timeout = body.get("timeout") or 3600
        if not SHORTEST <= timeout <= LONGEST:
            message = f"The timeout {timeout} is not between {SHORTEST} and {LONGEST} seconds."
            raise ArmError(400, "InvalidTimeout", message)
        if str((body.get("platform") or {}).get("os", "")).lower() != "linux":
            raise ArmError(400, "InvalidPlatform", "Only agents with the operating system Linux are emulated.")
        if body.get("type") == "DockerBuildRequest":
            return docker_steps(body, login_server, number)
        if body.get("type") == "EncodedTaskRunRequest":
            content = base64.b64decode(body.get("encodedTaskContent") or "").decode()
            return encoded_steps(content, body, login_server, number)
        raise ArmError(400, "InvalidRunRequest", f"Runs of type {body.get('type')!r} are not emulated.")

    def _work(self, run: Run, steps: list[Step], line: str) -> None:
        """Bring one run to its end; runs in a thread."""
        try:
            self._wait_in_queue(run, line)
            run.begin()
            self._fail(run, line)
            self._execute(run, steps)
            run.end("Succeeded")
        except StoppedError as stopped:
            run.end(stopped.status, str(stopped))
        except FailedError as failed:
            run.note(f"failed to run step ID: build: {failed}")
            run.end("Failed", "failed during run, err: exit status 1")
        except Exception as error:  # noqa: BLE001  # a thread has nobody else to tell
            run.end("Error", f"{type(error).__name__}: {error}")

    def _wait_in_queue(self, run: Run, line: str) -> None:
        released = self._world.faults.released
        if self._world.faults.take(line, "task-queue-slow"):
            while not (released.wait(0.05) or run.cancelled.is_set()):
                pass
        run.check()

    def _fail(self, run: Run, line: str) -> None:
        if self._world.faults.take(line, "task-timeout"):
            raise StoppedError("Timeout", f"the run took longer than {run.timeout} seconds")
        if self._world.faults.take(line, "task-error"):
            raise StoppedError("Error", "the agent was lost")

    def _execute(self, run: Run, steps: list[Step]) -> None:
        run.note("Downloading source code...")
        source = run.request.get("sourceLocation")
        context = self._blobs.read(source) if source else b""
        if context is None:
            raise FailedError("failed to download source code: the source was not uploaded")
        run.note("Finished downloading source code", f"Logging in to registry: {run.login_server}")
        run.note(f"Successfully logged into {run.login_server}")
        images = []
        with Agent(run, self._fronts) as agent:
            for step in steps:
                run.check()
                run.note(f"Executing step ID: {step.name}. Timeout(sec): {run.timeout}, Working directory: ''")
                if step.build:
                    agent.build(context, step.build)
                images += [agent.push(image) for image in step.push]
                run.note(f"Step ID: {step.name} marked as successful")
        run.output(images)


def _fits(properties: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    known = {name.lower(): str(value).lower() for name, value in properties.items()}
    return all(known.get(name) == value.lower() for name, value in wanted.items())
