"""Documents attached to an image: artifacts whose ``subject`` is the image's manifest.

A registry that knows the referrers API lists them itself; for all others an index under the tag ``sha256-<hex>`` does.
Source: OCI distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema"; image-spec 1.1, "Guidelines for
Artifact Usage".
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..core.image import OCI_INDEX, OCI_MANIFEST, canonical_json, sha256_digest
from ..core.progress import Progress
from .client import RegistryClient
from .push import Part, push_document

CYCLONEDX = "application/vnd.cyclonedx+json"
"""Media type of a bill of materials."""

_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"


@dataclass(frozen=True)
class Artifact:
    """A document to attach: ``kind`` is its media type; annotations must be the same on every machine."""

    kind: str
    body: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)

    def manifest(self, subject: Mapping[str, Any]) -> bytes:
        """Return the manifest that attaches it to what the descriptor ``subject`` names."""
        # an artifact has the empty descriptor for a config (image-spec 1.1, "Guidelines for Artifact Usage")
        empty = {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)}
        return canonical_json(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "artifactType": self.kind,
                "config": empty,
                "layers": [{"mediaType": self.kind, "digest": sha256_digest(self.body), "size": len(self.body)}],
                "subject": dict(subject),
                "annotations": dict(self.annotations),
            }
        )


def fallback_tag(digest: str) -> str:
    """Return the tag that stands for the referrers of a manifest where the API does not exist."""
    return digest.replace(":", "-", 1)


def is_fallback_tag(tag: str) -> bool:
    """Tell whether a tag is of that kind: it names no image."""
    return tag.startswith("sha256-") and len(tag) == len("sha256-") + 64


def attach(client: RegistryClient, repository: str, subject: bytes, artifact: Artifact, progress: Progress) -> str:
    """Attach the artifact to a pushed manifest and return its digest; a second time writes nothing.

    Args:
        client: of the registry.
        repository: where the subject is.
        subject: bytes of the OCI manifest.
        artifact: what to attach.
        progress: gets live lines.

    Raises:
        RegistryError: the registry refuses, fails or is silent.
    """
    digest = sha256_digest(subject)
    manifest = artifact.manifest({"mediaType": OCI_MANIFEST, "digest": digest, "size": len(subject)})
    name = sha256_digest(manifest)
    if client.head_manifest(repository, name) is None:
        contents = ((artifact.body, "attached document"), (_EMPTY, "empty config"))
        parts = [Part(sha256_digest(body), len(body), what, partial(io.BytesIO, body)) for body, what in contents]
        # by its digest, without a tag: the subject leads to it
        push_document(client, repository, name, manifest, parts, progress)
    # no such question here: then the client keeps the list itself (distribution-spec 1.1, "Referrers Tag Schema")
    if client.referrers(repository, digest) is None:
        entry = {"mediaType": OCI_MANIFEST, "digest": name, "size": len(manifest), "artifactType": artifact.kind}
        _list_by_tag(client, repository, digest, {**entry, "annotations": dict(artifact.annotations)})
    return name


def attached(client: RegistryClient, repository: str, digest: str, kind: str = "") -> list[dict[str, Any]]:
    """Return the descriptors of what is attached to a manifest, of one kind or of all, in the registry's order."""
    index = client.referrers(repository, digest)
    found = _entries(index) if index is not None else _by_tag(client, repository, digest)
    return [entry for entry in found if not kind or entry.get("artifactType") == kind]


def detach(client: RegistryClient, repository: str, digest: str, kind: str) -> int:
    """Remove what of this kind is attached to a manifest; return how many. What others attached stays.

    Raises:
        RegistryError: the registry forbids it (405), fails or is silent.
    """
    gone = {str(entry["digest"]) for entry in attached(client, repository, digest, kind)}
    listed = _by_tag(client, repository, digest)
    tag, left = fallback_tag(digest), [entry for entry in listed if entry["digest"] not in gone]
    if gone and left and len(left) != len(listed):
        client.put_manifest(repository, tag, _index(left), OCI_INDEX)
    elif gone and listed and not left and (old := client.head_manifest(repository, tag)):
        # an empty index would be one more tag that names nothing
        client.delete_manifest(repository, old)
    # after the list: it must never name what is gone
    for name in sorted(gone):
        client.delete_manifest(repository, name)
    return len(gone)


def _list_by_tag(client: RegistryClient, repository: str, digest: str, entry: dict[str, Any]) -> None:
    listed = _by_tag(client, repository, digest)
    if all(known["digest"] != entry["digest"] for known in listed):
        # one order, so that two machines that attach the same write the same index
        ordered = sorted([*listed, entry], key=lambda one: str(one["digest"]))
        client.put_manifest(repository, fallback_tag(digest), _index(ordered), OCI_INDEX)


def _by_tag(client: RegistryClient, repository: str, digest: str) -> list[dict[str, Any]]:
    found = client.manifest(repository, fallback_tag(digest))
    return _entries(found.body) if found else []


def _entries(index: bytes) -> list[dict[str, Any]]:
    return list(json.loads(index).get("manifests") or [])


def _index(entries: list[dict[str, Any]]) -> bytes:
    return canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
