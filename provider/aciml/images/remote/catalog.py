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
from functools import partial
from typing import Any

from ...blobs.compress import compression_of
from ...conda.pack import VERSION, layers_if_known
from ...conda.records import RecordCache
from ...core.conda_lock import CondaLock, LockLine
from ...core.errors import AcimlError, Cancelled
from ...core.image import OCI_MANIFEST, canonical_json, sha256_digest
from ...core.layer import WRITER
from ...core.pip_package import PipPackage
from ...core.place import Place
from ...core.progress import Progress
from ...core.recipe import Recipe
from ...pip.install import known_pip_layer
from ...pip.resolve import bare_package
from ...registry.client import Manifest, RegistryClient
from ...registry.errors import RegistryError
from ...registry.limits import HASTY
from ...registry.push import Part, send_missing
from ..server_needs import in_layers
from ..tools import Tools
from .base import recall_told
from .facts import Facts, SharedCatalog, facts_of

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
_GLIBC_VERSION = re.compile(r"\d+\.\d+")
_LOOKERS = 16  # HEADs at once

Values = Mapping[str, Any]


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


def knowing(tools: Tools, inputs: Values, place: Place) -> Tools:
    """Return a tools that knows at least what the place's repository knows; the same one if it knows all.

    Records of packages that are new here are kept, since each is of a file that the lock names by its sha256.
    """
    if _knows_all(tools, inputs):
        return tools
    about = f"{place.login_server}/{place.repository} {_name(inputs)}"
    if about not in tools.learnt:  # asked once per command
        tools.learnt[about] = read_facts(tools.client(place.login_server), place.repository, _name(inputs))
    facts = tools.learnt[about]
    if facts is None:
        return tools
    RecordCache(tools.settings).put(_packages(facts, inputs))
    present = frozenset(layer.digest for layer in facts.layers.values())
    return tools.knowing(SharedCatalog(tools.catalog, facts), present)


def answers(tools: Tools, place: Place) -> bool:
    """Tell whether the registry is there: one that is made by the same update is not, and nobody waits for it."""
    try:
        with tools.glance(place.login_server, HASTY) as client:
            client.ping()
    except Cancelled:
        raise
    except AcimlError:
        return False
    return True


def tell(tools: Tools, recipe: Recipe, place: Place, created: str, progress: Progress) -> None:
    """Keep beside a pushed image what is known of it, so that another machine makes nothing again."""
    name = _name({**recipe.inputs, "compression": recipe.compression})
    facts = facts_of(tools, recipe)
    if told := recall_told(tools, place, recipe.base.digest):  # else the next ones would not hear it
        facts = facts.joined(Facts({}, {("glibc", recipe.base.digest): told}))
    publish(tools.client(place.login_server), place.repository, name, created, facts, progress)


def is_layer_at_hand(tools: Tools, lock: CondaLock, wheels: Iterable[PipPackage], compression: str) -> bool:
    """Tell whether the layer of these wheels is at hand, so that nobody needs to know where to get them."""
    minor = ".".join(lock.python_version.split(".")[:2])
    by = compression_of(compression)
    layers = [known_pip_layer(part, minor, tools.catalog, by) for part in in_layers(tuple(wheels))]
    return all(one and (one.digest in tools.present or tools.store.has(one.digest, one.size)) for one in layers)


def _name(inputs: Values) -> str:
    by = compression_of(str(inputs.get("compression", "")))
    base = str(inputs.get("baseDigest") or inputs.get("baseKey", ""))
    return name_of(map(str, inputs.get("lock") or []), base, (WRITER, VERSION, by.key))


def _knows_all(tools: Tools, inputs: Values) -> bool:
    """Tell whether base, packages and layers are known here."""
    base = str(inputs.get("baseDigest", ""))
    if base and tools.catalog.get_fact("base", base) is None:
        return False
    lines = [str(line) for line in inputs.get("lock") or []]
    cache, by = RecordCache(tools.settings), compression_of(str(inputs.get("compression", "")))
    found = [cache.get(LockLine.parse(line)) for line in lines if not line.startswith("pip/")]
    lock = CondaLock.of([package for package in found if package])
    if len(lock.packages) < len(found) or layers_if_known(lock, tools.catalog, by) is None:
        return False
    wheels = tuple(bare_package(line) for line in lines if line.startswith("pip/"))
    minor = ".".join(lock.python_version.split(".")[:2])
    return all(known_pip_layer(part, minor, tools.catalog, by) for part in in_layers(wheels))


def _packages(facts: Facts, inputs: Values) -> Iterable[Any]:
    from ...core.conda_lock import LockedPackage

    lines = [LockLine.parse(str(line)) for line in inputs.get("lock") or [] if not str(line).startswith("pip/")]
    for line in lines:
        if text := facts.records.get(line.sha256):
            record = json.loads(text) | {"fn": line.file_name, "subdir": line.subdir}
            stem = f"{record.get('name')}-{record.get('version')}-{record.get('build')}."
            if line.file_name.startswith(stem):  # else it is the record of something else
                yield LockedPackage.of_record(record, line.channel)
