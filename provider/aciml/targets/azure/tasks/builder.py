"""Extra steps without Docker on this machine: a quick build of ACR Tasks, pushed to the registry that it belongs to.

Source: azure-cli, command_modules/acr/build.py and _archive_utils.py.
"""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from ....core.builder import BuilderRefused
from ....core.errors import OutageError
from ....core.progress import Progress
from ..arm.errors import AzureError, translated
from .blob_link import BlobLink
from .run import Registry, TaskRun

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse
    from azure.mgmt.containerregistrytasks.models import DockerBuildRequest

    from ..arm.session import AzureSession
    from ..registries.life import AzureRegistries

SHORTEST, USUAL, LONGEST = 300, 3600, 28800
"""Seconds that a run may take: the bounds are those of ACR Tasks, the usual time too."""
CORES = 2
_BLOCK = 1 << 20  # bytes
# no failures of the build: Docker may still run the steps, with a warning that says why (decisions/acr-tasks.md)
_REFUSALS = frozenset(
    {"TasksOperationsNotAllowed", "AuthorizationFailed", "NoRegisteredProviderFound", "InvalidResourceType"}
)
_ABAC = "AbacRepositoryPermissions"
_ACCEPTED = 30.0  # seconds to find a run that was accepted without a name


class _AcceptedError(Exception):
    """The run was taken with 202 and an empty body, on which the SDK stumbles."""


class TaskBuilder:
    """Satisfies ``RemoteBuilder``."""

    def __init__(self, session: AzureSession, registries: AzureRegistries, *, look: float = 1.0) -> None:
        """Work for the registries of one subscription; ``look``: seconds between two looks at a run."""
        self._session, self._registries, self._look = session, registries, look

    def build(
        self,
        context: IO[bytes],
        *,
        dockerfile: str,
        login_server: str,
        name: str,
        arguments: Mapping[str, str],
        hear: Callable[[str], None],
        progress: Progress,
    ) -> None:
        """Upload the context, run the build, and wait for its end; see ``RemoteBuilder.build``."""
        # a run belongs to a registry, pushes there and pulls the base from there by its own rights
        registry = self._find(login_server)
        # ACR's own limit for a build step is eight hours, so what the user allows has to be said in the request
        limit = run_limit(progress.timeout)
        # before the run is asked for: its time, and its price, begin when it is scheduled
        source = self._upload(registry, context, progress)
        request = build_request(
            source, dockerfile=dockerfile, name=name, arguments=arguments, limit=limit, by_caller=registry.by_caller
        )
        progress.checkpoint()
        # from here on a run costs money: whatever ends the wait cancels it too
        run_id = self._schedule(registry, request)
        TaskRun(self._session, registry, run_id, progress, look=self._look).follow(hear, limit)

    def _find(self, login_server: str) -> Registry:
        with _refusing():
            found = self._registries.find(login_server)
        if found is None:
            here = f"subscription {self._session.config.subscription_id}"
            message = f"{login_server} is no registry of {here}, so ACR Tasks cannot run the steps there"
            raise BuilderRefused(message, "set builder to docker")
        # where roles are given by repository (ABAC) a run has no rights of its own, and takes those of who asks
        parts = str(found["id"]).split("/")
        return Registry(parts[4], parts[-1], found["properties"].get("roleAssignmentMode") == _ABAC)

    def _upload(self, registry: Registry, context: IO[bytes], progress: Progress) -> str:
        with _refusing(), translated("asking ACR where to upload the steps"):
            place = self._session.tasks.registries.get_build_source_upload_url(registry.resource_group, registry.name)
        # both are optional in the specification
        if not place.upload_url or not place.relative_path:
            raise OutageError("ACR did not say where to upload the steps", "run the same command again")
        link = BlobLink(place.upload_url, self._session.ca_bundle)
        with packed(context, progress) as (archive, size), link:
            link.upload(archive, size, "uploading the steps", progress)
        return place.relative_path

    def _schedule(self, registry: Registry, request: DockerBuildRequest) -> str:
        operations = self._session.tasks.registries
        place = (registry.resource_group, registry.name)
        with _refusing(), translated("starting the ACR run"):
            try:
                # the hook is the last place to see it: the SDK 1.0.0b1 takes 202 for an error, and stumbles on its
                # empty body
                run = operations.schedule_run(*place, request, raw_response_hook=_look_for_202)
            except _AcceptedError:
                return self._accepted(registry)
        return str(run.run_id or run.name)

    def _accepted(self, registry: Registry) -> str:
        """Find the run that ACR took without saying its name: the newest one that has not ended."""
        deadline = time.monotonic() + _ACCEPTED
        while time.monotonic() < deadline:
            # newest first, as ARM lists them
            for run in self._session.tasks.runs.list(registry.resource_group, registry.name, top=1):
                if str(getattr(run.status, "value", run.status)) in ("Queued", "Started", "Running"):
                    return str(run.run_id or run.name)
                break
            time.sleep(self._look)
        raise OutageError("ACR took the run and does not say which one it is", "run the same command again")


def _look_for_202(response: PipelineResponse[Any, Any]) -> None:
    if response.http_response.status_code == 202:
        raise _AcceptedError


@contextmanager
def packed(context: IO[bytes], progress: Progress) -> Iterator[tuple[IO[bytes], int]]:
    """Lend a tar as a gzip file and its size in bytes; equal tars give equal bytes."""
    with tempfile.TemporaryFile() as sink:
        # neither name nor time in the header, so that equal steps are equal bytes in every log and trace
        with gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0) as zipped:
            while block := context.read(_BLOCK):
                progress.checkpoint()
                zipped.write(block)
        size = sink.tell()
        sink.seek(0)
        yield sink, size


def run_limit(allowed: float) -> int:
    """Return how long a run may take, seconds, from what the user allows (0: nothing was said)."""
    return int(min(max(allowed or USUAL, SHORTEST), LONGEST))


def build_request(
    source: str, *, dockerfile: str, name: str, arguments: Mapping[str, str], limit: int, by_caller: bool
) -> DockerBuildRequest:
    """Return the request of a quick build.

    Args:
        source: where the context was uploaded to, as ACR named it.
        dockerfile: its path in the context.
        name: ``repository:tag`` to push to.
        arguments: build arguments; none of them is a secret.
        limit: seconds.
        by_caller: log in to the registry with the rights of who asks.
    """
    from azure.mgmt.containerregistrytasks import models

    optional: dict[str, Any] = {}
    if by_caller:
        login = models.SourceRegistryCredentials(identity="[caller]")
        optional["credentials"] = models.Credentials(source_registry=login)
    return models.DockerBuildRequest(
        image_names=[name],
        # by the run itself: no layer passes through this machine
        is_push_enabled=True,
        docker_file_path=dockerfile,
        source_location=source,
        platform=models.PlatformProperties(os="Linux", architecture="amd64"),  # Container Instances run nothing else
        arguments=[models.Argument(name=key, value=value, is_secret=False) for key, value in arguments.items()],
        timeout=limit,
        agent_configuration=models.AgentProperties(cpu=CORES),
        **optional,
    )


@contextmanager
def _refusing() -> Iterator[None]:
    """Tell an account that may not build from a service that is out of order."""
    try:
        yield
    except AzureError as error:
        if error.code in _REFUSALS:
            raise BuilderRefused(error.message, error.advice or "set builder to docker") from error
        raise
