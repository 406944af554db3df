"""What is known of an environment of which something is not known yet, and which inputs the rest waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..core.unknown import NOT_KNOWN
from ..model.environment import FIELDS
from ..model.unknowns import Seen, agreed, any_unknown, come_from_elsewhere, seen_of, unknown_paths
from ..properties import UNKNOWN, Values, is_unknown

if TYPE_CHECKING:
    from ..images.plan.sources import Sources
    from ..images.tools import Tools

LISTS = ("extraSteps", "lintOff")
_DOCKERFILE = ("dockerfile", "dockerfileText", "buildContext", "buildTarget", "buildArgs")
_BASE = ("baseImage", "baseUsername", "basePassword", "refreshBase", "caBundle", *_DOCKERFILE)
_STEPS = ("extraSteps", "extraStepsFile", "stepsContext")
_FILES = ("condaFile", "requirementsFile", "explicitFile")
_LIMITS = ("lockFile", "lockMode", "excludeNewer", "virtualPackages")
_PACKAGES = (*_FILES, *_LIMITS, "serverRequirements", "caBundle")
_FILLED_BASE, _FILLED_PACKAGES = ("baseDigest", "baseKey", "baseImages"), ("packages", "pipPackages", "lock")
_PLACE = ("loginServer", "repository")
_WAYS = ("builder", "sbom", "keepTags", "keepDays", "previewLayers", "lintOff", "buildSecrets")
_HOW = ("baseUsername", "basePassword", "refreshBase", "caBundle", *_LIMITS, "serverRequirements", "stepsContext")
_BESIDE = frozenset((*_PLACE, *_WAYS, *_HOW))
"""Inputs that the digest does not depend on, or only by way of what check fills."""


def seen_environment(inputs: Values) -> Seen:
    """Return what is known of an environment's inputs."""
    return seen_of(inputs, LISTS)


def pin_known(tools: Tools, old: Values, new: Values, sources: Sources, progress: Progress) -> Values:
    """Return inputs with all that check fills; what depends on an input that is not known yet is unknown.

    Raises:
        UserError: base or packages cannot be had.
        OutageError: a registry, channel or index does not answer.
    """
    inputs = {**new, **_base(tools, old, new, progress)}
    below = inputs.get("baseDigest") if "baseDigest" in inputs else inputs["baseKey"]
    if not sources.steps and sources.steps_known:
        inputs["stepsKey"] = ""
    else:
        known = sources.steps_known and not is_unknown(below)
        inputs["stepsKey"] = sources.steps_key(str(below)) if known else UNKNOWN
    return {**inputs, **_packages(tools, old, inputs, sources, progress)}


def _base(tools: Tools, old: Values, new: Values, progress: Progress) -> Values:
    from ..images.plan.base import pin_base, pin_dockerfile
    from ..images.plan.sources import wants_packages

    seen, found = seen_environment(new), Values()
    of_image = bool(seen.values.get("baseImage")) or "baseImage" in seen.unknown
    names = [*(("baseDigest",) if of_image else ("baseImages", "baseKey"))]
    names += ["glibc"] if wants_packages(seen.values, seen.unknown) else []
    try:
        if seen.values.get("baseImage"):
            found = pin_base(tools, old, seen.values, progress, seen.unknown)
        elif not of_image and not {"dockerfile", "dockerfileText"} & seen.unknown:
            found = pin_dockerfile(tools, old, seen.values, progress, seen.unknown)
    except OutageError:
        if "caBundle" not in seen.unknown:  # with it there may be an answer
            raise
    if any_unknown(new, _BASE):
        found = {**dict.fromkeys(names, UNKNOWN), **found}
    return {name: value for name, value in found.items() if name not in new}  # what is given may be a secret


def _packages(tools: Tools, old: Values, inputs: Values, sources: Sources, progress: Progress) -> Values:
    from ..images.plan.packages import dependencies, pin_packages

    seen = seen_environment(inputs)
    waiting = dict.fromkeys(_FILLED_PACKAGES, UNKNOWN)
    if any(name in seen.unknown for name in _FILES):
        return {"dependencies": UNKNOWN, **waiting}
    if sources.conda is None:
        return {}

    def answer(values: Values, read: Sources) -> Values:
        if _waits_for_limits(values, seen.unknown):
            return {"dependencies": dependencies(read), **waiting}
        return pin_packages(tools, old, values, read, progress)

    try:
        return agreed(_each_way(seen, sources, answer))
    except OutageError:
        if "caBundle" not in seen.unknown:
            raise
        return {"dependencies": dependencies(sources), **waiting}


def _waits_for_limits(values: Values, unknown: frozenset[str]) -> bool:
    """Tell whether what bounds the packages is not known: the base's C library, a time, the file of a lock."""
    virtual = dict(values.get("virtualPackages") or {})
    by_lock = "lockFile" in unknown and values.get("lockMode") != "refresh"
    by_glibc = "glibc" in unknown and "__glibc" not in virtual
    return bool({"excludeNewer", "virtualPackages"} & unknown) or NOT_KNOWN in virtual.values() or by_lock or by_glibc


def _each_way(seen: Seen, sources: Sources, answer: Callable[[Values, Sources], Values]) -> list[Values]:
    """Return the answers for all that an unknown word may say; with none that can be had, what the first one lacks.

    A lock that is frozen answers like ``auto``, or not at all.
    """
    from ..images.plan.sources import with_server

    modes = ({"lockMode": "auto"}, {"lockMode": "refresh"}) if "lockMode" in seen.unknown else ({},)
    needs = (True, False) if "serverRequirements" in seen.unknown else (None,)
    found: list[Values] = []
    failed: list[UserError] = []
    for mode in modes:
        for wanted in needs:
            read = sources if wanted is None else with_server(sources, wanted=wanted)
            try:
                found.append(answer({**seen.values, **mode}, read))
            except UserError as error:
                failed.append(error)
    if not found:
        raise failed[0]
    return found if not failed else [*found, {}]


def judged_values(inputs: Values) -> Values:
    """Return what can be judged of pinned inputs: with a choice that is not known yet no link script is refused."""
    seen = seen_environment(inputs)
    return {**seen.values, **({"postLink": "ignore"} if "postLink" in seen.unknown else {})}


def is_digest_known(inputs: Values) -> bool:
    """Tell whether all that the image is made of is known; where it goes does not matter."""
    return not any(is_unknown(inputs.get(name)) for name in FIELDS if name not in _BESIDE)


def waiting_line(old: Values, inputs: Values) -> str:
    """Say what is not known yet, and for which inputs it waits; empty if the digest waits for nothing."""
    from ..images.build.summary import PackageCount

    if is_digest_known(inputs):
        return ""
    packages, image = _causes(inputs, _package_names(inputs)), _causes(inputs, _image_names(inputs))
    if not is_unknown(inputs.get("lock")):
        count = f"{PackageCount.between(old, inputs)}; " if inputs.get("lock") else ""
        return f"{count}the image's digest is not known yet: {come_from_elsewhere(image)}"
    if packages == image:
        return f"the packages and the image's digest are not known yet: {come_from_elsewhere(packages)}"
    said = f"the packages are not known yet: {come_from_elsewhere(packages)}"
    return f"{said}; nor is the image's digest: {come_from_elsewhere(image)}"


def _causes(inputs: Values, names: Iterable[str]) -> list[str]:
    return unknown_paths({name: inputs[name] for name in names if name in inputs})


def _package_names(inputs: Values) -> Sequence[str]:
    return (*_PACKAGES, *_glibc_names(inputs))


def _glibc_names(inputs: Values) -> Sequence[str]:
    """Return what an unknown C library waits for: the base, or the input itself."""
    if not is_unknown(inputs.get("glibc")):
        return ()
    return _BASE if _causes(inputs, _BASE) else ("glibc",)


def _image_names(inputs: Values) -> Sequence[str]:
    names = ["compression", "postLink", *_glibc_names(inputs)]
    for filled, causes in (
        (_FILLED_BASE, _BASE),
        (("stepsKey",), _STEPS),
        (("dependencies", "lock"), _package_names(inputs)),
    ):
        if any(is_unknown(inputs.get(name)) for name in filled):
            names += causes
    return tuple(dict.fromkeys(names))
