"""Registries of the local target: a container of ``registry:2`` and a volume, both named ``aciml-registry-<name>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import OutageError
from ...core.ownership import Claim, Owner, Stranger, stranger
from ...core.progress import Progress
from ..home.place import Workspace
from ..home.registry import HomeRegistries
from ..protocol import RegistryFacts, RegistrySpec
from .engine import (
    IMAGE,
    KEPT,
    KIND,
    NAME,
    NEXT,
    LocalEngine,
    created_at,
    docker_answers,
    image_of,
    is_proven,
    owner_of,
    prove,
    state_of,
)
from .gate import Failure, start, wait_until_serving
from .ports import HOST, published_port, require_free_port
from .pull import ensure_image
from .swap import launch, put_in_place

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.models.volumes import Volume

REGISTRY = "registry"
# what each registry answers (OCI distribution-spec 1.1, end-1); without an account it is 200
HEALTH_PATH = "/v2/"
INNER_PORT = 5000
# it has nothing to load; a minute is for a disk that is busy with other things
STARTUP_SECONDS = 60.0
DATA = "/var/lib/registry"


def container_of(name: str) -> str:
    """Return the name of a registry's container and volume; it is the id of the registry."""
    return f"aciml-registry-{name}"


class LocalRegistries(HomeRegistries):
    """Satisfies ``RegistryTarget``; ``mirrors``, of the machine settings, may have the image that serves."""

    def __init__(self, engine: LocalEngine, mirrors: Mapping[str, str], workspace: Workspace) -> None:
        """Work with ``engine``; nothing is contacted yet."""
        super().__init__(workspace)
        self._engine, self._mirrors = engine, mirrors

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "local"

    def bring(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        """Bring the registry to ``spec`` whatever is there; its volume stays.

        Raises:
            PortTaken: before anything is changed.
            Stranger: a container or volume of that name is not covered by ``claim``.
            OutageError: it does not answer; what served before still does.
        """
        name = container_of(spec.name)
        self._engine.tidy(name, REGISTRY, claim, spec.name)  # a run that was killed may have left its candidate
        old = self._engine.find(name, REGISTRY, claim, spec.name)
        # images are known by host and port, so a port that was picked once is kept
        port = spec.declared.port or (published_port(old) if old else 0)
        if port:
            require_free_port(self._engine.client, port, old)
        if old is None:
            volume = self._require_volume(spec.name, claim)
            kept = Owner.read(_labels(volume)) if volume else None
            if volume and kept is None:
                progress.note(f'going on with volume "{name}", which an older aciml has left, and the images in it')
            return self._make(replace(spec, known_as=claim.heir(kept).mark), claim, progress)
        spec = replace(spec, known_as=claim.heir(Owner.read(old.labels)).mark)
        # labels are not compared: they cannot be changed, and a
        # new container for them alone would be a gap for nothing
        if published_port(old) == port and image_of(old) == spec.declared.image:
            return self._adopt(old, spec, progress)
        return self._move(old, spec, port, progress)

    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Look at the container of that name, and at its volume, which may have outlived it."""
        try:
            # a volume without its container still has somebody's images
            if self._engine.find(container_of(name), REGISTRY, claim, name) is None:
                self._require_volume(name, claim)
        except Stranger as refusal:
            return refusal
        return None

    def read(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at a registry; None only if Docker says that its container is not there."""
        claim = self.workspace.claim_known(known.owner, known.known_as) if known else None
        container = self._engine.find(registry_id, REGISTRY, claim)
        return _facts(container) if container else None

    def delete(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Remove the container, and the volume if ``delete_data``; else tell that it stays."""
        claim = self.workspace.claim_known(progress.urn, known_as)
        container = self._engine.find_to_remove(registry_id, REGISTRY, claim, progress)
        if candidate := self._engine.find_candidate(registry_id, REGISTRY, claim):
            self._engine.remove(candidate)
        if container is not None:
            progress.say(f"removing container {registry_id}")
            # it may be in the middle of writing a layer
            self._engine.remove(container, gently=True)
        self._settle_volume(registry_id, claim, delete_data=delete_data, progress=progress)

    def _adopt(self, container: Container, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        failure = None
        if container.status != "running":
            progress.say(f"starting container {container.name} again")
            failure = start(container)
        self._require(failure or self._wait(container, progress))
        return self._settle(container, spec, progress)

    def _make(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        ensure_image(self._engine.client, spec.declared.image, self._mirrors, progress)
        self._ensure_volume(spec)
        self._require_volume(spec.name, claim)  # somebody may have been faster: the engine gives what is there
        container, failure = launch(self._engine, lambda port: self._container(spec, port), spec.declared.port)
        try:
            self._require(failure or self._wait(container, progress))
        except BaseException:  # also ctrl-C: what never answered is not kept, its data are
            self._engine.remove(container)
            raise
        return self._settle(container, spec, progress)

    def _move(self, old: Container, spec: RegistrySpec, port: int, progress: Progress) -> RegistryFacts:
        ensure_image(self._engine.client, spec.declared.image, self._mirrors, progress)
        # neither image nor port of a container can be changed; the volume goes from one to the other
        new = self._container(spec, port, NEXT)
        progress.say(f"moving registry {spec.name} to {spec.declared.image} on port {port}")
        self._require(put_in_place(self._engine, old, new, lambda: self._wait(new, progress)), kept=True)
        return self._settle(new, spec, progress)

    def _settle(self, container: Container, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Let a registry that serves last; where the engine cannot change it, one made to last takes its place."""
        if is_proven(container):
            return _facts(container)
        # Podman before 5.1 cannot change a restart policy, see ``engine.amend``
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
                spec.declared.image,
                name=name + ending,
                labels={
                    **self._engine.labels(REGISTRY, spec.name, spec.owner, spec.known_as),
                    IMAGE: spec.declared.image,
                },
                # without it distribution answers 405 to deletions, and `keep_tags` could remove nothing
                environment={"REGISTRY_STORAGE_DELETE_ENABLED": "true"},
                ports={f"{INNER_PORT}/tcp": (HOST, port)},
                # a volume with a name: that of the image itself would go with the container
                volumes={name: {"bind": DATA, "mode": "rw"}},
                restart_policy=policy,  # type: ignore[arg-type] # the stubs lack unless-stopped
            )

    def _ensure_volume(self, spec: RegistrySpec) -> None:
        labels = self._engine.labels(REGISTRY, spec.name, spec.owner, spec.known_as)
        with docker_answers(f'create volume "{container_of(spec.name)}"'):
            self._engine.client.volumes.create(container_of(spec.name), labels=labels)

    def _find_volume(self, volume: str) -> Volume | None:
        from docker.errors import NotFound

        with docker_answers(f'look for volume "{volume}"'):
            try:
                return self._engine.client.volumes.get(volume)
            except NotFound:
                return None

    def _require_volume(self, name: str, claim: Claim) -> Volume | None:
        """Return the volume, if there is one.

        Labels of a volume cannot be changed, so one that an older version made, which wrote no owner, is the registry's
        that has its name: no container has it, or that container was looked at.

        Raises:
            Stranger: it is somebody else's.
        """
        found = self._find_volume(container_of(name))
        if found is None or _is_own(found, claim):
            return found
        labels, command = _labels(found), f"docker volume rm {found.name}"
        raise stranger(
            f'a volume "{found.name}"',
            Owner.read(labels),
            claim,
            since=created_at(found.attrs.get("CreatedAt")),
            ours=labels.get(KIND) == REGISTRY,
            remedy=f"give this registry another name, or, if nobody needs the images in it: {command}",
        )

    def _settle_volume(self, volume: str, claim: Claim | None, *, delete_data: bool, progress: Progress) -> None:
        """Remove the volume, or tell that it stays."""
        if (found := self._find_volume(volume)) is None:
            return
        if not _is_own(found, claim):
            # without it nothing would have been removed anyway, and there is nothing to say
            if delete_data:
                progress.warn(f'volume "{volume}" belongs to somebody else: it stays')
        elif delete_data:
            # only when asked for: a later `up` finds everything again, and images cannot be brought back
            with docker_answers(f'remove volume "{volume}"'):
                found.remove()
        else:
            command = f"docker volume rm {volume}"
            progress.note(f'volume "{volume}" stays, with the images; `{command}` removes both (see also delete_data)')


def _labels(volume: Volume) -> Mapping[str, str]:
    return volume.attrs.get("Labels") or {}


def _is_own(volume: Volume, claim: Claim | None) -> bool:
    labels = _labels(volume)
    seen = Owner.read(labels)
    # no owner: an older version made it, and its labels can never be written
    return labels.get(KIND) == REGISTRY and (seen is None or claim is None or claim.covers(seen))


def _facts(container: Container) -> RegistryFacts:
    port = published_port(container)
    image, name = image_of(container), container.labels[NAME]
    address, state = f"{HOST}:{port}", state_of(container)
    return RegistryFacts(str(container.name), name, address, port, image, state, owner=owner_of(container))
