"""Who else needs an image that is about to go: equal images of two stacks are one manifest in a registry.

An environment's holders are those of its push records (``pushes.py``). A service's write a record of their own, under
``aciml-runs-<holder>``, which names the image alone. A tag of somebody else's is a need, too.
"""

from __future__ import annotations

import io
import json
from contextlib import suppress
from functools import partial

from ...core.compose import ANNOTATION
from ...core.image import OCI_MANIFEST, canonical_json, sha256_digest
from ...core.progress import Silent
from ...registry.client import RegistryClient
from ...registry.errors import RegistryError
from ...registry.push import Part, send_missing
from ...registry.referrers import is_fallback_tag
from . import catalog
from .pushes import TAG, read_records

RUNS = "aciml-runs-"
_KIND = "application/vnd.aciml.runs.v1+json"
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"


def hold(client: RegistryClient, repository: str, digest: str, holder: str) -> None:
    """Write down that a service has an image; a registry that refuses has no record, and the image is as before."""
    with suppress(RegistryError):
        manifest = _record(repository, digest, holder)
        old = client.manifest(repository, RUNS + holder)
        if old and old.digest == sha256_digest(manifest):
            return
        part = Part(sha256_digest(_EMPTY), len(_EMPTY), "empty config", partial(io.BytesIO, _EMPTY))
        send_missing(client, repository, [part], Silent(), workers=1)
        client.put_manifest(repository, RUNS + holder, manifest, OCI_MANIFEST)
        # a registry keeps the manifest that a tag leaves
        if old and _KIND.encode() in old.body:
            client.delete_manifest(repository, old.digest)


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


def _record(repository: str, digest: str, holder: str) -> bytes:
    """Return a manifest that names the image as what it is made of, which keeps clean-ups of all versions off it."""
    empty = {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)}
    made_of = json.dumps({"environment": f"{repository}@{digest}"})
    return canonical_json({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _KIND,
        "config": empty,
        "layers": [empty],
        "annotations": {"io.aciml.holder": holder, ANNOTATION: made_of},
    })  # fmt: skip
