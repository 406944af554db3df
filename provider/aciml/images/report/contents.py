"""What a report says, as values: gathered once, then written as a page or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...core.anatomy import Change, Exchange, Part
from ...core.phases import Span

How = Literal["layer", "files", "even"]
"""How a package's bytes are known: it is alone in its layer; by the sizes of its files in the layer, which was read; or
the layer is divided evenly, because nobody read it."""


@dataclass(frozen=True)
class PackageSize:
    """A package in a layer: its part of the layer's compressed bytes.

    ``unpacked`` are the bytes of its files, 0 if nobody counted them; ``licence`` is empty if no bill says it.
    """

    name: str
    version: str
    size: int
    how: How
    unpacked: int = 0
    licence: str = ""


@dataclass(frozen=True)
class LayerReport:
    """A layer of the image, and who else has it.

    ``unpacked`` are the bytes of its tar, 0 if they are not known; ``others`` are tags of other images of the same
    repository that have it.
    """

    part: Part
    packages: tuple[PackageSize, ...] = ()
    unpacked: int = 0
    is_in_before: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """How long one build took: ``what`` it made, and when that was pushed (seconds since 1970, 0 if not known)."""

    what: str
    pushed: float
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Comparison:
    """The image that came before, by its ``name``, and what differs."""

    # a path, a reference or a digest: whatever it was named by
    name: str
    changes: tuple[Change, ...]
    bytes: Exchange


@dataclass(frozen=True)
class Report:
    """Everything about one image.

    ``facts`` are what the image says of itself, in words for people; ``looked_at`` names the other images of the
    repository that were compared; ``notes`` say what could not be told, and why.
    """

    name: str
    digest: str
    ours: bool
    layers: tuple[LayerReport, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    against: Comparison | None = None
    looked_at: tuple[str, ...] = ()
    builds: tuple[Build, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    # one digest twice is one blob: a host fetches it once (OCI image-spec, "layers" may repeat)
    def size(self) -> int:
        """Compressed bytes of all layers, each counted once."""
        return sum({one.part.layer.digest: one.part.layer.size for one in self.layers}.values())

    @property
    def unpacked(self) -> int:
        """Bytes of all layers unpacked, 0 if one is not known."""
        sizes = [one.unpacked for one in self.layers]
        # a sum in which one is missing would look like a whole
        return sum(sizes) if all(sizes) else 0

    def to_json(self) -> dict[str, Any]:
        """Return it for programs, and for the page's own script; sizes in bytes, times in seconds."""
        # camelCase: it is read by the page's own script, and by programs of others
        return {
            "image": self.name,
            "digest": self.digest,
            "ours": self.ours,
            "size": self.size,
            # null where it is not known: 0 would be a size
            "unpacked": self.unpacked or None,
            "facts": dict(self.facts),
            "layers": [_layer(one) for one in self.layers],
            "against": _comparison(self.against) if self.against else None,
            "comparedWith": list(self.looked_at),
            "builds": [_build(one) for one in self.builds],
            "notes": list(self.notes),
        }


def _layer(one: LayerReport) -> dict[str, Any]:
    layer = one.part.layer
    return {
        "digest": layer.digest,
        "size": layer.size,
        # of an image that was pulled the manifest has compressed sizes alone
        "unpacked": one.unpacked or None,
        "kind": one.part.kind,
        "title": one.part.title,
        "inBefore": one.is_in_before,
        "others": list(one.others),
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "size": package.size,
                "known": package.how,
                "unpacked": package.unpacked or None,
                "licence": package.licence,
            }
            for package in one.packages
        ],
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    # as text: a version or a digest, by its kind
    changes = [{"kind": row.kind, "name": row.name, "old": row.old, "new": row.new} for row in one.changes]
    exchange = {"shared": one.bytes.shared, "new": one.bytes.new, "gone": one.bytes.gone}
    return {"image": one.name, "changes": changes, "bytes": exchange}


def _build(one: Build) -> dict[str, Any]:
    # in seconds from the begin of the build: when it was is told once
    rows = [{"name": span.name, "begin": span.begin, "end": span.end, "seconds": span.seconds} for span in one.spans]
    return {"what": one.what, "pushed": one.pushed or None, "phases": rows}
