"""What all image work on this machine shares: the blob store, the catalog, and clients of registries."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from ..blobs.cache import Cache
from ..blobs.catalog import AnyCatalog
from ..blobs.store import BlobStore
from ..core.account_in_url import variables_in
from ..core.builder import RemoteBuilder
from ..core.credentials import Credentials
from ..core.image import Image, sha256_digest
from ..core.lean import lean
from ..core.reference import Reference
from ..settings import Settings

if TYPE_CHECKING:
    from ..model.environment import Environment
    from ..registry.client import RegistryClient
    from ..registry.limits import ClientLimits

Answer = TypeVar("Answer")


# a protocol, so that nothing in images imports a target
class Surroundings(Protocol):
    """What image work asks of the target: who may log in where, who builds, and how big an image may be."""

    @property
    def name(self) -> str:
        """The word in the stack config, such as ``local``."""

    def credentials(self, login_server: str) -> Credentials:
        """Return how to log in to a registry of this target."""

    def shut_out(self, login_server: str) -> str:
        """Say why a push from this machine would be refused before anybody asks who it is; empty if it would not."""

    def builder(self) -> RemoteBuilder | None:
        """Return what runs extra steps without Docker on this machine; None if the target has no such thing."""

    @property
    def starts_as_root(self) -> bool:
        """Tell whether a service has to begin as root, because its port is below 1024 and nobody maps it."""

    def largest_image(self) -> int:
        """Return how many bytes the layers of an image may have, compressed, to run here; 0 if nobody counts."""


class Clients:
    """Clients of registries, one a host, for all who hold this pool; safe for several threads."""

    def __init__(self, connect: Callable[[str], RegistryClient]) -> None:
        """Open clients by ``connect``, when they are first asked for."""
        # opened when they are asked for: a preview may need none
        self._connect = connect
        self._opened: dict[str, RegistryClient] = {}
        self._lock = threading.Lock()

    def of(self, host: str) -> RegistryClient:
        """Return the client of a registry."""
        # within the lock: two clients of a host would be two logins
        with self._lock:
            if host not in self._opened:
                self._opened[host] = self._connect(host)
            return self._opened[host]


class Answers:
    """What was asked while the process lives, by question, mostly of registries: nothing twice, ``None`` included."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, Any] = {}

    # also a None: an image that is not there is asked for once
    def once(self, question: str, ask: Callable[[], Answer]) -> Answer:
        """Return the answer of before, or ask."""
        if question not in self._known:
            self._known[question] = ask()
        return cast("Answer", self._known[question])


@lean(frozen=True)
class Tools:
    """Store, catalog and clients, as values: another account or bundle is another ``Tools`` over the same cache.

    ``present`` has digests of blobs that were just seen where an image is to go. ``shared`` is the catalog with what a
    registry knows behind it; without it this machine's alone counts. ``base_clients`` read base images, ``clients`` do
    all else.
    """

    target: Surroundings
    settings: Settings
    cache: Cache
    clients: Clients
    base_clients: Clients
    # a new one for each process: an answer of yesterday is nobody's
    answers: Answers = field(default_factory=Answers)
    pinned: dict[str, Environment] = field(default_factory=dict)
    """Environments that this process has pinned, by urn: a service beside one is judged before its image is known."""
    shared: AnyCatalog | None = None
    present: frozenset[str] = frozenset()

    @classmethod
    def of(cls, target: Surroundings, settings: Settings) -> Tools:
        """Return tools that work for ``target`` with this machine's settings."""
        # all that images do is by these two, and one is the other until a base has an account
        clients = Clients(partial(_connect, target, settings))
        return cls(target, settings, Cache(settings.cache), clients, clients)

    def trusting(self, ca_bundle: str) -> Tools:
        """Return tools that trust another certificate bundle; these if none is named."""
        if not ca_bundle:
            return self
        # a session keeps its bundle: another one needs another session
        settings = self.settings.with_ca_bundle(ca_bundle)
        clients = Clients(partial(_connect, self.target, settings))  # a session trusts one bundle as long as it lives
        return replace(self, settings=settings, clients=clients, base_clients=clients)

    def reaching(self, channels: Sequence[str]) -> Tools:
        """Return tools that reach channels whose URLs speak of variables of this machine.

        Raises:
            UserError: a variable is not set.
        """
        if not any(variables_in(channel) for channel in channels):
            return self
        from ..conda.channels import with_accounts

        # ${NAME} in a channel's URL is filled in here, and nowhere is it written down
        return replace(self, settings=with_accounts(self.settings, channels, os.environ))

    def with_base_account(self, host: str, account: Credentials) -> Tools:
        """Return tools with an account for the registry of a base; no other host is shown it, and no mirror."""
        if not account.username or self.settings.registries.get(host):
            return self
        from ..registry.client import RegistryClient

        # every other host by the usual client, whose login it has
        def connect(asked: str) -> RegistryClient:
            if asked != host:
                return self.clients.of(asked)
            return RegistryClient(host, account, ca_bundle=self.settings.ca_bundle, pace=self.settings.paces.of(host))

        return replace(self, base_clients=Clients(connect))

    def knowing(self, catalog: AnyCatalog, present: frozenset[str]) -> Tools:
        """Return tools with another catalog, and more blobs that are where they have to be."""
        return replace(self, shared=catalog, present=self.present | present)

    @property
    def store(self) -> BlobStore:
        """Blobs by digest."""
        return self.cache.store

    @property
    def catalog(self) -> AnyCatalog:
        """What was made before."""
        return self.shared or self.cache.catalog

    def client(self, host: str) -> RegistryClient:
        """Return the client of a registry, one a host: by the target's account or by Docker's."""
        return self.clients.of(host)

    def glance(self, host: str, limits: ClientLimits) -> RegistryClient:
        """Return a new client of a registry, for the caller to close."""
        # limits of its own, and no waiting for what others do
        return _connect(self.target, self.settings, host, limits)

    def base_client(self, host: str) -> RegistryClient:
        """Return the client that reads base images: with the account given for them, else like ``client``."""
        return self.base_clients.of(host)

    def keep_image(self, image: Image) -> None:
        """Keep manifest and config, so that the image can be built upon before it is pushed."""
        # config and manifest are small, and a layer is not: it stays where it is
        self.store.put(image.config())
        self.store.put(image.manifest())

    def kept_image(self, reference: Reference) -> Image | None:
        """Return the image by its digest, if this machine has it."""
        # a manifest names its config, and nothing else of it is needed here
        manifest = self._kept(reference.digest)
        config = self._kept(json.loads(manifest)["config"]["digest"]) if manifest else None
        return Image.read(manifest, config) if manifest and config else None

    def load_image(self, reference: Reference) -> Image | None:
        """Return the image by its digest, from the store or its registry; None if neither has it."""
        if kept := self.kept_image(reference):
            return kept
        from ..registry.pull import pull_image

        client = self.client(reference.registry)
        # only a 404 says that it is gone: silence and refusal are raised (goal G19)
        if client.head_manifest(reference.repository, reference.digest) is None:
            return None
        return pull_image(client, reference).image

    def _kept(self, digest: str) -> bytes | None:
        """Return a small blob of the store, if it is there and whole."""
        if not self.store.has(digest):
            return None
        body = self.store.path(digest).read_bytes()
        # services stand on it: a damaged manifest would be pushed as a new image
        return body if sha256_digest(body) == digest else None


def _connect(target: Surroundings, settings: Settings, host: str, limits: ClientLimits | None = None) -> RegistryClient:
    """Open a client with the target's account for a host, else with what ``docker login`` left for it.

    A mirror is asked as nobody: an account of the registry that it stands for is not the mirror's to see.
    """
    from ..docker.accounts import docker_login
    from ..registry.client import RegistryClient
    from ..registry.limits import ClientLimits

    mirror = settings.registries.get(host, "")
    credentials = Credentials()
    if not mirror:
        credentials = target.credentials(host)
        if not (credentials.username or credentials.identity_token):
            credentials = docker_login(host)
    # a glance has limits of its own, and does not wait because somebody else does
    pace = None if limits else settings.paces.of(urlsplit(mirror).netloc.rpartition("@")[2] or host)
    return RegistryClient(
        host, credentials, ca_bundle=settings.ca_bundle, mirror=mirror, limits=limits or ClientLimits(), pace=pace
    )
