"""Who has which image of a repository: each environment of a stack keeps a record of its own there.

The record is an artifact under the tag ``aciml-held-<holder>``, with what was pushed and when: no time is in an image
itself, since equal environments are equal images. Two stacks never write the same record.
Source: OCI image-spec 1.1, "Guidelines for Artifact Usage".
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from ...core.image import OCI_MANIFEST, canonical_json, sha256_digest
from ...core.phases import Span
from ...core.progress import Silent
from ...registry.client import RegistryClient
from ...registry.errors import RegistryError
from ...registry.push import Part, push_document

TAG = "aciml-held-"
_KIND = "application/vnd.aciml.held.v1+json"
# image-spec 1.1, manifest.md, "Guidance for an Empty Descriptor"
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
_LONGEST = 500  # pushes that a record remembers
_TIMED = 50  # of these, the newest, it also remembers how long they took


@dataclass(frozen=True)
class Push:
    """An image that was pushed at ``time`` (seconds since 1970), made by way of the tags ``below``."""

    digest: str
    time: float
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class PushRecord:
    """The record of one holder: its pushes, oldest first, and when it first saw tags that nobody's record has.

    ``took`` has the phases of a build by the digest of its image. It stands beside the pushes and not in them, since a
    version that does not know it reads a push as exactly three values.
    """

    pushes: tuple[Push, ...] = ()
    seen: Mapping[str, float] = field(default_factory=dict)
    took: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    @property
    def needed(self) -> tuple[Push, ...]:
        """The holder's image, and the one before."""
        return self.pushes[-2:]

    def before(self, digest: str) -> str:
        """Return the digest that the holder had before an image; empty if it is the first, or not of this record."""
        known = [push.digest for push in self.pushes]
        # the last time that it came: somebody may have gone back to it
        last = max((place for place, one in enumerate(known) if one == digest), default=0)
        return known[last - 1] if last else ""

    def with_push(self, push: Push, took: tuple[Span, ...] = ()) -> PushRecord:
        """Return the record with an image on top; one that was there before moves up, one on top stays as it is."""
        if self.pushes and (self.pushes[-1].digest, self.pushes[-1].below) == (push.digest, push.below):
            return self
        # equal environments are equal images: to go back to one is a push of today
        older = tuple(one for one in self.pushes if one.digest != push.digest)
        pushes = (*older, push)[-_LONGEST:]
        # an image that was there is not built again: what it took then says more than that nothing took long now
        known = {push.digest: took, **self.took} if took else self.took
        timed = {one.digest: known[one.digest] for one in pushes[-_TIMED:] if one.digest in known}
        return replace(self, pushes=pushes, took=timed)

    def to_json(self) -> bytes:
        """Write it."""
        pushes = [[one.digest, one.time, list(one.below)] for one in self.pushes]
        told: dict[str, object] = {"pushes": pushes, "seen": dict(self.seen)}
        if self.took:
            told["took"] = {digest: [span.to_json() for span in spans] for digest, spans in self.took.items()}
        return canonical_json(told)

    @classmethod
    def of_json(cls, body: bytes) -> PushRecord:
        """Read it."""
        told = json.loads(body)
        pushes = (Push(str(digest), float(time), tuple(map(str, below))) for digest, time, below in told["pushes"])
        took = {str(digest): tuple(map(Span.of_json, spans)) for digest, spans in told.get("took", {}).items()}
        return cls(tuple(pushes), {str(tag): float(time) for tag, time in told["seen"].items()}, took)


def holder_of(urn: str) -> str:
    """Name the holder: from the resource's URN, which it does not show."""
    return hashlib.sha256(urn.encode()).hexdigest()[:16]


def read_records(client: RegistryClient, repository: str, tags: Iterable[str]) -> dict[str, PushRecord]:
    """Return the records among these tags, by holder; a damaged one counts as empty.

    Raises:
        RegistryError: the registry does not answer.
    """
    return {tag.removeprefix(TAG): _read(client, repository, tag) for tag in tags if tag.startswith(TAG)}


def write_record(client: RegistryClient, repository: str, holder: str, held: PushRecord) -> None:
    """Write one record; the one before goes, where the registry lets it.

    Raises:
        RegistryError: the registry refuses, fails or is silent.
    """
    tag, body = TAG + holder, held.to_json()
    contents = ((body, "record of pushes"), (_EMPTY, "empty config"))
    parts = [Part(sha256_digest(one), len(one), what, partial(io.BytesIO, one)) for one, what in contents]
    manifest = _manifest(body, holder)
    old = client.manifest(repository, tag)
    push_document(client, repository, tag, manifest, parts, Silent())
    # a registry keeps the manifest that a tag leaves: without this each push would leave one behind
    if old and old.digest != sha256_digest(manifest) and _KIND.encode() in old.body:  # and not an image named so
        with suppress(RegistryError):
            client.delete_manifest(repository, old.digest)


def forget_record(client: RegistryClient, repository: str, holder: str) -> None:
    """Remove the record of a holder that is gone; a registry that does not let it go keeps it.

    The holder's last images then stay, until somebody removes the tag.
    """
    with suppress(RegistryError):
        found = client.manifest(repository, TAG + holder)
        if found and _KIND.encode() in found.body:
            client.delete_manifest(repository, found.digest)


def _read(client: RegistryClient, repository: str, tag: str) -> PushRecord:
    found = client.manifest(repository, tag)
    try:
        digest = str(json.loads(found.body)["layers"][0]["digest"]) if found else ""
        return PushRecord.of_json(client.read_blob(repository, digest)) if digest else PushRecord()
    except (ValueError, LookupError, TypeError, AttributeError):
        return PushRecord()


def _manifest(body: bytes, holder: str) -> bytes:
    """Return the manifest; no two holders' are equal, since one of them is removed by its digest."""
    empty = {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)}
    entry = {"mediaType": _KIND, "digest": sha256_digest(body), "size": len(body)}
    artifact = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": _KIND, "config": empty}
    return canonical_json({**artifact, "layers": [entry], "annotations": {"io.aciml.holder": holder}})
