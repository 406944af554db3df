"""How the bytes of a layer that holds several packages are divided among them: by reading the layer, once.

conda writes into ``conda-meta/<package>.json`` which files are its own, a wheel into ``RECORD``: both are in the
layer of the package (``decisions/conda-layers.md``), so that a layer alone says what of it belongs to whom.
Source: conda, "conda-meta"; PyPA, "Recording installed projects".
"""

from __future__ import annotations

import csv
import json
import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial

from packaging.utils import canonicalize_name

from ...core.anatomy import Part
from ...core.image import Layer, canonical_json
from ...core.layer import PREFIX
from ...core.progress import Progress
from ..remote.glibc import UNREADABLE, plain_stream
from ..tools import Tools
from .contents import How, PackageSize

MOST = 256 << 20
"""Most bytes of layers that are fetched for it: small packages share layers, so there are seldom more than 100 MB."""

_INSIDE = "inside"  # namespace in the catalog of this machine: bytes by package, by the layer's diff_id
_READERS = 4
_BLOCK = 1 << 20


Fetch = Callable[[str], AbstractContextManager[Iterable[bytes]]]
"""Opens the bytes of a layer by its digest."""


def sizes_of(
    tools: Tools,
    fetch: Fetch,
    parts: Sequence[Part],
    licences: Mapping[str, str],
    progress: Progress,
    *,
    read: bool,
) -> list[tuple[PackageSize, ...]]:
    """Return the packages of each layer with their sizes.

    Args:
        tools: of this machine; what was read is kept in its catalog.
        fetch: opens a layer that this machine's store has not.
        parts: of the image.
        licences: by ``kind name`` of a package.
        progress: told what is read, asked whether to stop.
        read: whether layers may be fetched; else those that are here are read, and others divided evenly.

    Raises:
        OutageError: the registry does not answer.
    """
    mixed = [part.layer for part in parts if len(part.packages) > 1]
    unknown = [layer for layer in mixed if tools.catalog.get_fact(_INSIDE, layer.diff_id) is None]
    here = [layer for layer in unknown if tools.store.has(layer.digest, layer.size)]
    far = [layer for layer in unknown if layer not in here] if read else []
    far = far if sum(layer.size for layer in far) <= MOST else []
    with ThreadPoolExecutor(_READERS) as readers:
        list(readers.map(partial(_read, tools, fetch, progress), [*here, *far]))
    return [_divided(tools, part, licences) for part in parts]


def bytes_by_package(chunks: Iterator[bytes]) -> dict[str, int]:
    """Return the bytes of the files of each package in a layer (tar, gzip or zstd), by its name in normal form.

    What is no tar, or ends in the middle, has no packages.
    """
    sizes, owned = dict[str, int](), dict[str, list[str]]()
    try:
        with tarfile.open(fileobj=plain_stream(chunks), mode="r|") as tar:
            for member in tar:
                path = member.name.removeprefix("./").strip("/")
                if member.isfile():
                    sizes[path] = member.size
                if (of := _record(path)) and (content := tar.extractfile(member)):
                    owned[of] = _files(path, content.read().decode("utf-8", "replace"))
    except (*UNREADABLE, OSError, ValueError):
        return {}
    return {name: sum(sizes.get(path, 0) for path in set(paths)) for name, paths in owned.items()}


def _record(path: str) -> str:
    """Return whose record a file is; empty if it is none."""
    folder, name = posixpath.split(path)
    if folder == f"{PREFIX.lstrip('/')}/conda-meta" and name.endswith(".json"):
        # name-version-build: a name may have dashes, the others have none
        return canonicalize_name(name.removesuffix(".json").rsplit("-", 2)[0])
    if name == "RECORD" and folder.endswith(".dist-info"):
        return canonicalize_name(posixpath.basename(folder).removesuffix(".dist-info").rpartition("-")[0])
    return ""


def _files(path: str, text: str) -> list[str]:
    if path.endswith(".json"):
        return [path, *(f"{PREFIX.lstrip('/')}/{one}" for one in json.loads(text).get("files") or ())]
    # relative to the folder that holds the .dist-info; bin/ is three steps up
    below = posixpath.dirname(posixpath.dirname(path))
    return [posixpath.normpath(posixpath.join(below, row[0])) for row in csv.reader(text.splitlines()) if row]


def _read(tools: Tools, fetch: Fetch, progress: Progress, layer: Layer) -> None:
    progress.checkpoint()
    progress.say(f"reading layer {layer.digest[7:19]} ({layer.size / 1e6:.1f} MB)")
    if tools.store.has(layer.digest, layer.size):
        with tools.store.open(layer.digest) as stream:
            found = bytes_by_package(iter(partial(stream.read, _BLOCK), b""))
    else:
        with fetch(layer.digest) as blob:
            found = bytes_by_package(iter(blob))
    if found:  # a layer that cannot be read today may be read tomorrow
        tools.catalog.put_fact(_INSIDE, layer.diff_id, canonical_json(found).decode())


def _divided(tools: Tools, part: Part, licences: Mapping[str, str]) -> tuple[PackageSize, ...]:
    known = tools.catalog.get_fact(_INSIDE, part.layer.diff_id) if len(part.packages) > 1 else None
    files: dict[str, int] = json.loads(known) if known else {}
    weights = [files.get(canonicalize_name(one.name), 0) for one in part.packages]
    shares = _shares(part.layer.size, weights)
    how: How = "layer" if len(part.packages) == 1 else "files" if any(weights) else "even"
    if how == "layer":
        weights = [int(tools.catalog.get_fact("unpacked", part.layer.diff_id) or 0)]
    return tuple(
        PackageSize(one.name, one.version, size, how, unpacked, licences.get(f"{part.kind} {one.name}", ""))
        for one, size, unpacked in zip(part.packages, shares, weights, strict=True)
    )


def _shares(total: int, weights: Iterable[int]) -> list[int]:
    """Divide a layer's bytes by weight; the last byte goes to the heaviest, so that the sum is the layer's."""
    given = list(weights)
    if not given:
        return []
    given = given if any(given) else [1] * len(given)
    shares = [total * weight // sum(given) for weight in given]
    shares[given.index(max(given))] += total - sum(shares)
    return shares
