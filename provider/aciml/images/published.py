"""What is known of an environment's layers, kept beside the images in their registry for machines that know nothing.

Each environment leaves one small artifact, under a tag that says what it was made of and by which version of the
writer. It is written once and never changed, so two writers at once write the same; nothing is merged. A reader takes
the one of its own lock, else the newest few, which share most layers with it. A layer counts only if a HEAD finds its
blob in the same repository, and what is read is never used for another one: who may write there can already replace
the image itself. A lost artifact costs time, never a wrong image. More: ``decisions/catalog-artifact.md``.
Source: OCI image-spec 1.1, "Guidelines for Artifact Usage".
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..blobs.catalog import Catalog
from ..core.image import OCI_MANIFEST, Layer, canonical_json, sha256_digest
from ..core.progress import Progress
from ..registry.client import Manifest, RegistryClient
from ..registry.errors import RegistryError
from ..registry.push import Part, send_missing

TAG = "aciml-catalog-"
"""Start of the tags; after it the time of the newest package, so that they sort, and the name of the recipe."""

NEWEST = 4
"""How many artifacts are read if there is none of the very recipe."""

KEPT = 32
"""How many artifacts stay in a repository."""

LARGEST = 4 << 20
"""Most bytes of an artifact's blob; without the paths of packages it is a few dozen KiB."""

_GLIBC = "io.aciml.glibc"
"""Annotation of the artifact's manifest: digest of the base and version of its glibc, for who has no lock yet."""

_KIND = "application/vnd.aciml.catalog.v1+gzip"
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
_PATHS = "conda-paths"
_NAMESPACES = (_PATHS, "conda-renames", "conda-scripts", "base", "glibc", "unpacked")
_GLIBC_VERSION = re.compile(r"\d+\.\d+")
_LOOKERS = 16  # HEADs at once


@dataclass(frozen=True)
class Facts:
    """Layers by key; texts of the catalog by namespace and key; records of conda packages by sha256."""

    layers: Mapping[str, Layer] = field(default_factory=dict)
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    records: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Write them; equal facts have equal bytes."""
        layers = {
            key: [layer.diff_id, layer.digest, layer.size, layer.media_type] for key, layer in self.layers.items()
        }
        texts = [[*name, text] for name, text in sorted(self.texts.items())]
        return canonical_json({"layers": layers, "texts": texts, "records": dict(self.records)})

    @classmethod
    def of_json(cls, body: bytes) -> Facts:
        """Read them; what is not of their shape is left out."""
        told = json.loads(body)
        layers = {
            str(key): Layer(str(one[0]), str(one[1]), int(one[2]), str(one[3])) for key, one in told["layers"].items()
        }
        texts = {(str(space), str(key)): str(text) for space, key, text in told["texts"] if space in _NAMESPACES}
        records = {str(name): str(text) for name, text in told["records"].items()}
        sound = {name: text for name, text in texts.items() if name[0] != "base" or _is_base(name[1], text)}
        return cls(layers, sound, {name: text for name, text in records.items() if _is_record(name, text)})

    def joined(self, other: Facts) -> Facts:
        """Return both; where they differ, what is here counts."""
        return Facts({**other.layers, **self.layers}, {**other.texts, **self.texts}, {**other.records, **self.records})

    def without_paths(self) -> Facts:
        """Return what is needed for the very same packages: who yields to whom is then known."""
        return Facts(self.layers, {name: text for name, text in self.texts.items() if name[0] != _PATHS}, self.records)


class SharedCatalog(Catalog):
    """This machine's catalog, and behind it what a repository knows; only what is made here is written, and here."""

    def __init__(self, own: Catalog, facts: Facts) -> None:
        """Stand before ``own``: the same file, the same lock."""
        self.__dict__ = own.__dict__.copy()
        self._own, self._facts = own, facts

    def layer(self, key: str) -> Layer | None:
        """Return the layer that ``key`` gave, here or elsewhere."""
        return self._own.layer(key) or self._facts.layers.get(key)

    def get_fact(self, namespace: str, key: str) -> str | None:
        """Return the text of a fact, found here or elsewhere."""
        found = self._own.get_fact(namespace, key)
        return self._facts.texts.get((namespace, key)) if found is None else found


def name_of(lines: Iterable[str], base_digest: str, writer: Iterable[str]) -> str:
    """Return the name of a recipe: what its layers and facts depend on, and nothing else.

    Args:
        lines: of the lock.
        base_digest: of the base image.
        writer: versions of what writes layers.
    """
    return sha256_digest(canonical_json([sorted(lines), base_digest, list(writer)])).removeprefix("sha256:")[:16]


def read_facts(client: RegistryClient, repository: str, name: str) -> Facts | None:
    """Return what the repository knows, best of the recipe ``name``; None if nothing, or if it does not answer.

    Layers whose blobs are gone are left out: each was asked for.
    """
    try:
        tags = [tag for tag in client.tags(repository) if tag.startswith(TAG)]
        chosen = [tag for tag in tags if tag.endswith(f"-{name}")][-1:] or tags[: -NEWEST - 1 : -1]
        facts = Facts()
        for found in [_read_one(client, repository, tag) for tag in chosen]:
            facts = facts.joined(found) if found else facts
        present = find_present(client, repository, {layer.digest for layer in facts.layers.values()})
    except RegistryError:
        return None
    kept = {key: layer for key, layer in facts.layers.items() if layer.digest in present}
    return Facts(kept, facts.texts, facts.records) if chosen else None


def read_told_glibc(client: RegistryClient, repository: str, base_digest: str) -> str:
    """Return the glibc of a base as the newest artifacts tell it; empty if none does. Only manifests are read.

    Raises:
        RegistryError: the registry does not answer.
    """
    tags = [tag for tag in client.tags(repository) if tag.startswith(TAG)]
    for tag in tags[: -NEWEST - 1 : -1]:
        digest, _, version = _annotated(client.manifest(repository, tag))
        if digest == base_digest and _GLIBC_VERSION.fullmatch(version):
            return version
    return ""


def _annotated(found: Manifest | None) -> tuple[str, str, str]:
    try:
        return str(json.loads(found.body)["annotations"][_GLIBC] if found else "").partition(" ")
    except (ValueError, LookupError, TypeError):
        return "", "", ""


def find_present(client: RegistryClient, repository: str, digests: Iterable[str]) -> frozenset[str]:
    """Return which blobs the repository has; many are asked for at once.

    Raises:
        RegistryError: it does not answer.
    """
    first, *others = sorted(set(digests)) or [""]
    if not first:
        return frozenset()
    answers = [(first, client.has_blob(repository, first))]  # logs in, once for all that follow
    with ThreadPoolExecutor(_LOOKERS) as lookers:
        answers += zip(others, lookers.map(partial(client.has_blob, repository), others), strict=True)
    return frozenset(digest for digest, there in answers if there)


def publish(client: RegistryClient, repository: str, name: str, created: str, facts: Facts, progress: Progress) -> bool:
    """Keep the facts of an image in its repository; False if they are there. A registry that refuses is only noted.

    Args:
        client: of the registry.
        repository: where the image is.
        name: of the recipe, from ``name_of``.
        created: time of the image, RFC 3339.
        facts: to keep.
        progress: told if it cannot be done.
    """
    tag = f"{TAG}{''.join(filter(str.isdigit, created))[:14]}-{name}"
    try:
        if client.head_manifest(repository, tag) is not None:
            return False
        body = _packed(facts)
        contents = ((body, "catalog of layers"), (_EMPTY, "empty config"))
        parts = [Part(sha256_digest(one), len(one), what, partial(io.BytesIO, one)) for one, what in contents]
        send_missing(client, repository, parts, progress, workers=1)
        client.put_manifest(repository, tag, _manifest(body, facts), OCI_MANIFEST)
        _drop_old(client, repository, tag)
    except RegistryError as error:
        progress.note(f"the registry does not keep what is known of the layers: {error.message}")
        return False
    return True


def _read_one(client: RegistryClient, repository: str, tag: str) -> Facts | None:
    """Read one artifact; None if it is gone meanwhile, or is something else."""
    found = client.manifest(repository, tag)
    try:
        (entry,) = json.loads(found.body)["layers"] if found else [None]
        if entry is None or entry["mediaType"] != _KIND or int(entry["size"]) > LARGEST:
            return None
        return Facts.of_json(gzip.decompress(client.read_blob(repository, str(entry["digest"]))))
    except (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError):
        return None


def _packed(facts: Facts) -> bytes:
    body = gzip.compress(facts.to_json(), 6, mtime=0)
    return body if len(body) <= LARGEST else gzip.compress(facts.without_paths().to_json(), 6, mtime=0)


def _manifest(body: bytes, facts: Facts) -> bytes:
    empty = {"mediaType": _EMPTY_TYPE, "digest": sha256_digest(_EMPTY), "size": len(_EMPTY)}
    entry = {"mediaType": _KIND, "digest": sha256_digest(body), "size": len(body)}
    told = [f"{digest} {text}" for (space, digest), text in facts.texts.items() if space == "glibc"]
    return canonical_json(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": _KIND, "config": empty, "layers": [entry]}
        | ({"annotations": {_GLIBC: told[0]}} if told else {})
    )


def _drop_old(client: RegistryClient, repository: str, new: str) -> None:
    """Let the oldest but the new one go; a registry that forbids it keeps them, and nobody reads them."""
    tags = [tag for tag in client.tags(repository) if tag.startswith(TAG) and tag != new]
    for tag in tags[: 1 - KEPT]:
        with suppress(RegistryError):
            if digest := client.head_manifest(repository, tag):
                client.delete_manifest(repository, digest)


def _is_base(digest: str, text: str) -> bool:
    """Tell whether a base's manifest and config are those that the digest names."""
    try:
        told: Any = json.loads(text)
        manifest, config = str(told["manifest"]).encode(), str(told["config"]).encode()
        return sha256_digest(manifest) == digest and sha256_digest(config) == json.loads(manifest)["config"]["digest"]
    except (ValueError, LookupError, TypeError):
        return False


def _is_record(sha256: str, text: str) -> bool:
    try:
        told = json.loads(text)
        return isinstance(told, dict) and told["sha256"] == sha256
    except (ValueError, LookupError):
        return False
