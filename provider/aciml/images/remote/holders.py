"""Who else needs an image that is about to go: equal images of two stacks are one manifest in a registry.

An environment's holders are those of its push records (``pushes.py``). A service's write a record of their own, under
``aciml-runs-<holder>``, which names the image, and says which ones it had before, since when, and how long they took to
make: what a service can go back to, and what a report says. A tag of somebody else's is a need, too.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...core.compose import ANNOTATION
from ...core.image import OCI_MANIFEST, canonical_json, sha256_digest
from ...core.phases import Span
from ...core.progress import Silent
from ...registry.client import RegistryClient
from ...registry.errors import RegistryError
from ...registry.push import Part, push_document
from ...registry.referrers import is_fallback_tag
from . import catalog
from .pushes import TAG, read_records

RUNS = "aciml-runs-"
_RAN = "io.aciml.ran"
# a record is a manifest, and registries bound those (distribution: 4 MiB)
_LONGEST = 100
"""Images that a record remembers."""
_TIMED = 20
"""Of these the newest, of which it also remembers how long they took: a manifest is to stay small."""
_KIND = "application/vnd.aciml.runs.v1+json"
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"


@dataclass(frozen=True)
class Run:
    """A service had the image ``digest`` from ``since`` on: seconds since 1970, 0 if an older version wrote it down.

    ``took`` are the phases in which it was made; none if it was there already, or is long ago.
    """

    digest: str
    since: int
    took: tuple[Span, ...] = ()

    def to_json(self) -> list[Any]:
        """Write it, in two values where nothing is known of its phases."""
        times = [[span.to_json() for span in self.took]] if self.took else []
        return [self.digest.removeprefix("sha256:"), self.since, *times]


def hold(
    client: RegistryClient,
    repository: str,
    digest: str,
    holder: str,
    clock: Callable[[], float] = time.time,
    took: tuple[Span, ...] = (),
) -> None:
    """Write down that a service has an image; a registry that refuses has no record, and the image is as before."""
    # a push must not fail because a note about it cannot be written
    with suppress(RegistryError):
        old = client.manifest(repository, RUNS + holder)
        # what was there before is kept: it is the way back
        runs = _runs(old.body) if old else ()
        # nothing new is no write to the registry (goal G1); a record of an older version names the image and no runs
        if old and f"{repository}@{digest}".encode() in old.body:
            return
        manifest = _record(repository, digest, holder, (*runs, Run(digest, int(clock()), took))[-_LONGEST:])
        # an empty config is what OCI asks of a manifest that is no image (image-spec, "empty descriptor")
        part = Part(sha256_digest(_EMPTY), len(_EMPTY), "empty config", partial(io.BytesIO, _EMPTY))
        push_document(client, repository, RUNS + holder, manifest, [part], Silent())
        # a registry keeps the manifest that a tag leaves
        if old and _KIND.encode() in old.body:
            client.delete_manifest(repository, old.digest)


def runs_of(client: RegistryClient, repository: str) -> dict[str, tuple[Run, ...]]:
    """Return which images services of this repository had, oldest first, by holder.

    Raises:
        RegistryError: the registry does not answer.
    """
    found = {}
    for name in client.tags(repository):
        # of all holders: a tag is found by its beginning
        if name.startswith(RUNS) and (seen := client.manifest(repository, name)):
            found[name.removeprefix(RUNS)] = _runs(seen.body)
    return found


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
    # every holder but us: what we need is what we are about to let go
    records = read_records(client, repository, (name for name in names if name != TAG + holder))
    found = [TAG + who for who, held in records.items() if digest in {push.digest for push in held.needed}]
    own = {RUNS + holder, digest.removeprefix("sha256:")[:12]}
    for name in names:
        # a tag by which a catalog or a referrer is found is nobody's need
        if name in own or name.startswith((TAG, catalog.TAG)) or is_fallback_tag(name):
            continue
        # a tag may have moved since the listing: then it needs something else
        seen = client.manifest(repository, name)
        if seen and (seen.digest == digest or digest.encode() in seen.body):
            found.append(name)
    return found


def _runs(body: bytes) -> tuple[Run, ...]:
    """Read which images a record has; an older version's has the last one alone, a damaged one none."""
    try:
        said = json.loads(body)["annotations"]
        # by the annotation: an older version wrote what it has, and no list
        if _RAN not in said:
            return (Run(json.loads(said[ANNOTATION])["environment"].rpartition("@")[2], 0),)
        rows = json.loads(said[_RAN])
        return tuple(
            Run(f"sha256:{digits}", int(since), tuple(map(Span.of_json, took[0] if took else ())))
            for digits, since, *took in rows
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return ()


def _record(repository: str, digest: str, holder: str, runs: Iterable[Run]) -> bytes:
    """Return a manifest that names the image as what it is made of, which keeps clean-ups of all versions off it."""
    # digits alone: a digest in full would say that the image is still needed (``others_with``)
    known = list(runs)
    timed = [replace(run, took=()) for run in known[:-_TIMED]] + known[-_TIMED:]
    ran = json.dumps([run.to_json() for run in timed])
    empty = {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)}
    made_of = json.dumps({"environment": f"{repository}@{digest}"})
    return canonical_json({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _KIND,
        "config": empty,
        "layers": [empty],
        "annotations": {"io.aciml.holder": holder, ANNOTATION: made_of, _RAN: ran},
    })  # fmt: skip
