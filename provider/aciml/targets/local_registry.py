"""Registries of the local target: a container of ``registry:2`` and a volume, both named ``aciml-registry-<name>``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..core.errors import OutageError
from ..core.progress import Progress
from .local_engine import (
    IMAGE,
    KEPT,
    KIND,
    NAME,
    NEXT,
    LocalEngine,
    docker_answers,
    image_of,
    is_proven,
    prove,
    state_of,
)
from .local_gate import Failure, start, wait_until_serving
from .local_ports import HOST, published_port, require_free_port
from .local_pull import ensure_image
from .local_swap import launch, put_in_place
from .protocol import RegistryFacts, RegistrySpec

if TYPE_CHECKING:
    from docker.models.containers import Container

REGISTRY = "registry"
HEALTH_PATH = "/v2/"
INNER_PORT = 5000
STARTUP_SECONDS = 60.0
DATA = "/var/lib/registry"


def container_of(name: str) -> str:
    """Return the name of a registry's container and volume; it is the id of the registry."""
    return f"aciml-registry-{name}"


class LocalRegistries:
    """Creates, reads and deletes registries; ``mirrors`` are those of the machine settings."""

    def __init__(self, engine: LocalEngine, mirrors: Mapping[str, str]) -> None:
        """Work with ``engine``."""
        self._engine, self._mirrors = engine, mirrors

    def create(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Bring the registry to ``spec`` whatever is there; its volume stays.

        Raises:
            PortTaken: before anything is changed.
            UserError: a container of that name is not ours.
            OutageError: it does not answer; what served before still does.
        """
        name = container_of(spec.name)
        self._engine.tidy(name, REGISTRY, spec.name)
        old = self._engine.find(name, REGISTRY, spec.name)
        port = spec.port or (published_port(old) if old else 0)
        if port:
            require_free_port(self._engine.client, port, old)
        if old is None:
            return self._make(spec, progress)
        if published_port(old) == port and image_of(old) == spec.image:
            return self._adopt(old, spec, progress)
        return self._move(old, spec, port, progress)

    def read(self, registry_id: str) -> RegistryFacts | None:
        """Look at a registry; None only if its container is gone."""
        container = self._engine.find(registry_id, REGISTRY)
        return _facts(container) if container else None

    def delete(self, registry_id: str, *, delete_data: bool, progress: Progress) -> None:
        """Remove the container, and the volume if ``delete_data``."""
        for name in (registry_id + NEXT, registry_id):
            if container := self._engine.find(name, REGISTRY):
                progress.say(f"removing container {name}")
                self._engine.remove(container, gently=True)
        if delete_data:
            self._delete_volume(registry_id, progress)

    def _adopt(self, container: Container, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        failure = None
        if container.status != "running":
            progress.say(f"starting container {container.name} again")
            failure = start(container)
        self._require(failure or self._wait(container, progress))
        return self._settle(container, spec, progress)

    def _make(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        ensure_image(self._engine.client, spec.image, self._mirrors, progress)
        self._ensure_volume(spec.name)
        container, failure = launch(self._engine, lambda port: self._container(spec, port), spec.port)
        try:
            self._require(failure or self._wait(container, progress))
        except BaseException:  # also ctrl-C: what never answered is not kept, its data are
            self._engine.remove(container)
            raise
        return self._settle(container, spec, progress)

    def _move(self, old: Container, spec: RegistrySpec, port: int, progress: Progress) -> RegistryFacts:
        ensure_image(self._engine.client, spec.image, self._mirrors, progress)
        new = self._container(spec, port, NEXT)
        progress.say(f"moving registry {spec.name} to {spec.image} on port {port}")
        self._require(put_in_place(self._engine, old, new, lambda: self._wait(new, progress)), kept=True)
        return self._settle(new, spec, progress)

    def _settle(self, container: Container, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Let a registry that serves last; where the engine cannot change it, one made to last takes its place."""
        if is_proven(container):
            return _facts(container)
        lasting = self._container(spec, published_port(container), NEXT, KEPT)
        self._require(put_in_place(self._engine, container, lasting, lambda: self._wait(lasting, progress)), kept=True)
        return _facts(lasting)

    def _wait(self, container: Container, progress: Progress) -> Failure | None:
        failure = wait_until_serving(container, HEALTH_PATH, STARTUP_SECONDS, progress)
        if failure is None:
            prove(container)
        return failure

    def _require(self, failure: Failure | None, *, kept: bool = False) -> None:
        if failure:
            note = "\nthe registry that was there is running again" if kept else ""
            raise OutageError(failure.describe(f'registry container "{failure.container}"') + note)

    def _container(
        self, spec: RegistrySpec, port: int, ending: str = "", policy: Mapping[str, str] | None = None
    ) -> Container:
        name = container_of(spec.name)
        with docker_answers(f'create container "{name}{ending}"'):
            return self._engine.client.containers.create(
                spec.image,
                name=name + ending,
                labels={KIND: REGISTRY, NAME: spec.name, IMAGE: spec.image},
                environment={"REGISTRY_STORAGE_DELETE_ENABLED": "true"},
                ports={f"{INNER_PORT}/tcp": (HOST, port)},
                volumes={name: {"bind": DATA, "mode": "rw"}},
                restart_policy=policy,  # type: ignore[arg-type] # the stubs lack unless-stopped
            )

    def _ensure_volume(self, name: str) -> None:
        with docker_answers(f'create volume "{container_of(name)}"'):
            self._engine.client.volumes.create(container_of(name), labels={KIND: REGISTRY, NAME: name})

    def _delete_volume(self, volume: str, progress: Progress) -> None:
        from docker.errors import NotFound

        with docker_answers(f'remove volume "{volume}"'):
            try:
                found = self._engine.client.volumes.get(volume)
            except NotFound:
                return
            if (found.attrs.get("Labels") or {}).get(KIND) != REGISTRY:
                progress.warn(f'volume "{volume}" was not made by aciml and stays')
                return
            found.remove()


def _facts(container: Container) -> RegistryFacts:
    port = published_port(container)
    image, name = image_of(container), container.labels[NAME]
    return RegistryFacts(str(container.name), name, f"{HOST}:{port}", port, image, state_of(container))
