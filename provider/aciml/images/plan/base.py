"""Pin what a base stands on, and judge what is known of it before anything is built."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from ...core.credentials import Credentials
from ...core.errors import Finding, OutageError, UserError
from ...core.interpreter import OLDEST_PYTHON
from ...core.lean import lean
from ...core.progress import Progress
from ...core.reference import SCRATCH, Reference
from ...core.stages import is_known_image
from ...model.environment import Base, Environment
from ..remote.base import BaseImages, NotKnownYet, base_images
from ..tools import Tools
from .dockerfile import Draft, dockerfile_of, is_certain, known_images, pin_images, read_draft
from .lock import LockError, base_faults, lock_path, locked_bases

if TYPE_CHECKING:
    from ...core.image import Image

FRESH = 900
"""Seconds in which an answer from outside holds, so that `up` does what its preview showed."""


@lean(frozen=True)
class FoundBase:
    """What was found of a base: its digest, or digests and key of a Dockerfile, and its glibc; None is not known."""

    digest: str | None = None
    key: str | None = None
    images: Mapping[str, str] | None = None
    glibc: str | None = None


class BaseError(UserError):
    """The base image is at fault; ``where`` is its property path."""

    def __init__(self, error: UserError, where: str) -> None:
        """Say the same of a place."""
        super().__init__(error.message, error.advice)
        self.where = where


def with_base_login(tools: Tools, base: Base) -> Tools:
    """Return tools that log in where the base is with the account that is given for it, and nowhere else."""
    if not base.base_username:
        return tools
    image = base.base_image or ""
    if not image and base.has_dockerfile:
        draft = read_draft(base)[0]
        image = draft.dockerfile.base if draft else SCRATCH
    if image in ("", SCRATCH) or not is_known_image(image):
        return tools
    # for one host: in a Dockerfile there are others, which get what Docker's config has (decisions/base-images.md)
    account = Credentials(base.base_username, base.base_password or "")
    return tools.with_base_account(Reference.parse(image).registry, account)


def find_base(tools: Tools, before: Environment, now: Environment, progress: Progress) -> FoundBase:
    """Return what is known of the base, an image or a Dockerfile; what did not change keeps its pin.

    What depends on an input that is not known yet is left out.

    Raises:
        BaseError: an image is not there, or no glibc can be found.
        OutageError: a registry does not answer.
    """
    if now.base.base_image:
        return find_image(tools, before, now, progress)
    if not now.base.is_unsure("base_image", "dockerfile", "dockerfile_text"):
        return find_dockerfile(tools, before, now, progress)
    return FoundBase()


def find_image(tools: Tools, before: Environment, now: Environment, progress: Progress) -> FoundBase:
    """Return digest and glibc of the base image: locked ones, else those of last time if the reference is the same.

    With ``refreshBase`` the tag is asked again, at most once in ``FRESH`` seconds; a lock file that counts wins.

    Raises:
        BaseError: there is no such image, or its glibc cannot be found.
    """
    bases, text = base_images(tools, now.base), now.base.base_image or ""
    digest: str | None = None
    try:
        digest = _digest_of(tools, bases, before, now, text, progress)
        return FoundBase(digest, glibc=_glibc_of_image(bases, before, now, Reference.parse(text).at(digest), progress))
    except NotKnownYet:
        return FoundBase(digest)  # the rest is what is known
    except LockError:
        raise
    except UserError as error:
        raise BaseError(error, now.base.at("base_image")) from error


def _digest_of(
    tools: Tools, bases: BaseImages, before: Environment, now: Environment, text: str, progress: Progress
) -> str:
    """Return the digest of the base; if nobody knows whether to look again, both ways must say the same."""
    kept = before.pins.base_digest if before.base.base_image == text else None
    if locked := _locked(now, text):
        # known to be there since it was pinned last time
        if locked != kept:
            _see_that_it_is_there(bases, now, text, locked)
        return locked
    doubtful = now.base.is_unsure("refresh_base")
    if kept and not doubtful and not now.base.refresh_base:
        return kept
    # asked for a digest too: it may be that of an index, and what is built on is one platform's manifest
    found = recent(tools, "base-tag", text, lambda: bases.resolve(text, progress))
    # both answers of an unknown refreshBase lead to the same digest only then: else the preview would guess
    if kept and doubtful and kept != found:
        raise NotKnownYet(f"which {text} is meant")
    _tell_what_was_found(now, text, found, progress)
    return found


def _locked(now: Environment, text: str) -> str:
    """Return the digest that the lock file has of a base; empty if it has none.

    Raises:
        LockError: the mode is frozen, and the lock names other bases.
        NotKnownYet: whether the lock counts is not known.
    """
    # a digest does not move, and is in no lock
    bases = {} if Reference.parse(text).digest else locked_bases(now.packages)
    if bases and now.packages.is_unsure("lock_mode", "lock_file"):
        raise NotKnownYet(f"whether the lock file counts for {text}")
    if now.packages.lock_mode == "frozen" and (faults := base_faults(bases, [text])):
        raise LockError(f"{lock_path(now.packages)}: {faults[0]}", "write it again: aciml lock")
    return bases.get(text, "")


def _see_that_it_is_there(bases: BaseImages, now: Environment, text: str, digest: str) -> None:
    """Look at a base by the digest that the lock has of it.

    Raises:
        LockError: its registry has it no more.
    """
    try:
        bases.image(Reference.parse(text).at(digest))
    except UserError as error:
        why = f"{lock_path(now.packages)} has {digest[:19]} for {text}, which cannot be had: {error.message}"
        raise LockError(why, "write it again: aciml lock") from error


def _tell_what_was_found(now: Environment, text: str, digest: str, progress: Progress) -> None:
    """Name the digest of a tag that nothing pins: an update elsewhere or later may find another one."""
    if Reference.parse(text).digest:
        return
    if lock_path(now.packages) is None:
        progress.note(f"the base {text} is {digest} now; write {text}@{digest} to stay with it")
    else:
        progress.note(f"the base {text} is {digest} now; aciml lock writes it down, so that it is the same later")


def _glibc_of_image(
    bases: BaseImages, before: Environment, now: Environment, base: Reference, progress: Progress
) -> str | None:
    if now.base.glibc is not None or now.base.is_unsure("glibc"):
        return now.base.glibc
    if before.pins.base_digest == base.digest and before.base.glibc:
        return before.base.glibc
    if not now.packages.are_wanted:
        return None  # the C library bounds what the solver may choose, and nothing else
    return bases.glibc(base, progress, now.place)


def find_dockerfile(tools: Tools, before: Environment, now: Environment, progress: Progress) -> FoundBase:
    """Return digests, key and glibc of a Dockerfile's base; images that were pinned last time keep their digests.

    Raises:
        BaseError: an image is not there, or no glibc can be found below the wanted stage.
    """
    draft, findings = read_draft(now.base)
    if draft is None or findings:
        return FoundBase()  # it was judged a moment ago; whoever changed it is told by the next check
    bases, kept = base_images(tools, now.base), before.pins.base_images or {}

    def resolve(text: str) -> str:
        digest = recent(tools, "base-tag", text, lambda: bases.resolve(text, progress))
        _tell_what_was_found(now, text, digest, progress)
        return digest

    found = FoundBase()
    try:
        texts, all_known = known_images(draft, now.base)
        locked = {text: digest for text in texts if (digest := _locked(now, text))}
        images = pin_images(texts, kept, resolve, locked, refresh=now.base.refresh_base)
        # as with a single base: what would differ by an input that is not known is not known
        if now.base.is_unsure("refresh_base") and images != pin_images(texts, kept, resolve, locked, refresh=True):
            return found
        if all_known:
            key = draft.key(images) if is_certain(draft, now.base) else None
            found = FoundBase(key=key, images=images)
        return replace(found, glibc=_glibc_below(bases, draft, images, before, now, progress))
    except NotKnownYet:
        return found  # the rest is what is known
    except LockError:
        raise
    except UserError as error:
        raise BaseError(error, now.base.dockerfile_property) from error


def _glibc_below(
    bases: BaseImages,
    draft: Draft,
    images: Mapping[str, str],
    before: Environment,
    now: Environment,
    progress: Progress,
) -> str | None:
    """Return the glibc of the image below the wanted stage: what a Dockerfile adds to it rarely brings another."""
    if now.base.glibc is not None or now.base.is_unsure("glibc"):
        return now.base.glibc
    base = draft.dockerfile.base
    if not now.packages.are_wanted or now.base.is_unsure("build_target") or not is_known_image(base):
        return None
    if before.base.glibc and (before.pins.base_images or {}).get(base) == images.get(base):
        return before.base.glibc
    if base == SCRATCH:
        advice = "set glibc in the environment's config, such as glibc: '2.36'"
        raise UserError("the Dockerfile stands on scratch, so that nobody can look up its glibc", advice)
    return bases.glibc(Reference.parse(base).at(images[base]), progress, now.place)


def has_moved(tools: Tools, known: Environment, progress: Progress) -> bool:
    """Ask what the tags of the base, or of its Dockerfile, mean now; the check after it gets the same answers.

    Raises:
        AcimlError: the registry of a base does not answer, or no longer has it.
    """
    pinned = dict(known.pins.base_images or {})
    locked = locked_bases(known.packages)
    if known.base.base_image and known.pins.base_digest:
        pinned[known.base.base_image] = known.pins.base_digest
    moved = False
    for text, before in pinned.items():
        # a digest does not move, and what the lock names stays until somebody locks again
        if not Reference.parse(text).digest and text not in locked:
            now = BaseImages(tools).resolve(text, progress)
            # a refresh is followed by a check, which must not ask again and hear of a third digest
            tools.catalog.put_fact("base-tag", text, json.dumps([time.time(), now]))
            moved |= now != before
    return moved


def recent(tools: Tools, namespace: str, key: str, ask: Callable[[], str]) -> str:
    """Return the answer of a moment ago, or ask: the preview and the update that follows must agree."""
    stored = tools.catalog.get_fact(namespace, key)
    if stored:
        answered, answer = json.loads(stored)
        # from 0: with a clock that was set back an answer would hold too long
        if 0 <= time.time() - answered < FRESH:
            return str(answer)
    answer = ask()
    tools.catalog.put_fact(namespace, key, json.dumps([time.time(), answer]))
    return answer


def ask_bases(tools: Tools, declared: Environment, progress: Progress) -> dict[str, str]:
    """Ask what the tags of the base, or of its Dockerfile, mean now; return digests by reference, for the lock file.

    Raises:
        UserError: there is no such image.
        OutageError: a registry does not answer.
    """
    bases = base_images(tools, declared.base)
    found = {text: bases.resolve(text, progress) for text in movable_bases(declared)}
    for text, digest in found.items():
        # what is looked up of it a moment later is of the same image
        tools.catalog.put_fact("base-tag", text, json.dumps([time.time(), digest]))
    return found


def movable_bases(declared: Environment) -> tuple[str, ...]:
    """Return the references of the base, or of its Dockerfile, that are tags; those alone can be locked."""
    texts: tuple[str, ...] = (declared.base.base_image,) if declared.base.base_image else ()
    if not texts and declared.base.has_dockerfile:
        draft = read_draft(declared.base)[0]
        texts = known_images(draft, declared.base)[0] if draft else ()
    return tuple(text for text in texts if is_known_image(text) and not Reference.parse(text).digest)


def judge_python(now: Environment) -> list[Finding]:
    """Report a Python that is too old for the scoring server."""
    version = (now.pins.packages or {}).get("python", "").split(" ")[0]
    try:
        too_old = bool(version) and Version(version) < Version(OLDEST_PYTHON)
    except InvalidVersion:
        return []
    if not too_old or not now.packages.server_requirements:
        return []
    why = f"the environment has Python {version}, but the scoring server that is put into every image needs"
    # a requirements.txt has its Python in a file beside it, and no property
    named = ("conda_file", "conda_text", "explicit_file")
    where = next((name for name in named if name in now.packages.files), "conda_file")
    return [now.packages.finding(where, f"{why} {OLDEST_PYTHON} or newer; ask for a newer python")]


def pinned_reference(now: Environment) -> Reference | None:
    """Return the base image by its digest; None if it is a Dockerfile's, or not pinned."""
    image, digest = now.base.base_image, now.pins.base_digest
    return Reference.parse(image).at(digest) if image and digest else None


def count_base_layers(tools: Tools, now: Environment) -> int | None:
    """Return how many layers the base has; for a Dockerfile that was not built yet, how many it can have at most.

    None if the base is not pinned.

    Raises:
        AcimlError: the Dockerfile changed since it was checked, or the base's registry does not answer.
    """
    bases, made = BaseImages(tools), dockerfile_of(now)
    if made:
        return len(bases.image(made.below).layers) + made.dockerfile.most_layers
    reference = pinned_reference(now)
    return len(bases.image(reference).layers) if reference else None


def judge_base_size(tools: Tools, now: Environment) -> list[Finding]:
    """Report a base that alone is larger than an image may be on the target; an outage is not judged."""
    limit, reference = tools.target.largest_image(), pinned_reference(now)
    if not limit or reference is None:
        return []
    try:
        warning = size_warning(BaseImages(tools).image(reference), limit)
    # the build asks the same registry, and says what is wrong with it
    except OutageError:
        return []
    return [now.base.finding("base_image", f"{warning}; choose a smaller base")] if warning else []


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
