"""Pin what a recipe names: the base to a digest, the packages to files. What did not change keeps its pin."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from typing import Any

from packaging.utils import parse_wheel_filename

from ..conda.lock import CondaLock
from ..conda.solve import relock
from ..core.errors import UserError
from ..core.image import canonical_json, sha256_digest
from ..core.limits import limits_of
from ..core.progress import Progress, Silent
from ..core.reference import Reference
from ..pip.known import recall
from ..pip.lines import asked_for
from ..pip.resolve import PIP, PipPackage, bare_package
from .base import BaseImages, NotKnownYet, base_images
from .environment import Recipe
from .locked import LockError, locked_by_file, resolve_pip, solve_anew
from .packages import PACKAGE_FILES, wants_packages
from .recipe import Sources, read_sources
from .told import place_of
from .workshop import Workshop

Values = dict[str, Any]
FRESH = 900  # seconds in which an answer from outside holds, so that `up` does what its preview showed


class BaseError(UserError):
    """The base image is at fault; ``where`` is its property path."""

    where = "baseImage"


def pin_base(shop: Workshop, old: Values, new: Values, progress: Progress, unknown: Collection[str] = ()) -> Values:
    """Return ``baseDigest`` and ``glibc``; those of last time if the reference is the same.

    With ``refreshBase`` the tag is asked again, at most once in ``FRESH`` seconds. What depends on one of the inputs
    in ``unknown`` is left out.

    Raises:
        BaseError: there is no such image, or its glibc cannot be found.
    """
    bases, text = base_images(shop, unknown), str(new["baseImage"])
    found: Values = {}
    try:
        found["baseDigest"] = _digest_of(shop, bases, old, new, text, progress, doubtful="refreshBase" in unknown)
        if "glibc" not in unknown:
            base = Reference.parse(text).at(found["baseDigest"])
            found |= _glibc_of(bases, old, new, base, progress, wanted=wants_packages(new, unknown))
    except NotKnownYet:
        pass  # the rest is what is known
    except UserError as error:
        raise BaseError(error.message, error.advice) from error
    return found


def _digest_of(
    shop: Workshop, bases: BaseImages, old: Values, new: Values, text: str, progress: Progress, *, doubtful: bool
) -> str:
    """Return the digest of the base; ``doubtful``: whether to look again is not known, so both must be the same."""
    kept = str(old.get("baseDigest", "")) if old.get("baseImage") == text else ""
    if kept and not doubtful and new.get("refreshBase") is not True:
        return kept
    # asked for a digest too: it may be that of an index, and what is built on is one platform's manifest
    now = recent(shop, "base-tag", text, lambda: bases.resolve(text, progress))
    if kept and doubtful and kept != now:
        raise NotKnownYet(f"which {text} is meant")
    return now


def _glibc_of(
    bases: BaseImages, old: Values, new: Values, base: Reference, progress: Progress, *, wanted: bool
) -> Values:
    if "glibc" in new:
        return {"glibc": new["glibc"]}
    if old.get("baseDigest") == base.digest and old.get("glibc"):
        return {"glibc": old["glibc"]}
    if not wanted:
        return {}
    return {"glibc": bases.glibc(base, progress, place_of(new))}


def has_moved(shop: Workshop, known: Values, progress: Progress) -> bool:
    """Ask what the tags of the base, or of its Dockerfile, mean now; the check after it gets the same answers.

    Raises:
        AcimlError: the registry of a base does not answer, or no longer has it.
    """
    pinned = dict(known.get("baseImages") or {})
    if known.get("baseImage") and known.get("baseDigest"):
        pinned[str(known["baseImage"])] = str(known["baseDigest"])
    moved = False
    for text, before in pinned.items():
        if not Reference.parse(text).digest:
            now = BaseImages(shop).resolve(text, progress)
            shop.catalog.put_fact("base-tag", text, json.dumps([time.time(), now]))
            moved |= now != before
    return moved


class PackagesError(UserError):
    """The packages cannot be had; ``where`` is the property that names the file that asks for them."""

    def __init__(self, error: UserError, where: str) -> None:
        """Say the same of a place."""
        super().__init__(error.message, error.advice)
        self.where = where


def pin_packages(shop: Workshop, old: Values, inputs: Values, sources: Sources, progress: Progress) -> Values:
    """Return ``dependencies``, ``packages``, ``pipPackages`` and ``lock``; as last time if nothing asks for others.

    Raises:
        LockError: the lock file has to count, and is not what the files ask for.
        PackagesError: no set of packages satisfies the file.
    """
    try:
        return _pinned(shop, old, inputs, sources, progress)
    except LockError:
        raise
    except UserError as error:
        where = next((name for name in PACKAGE_FILES if inputs.get(name)), PACKAGE_FILES[0])
        raise PackagesError(error, where) from error


def _pinned(shop: Workshop, old: Values, inputs: Values, sources: Sources, progress: Progress) -> Values:
    if sources.conda is None:
        return {}
    wanted = dependencies(sources)
    limits = limits_of(inputs)
    if locked := locked_by_file(shop, inputs, sources, limits, progress):
        return {"dependencies": wanted, **locked.answer()}
    if old.get("dependencies") == wanted and _within(old, inputs) and old.get("lock"):
        kept = ("packages", "pipPackages", "lock")
        return {"dependencies": wanted, **{name: old[name] for name in kept if name in old}}
    facts = [limits.facts(), limits.exclude_newer]
    key = sha256_digest(canonical_json([wanted, facts, shop.settings.channels]))

    def solve() -> str:
        locked = solve_anew(shop, sources, limits, progress)
        if locked.took:
            progress.note(locked.took)
        return json.dumps(locked.answer())

    return {"dependencies": wanted, **json.loads(recent(shop, "solve", key, solve))}


def dependencies(sources: Sources) -> Values:
    """Return what is asked for; as long as it is the same, nothing is solved again."""
    if sources.conda is None:
        return {}
    wanted = sources.conda.fingerprint()
    wanted["pip"] = asked_for(sources.conda.pip, sources.folder)
    return wanted | ({"server": list(sources.server)} if sources.server else {})


def _within(old: Values, inputs: Values) -> bool:
    """Tell whether nothing asks to leave what was solved last time: neither the limits nor the mode."""
    return limits_of(old) == limits_of(inputs) and inputs.get("lockMode") != "refresh"


def recipe_of(shop: Workshop, inputs: Values, progress: Progress | None) -> Recipe:
    """Return the recipe that pinned inputs stand for.

    Raises:
        UserError: a file changed since it was checked, or a pinned package is no longer to be had.
    """
    sources = read_sources(inputs)
    from .dockerfile_base import dockerfile_of

    made = dockerfile_of(inputs)
    base = made.below if made else Reference.parse(str(inputs["baseImage"])).at(str(inputs["baseDigest"]))
    key = sources.steps_key(made.key if made else base.digest)
    if sources.findings or key != inputs.get("stepsKey", ""):
        raise UserError("the environment's files changed since they were checked", "run the same command again")
    if sources.conda is None:
        return Recipe(base, sources.steps, sources.context, key, inputs=_made_of(inputs), made=made)
    lines = [str(line) for line in inputs["lock"]]
    listener = progress or Silent()
    conda_lines = [line for line in lines if not line.startswith(PIP)]
    lock = relock(conda_lines, sources.conda, settings=shop.settings, progress=listener)
    wheels = [line for line in lines if line.startswith(PIP)]
    pip = _wheels(shop, sources, lock, wheels, inputs, listener) if wheels else ()
    return Recipe(
        base, sources.steps, sources.context, key, lock, pip, sources.conda.variables, _made_of(inputs), made=made
    )


def _made_of(inputs: Values) -> Values:
    """Return what an import needs to know: no path, no host, nothing of this machine."""
    names = (
        "baseImage",
        "baseDigest",
        "baseKey",
        "baseImages",
        "glibc",
        "stepsKey",
        "dependencies",
        "packages",
        "pipPackages",
        "lock",
    )
    return {name: inputs[name] for name in names if name in inputs}


def _wheels(
    shop: Workshop, sources: Sources, lock: CondaLock, lines: list[str], inputs: Values, progress: Progress
) -> tuple[PipPackage, ...]:
    """Return the pinned wheels: from this machine's catalog, else asked of the index again and compared."""
    from .knowing import is_layer_at_hand

    hashes = [line.rpartition("#sha256:")[2] for line in lines]
    asked = sources.conda.pip if sources.conda else ()
    known = recall(shop.catalog, hashes, asked, sources.folder)
    if known is not None:
        return known
    bare = tuple(bare_package(line) for line in lines)
    if is_layer_at_hand(shop, lock, bare, str(inputs.get("compression", ""))):
        return bare
    again = resolve_pip(shop, sources, lock, limits_of(inputs), progress, _versions(lines))
    found = {package.sha256: package for package in again}
    lost = [line for line, digest in zip(lines, hashes, strict=True) if digest not in found]
    if lost:
        raise UserError(f"{lost[0]} is pinned, but the index now answers with other files", "change the pip section")
    return tuple(found[digest] for digest in hashes)


def _versions(lines: list[str]) -> dict[str, str]:
    """Return what the lock's wheels are: newer ones that the index may have by now do not count."""
    names = (line.removeprefix(PIP).rpartition("#sha256:")[0] for line in lines)
    parsed = (parse_wheel_filename(name) for name in names)
    return {str(wheel[0]): str(wheel[1]) for wheel in parsed}


def recent(shop: Workshop, namespace: str, key: str, ask: Callable[[], str]) -> str:
    """Return the answer of a moment ago, or ask: the preview and the update that follows must agree."""
    stored = shop.catalog.get_fact(namespace, key)
    if stored:
        answered, answer = json.loads(stored)
        if 0 <= time.time() - answered < FRESH:
            return str(answer)
    answer = ask()
    shop.catalog.put_fact(namespace, key, json.dumps([time.time(), answer]))
    return answer
