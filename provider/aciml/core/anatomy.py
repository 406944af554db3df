"""What an image consists of, and what differs between two: read from the image itself, without a byte of its layers.

Our images say in their history what is in each layer, packages with their versions. An image of somebody else says
what its builder wrote there, which is all that can be told of it.
Source: OCI image-spec 1.1, config.md, "history".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from .compose import ANNOTATION
from .image import Image, Layer
from .labels import BASE_DIGEST, BASE_NAME

Kind = Literal["base", "steps", "conda", "pip", "server", "models", "application", "other"]
"""Where a layer comes from: the base image, extra steps or a Dockerfile, conda packages, wheels of the user, wheels
that the scoring server needs, models, the application with the server's own files, or nobody knows."""

KINDS: tuple[Kind, ...] = get_args(Kind)
_OURS = "aciml: "
_PACKAGES: dict[str, Kind] = {"conda ": "conda", "pip ": "pip", "server ": "server"}
# what core/compose.py and docker/finish.py write there, by how it begins
_TITLES: dict[str, Kind] = {
    "of the base image": "base",
    "build": "steps",
    "link scripts": "conda",
    "pip packages": "pip",
    "model ": "models",
    "entry point": "application",
    "user of the service": "application",
    # until 0.2 one layer had both: "scoring server and source "
    "scoring server": "application",
    "source ": "application",
}
# what engines put before a command: moby's classic builder, BuildKit
_NOISE = re.compile(r"^(?:/bin/sh -c )?(?:#\(nop\)\s*)?|\s*# buildkit$")
_LONGEST = 300  # letters of a title: a history may hold a whole script


@dataclass(frozen=True)
class PackageIn:
    """A package in a layer, as the history names it."""

    name: str
    version: str


@dataclass(frozen=True)
class Part:
    """One layer with what it is; ``title`` is for people, ``packages`` are in the order of the history."""

    layer: Layer
    kind: Kind
    title: str
    packages: tuple[PackageIn, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something that differs: ``old`` is empty for what comes, ``new`` for what goes.

    ``kind`` is that of the layer it is in; ``name`` a package, a model or a title.
    """

    kind: Kind
    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Exchange:
    """Bytes of layers, compressed, on a host that has the image before: what it has, what it lacks, what may go."""

    shared: int
    new: int
    gone: int


def is_ours(image: Image) -> bool:
    """Tell whether aciml made the image."""
    return ANNOTATION in image.annotations or any(_said(entry).startswith(_OURS) for entry in image.history)


def parts_of(image: Image) -> tuple[Part, ...]:
    """Return the layers of an image with what is in them, lowest first."""
    entries = [entry for entry in image.history if not entry.get("empty_layer")]
    said = [_said(entry) for entry in entries] if len(entries) == len(image.layers) else [""] * len(image.layers)
    ours = is_ours(image)
    return tuple(_part(layer, text, ours=ours) for layer, text in zip(image.layers, said, strict=True))


def changes_between(before: Image, after: Image) -> list[Change]:
    """Return what differs, sorted by kind and name: the base, packages by version, all else by its layer."""
    old, new = parts_of(before), parts_of(after)
    found = [*_base_change(before, after), *_package_changes(old, new), *_other_changes(old, new)]
    return sorted(found, key=lambda change: (KINDS.index(change.kind), change.name.lower()))


def exchange_between(before: Image, after: Image) -> Exchange:
    """Return what a host needs for ``after`` that has ``before``; the same layer twice in an image is one blob."""
    old, new = ({layer.digest: layer.size for layer in image.layers} for image in (before, after))
    shared = sum(size for digest, size in new.items() if digest in old)
    return Exchange(shared, sum(new.values()) - shared, sum(size for digest, size in old.items() if digest not in new))


def _said(entry: dict[str, object]) -> str:
    return str(entry.get("created_by") or entry.get("comment") or "")


def _part(layer: Layer, said: str, *, ours: bool) -> Part:
    if not said.startswith(_OURS):
        title = _NOISE.sub("", said).strip() or "a layer of which nothing is told"
        # below the first layer of ours lies the base, whose builder wrote what is said of it
        return Part(layer, "base" if ours else "other", title[:_LONGEST])
    text = said.removeprefix(_OURS)
    for begin, kind in _PACKAGES.items():
        packages = _packages(text.removeprefix(begin)) if text.startswith(begin) else ()
        if packages:
            return Part(layer, kind, _titled(packages), packages)
    kind = next((kind for begin, kind in _TITLES.items() if text.startswith(begin)), "other")
    return Part(layer, kind, text[:_LONGEST])


def _packages(text: str) -> tuple[PackageIn, ...]:
    """Return ``a 1, b 2`` as packages; none if it is written in another way."""
    # beside an image's own Python what the server needs is for that one alone, and the history says so
    words = [one.split(" ") for one in text.partition(" for Python ")[0].split(", ")]
    return tuple(PackageIn(*one) for one in words) if all(len(one) == 2 and all(one) for one in words) else ()


def _titled(packages: Sequence[PackageIn]) -> str:
    if len(packages) == 1:
        return f"{packages[0].name} {packages[0].version}"
    return f"{packages[0].name} and {len(packages) - 1} more"


def _base_change(before: Image, after: Image) -> list[Change]:
    old, new = (_base_of(image) for image in (before, after))
    return [Change("base", new.partition("@")[0] or old.partition("@")[0], old, new)] if old != new else []


def _base_of(image: Image) -> str:
    labels = image.labels()
    name, digest = labels.get(BASE_NAME, ""), labels.get(BASE_DIGEST, "")
    return f"{name}@{digest}" if name or digest else ""


def _package_changes(old: Iterable[Part], new: Iterable[Part]) -> list[Change]:
    before, after = (
        {(part.kind, one.name): one.version for part in parts for one in part.packages} for parts in (old, new)
    )
    return [
        Change(kind, name, before.get((kind, name), ""), after.get((kind, name), ""))
        for kind, name in before.keys() | after.keys()
        if before.get((kind, name)) != after.get((kind, name))
    ]


def _other_changes(old: Iterable[Part], new: Iterable[Part]) -> list[Change]:
    """Return the layers without packages that only one of them has; two of one title are one change."""
    before, after = (_by_title(parts) for parts in (old, new))
    return [
        Change(kind, title, before.get((kind, title), ""), after.get((kind, title), ""))
        for kind, title in before.keys() | after.keys()
        if before.get((kind, title)) != after.get((kind, title))
    ]


def _by_title(parts: Iterable[Part]) -> dict[tuple[Kind, str], str]:
    """Return digests by kind and title, of all but packages and the base, which has a digest of its own."""
    found: dict[tuple[Kind, str], str] = {}
    for part in parts:
        if not part.packages and part.kind != "base":
            key = (part.kind, part.title)
            found[key] = " ".join(filter(None, (found.get(key, ""), part.layer.digest)))
    return found
