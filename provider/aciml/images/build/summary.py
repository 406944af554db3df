"""One line that says what an environment's change is and costs, for a preview and for an update."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.image import Layer

_NAMED = 5  # layers that are named one by one; more of them are counted


@dataclass(frozen=True)
class PackageCount:
    """How many packages come, change and go; conda's and pip's together."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @classmethod
    def between(cls, old: Mapping[str, Any], new: Mapping[str, Any]) -> PackageCount:
        """Compare the inputs of two environments; no old ones means that every package comes."""
        before, after = _packages(old), _packages(new)
        both = before.keys() & after.keys()
        changed = sum(before[name] != after[name] for name in both)
        return cls(len(after) - len(both), changed, len(before) - len(both))

    def __str__(self) -> str:
        """Write it as ``+2 ~1 -0 packages``."""
        return f"+{self.added} ~{self.changed} -{self.removed} packages"


@dataclass(frozen=True)
class Cost:
    """What a registry lacks of an image, in bytes; how many of its layers it has; how many are still to be made."""

    bytes: int = 0
    reused: int = 0
    to_make: int = 0

    @classmethod
    def of(cls, layers: Iterable[Layer], present: Iterable[str], to_make: int = 0) -> Cost:
        """Count the layers whose digests are not ``present``; the same layer twice is sent once."""
        there, unique = set(present), {layer.digest: layer.size for layer in layers}
        missing = [size for digest, size in unique.items() if digest not in there]
        return cls(sum(missing), len(unique) - len(missing), to_make)


def preview_line(packages: PackageCount, cost: Cost, digest: str) -> str:
    """Say what an update would do; the digest is empty if it is not known before layers are made."""
    upload = f"{megabytes(cost.bytes)} to upload"
    if cost.to_make:
        upload = (
            f"{_layers(cost.to_make)} to make, {upload} besides" if cost.bytes else f"{_layers(cost.to_make)} to make"
        )
    return f"{packages}, {upload}, {_layers(cost.reused)} reused, {_named(digest)}"


def update_line(packages: PackageCount, uploaded: int, reused: int, digest: str) -> str:
    """Say what an update did; ``uploaded`` in bytes."""
    return f"{packages}, {megabytes(uploaded)} uploaded, {_layers(reused)} reused, {_named(digest)}"


def unknown_line(names: Sequence[str]) -> str:
    """Say which layers keep the digest from being known."""
    if len(names) == 1:
        return f"layer {names[0]} is not made yet: its digest is not known"
    shown = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"layers {shown}{more} are not made yet: their digests are not known"


def megabytes(count: int) -> str:
    """Write bytes as people do: whole megabytes, or tenths below ten."""
    amount = count / 1e6
    return f"{amount:.0f} MB" if amount >= 9.95 or not count else f"{max(amount, 0.1):.1f} MB"


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _named(digest: str) -> str:
    return f"digest {digest}" if digest else "digest not known yet"


def _packages(values: Mapping[str, Any]) -> dict[str, str]:
    conda, pip = dict(values.get("packages") or {}), dict(values.get("pipPackages") or {})
    return {
        **{f"conda {name}": str(text) for name, text in conda.items()},
        **{f"pip {n}": str(v) for n, v in pip.items()},
    }
