"""From what the engine pushed to the image that stays: no trace of the machine, the builder or the bundle."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..core.errors import OutageError
from ..core.image import OCI_MANIFEST, Image, sha256_digest
from ..core.progress import Progress
from ..core.reference import Reference
from ..registry.client import RegistryClient
from ..registry.errors import RegistryError
from ..registry.pull import pull_image

# What says how to run it (image-spec 1.1, config.md); Hostname, Image and the like are of the builder's container.
_KEPT = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
_BUILDER = "io.buildah.version"
# diff_id of a tar with no file, 1024 zero bytes: what an instruction leaves that writes nothing
_EMPTY_TAR = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"


@dataclass(frozen=True)
class RawBuild:
    """What the engine made, by diff_id: the base's layers, the hidden ones above them, and all of them.

    ``layers`` is None if the engine cannot be asked: then the registry alone knows.
    """

    base: tuple[str, ...]
    hidden: tuple[str, ...]
    layers: tuple[str, ...] | None = None


def built_tag(key: str) -> str:
    """Name of the finished image of a key."""
    return f"steps-{key}"


def raw_tag(key: str) -> str:
    """Name, for a moment, of what the engine pushed."""
    return f"raw-{key}"


def find_built(client: RegistryClient, repository: str, key: str) -> Image | None:
    """Return the image that these steps gave before; None only if the registry says that there is none.

    Args:
        client: of the registry.
        repository: without the host.
        key: from ``steps_key``.
    """
    # a HEAD says "not there" without an error: the usual case of a new key
    if client.head_manifest(repository, built_tag(key)) is None:
        return None
    return pull_image(client, Reference(client.host, repository, built_tag(key))).image


def finish(client: RegistryClient, repository: str, key: str, *, raw: RawBuild, base: str, progress: Progress) -> Image:
    """Make the image that stays from the raw one in the registry, then remove the raw manifest.

    Args:
        client: of the registry.
        repository: without the host; has the base and the raw image.
        key: from ``steps_key``.
        raw: what the engine made.
        base: digest of the base; empty if there is none (``FROM scratch``).
        progress: is warned if the registry does not let a manifest go.

    Raises:
        OutageError: the registry has not what the engine pushed.
    """
    pushed = pull_image(client, Reference(client.host, repository, raw_tag(key)))
    below = pull_image(client, Reference(client.host, repository, digest=base)).image if base else Image()
    image = clean_image(pushed.image, below, raw, f"build {key[:12]}")
    config = image.config()
    client.upload_blob(repository, sha256_digest(config), len(config), lambda: io.BytesIO(config), what="image config")
    client.put_manifest(repository, built_tag(key), image.manifest(), OCI_MANIFEST)
    try:
        # by its digest, and so with its tag; the layers are those of the image that stays
        client.delete_manifest(repository, pushed.digest)
    except RegistryError as error:
        progress.warn(f"the intermediate image {repository}@{pushed.digest} stays in the registry: {error.message}")
    return image


def clean_image(pushed: Image, base: Image, raw: RawBuild, what: str = "build") -> Image:
    """Return the base's layers and those of the steps, without hidden ones; time and platform are the base's.

    The history says ``what`` of the steps' layers: the engine's words have times in them, and values of arguments.

    Raises:
        OutageError: the layers are not those that the engine built.
    """
    found = tuple(layer.diff_id for layer in pushed.layers)
    base_ids = tuple(layer.diff_id for layer in base.layers)
    built = found if raw.layers is None else raw.layers
    # layers are cut by their number, so it has to be certain which is which
    if found != built or base_ids != raw.base or not _begins(found, (*raw.base, *raw.hidden)):
        message = f"the builder pushed {len(found)} layers which are not the {len(built)} that it built on the base"
        raise OutageError(message, "run the same command again; if it stays so, restart Docker")
    own = pushed.layers[len(raw.base) + len(raw.hidden) :]
    settings = {**pushed.settings, "Labels": _labels(pushed, base)}
    layers = tuple(layer for layer in own if layer.diff_id != _EMPTY_TAR)
    # The base's own entries: an engine may have compressed these layers anew.
    made = base.append(*layers, told=dict.fromkeys((layer.digest for layer in layers), what))
    kept = {name: settings[name] for name in _KEPT if settings.get(name) not in (None, "", [], {})}
    # annotations are the builder's own words: another one has others, and the digest must not
    return replace(made, settings=kept, annotations={})


def _labels(pushed: Image, base: Image) -> dict[str, str]:
    """Return the labels of the steps, without what a builder says of itself."""
    # Podman's writes its version: the same steps would be another image by each of them; a base's own label stays
    labels = dict(pushed.settings.get("Labels") or {})
    labels.pop(_BUILDER, None)
    before = base.settings.get("Labels") or {}
    return labels | ({_BUILDER: before[_BUILDER]} if _BUILDER in before else {})


def _begins(whole: Sequence[str], start: Sequence[str]) -> bool:
    return tuple(whole[: len(start)]) == tuple(start)
