"""The OCI image as a value: to change one is to make another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import OutageError
from .lean import lean

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# the same bytes under another name (OCI media-types.md, compatibility matrix), so a base's layers are copied as they
# are
_DOCKER_TO_OCI = {
    DOCKER_LAYER: OCI_LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}


def canonical_json(value: Any) -> bytes:
    """Write JSON with sorted keys and no spaces, so that equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_digest(data: bytes) -> str:
    """Return ``sha256:<hex>`` of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Layer:
    """Facts of one layer: ``diff_id`` names the tar, ``digest`` and ``size`` (bytes) the compressed blob.

    ``unpacked`` is the size of the tar in bytes, 0 if it is not known; it says nothing about which layer this is.
    """

    diff_id: str
    digest: str
    size: int
    media_type: str = OCI_LAYER
    unpacked: int = field(default=0, compare=False)


@lean(frozen=True)
class Image:
    """An OCI image. ``settings`` is the ``config`` object of the image config (Env, Entrypoint, Cmd, ...).

    ``created`` is RFC 3339 and comes from what is in the image, never from the clock. ``history`` has an entry for each
    layer, lowest first, and may have others that say ``empty_layer``; or none at all (OCI image spec, config.md).
    """

    layers: tuple[Layer, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    architecture: str = "amd64"
    # not 1970: people take an image "of 50 years ago" for a fault (jib #606; ko, FAQ)
    created: str = "2000-01-01T00:00:00Z"
    os: str = "linux"
    annotations: dict[str, str] = field(default_factory=dict)
    history: tuple[dict[str, Any], ...] = ()

    @classmethod
    def read(cls, manifest: bytes, config: bytes) -> Image:
        """Read an image from its manifest and config blobs; Docker media types become OCI ones.

        Raises:
            OutageError: the two do not belong together (different number of layers).
        """
        described, configured = json.loads(manifest), json.loads(config)
        diff_ids = configured["rootfs"]["diff_ids"]
        if len(diff_ids) != len(described["layers"]):
            raise OutageError(f"manifest has {len(described['layers'])} layers, its config {len(diff_ids)}")
        layers = tuple(
            Layer(diff_id, entry["digest"], entry["size"], _DOCKER_TO_OCI.get(entry["mediaType"], entry["mediaType"]))
            for diff_id, entry in zip(diff_ids, described["layers"], strict=True)
        )
        return cls(
            layers=layers,
            # config.md: optional; some builders write null
            settings=dict(configured.get("config") or {}),
            architecture=configured.get("architecture", "amd64"),
            created=configured.get("created") or "2000-01-01T00:00:00Z",
            os=configured.get("os", "linux"),
            annotations=dict(described.get("annotations") or {}),
            history=_matching(configured.get("history") or (), layers),
        )

    def append(self, *layers: Layer, told: Mapping[str, str] | None = None) -> Image:
        """Return the image with more layers on top.

        Args:
            layers: lowest first.
            told: what the history says of a layer, by digest; nothing secret.
        """
        # config.md wants an entry for each layer: a base without a history gets entries, or ours could not be told
        # apart
        below = self.history or tuple(_entry(self.created, "of the base image") for _ in self.layers)
        own = (_entry(self.created, (told or {}).get(layer.digest, "a layer")) for layer in layers)
        return replace(self, layers=self.layers + layers, history=(*below, *own))

    def env(self) -> dict[str, str]:
        """Return the environment variables, in order."""
        return dict(item.partition("=")[::2] for item in self.settings.get("Env") or [])

    def with_env(self, **variables: str) -> Image:
        """Return the image with variables added or replaced; order of first mention is kept."""
        # the same variables in another order would be another digest
        env = {**self.env(), **variables}
        return self.with_settings(Env=[f"{name}={value}" for name, value in env.items()])

    def with_settings(self, **settings: Any) -> Image:
        """Return the image with entries of its ``config`` object replaced; ``None`` removes one."""
        merged = {**self.settings, **settings}
        return replace(self, settings={name: value for name, value in merged.items() if value is not None})

    def labels(self) -> dict[str, str]:
        """Return the labels."""
        return dict(self.settings.get("Labels") or {})

    def with_labels(self, labels: Mapping[str, str]) -> Image:
        """Return the image with exactly these labels."""
        # an empty object is other bytes than none, so another digest for the same thing
        return self.with_settings(Labels=dict(labels) or None)

    def config(self) -> bytes:
        """Return the config blob."""
        config: dict[str, Any] = {
            "architecture": self.architecture,
            "config": self.settings,
            "created": self.created,
            "os": self.os,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
        }
        # optional in config.md, and left out when empty: a base that has none keeps its digest
        if self.history:
            config["history"] = list(self.history)
        return canonical_json(config)

    def manifest(self) -> bytes:
        """Return the manifest blob."""
        config = self.config()
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            # manifest.md: SHOULD be there; a client that has only the bytes tells a manifest from an index by it
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": sha256_digest(config), "size": len(config)},
            "layers": [
                {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in self.layers
            ],
        }
        if self.annotations:
            manifest["annotations"] = self.annotations
        return canonical_json(manifest)

    @property
    def digest(self) -> str:
        """Digest of the manifest: the image's name by content."""
        return sha256_digest(self.manifest())

    @property
    def tag(self) -> str:
        """A tag that says the same as the digest, so that it never moves."""
        return self.digest.removeprefix("sha256:")[:12]


def _entry(created: str, what: str) -> dict[str, Any]:
    return {"created": created, "created_by": f"aciml: {what}"}


def _matching(history: Sequence[dict[str, Any]], layers: Sequence[Layer]) -> tuple[dict[str, Any], ...]:
    """Return the history if it has an entry for each layer; one that has not misleads those who read it."""
    # ENV and the like make entries without a layer
    filled = sum(not entry.get("empty_layer") for entry in history)
    return tuple(history) if filled == len(layers) else ()
