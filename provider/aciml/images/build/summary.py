"""One line that says what an environment's change is and costs, for a preview and for an update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...core.image import Layer
from ...core.unknown import NOT_KNOWN
from ...model.environment import FILES, Environment, Pins
from ...model.unknowns import come_from_elsewhere, gaps
from ..plan.pins import OF_BASE

# a change of these is another base, which the line names by tag and digest
_BASE_PINS = ("base_digest", "base_key", "base_images")
_PACKAGE_PINS = ("dependencies", "packages", "pip_packages", "lock")
_OWN_PINS = ("python", "server_lock")
# what waits for steps is said by what the user wrote, not by their key
_STEPS = ("extra_steps", "extra_steps_file", "steps_context")
_BOUNDS = ("lock_file", "lock_mode", "exclude_newer", "index_strategy", "virtual_packages", "server_requirements")
_NAMED = 5  # layers that are named one by one; more of them are counted
_PACKAGES_NAMED = 20
"""Packages that are named line by line in a row of a preview; ``--diff`` names all."""


@dataclass(frozen=True)
class PackageCount:
    """How many packages come, change and go; conda's and pip's together."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0

    @classmethod
    def between(cls, old: Pins, new: Pins) -> PackageCount:
        """Compare the pins of two environments; no old ones means that every package comes."""
        before, after = _packages(old), _packages(new)
        # conda's and pip's by one prefix each: a package may move from one to the other
        both = before.keys() & after.keys()
        changed = sum(before[name] != after[name] for name in both)
        return cls(len(after) - len(both), changed, len(before) - len(both), len(both) - changed)

    def __str__(self) -> str:
        """Write it as ``+2 ~1 -0 packages``."""
        if not (self.added or self.changed or self.removed):
            return "the same packages" if self.same else "no packages"
        return f"+{self.added} ~{self.changed} -{self.removed} packages"


@dataclass(frozen=True)
class Cost:
    """What a registry lacks of an image, in bytes; how many of its layers it has; how many are still to be made.

    ``packages`` are the bytes of the package files that these are made of.
    """

    bytes: int = 0
    reused: int = 0
    to_make: int = 0
    packages: int = 0

    @classmethod
    def of(cls, layers: Iterable[Layer], present: Iterable[str], to_make: int = 0, packages: int = 0) -> Cost:
        """Count the layers whose digests are not ``present``; the same layer twice is sent once."""
        # one digest twice is one upload (distribution-spec: blobs are by digest)
        there, unique = set(present), {layer.digest: layer.size for layer in layers}
        missing = [size for digest, size in unique.items() if digest not in there]
        return cls(sum(missing), len(unique) - len(missing), to_make, packages)


def change_lines(before: Environment, now: Environment) -> list[str]:
    """Say which base and which packages an environment had and will have; nothing of one that is new, or not known.

    One text for all packages, a line each: a line of a log of its own for each would be thinned out on its way.
    """
    lines = [*_base_line(before, now)]
    # none of a new environment: all of its packages come, which the count says
    if changes := package_changes(before.pins, now.pins):
        more = [f"and {len(changes) - _PACKAGES_NAMED} more"] if len(changes) > _PACKAGES_NAMED else []
        lines.append("\n  ".join(["packages:", *changes[:_PACKAGES_NAMED], *more]))
    return lines


def package_changes(old: Pins, new: Pins) -> list[str]:
    """Return ``numpy 1.26.4 -> 2.1.3``, ``+ scipy 1.15`` or ``- attrs 25.1 (pip)`` for each package that differs.

    Of a conda package the build is said if it is all that differs. None if there were no packages, or they are not
    known yet.
    """
    if not (old.packages or old.pip_packages) or new.is_unsure("packages", "pip_packages"):
        return []
    before, after = _packages(old), _packages(new)
    # by name and then by kind: a package that moves from conda to pip has its two lines beside one another
    names = sorted(before.keys() | after.keys(), key=lambda one: (one.partition(" ")[2], one))
    return [
        _package_change(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ]


# the prefix is ours; the name alone is what people call it
def _package_change(name: str, before: str, after: str) -> str:
    kind, _, called = name.partition(" ")
    by = " (pip)" if kind == "pip" else ""
    was, is_now = (text.partition(" ")[0] for text in (before, after))
    if not before:
        return f"+ {called} {is_now}{by}"
    if not after:
        return f"- {called} {was}{by}"
    # the version alone is what people read; the build only where nothing else differs
    return f"{called} {before} -> {after}{by}" if was == is_now else f"{called} {was} -> {is_now}{by}"


def _base_line(before: Environment, now: Environment) -> Iterator[str]:
    """Say the tags and digests of another base; of a Dockerfile those of the images that it names."""
    # of one name both digests, of two names both names
    was, is_now = _bases(before), _bases(now)
    for name in sorted(was.keys() & is_now.keys()):
        if was[name] != is_now[name]:
            yield f"base {name}: {was[name]} -> {is_now[name]}"
    gone, come = ([f"{name}@{one[name]}" for name in sorted(one.keys() - other.keys())] for one, other in
                  ((was, is_now), (is_now, was)))  # fmt: skip
    if gone and come:
        yield f"base {', '.join(gone)} -> {', '.join(come)}"


def _bases(environment: Environment) -> dict[str, str]:
    base, pins = environment.base, environment.pins
    if base.base_image and pins.base_digest:
        return {base.base_image: pins.base_digest}
    # a base that a Dockerfile names by an argument may be unknown yet
    return {name: digest for name, digest in (pins.base_images or {}).items() if digest != NOT_KNOWN}


def size_line(before: int, after: int, *, sure: bool) -> str:
    """Say the compressed bytes of all layers before and after; ``before`` is 0 for an image that is new.

    ``sure`` False: some layers are not made yet, and the size of the package files stands for theirs.
    """
    size = f"{'' if sure else 'about '}{megabytes(after)}"
    if not before:
        return f"size of the image: {size}"
    # as it is shown: a few bytes more or less are the same to whoever reads megabytes
    if sure and megabytes(before) == size:
        return f"size of the image: {size}, as before"
    return f"size of the image: {megabytes(before)} -> {size}"


def preview_line(packages: PackageCount, cost: Cost, digest: str) -> str:
    """Say what an update would do; the digest is empty if it is not known before layers are made."""
    upload = f"{megabytes(cost.bytes)} to upload"
    if cost.to_make:
        of_packages = f" of {kilobytes(cost.packages)} of packages" if cost.packages else ""
        # package files stand for what layers of them will be: about as much
        make = f"{_layers(cost.to_make)} to make{of_packages}"
        upload = f"{make}, {upload} besides" if cost.bytes else make
    return f"{packages}, {upload}, {_layers(cost.reused)} reused, {_named(digest)}"


def update_line(packages: PackageCount, uploaded: int, reused: int, digest: str) -> str:
    """Say what an update did; ``uploaded`` in bytes."""
    return f"{packages}, {megabytes(uploaded)} uploaded, {_layers(reused)} reused, {_named(digest)}"


def unknown_line(names: Sequence[str]) -> str:
    """Say which layers keep the digest from being known."""
    if len(names) == 1:
        return f"layer {names[0]} is not made yet: its digest is not known"
    # five names fill a line
    shown = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"layers {shown}{more} are not made yet: their digests are not known"


def waiting_line(before: Environment, now: Environment) -> str:
    """Say what is not known yet, and for which inputs it waits; empty if the digest waits for nothing."""
    if _is_digest_known(now):
        return ""
    packages, image = _causes(now, packages=True), _causes(now, packages=False)
    # the files are known, so the count of packages is; only the image waits
    if not now.pins.is_unsure("lock"):
        # a count of packages is true whatever the image waits for
        count = f"{PackageCount.between(before.pins, now.pins)}; " if now.pins.lock else ""
        return f"{count}the image's digest is not known yet: {come_from_elsewhere(image)}"
    if packages == image:
        return f"the packages and the image's digest are not known yet: {come_from_elsewhere(packages)}"
    said = f"the packages are not known yet: {come_from_elsewhere(packages)}"
    return f"{said}; nor is the image's digest: {come_from_elsewhere(image)}"


def _is_digest_known(now: Environment) -> bool:
    """Tell whether all that the image is made of is known.

    Where it goes does not matter, nor does who asks; what else is left out counts by way of a pin that waits for it.
    """
    base = ("base_image", "glibc", "dockerfile", "dockerfile_text", "build_context", "build_target", "build_args")
    return not any(
        (
            *gaps(now.base, *base),
            *gaps(now.steps, "extra_steps", "extra_steps_file"),
            *gaps(now.packages, *FILES, "post_link"),
            *gaps(now.layers, "compression", "slim"),
            *gaps(now.pins, *_BASE_PINS, "steps_key", *_PACKAGE_PINS, *_OWN_PINS),
        )
    )


def _causes(now: Environment, *, packages: bool) -> list[str]:
    """Return the paths of the inputs that packages, or the image, wait for, in the order of their names."""
    of_base = [*gaps(now.base, *OF_BASE), *gaps(now.steps, "ca_bundle")]
    # the glibc waits for the base: people gave that one, and the other not
    of_glibc = (of_base or gaps(now.base, "glibc")) if now.base.is_unsure("glibc") else []
    of_packages = [*gaps(now.packages, *FILES, *_BOUNDS), *gaps(now.steps, "ca_bundle"), *of_glibc]
    paths = of_packages
    if not packages:
        paths = [*gaps(now.layers, "compression", "slim"), *gaps(now.packages, "post_link"), *of_glibc]
        paths += of_base if gaps(now.pins, *_BASE_PINS) else []
        paths += gaps(now.steps, *_STEPS) if gaps(now.pins, "steps_key") else []
        paths += of_packages if gaps(now.pins, "dependencies", "lock") else []
        own = gaps(now.packages, "interpreter_path", "server_requirements")
        paths += own if gaps(now.pins, *_OWN_PINS) else []
    # by the name alone: items of a list stay in their order, extraSteps[2] before extraSteps[10]
    return sorted(dict.fromkeys(paths), key=lambda path: path.partition("[")[0])


def megabytes(count: int) -> str:
    """Write bytes as people do: whole megabytes, or tenths below ten."""
    amount = count / 1e6
    # what is something is never shown as nothing
    return f"{amount:.0f} MB" if amount >= 9.95 or not count else f"{max(amount, 0.1):.1f} MB"


def kilobytes(count: int) -> str:
    """Write bytes as ``megabytes`` does, and less than one of them in kilobytes: a small package is that big."""
    return megabytes(count) if count >= 1e6 else f"{max(round(count / 1e3), 1)} KB"


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _named(digest: str) -> str:
    return f"digest {digest}" if digest else "digest not known yet"


def _packages(pins: Pins) -> dict[str, str]:
    conda, pip = pins.packages or {}, pins.pip_packages or {}
    # conda's text has a build behind its version, pip's has none
    return {
        **{f"conda {name}": text for name, text in conda.items()},
        **{f"pip {name}": version for name, version in pip.items()},
    }
