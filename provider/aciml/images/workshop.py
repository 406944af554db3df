"""What all image work on this machine shares: the blob store, the catalog, and clients of registries."""

from __future__ import annotations

import copy
import json
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from ..blobs.catalog import Catalog
from ..blobs.store import BlobStore
from ..core.credentials import Credentials
from ..core.image import Image, sha256_digest
from ..core.reference import Reference
from ..settings import Settings
from ..targets.protocol import Target

if TYPE_CHECKING:
    from ..registry.client import RegistryClient
    from ..registry.limits import Limits
    from .published import Facts


class Workshop:
    """Opened lazily: a preview without changes opens nothing but the catalog.

    ``present`` has digests of blobs that were just seen where an image is to go.
    """

    present: frozenset[str] = frozenset()
    _base_account = "", Credentials()

    def __init__(self, target: Target, settings: Settings) -> None:
        """Work for ``target`` with this machine's settings."""
        self.target, self.settings = target, settings
        self.learnt: dict[str, Facts | None] = {}  # what repositories know, by name
        self._clients: dict[str, RegistryClient] = {}
        self._base_clients: dict[str, RegistryClient] = {}
        self._lock = threading.Lock()

    def trusting(self, ca_bundle: str) -> Workshop:
        """Return a workshop that trusts another certificate bundle; itself if none is named."""
        if not ca_bundle:
            return self
        return Workshop(self.target, self.settings.with_ca_bundle(ca_bundle))

    def knowing(self, catalog: Catalog, present: frozenset[str]) -> Workshop:
        """Return the same workshop with another catalog, and blobs that are where they have to be."""
        twin = copy.copy(self)
        twin.__dict__["catalog"] = catalog  # where the cached property keeps it
        twin.present = self.present | present
        return twin

    def with_base_account(self, host: str, account: Credentials) -> Workshop:
        """Return the same workshop with an account for the registry of a base; no other host is shown it."""
        if not account.username:
            return self
        twin = copy.copy(self)
        twin.__dict__ |= {"_base_account": (host, account), "_base_clients": {}}
        return twin

    @cached_property
    def store(self) -> BlobStore:
        """Blobs by digest."""
        return BlobStore(self.settings.cache / "blobs")

    @cached_property
    def catalog(self) -> Catalog:
        """What was made before."""
        return Catalog(self.settings.cache / "catalog.sqlite")

    def client(self, host: str) -> RegistryClient:
        """Return the client of a registry, one per host: by the target's account or by Docker's."""
        with self._lock:
            if host not in self._clients:
                self._clients[host] = self.glance(host)
            return self._clients[host]

    def glance(self, host: str, limits: Limits | None = None) -> RegistryClient:
        """Return a new client of a registry, for the caller to close."""
        from ..registry.client import RegistryClient
        from ..registry.limits import Limits

        mirror = self.settings.registries.get(host, "")
        credentials = Credentials() if mirror else self._login(host)
        bundle = self.settings.ca_bundle
        return RegistryClient(host, credentials, ca_bundle=bundle, mirror=mirror, limits=limits or Limits())

    def base_client(self, host: str) -> RegistryClient:
        """Return the client that reads base images: with the account given for them, else like ``client``."""
        from ..registry.client import RegistryClient

        if host != self._base_account[0] or self.settings.registries.get(host):
            return self.client(host)
        with self._lock:
            if host not in self._base_clients:
                account, bundle = self._base_account[1], self.settings.ca_bundle
                self._base_clients[host] = RegistryClient(host, account, ca_bundle=bundle)
            return self._base_clients[host]

    def _login(self, host: str) -> Credentials:
        from .accounts import docker_login

        known = self.target.credentials(host)
        return known if known.username or known.identity_token else docker_login(host)

    def keep_image(self, image: Image) -> None:
        """Keep manifest and config, so that the image can be built upon before it is pushed."""
        self.store.put(image.config())
        self.store.put(image.manifest())

    def load_image(self, reference: Reference) -> Image | None:
        """Return the image by its digest, from the store or its registry; None if neither has it."""
        from ..registry.pull import pull_image

        manifest = self._kept(reference.digest)
        config = self._kept(json.loads(manifest)["config"]["digest"]) if manifest else None
        if manifest and config:
            return Image.read(manifest, config)
        client = self.client(reference.registry)
        if client.head_manifest(reference.repository, reference.digest) is None:
            return None
        return pull_image(client, reference).image

    def _kept(self, digest: str) -> bytes | None:
        """Return a small blob of the store, if it is there and whole."""
        if not self.store.has(digest):
            return None
        body = self.store.path(digest).read_bytes()
        return body if sha256_digest(body) == digest else None
