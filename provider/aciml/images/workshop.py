"""What all image work on this machine shares: the blob store, the catalog, and clients of registries."""

from __future__ import annotations

import json
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from ..blobs.catalog import Catalog
from ..blobs.store import BlobStore
from ..core.image import Image, sha256_digest
from ..core.reference import Reference
from ..settings import Settings
from ..targets.protocol import Credentials, Target

if TYPE_CHECKING:
    from ..registry.client import RegistryClient


class Workshop:
    """Opened lazily: a preview without changes opens nothing but the catalog."""

    def __init__(self, target: Target, settings: Settings) -> None:
        """Work for ``target`` with this machine's settings."""
        self.target, self.settings = target, settings
        self._clients: dict[str, RegistryClient] = {}
        self._lock = threading.Lock()

    def trusting(self, ca_bundle: str) -> Workshop:
        """Return a workshop that trusts another certificate bundle; itself if none is named."""
        if not ca_bundle:
            return self
        return Workshop(self.target, self.settings.with_ca_bundle(ca_bundle))

    @cached_property
    def store(self) -> BlobStore:
        """Blobs by digest."""
        return BlobStore(self.settings.cache / "blobs")

    @cached_property
    def catalog(self) -> Catalog:
        """What was made before."""
        return Catalog(self.settings.cache / "catalog.sqlite")

    def client(self, host: str) -> RegistryClient:
        """Return the client of a registry; one per host, with the target's credentials for its own registries."""
        from ..registry.client import RegistryClient

        with self._lock:
            if host not in self._clients:
                mirror = self.settings.registries.get(host, "")
                credentials = Credentials() if mirror else self.target.credentials(host)
                bundle = self.settings.ca_bundle
                self._clients[host] = RegistryClient(host, credentials, ca_bundle=bundle, mirror=mirror)
            return self._clients[host]

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
