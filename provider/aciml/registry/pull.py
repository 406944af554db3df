"""Looking at an image in a registry, without its layers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError
from ..core.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Image
from ..core.reference import Reference
from .client import Manifest, RegistryClient
from .errors import RegistryError

INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})


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
    if found.media_type in INDEXES:
        found = _require(client, reference, _platform_digest(found, reference, architecture))
    # such as Docker's schema 1 of old images, which has no config
    if found.media_type not in MANIFESTS:
        raise UserError(f"{reference} is no image but {found.media_type or 'of no type'}", "name another image")
    described = parse_manifest(client, reference, found.body)
    config = client.read_blob(reference.repository, described["config"]["digest"])
    image = Image.read(found.body, config)
    # a manifest does not say its platform, its config does (image-spec 1.1, config.md)
    if (image.os, image.architecture) != ("linux", architecture):
        message = f"{reference} is for {image.os}/{image.architecture}, not linux/{architecture}"
        raise UserError(message, "name an image for that platform")
    return PulledImage(reference.at(found.digest), found.digest, found.body, found.media_type, config, image)


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
    # buildx gives attestations the platform unknown/unknown
    known = ", ".join(sorted(set(platforms) - {"unknown/unknown", "None/None"})) or "no platform"
    raise UserError(f"{reference} is not made for linux/{architecture}, only for {known}", "name another image")


def parse_manifest(client: RegistryClient, reference: Reference, body: bytes) -> Any:
    """Return a manifest as JSON that has a config and layers; ``reference`` is for the error."""
    try:
        described = json.loads(body)
        described["config"]["digest"], described["layers"]  # both must be there
    except (ValueError, LookupError, TypeError) as error:
        message = f"{client.host} has a manifest for {reference.repository} that cannot be read"
        raise RegistryError(message, "push the image again") from error
    return described
