"""Pushing an image: look, mount, send; only what is missing."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Protocol

from ..core.errors import AcimlError
from ..core.image import OCI_MANIFEST, Image, sha256_digest
from ..core.progress import Progress
from .blob import ByteSource
from .client import Manifest, RegistryClient
from .errors import RegistryError
from .upload import Outcome

# what registries say of a manifest whose blobs they lack: a HEAD came from a cache, or a blob was removed after it
_BLOB_UNKNOWN = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
_LOOKERS = 16  # HEADs at once; sixty layers are then four round trips


class BlobSource(Protocol):
    """Where the bytes of layers are, by digest."""

    def open(self, digest: str) -> ByteSource:
        """Open a blob; called only for those the registry lacks. Raises an ``AcimlError`` if it is not there."""


@dataclass(frozen=True)
class Pushed:
    """What a push did: number of blobs sent, their bytes, blobs mounted from other repositories, blobs there before."""

    digest: str
    uploaded: int = 0
    uploaded_bytes: int = 0
    mounted: int = 0
    present: int = 0


@dataclass(frozen=True)
class Part:
    """One blob of an image: ``what`` names it for people, ``open`` gives its bytes."""

    digest: str
    size: int
    what: str
    open: Callable[[], ByteSource] = field(compare=False)
    mount_from: str = ""


def push_image(
    client: RegistryClient,
    repository: str,
    tag: str,
    image: Image,
    blobs: BlobSource,
    *,
    mount_from: Mapping[str, str],
    progress: Progress,
    workers: int = 4,
    sent: Collection[str] = (),
) -> Pushed:
    """Push an image; a second push of the same image writes nothing.

    Args:
        client: of the registry.
        repository: where to.
        tag: name to give; empty names the image by its digest alone.
        image: what to push.
        blobs: bytes of its layers; the config comes from the image.
        mount_from: for some layers' digests, a repository of the same registry that has them.
        progress: gets live lines.
        workers: layers sent at once.
        sent: digests of layers that the caller has just brought there; they are neither asked for nor counted.

    Raises:
        RegistryError: what was sent before stays, and the next push sends only the rest.
    """
    count, parts = len(image.layers), list[Part]()
    for number, layer in enumerate(image.layers, 1):
        opener = _opener(blobs, layer.digest)
        source = mount_from.get(layer.digest, "")
        parts.append(Part(layer.digest, layer.size, f"layer {number} of {count}", opener, source))
    config = image.config()
    parts.append(Part(sha256_digest(config), len(config), "image config", lambda: io.BytesIO(config)))
    counts = send_missing(client, repository, [part for part in parts if part.digest not in sent], progress, workers)
    manifest = Manifest(image.manifest(), OCI_MANIFEST, image.digest)
    again = put_last(client, repository, tag or image.digest, manifest, parts, progress)
    more = sum(part.size for part in again)
    counts = (counts[0] + len(again), counts[1] + more, counts[2], max(0, counts[3] - len(again)))
    return Pushed(image.digest, *counts)


def push_document(
    client: RegistryClient, repository: str, reference: str, body: bytes, parts: Sequence[Part], progress: Progress
) -> None:
    """Push a small artifact: its parts, then its manifest, under a tag or its digest.

    Raises:
        RegistryError: the registry refuses, fails or is silent.
    """
    send_missing(client, repository, parts, progress, workers=1)
    manifest = Manifest(body, OCI_MANIFEST, sha256_digest(body))
    put_last(client, repository, reference, manifest, parts, progress, look=False)


def put_last(
    client: RegistryClient,
    repository: str,
    reference: str,
    manifest: Manifest,
    parts: Sequence[Part],
    progress: Progress,
    *,
    look: bool = True,
) -> list[Part]:
    """Store a manifest whose parts are there; return those that were not, after all, and were sent once more.

    With ``look`` a reference that has it already is not written again.

    Raises:
        RegistryError: it is refused, or a part that the registry lacks is not here.
    """
    try:
        # last: a manifest whose blobs are not there is refused (distribution-spec 1.1, MANIFEST_BLOB_UNKNOWN)
        if look:
            put_if_other(client, repository, reference, manifest)
        else:
            client.put_manifest(repository, reference, manifest.body, manifest.media_type)
    except RegistryError as error:
        if error.code not in _BLOB_UNKNOWN:
            raise
        again = _lost(error, parts)
        progress.say(f"{client.host} lacks {len(again)} of {len(parts)} blobs that it said it had; sending them again")
        _send_anew(client, repository, again, progress, error)
        client.put_manifest(repository, reference, manifest.body, manifest.media_type)
        return again
    return []


def _lost(error: RegistryError, parts: Sequence[Part]) -> list[Part]:
    """Return the parts that a registry does not know: those it names, else all."""
    unique = list({part.digest: part for part in reversed(parts)}.values())[::-1]
    return [part for part in unique if part.digest in error.said] or unique


def _send_anew(
    client: RegistryClient, repository: str, parts: Sequence[Part], progress: Progress, error: RegistryError
) -> None:
    """Send parts whatever a HEAD says of them; the registry's error if one is not here."""
    for part in parts:
        try:
            part.open().close()
        except AcimlError as absence:  # a layer of a base that was never on this machine
            raise error from absence
        client.upload_blob(
            repository, part.digest, part.size, part.open, progress=progress, what=part.what, anyway=True
        )


def put_if_other(client: RegistryClient, repository: str, reference: str, manifest: Manifest) -> None:
    """Store a manifest unless the reference has it already."""
    if client.head_manifest(repository, reference) != manifest.digest:
        client.put_manifest(repository, reference, manifest.body, manifest.media_type)


def send_missing(
    client: RegistryClient, repository: str, parts: Sequence[Part], progress: Progress, workers: int
) -> tuple[int, int, int, int]:
    """Bring all parts into the repository; return uploaded, their bytes, mounted and present, as in ``Pushed``."""
    progress.checkpoint()
    # two layers may be the same bytes; of equal ones the first gives the name that people read
    unique = list({part.digest: part for part in reversed(parts)}.values())[::-1]
    there = [client.has_blob(repository, part.digest) for part in unique[:1]]  # logs in, once for all that follow
    with ThreadPoolExecutor(_LOOKERS) as lookers:
        there += lookers.map(lambda part: client.has_blob(repository, part.digest), unique[1:])
    missing = [part for part, is_there in zip(unique, there, strict=True) if not is_there]
    if missing:
        amount = sum(part.size for part in missing)
        progress.say(f"{len(missing)} of {len(unique)} blobs to push, {-(-amount // 1_000_000)} MB at most")
    outcomes = _send_all(client, repository, missing, progress, workers)
    sent = [part for part, outcome in zip(missing, outcomes, strict=True) if outcome == "uploaded"]
    mounted = outcomes.count("mounted")
    return len(sent), sum(part.size for part in sent), mounted, len(unique) - len(sent) - mounted


def _send_all(
    client: RegistryClient, repository: str, parts: Sequence[Part], progress: Progress, workers: int
) -> list[Outcome]:
    """Send parts, several at once; after the first error nothing new begins, and what runs is finished."""

    def send(part: Part) -> Outcome:
        progress.checkpoint()
        return client.upload_blob(
            repository,
            part.digest,
            part.size,
            part.open,
            mount_from=part.mount_from,
            progress=progress,
            what=part.what,
            known_missing=True,
        )

    # few: registries of the cloud count writes by the minute,
    # some as few as a hundred (decisions/catalog-artifact.md)
    with ThreadPoolExecutor(workers) as pool:
        futures: list[Future[Outcome]] = [pool.submit(send, part) for part in parts]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # leaving the block waits for what runs
            raise
    return [future.result() for future in futures]


def _opener(blobs: BlobSource, digest: str) -> Callable[[], ByteSource]:
    return lambda: blobs.open(digest)
