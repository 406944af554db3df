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
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from ...blobs.compress import writing_of
from ...conda.layer_plan import VERSION
from ...conda.pack import layers_if_known
from ...conda.records import RecordCache
from ...core import slim
from ...core.conda_lock import CondaLock, LockedPackage, LockLine
from ...core.errors import AcimlError, Cancelled
from ...core.image import OCI_MANIFEST, canonical_json, sha256_digest
from ...core.layer import WRITER
from ...core.pip_package import PIP
from ...core.place import Place
from ...core.progress import Progress
from ...core.recipe import Recipe
from ...model.environment import Environment
from ...pip import layer_plan
from ...pip.pack import wheel_layers_if_known
from ...pip.pinned_line import bare_package
from ...pip.sizes import known_sizes
from ...registry.client import Manifest, RegistryClient
from ...registry.errors import RegistryError
from ...registry.limits import HASTY
from ...registry.push import Part, push_document
from ..server_needs import needs_key, own_python_of, wheel_set
from ..tools import Tools
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
# image-spec 1.1, manifest.md, "Guidance for an Empty Descriptor": an artifact has no config
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
_GLIBC_VERSION = re.compile(r"\d+\.\d+")
_TOLD_GLIBC = "told-glibc"  # namespace in the catalog of this machine
_LOOKERS = 16  # HEADs at once


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
        # that of the very recipe, else the newest few, which share most layers with it
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
        # held to its form, since it goes to the solver
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
    # the fourteen digits of a time sort as times do, and a list of tags is sorted as text
    tag = f"{TAG}{''.join(filter(str.isdigit, created))[:14]}-{name}"
    try:
        # a tag is written once: whoever finds it finds what he would write
        if client.head_manifest(repository, tag) is not None:
            return False
        body = _packed(facts)
        contents = ((body, "catalog of layers"), (_EMPTY, "empty config"))
        parts = [Part(sha256_digest(one), len(one), what, partial(io.BytesIO, one)) for one, what in contents]
        push_document(client, repository, tag, _manifest(body, facts), parts, progress)
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
    # somebody else's artifact under our tag costs time, and never an error
    except (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError):
        return None


def _packed(facts: Facts) -> bytes:
    # no time in the header (RFC 1952, 2.3.1): equal facts are equal bytes, and so one blob
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


def with_remote_facts(tools: Tools, now: Environment, place: Place) -> Tools:
    """Return tools that know at least what the place's repository knows; these if they know all.

    Records of packages that are new here are kept, since each is of a file that the lock names by its sha256.
    """
    if _knows_all(tools, now):
        return tools
    name = _name(now)

    def ask() -> Facts | None:
        return read_facts(tools.client(place.login_server), place.repository, name)

    # check, preview and update of one run ask the same
    facts = tools.answers.once(f"{place} {name}", ask)
    if facts is None:
        return tools
    # kept, unlike the rest: the sha256 in the lock says whether a record is right
    RecordCache(tools.settings).put(_packages(facts, now))
    present = frozenset(layer.digest for layer in facts.layers.values())
    return tools.knowing(SharedCatalog(tools.catalog, facts), present)


def is_reachable(tools: Tools, place: Place) -> bool:
    """Tell whether the registry is there: one that is made by the same update is not, and nobody waits for it."""
    try:
        # with short limits: nobody should wait a minute to see that a registry is not made yet
        with tools.glance(place.login_server, HASTY) as client:
            client.ping()
    except Cancelled:
        raise
    except AcimlError:
        return False
    return True


def publish_facts(
    tools: Tools, now: Environment, recipe: Recipe, place: Place, created: str, progress: Progress
) -> None:
    """Keep beside a pushed image what is known of it, so that another machine makes nothing again."""
    facts = facts_of(tools, recipe)
    if told := _recall_glibc(tools, place, recipe.base.digest):  # else the next ones would not hear it
        facts = facts.joined(Facts({}, {("glibc", recipe.base.digest): told}))
    publish(tools.client(place.login_server), place.repository, _name(now), created, facts, progress)


def glibc_from_place(tools: Tools, place: Place, base_digest: str) -> str:
    """Return the glibc of a base as the place's repository tells it; empty if it does not, or does not answer.

    So a new stack reads no layer of the base. It stands in the manifests of the artifacts, which are a few hundred
    bytes. What is told holds for images of that repository alone, also later, when this machine tells it on.
    """
    if known := _recall_glibc(tools, place, base_digest):
        return known
    try:
        with tools.glance(place.login_server, HASTY) as client:
            told = read_told_glibc(client, place.repository, base_digest)
    except Cancelled:
        raise
    except AcimlError:
        return ""
    if told:
        tools.catalog.put_fact(_TOLD_GLIBC, _about(place, base_digest), told)
    return told


def _recall_glibc(tools: Tools, place: Place, base_digest: str) -> str:
    """Return what the place told this machine before; empty if nothing."""
    return tools.catalog.get_fact(_TOLD_GLIBC, _about(place, base_digest)) or ""


def _about(place: Place, base_digest: str) -> str:
    return f"{place} {base_digest}"


def _name(now: Environment) -> str:
    by, lines = writing_of(now.layers), list(now.pins.lock or ())
    # an environment without wheels keeps the name that it had before wheels had layers of their own
    wheels = [f"wheels {layer_plan.VERSION}"] if any(line.startswith(PIP) for line in lines) else []
    thin = [f"slim {slim.VERSION}"] if by.slim else []
    if own := own_python_of(now):
        # of one base there may be several, by what steps make of it
        lines += [*(now.pins.server_lock or ()), f"own {own.asked} {now.pins.steps_key or ''}"]
    return name_of(lines, now.pins.base, (WRITER, VERSION, by.key, *wheels, *thin))


def _knows_all(tools: Tools, now: Environment) -> bool:
    """Tell whether base, packages and layers are known here."""
    base = now.pins.base_digest
    if base and tools.catalog.get_fact("base", base) is None:
        return False
    lines = now.pins.lock or ()
    cache, by = RecordCache(tools.settings), writing_of(now.layers)
    found = [cache.get(LockLine.parse(line)) for line in lines if not line.startswith(PIP)]
    lock = CondaLock.of([package for package in found if package])
    sized = known_sizes(tools.catalog, [bare_package(line) for line in lines if line.startswith(PIP)])
    if len(lock.packages) < len(found) or sized is None:
        return False
    own = own_python_of(now)
    # beside which Python, and with what, is known of what is pinned alone
    if own and (own.found is None or (own.wheels and tools.catalog.layer(needs_key(own, by)) is None)):
        return False
    wheels = wheel_set(sized, lock)
    if layers_if_known(wheels.with_conda(), tools.catalog, by) is None:
        return False
    return wheel_layers_if_known(wheels, tools.catalog, by) is not None


def _packages(facts: Facts, now: Environment) -> Iterator[LockedPackage]:
    for line in (LockLine.parse(line) for line in now.pins.lock or () if not line.startswith(PIP)):
        if text := facts.records.get(line.sha256):
            record = json.loads(text) | {"fn": line.file_name, "subdir": line.subdir}
            stem = f"{record.get('name')}-{record.get('version')}-{record.get('build')}."
            if line.file_name.startswith(stem):  # else it is the record of something else
                yield LockedPackage.of_record(record, line.channel)
