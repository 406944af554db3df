"""Base images: looked at without their layers, and copied into the registry they will be served from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError
from ..core.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Image
from ..core.progress import Progress
from ..core.reference import Reference
from .blob import BlobReader
from .client import Manifest, RegistryClient
from .errors import RegistryError
from .push import Part, put_if_other, send_missing

_INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
_MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})


@dataclass(frozen=True)
class PulledImage:
    """An image as its registry has it: ``reference`` and ``digest`` name the manifest of one platform.

    ``manifest`` and ``config`` are the bytes as they are there; ``image`` is what they say. No layer was downloaded.
    """

    reference: Reference
    digest: str
    manifest: bytes
    media_type: str
    config: bytes
    image: Image


def pull_image(client: RegistryClient, reference: Reference, *, architecture: str = "amd64") -> PulledImage:
    """Read manifest and config of an image for Linux; a few KiB, whatever its size.

    Args:
        client: of the reference's registry.
        reference: tag or digest, of an image or of an index of several platforms.
        architecture: in the words of the OCI, such as ``amd64``.

    Raises:
        UserError: there is no such image, or none for the platform.
        RegistryError: the registry refuses, fails or is silent.
    """
    found = _require(client, reference, reference.manifest)
    if found.media_type in _INDEXES:
        found = _require(client, reference, _platform_digest(found, reference, architecture))
    if found.media_type not in _MANIFESTS:
        raise UserError(f"{reference} is no image but {found.media_type or 'of no type'}", "name another image")
    described = _parsed(client, reference, found.body)
    config = client.read_blob(reference.repository, described["config"]["digest"])
    image = Image.read(found.body, config)
    if (image.os, image.architecture) != ("linux", architecture):
        message = f"{reference} is for {image.os}/{image.architecture}, not linux/{architecture}"
        raise UserError(message, "name an image for that platform")
    return PulledImage(reference.at(found.digest), found.digest, found.body, found.media_type, config, image)


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
    if known and known.media_type in _MANIFESTS:
        found = known
    else:
        pulled = pull_image(source, source_ref, architecture=architecture)
        found = Manifest(pulled.manifest, pulled.media_type, pulled.digest)
    same = source.base == target.base and source_ref.repository != repository
    parts = _parts(source, source_ref, found, mount_from=source_ref.repository if same else "")
    send_missing(target, repository, parts, progress, workers)
    if found is not known:
        put_if_other(target, repository, found.digest, found.body, found.media_type)
    return found.digest


def _parts(source: RegistryClient, reference: Reference, found: Manifest, *, mount_from: str) -> list[Part]:
    described = _parsed(source, reference, found.body)
    layers, parts = described["layers"], list[Part]()
    for number, entry in enumerate([*layers, described["config"]], 1):
        what = f"base layer {number} of {len(layers)}" if number <= len(layers) else "base config"
        opener = _opener(source, reference.repository, entry["digest"])
        parts.append(Part(entry["digest"], entry["size"], what, opener, mount_from))
    return parts


def _opener(source: RegistryClient, repository: str, digest: str) -> Callable[[], BlobReader]:
    return lambda: source.blob(repository, digest)


def _require(client: RegistryClient, reference: Reference, manifest: str) -> Manifest:
    found = client.manifest(reference.repository, manifest)
    if found is None:
        message = f"{client.host} has no image {reference.repository}:{manifest}"
        raise UserError(message, "check the name and the tag; a private image needs a login")
    return found


def _platform_digest(index: Manifest, reference: Reference, architecture: str) -> str:
    """Return the first manifest for Linux and the architecture; an index may also hold attestations."""
    platforms = []
    for entry in json.loads(index.body).get("manifests", []):
        platform = entry.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return str(entry["digest"])
        platforms.append(f"{platform.get('os')}/{platform.get('architecture')}")
    known = ", ".join(sorted(set(platforms) - {"unknown/unknown", "None/None"})) or "no platform"
    raise UserError(f"{reference} is not made for linux/{architecture}, only for {known}", "name another image")


def _parsed(client: RegistryClient, reference: Reference, body: bytes) -> Any:
    try:
        described = json.loads(body)
        described["config"]["digest"], described["layers"]  # both must be there
    except (ValueError, LookupError, TypeError) as error:
        message = f"{client.host} has a manifest for {reference.repository} that cannot be read"
        raise RegistryError(message, "push the image again") from error
    return described
