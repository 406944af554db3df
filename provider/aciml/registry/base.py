"""Base images: copied into the registry they will be served from."""

from __future__ import annotations

from collections.abc import Callable

from ..core.progress import Progress
from ..core.reference import Reference
from .blob import BlobReader
from .client import Manifest, RegistryClient
from .pull import MANIFESTS, parse_manifest, pull_image
from .push import Part, put_last, send_missing


def copy_image(
    source: RegistryClient,
    source_ref: Reference,
    target: RegistryClient,
    repository: str,
    *,
    progress: Progress,
    architecture: str = "amd64",
    workers: int = 4,
) -> str:
    """Bring an image into a repository, byte for byte, and return the digest of its manifest, which it keeps.

    Layers that are there are not downloaded; with the same registry as source they are mounted; else they stream
    through memory, never over the disk. A ``source_ref`` with the digest of an image that is there already does not
    ask the source at all.

    Raises:
        UserError: there is no such image, or none for the platform.
        RegistryError: one of the two refuses, fails or is silent.
    """
    known = source_ref.digest and target.manifest(repository, source_ref.digest)
    if known and known.media_type in MANIFESTS:
        found = known
    else:
        # one platform of an index: a registry refuses an index whose other manifests are not there
        pulled = pull_image(source, source_ref, architecture=architecture)
        found = Manifest(pulled.manifest, pulled.media_type, pulled.digest)
    # a mount works within one registry; by its URL, as a mirror may stand in for a host
    same = source.base == target.base and source_ref.repository != repository
    parts = _parts(source, source_ref, found, mount_from=source_ref.repository if same else "")
    send_missing(target, repository, parts, progress, workers)
    if found is not known:
        put_last(target, repository, found.digest, found, parts, progress)
    return found.digest


def _parts(source: RegistryClient, reference: Reference, found: Manifest, *, mount_from: str) -> list[Part]:
    described = parse_manifest(source, reference, found.body)
    layers, parts = described["layers"], list[Part]()
    for number, entry in enumerate([*layers, described["config"]], 1):
        what = f"base layer {number} of {len(layers)}" if number <= len(layers) else "base config"
        opener = _opener(source, reference.repository, entry["digest"])
        parts.append(Part(entry["digest"], entry["size"], what, opener, mount_from))
    return parts


def _opener(source: RegistryClient, repository: str, digest: str) -> Callable[[], BlobReader]:
    return lambda: source.blob(repository, digest)
