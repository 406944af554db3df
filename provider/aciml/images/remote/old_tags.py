"""Old images of an environment's repository: what stays, what goes after a push. Why so: ``decisions/clean-up.md``."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...core.compose import ANNOTATION
from ...core.image import Image
from ...core.phases import Span
from ...core.progress import Progress
from ...registry.client import RegistryClient
from ...registry.errors import RegistryError
from ...registry.referrers import CYCLONEDX, detach, is_fallback_tag
from . import catalog
from .pushes import TAG, Push, PushRecord, holder_of, read_records, write_record

_CONTENT = re.compile(r"[0-9a-f]{12}")  # Image.tag
_BELOW = "steps-"
_PASSING = ("raw-", "trust-")  # they live for the minutes of a build
_GRACE = 86400.0  # seconds after which a build that left something behind is over
_OURS = (_BELOW, *_PASSING)


@dataclass(frozen=True)
class Keep:
    """What stays of the older images: the newest ``tags``, and those younger than ``days``; None is no such limit."""

    tags: int | None = None
    days: float | None = None

    @property
    def everything(self) -> bool:
        """Tell whether nothing goes."""
        return self.tags is None and self.days is None


@dataclass(frozen=True)
class RepositoryTags:
    """What a repository has: digest by tag, and the records of its holders.

    ``foreign`` are digests that must stay because something else names them: a tag of somebody else, an index, a
    service of the same repository or the environment that it is made of.
    """

    tags: Mapping[str, str]
    held: Mapping[str, PushRecord] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()


def choose_old(seen: RepositoryTags, keep: Keep, now: float) -> list[str]:
    """Return the tags that are to go, pure; empty if nobody asked for it.

    Args:
        seen: of the repository, after the push.
        keep: what stays.
        now: seconds since 1970.
    """
    if keep.everything:
        return []
    pushes = _pushes(seen.held)
    order = sorted(pushes.values(), key=lambda push: (push.time, push.digest), reverse=True)
    needed = {push.digest for held in seen.held.values() for push in held.needed} | seen.foreign
    # from the second: the first is the image of now, and no older one
    newest = {push.digest for push in order[1 : 1 + (keep.tags or 0)]}
    young = {push.digest for push in order if keep.days is not None and now - push.time < keep.days * 86400}
    stay = needed | newest | young
    below = {tag for push in pushes.values() if push.digest in stay for tag in push.below}
    known_below = {tag for push in pushes.values() for tag in push.below}
    first_seen = {tag: when for held in seen.held.values() for tag, when in held.seen.items()}
    gone = []
    for tag, digest in seen.tags.items():
        # of what no record knows only the time since it was first seen counts: a build may be under way right now
        left_behind = now - first_seen.get(tag, now) > _GRACE
        if (
            (_CONTENT.fullmatch(tag) and digest in pushes and digest not in stay)
            or (tag.startswith(_BELOW) and tag not in below and (tag in known_below or left_behind))
            or (tag.startswith(_PASSING) and left_behind)
        ):
            gone.append(tag)
    # a manifest is deleted by digest, with all its tags: it stays as long as one of them does
    staying = {digest for tag, digest in seen.tags.items() if tag not in gone} | stay
    return sorted(tag for tag in gone if seen.tags[tag] not in staying)


def settle_old_tags(
    client: RegistryClient,
    repository: str,
    image: Image,
    keep: Keep,
    progress: Progress,
    clock: Callable[[], float] = time.time,
    took: tuple[Span, ...] = (),
) -> None:
    """Note what was pushed, and remove what has become old; whatever the registry says is a warning at most.

    Args:
        client: of the registry.
        repository: of the environment.
        image: the new one, which is there already.
        keep: what stays.
        progress: its ``urn`` is the holder; told what went.
        clock: gives seconds since 1970.
        took: phases of the build, for the record.
    """
    now, holder = clock(), holder_of(progress.urn)
    try:
        names = client.tags(repository)
        held = read_records(client, repository, names)
        push = Push(image.digest, now, _below(client, repository, names, image))
        before = held.get(holder)
        mine = (before or PushRecord()).with_push(push, took)
        held[holder] = mine
        if not keep.everything:
            mine = held[holder] = _with_unknown(names, held, holder, now)
        # nothing new is no write to the registry (goal G1); a push is noted
        # also where nothing is limited, for the day when something is
        if mine != before:
            write_record(client, repository, holder, mine)
        if not keep.everything:
            seen = _look(client, repository, names, held)
            _remove(client, repository, seen, choose_old(seen, keep, now), progress)
    # the image is there: a clean-up that fails ends itself and not the update (decisions/clean-up.md)
    except RegistryError as error:
        if not keep.everything:
            progress.warn(f"old images of {repository} stay: {error}")


def _below(client: RegistryClient, repository: str, names: Iterable[str], image: Image) -> tuple[str, ...]:
    """Return the tags of the builds that the image was made by: those of which it has all layers."""
    layers, found = {layer.digest for layer in image.layers}, []
    for tag in names:
        manifest = client.manifest(repository, tag) if tag.startswith(_BELOW) else None
        if manifest and {entry["digest"] for entry in json.loads(manifest.body)["layers"]} <= layers:
            found.append(tag)
    return tuple(found)


def _pushes(held: Mapping[str, PushRecord]) -> dict[str, Push]:
    """Return the last push of each image, whoever pushed it, with all that it was ever made by."""
    found: dict[str, Push] = {}
    for push in (push for one in held.values() for push in one.pushes):
        before = found.get(push.digest, push)
        below = tuple(sorted({*before.below, *push.below}))
        found[push.digest] = Push(push.digest, max(before.time, push.time), below)
    return found


def _with_unknown(names: Iterable[str], held: Mapping[str, PushRecord], holder: str, now: float) -> PushRecord:
    """Return the holder's record with the tags of ours that no record has: from now on their age is known."""
    mine = held[holder]
    known = {tag for push in _pushes(held).values() for tag in push.below}
    known |= {tag for other, one in held.items() if other != holder for tag in one.seen}
    unknown = [tag for tag in names if tag.startswith(_OURS) and tag not in known]
    return replace(mine, seen={tag: mine.seen.get(tag, now) for tag in unknown})


def _look(
    client: RegistryClient, repository: str, names: Iterable[str], held: Mapping[str, PushRecord]
) -> RepositoryTags:
    """Ask what each tag means, and what must stay because of it."""
    tags: dict[str, str] = {}
    foreign: set[str] = set()
    pushes = _pushes(held)
    by_tag = {digest.removeprefix("sha256:")[:12]: digest for digest in pushes}
    for tag in names:
        if tag in by_tag:  # such a tag never moves
            tags[tag] = by_tag[tag]
        elif tag.startswith(_OURS):
            if digest := client.head_manifest(repository, tag):
                tags[tag] = digest
        elif tag.startswith((TAG, catalog.TAG)) or is_fallback_tag(tag):
            continue  # they name no image
        elif found := client.manifest(repository, tag):
            tags[tag] = found.digest
            foreign |= {found.digest, *_named(found.body)}
    return RepositoryTags(tags, held, frozenset(foreign))


def _named(manifest: bytes) -> set[str]:
    """Return the digests that must stay for this manifest: an index's images, a service's environment."""
    try:
        told: Any = json.loads(manifest)
        found = {str(entry["digest"]) for entry in told.get("manifests") or ()}
        made_of = json.loads((told.get("annotations") or {}).get(ANNOTATION, "{}"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return set()
    digest = str(made_of.get("environment", "")).rpartition("@")[2]
    return found | ({digest} if digest else set())


def _remove(client: RegistryClient, repository: str, seen: RepositoryTags, gone: list[str], progress: Progress) -> None:
    for tag in gone:
        progress.checkpoint()
        digest = client.head_manifest(repository, tag)
        # looked at again, since another stack may have moved the tag since
        if digest != seen.tags[tag]:
            continue  # gone meanwhile, or another one now
        progress.say(f"removing old image {repository}:{tag}")
        if _CONTENT.fullmatch(tag):
            # first: a bill whose subject is gone would stay for ever
            detach(client, repository, digest, CYCLONEDX)
        client.delete_manifest(repository, digest)
    if gone:
        progress.note(f"{len(gone)} old tags removed from {repository}: {', '.join(gone[:6])}{' …' * (len(gone) > 6)}")
