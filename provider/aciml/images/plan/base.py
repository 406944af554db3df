"""Pin what a base stands on, and judge what is known of it before anything is built."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from ...core.credentials import Credentials
from ...core.errors import Finding, OutageError, UserError
from ...core.progress import Progress
from ...core.reference import Reference
from ...core.stages import SCRATCH, is_known_image
from ..remote.base import BaseImages, NotKnownYet, base_images, place_of
from ..server_needs import OLDEST_PYTHON
from ..tools import Tools
from .dockerfile import Draft, dockerfile_of, is_certain, known_images, pin_images, read_draft
from .sources import wants_packages

if TYPE_CHECKING:
    from ...core.image import Image


Values = dict[str, Any]
FRESH = 900  # seconds in which an answer from outside holds, so that `up` does what its preview showed


def with_base_login(tools: Tools, values: Values, unknown: Collection[str] = ()) -> Tools:
    """Return the tools that logs in where the base is with the account that is given for it, and nowhere else."""
    username, password = (str(values.get(name, "")) for name in ("baseUsername", "basePassword"))
    if not username:
        return tools
    image = str(values.get("baseImage", ""))
    if not image and any(values.get(name) for name in ("dockerfile", "dockerfileText")):
        draft = read_draft(values, unknown)[0]
        image = draft.dockerfile.base if draft else SCRATCH
    if image in ("", SCRATCH) or not is_known_image(image):
        return tools
    account = Credentials(username, password)
    return tools.with_base_account(Reference.parse(image).registry, account)


def pin_dockerfile(tools: Tools, old: Values, new: Values, progress: Progress, unknown: Collection[str] = ()) -> Values:
    """Return ``baseImages``, ``baseKey`` and ``glibc``; images that were pinned last time keep their digests.

    What depends on one of the inputs in ``unknown`` is left out.

    Raises:
        UserError: an image is not there, or no glibc can be found below the wanted stage.
    """
    where = "dockerfile" if new.get("dockerfile") else "dockerfileText"
    draft, findings = read_draft(new, unknown)
    bases, pinned = base_images(tools, unknown), Values()

    def resolve(text: str) -> str:
        return recent(tools, "base-tag", text, lambda: bases.resolve(text, progress))

    try:
        if draft is None or findings:
            return {}  # it was judged a moment ago; whoever changed it is told by the next check
        texts, all_known = known_images(draft, unknown)
        images = pin_images(texts, old, resolve, refresh=new.get("refreshBase") is True)
        if "refreshBase" in unknown and images != pin_images(texts, old, resolve, refresh=True):
            return {}
        pinned |= {"baseImages": images} if all_known else {}
        pinned |= {"baseKey": draft.key(images)} if all_known and is_certain(draft, unknown) else {}
        if "glibc" not in unknown:
            pinned |= _glibc(bases, draft, images, old, new, progress, unknown)
    except NotKnownYet:
        pass  # the rest is what is known
    except UserError as error:
        told = BaseError(error.message, error.advice)
        told.where = where
        raise told from error
    return pinned


def _glibc(
    bases: BaseImages,
    draft: Draft,
    images: dict[str, str],
    old: Values,
    new: Values,
    progress: Progress,
    unknown: Collection[str],
) -> Values:
    """Return the glibc of the image below the wanted stage: what a Dockerfile adds to it rarely brings another."""
    if "glibc" in new:
        return {"glibc": new["glibc"]}
    if not wants_packages(new, unknown):
        return {}
    base = draft.dockerfile.base
    if "buildTarget" in unknown or not is_known_image(base):
        return {}
    if old.get("glibc") and (old.get("baseImages") or {}).get(base) == images.get(base):
        return {"glibc": old["glibc"]}
    if base == SCRATCH:
        advice = "set glibc in the environment's config, such as glibc: '2.36'"
        raise UserError("the Dockerfile stands on scratch, so that nobody can look up its glibc", advice)
    return {"glibc": bases.glibc(Reference.parse(base).at(images[base]), progress, place_of(new))}


def judge_python(values: Values) -> list[Finding]:
    """Report a Python that is too old for the scoring server."""
    packages = values.get("packages") or {}
    version = str(packages.get("python", "")).split(" ")[0]
    try:
        too_old = bool(version) and Version(version) < Version(OLDEST_PYTHON)
    except InvalidVersion:
        return []
    if not too_old:
        return []
    why = f"the environment has Python {version}, but the scoring server that is put into every image needs"
    where = next((name for name in ("condaFile", "explicitFile") if values.get(name)), "condaFile")
    return [Finding(where, f"{why} {OLDEST_PYTHON} or newer; ask for a newer python")]


def count_base_layers(tools: Tools, values: Mapping[str, Any]) -> int:
    """Return how many layers the base has; for a Dockerfile that was not built yet, how many it can have at most.

    Raises:
        AcimlError: the Dockerfile changed since it was checked, or the base's registry does not answer.
        KeyError: the base is not pinned.
    """
    made = dockerfile_of(dict(values))
    if made is None:
        reference = Reference.parse(str(values["baseImage"])).at(str(values["baseDigest"]))
        return len(BaseImages(tools).image(reference).layers)
    return len(BaseImages(tools).image(made.below).layers) + made.dockerfile.most_layers


def judge_base_size(tools: Tools, values: Values) -> list[Finding]:
    """Report a base that alone is larger than an image may be on the target; an outage is not judged."""
    limit = tools.target.largest_image()
    if not limit or not values.get("baseDigest"):
        return []
    reference = Reference.parse(str(values["baseImage"])).at(str(values["baseDigest"]))
    try:
        warning = size_warning(BaseImages(tools).image(reference), limit)
    except OutageError:
        return []
    return [Finding("baseImage", f"{warning}; choose a smaller base")] if warning else []


def size_warning(image: Image, limit: int) -> str:
    """Return what to say of an image that is larger than the target starts; empty if it is not.

    Args:
        image: whose layers count, compressed.
        limit: bytes; 0 if there is none.
    """
    size = sum(layer.size for layer in image.layers)
    if not limit or size <= limit:
        return ""
    return f"the image has {size / 1e9:.1f} GB of layers, and what runs it starts images up to {limit / 1e9:.0f} GB"


class BaseError(UserError):
    """The base image is at fault; ``where`` is its property path."""

    where = "baseImage"


def pin_base(tools: Tools, old: Values, new: Values, progress: Progress, unknown: Collection[str] = ()) -> Values:
    """Return ``baseDigest`` and ``glibc``; those of last time if the reference is the same.

    With ``refreshBase`` the tag is asked again, at most once in ``FRESH`` seconds. What depends on one of the inputs
    in ``unknown`` is left out.

    Raises:
        BaseError: there is no such image, or its glibc cannot be found.
    """
    bases, text = base_images(tools, unknown), str(new["baseImage"])
    found: Values = {}
    try:
        found["baseDigest"] = _digest_of(tools, bases, old, new, text, progress, doubtful="refreshBase" in unknown)
        if "glibc" not in unknown:
            base = Reference.parse(text).at(found["baseDigest"])
            found |= _glibc_of(bases, old, new, base, progress, wanted=wants_packages(new, unknown))
    except NotKnownYet:
        pass  # the rest is what is known
    except UserError as error:
        raise BaseError(error.message, error.advice) from error
    return found


def _digest_of(
    tools: Tools, bases: BaseImages, old: Values, new: Values, text: str, progress: Progress, *, doubtful: bool
) -> str:
    """Return the digest of the base; ``doubtful``: whether to look again is not known, so both must be the same."""
    kept = str(old.get("baseDigest", "")) if old.get("baseImage") == text else ""
    if kept and not doubtful and new.get("refreshBase") is not True:
        return kept
    # asked for a digest too: it may be that of an index, and what is built on is one platform's manifest
    now = recent(tools, "base-tag", text, lambda: bases.resolve(text, progress))
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


def has_moved(tools: Tools, known: Values, progress: Progress) -> bool:
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
            now = BaseImages(tools).resolve(text, progress)
            tools.catalog.put_fact("base-tag", text, json.dumps([time.time(), now]))
            moved |= now != before
    return moved


def recent(tools: Tools, namespace: str, key: str, ask: Callable[[], str]) -> str:
    """Return the answer of a moment ago, or ask: the preview and the update that follows must agree."""
    stored = tools.catalog.get_fact(namespace, key)
    if stored:
        answered, answer = json.loads(stored)
        if 0 <= time.time() - answered < FRESH:
            return str(answer)
    answer = ask()
    tools.catalog.put_fact(namespace, key, json.dumps([time.time(), answer]))
    return answer
