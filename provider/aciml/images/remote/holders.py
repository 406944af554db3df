"""Who else needs an image that is about to go: equal images of two stacks are one manifest in a registry.

An environment's holders are those of its push records (``pushes.py``). A service's write a record of their own, under
``aciml-runs-<holder>``, whose manifest names the image alone. What was pushed before, and how long it took, is in its
blob: a digest in the manifest would be taken for an image that has to stay. A tag of somebody else's is a need, too.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from ...core.compose import ANNOTATION
from ...core.image import OCI_MANIFEST, canonical_json, sha256_digest
from ...core.phases import Span
from ...core.progress import Silent
from ...registry.client import Manifest, RegistryClient
from ...registry.errors import RegistryError
from ...registry.push import Part, send_missing
from ...registry.referrers import is_fallback_tag
from . import catalog
from .pushes import TAG, Push, PushRecord, read_records

RUNS = "aciml-runs-"
_KIND = "application/vnd.aciml.runs.v1+json"
_PUSHES = "application/vnd.aciml.pushes.v1+json"
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"


def hold(
    client: RegistryClient,
    repository: str,
    digest: str,
    holder: str,
    took: tuple[Span, ...] = (),
    clock: Callable[[], float] = time.time,
) -> None:
    """Write down that a service has an image; a registry that refuses has no record, and the image is as before.

    Args:
        client: of the registry.
        repository: of the service.
        digest: of its image.
        holder: from ``holder_of``.
        took: phases of the build.
        clock: gives seconds since 1970.
    """
    with suppress(RegistryError):
        old = client.manifest(repository, RUNS + holder)
        known = _pushes(client, repository, old)
        # nothing new is no write to the registry (goal G1)
        if old and known.pushes and known.pushes[-1].digest == digest and digest.encode() in old.body:
            return
        body = known.with_push(Push(digest, clock()), took).to_json()
        contents = ((body, "record of pushes"), (_EMPTY, "empty config"))
        parts = [Part(sha256_digest(one), len(one), what, partial(io.BytesIO, one)) for one, what in contents]
        send_missing(client, repository, parts, Silent(), workers=1)
        client.put_manifest(repository, RUNS + holder, _record(repository, digest, holder, body), OCI_MANIFEST)
        # a registry keeps the manifest that a tag leaves
        if old and _KIND.encode() in old.body:
            client.delete_manifest(repository, old.digest)


def read_pushes(client: RegistryClient, repository: str, tags: Iterable[str]) -> dict[str, PushRecord]:
    """Return what services pushed to a repository, by holder; of a record of before 0.3 its one image is not told.

    Raises:
        RegistryError: the registry does not answer.
    """
    runs = [tag for tag in tags if tag.startswith(RUNS)]
    return {tag.removeprefix(RUNS): _pushes(client, repository, client.manifest(repository, tag)) for tag in runs}


def _pushes(client: RegistryClient, repository: str, record: Manifest | None) -> PushRecord:
    try:
        entry = json.loads(record.body)["layers"][0] if record else {}
        if entry.get("mediaType") != _PUSHES:
            return PushRecord()
        return PushRecord.of_json(client.read_blob(repository, str(entry["digest"])))
    except (ValueError, LookupError, TypeError, AttributeError):
        return PushRecord()


def let_go(client: RegistryClient, repository: str, holder: str) -> None:
    """Remove the record of a service that is gone; a registry that does not let it go keeps it, and the image."""
    with suppress(RegistryError):
        found = client.manifest(repository, RUNS + holder)
        if found and _KIND.encode() in found.body:
            client.delete_manifest(repository, found.digest)


def others_with(client: RegistryClient, repository: str, digest: str, holder: str) -> list[str]:
    """Return the tags of others by which an image has to stay; empty if nobody else needs it.

    Raises:
        RegistryError: the registry does not answer.
    """
    names = client.tags(repository)
    records = read_records(client, repository, (name for name in names if name != TAG + holder))
    found = [TAG + who for who, held in records.items() if digest in {push.digest for push in held.needed}]
    own = {RUNS + holder, digest.removeprefix("sha256:")[:12]}
    for name in names:
        if name in own or name.startswith((TAG, catalog.TAG)) or is_fallback_tag(name):
            continue
        seen = client.manifest(repository, name)
        if seen and (seen.digest == digest or digest.encode() in seen.body):
            found.append(name)
    return found


def _record(repository: str, digest: str, holder: str, body: bytes) -> bytes:
    """Return a manifest that names the image as what it is made of, which keeps clean-ups of all versions off it."""
    empty = {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)}
    pushes = {"mediaType": _PUSHES, "digest": sha256_digest(body), "size": len(body)}
    made_of = json.dumps({"environment": f"{repository}@{digest}"})
    return canonical_json({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _KIND,
        "config": empty,
        "layers": [pushes],
        "annotations": {"io.aciml.holder": holder, ANNOTATION: made_of},
    })  # fmt: skip
