"""What a registry of ACR knows and ``registry:2`` does not tell: untagged manifests, times, locks.

Tags live here alone (``registry:2`` cannot remove one), content in the real registry behind. Times are UTC with seven
digits, as ACR writes them.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .registry_front_wire import Refused

LOCKS = ("deleteEnabled", "writeEnabled", "readEnabled", "listEnabled")
_DISALLOWED = (
    "The operation is disallowed on this registry, repository or image. View troubleshooting steps at "
    "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
)

_SOFT = (
    "Pushing an image that shares a same manifest digest with the soft deleted image is not allowed. Instead restore "
    "the soft deleted image."
)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


@dataclass
class Item:
    """What repositories, tags and manifests have in common."""

    name: str  # a manifest's is its digest
    created: str = field(default_factory=_now)
    updated: str = field(default_factory=_now)
    order: int = 0  # grows with every change: times may be equal
    locks: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(LOCKS, True))

    def allow(self, lock: str) -> None:
        """Refuse what a lock forbids."""
        if not self.locks[lock]:
            raise Refused(405, "UNSUPPORTED", _DISALLOWED)

    def facts(self) -> dict[str, Any]:
        return {
            "createdTime": self.created,
            "lastUpdateTime": self.updated,
            "changeableAttributes": dict(self.locks),
        }


@dataclass
class Tag(Item):
    """A name for a manifest."""

    digest: str = ""


@dataclass
class Manifest(Item):
    """One manifest or index; ``body`` is its JSON. ``platform`` is read when it is asked for."""

    media_type: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    platform: tuple[str, str] | None = None  # architecture, operating system

    @property
    def size(self) -> int:
        """Bytes of all that it names, which is what ACR shows."""
        named = [self.body.get("config") or {}, *(self.body.get("layers") or []), *(self.body.get("manifests") or [])]
        return sum(int(item.get("size") or 0) for item in named)


@dataclass
class Repository(Item):
    """``backend`` is its name in the real registry; a new one after each deletion."""

    backend: str = ""
    tags: dict[str, Tag] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)

    def tags_of(self, digest: str) -> list[str]:
        return sorted(tag.name for tag in self.tags.values() if tag.digest == digest)

    def digest_of(self, reference: str) -> str:
        """Return the digest of a tag or digest that is here, else ``Refused`` 404."""
        digest = reference if ":" in reference else self.tags[reference].digest if reference in self.tags else ""
        if digest not in self.manifests:
            message, detail = "manifest unknown", {"name": self.name, "reference": reference}
            raise Refused(404, "MANIFEST_UNKNOWN", message, detail=detail)
        return digest

    def guarded(self, reference: str) -> Iterator[Item]:
        """Give all whose locks matter for a tag or digest."""
        yield self
        if tag := self.tags.get(reference):
            yield tag
        if manifest := self.manifests.get(tag.digest if tag else reference):
            yield manifest


class Index:
    """All repositories of one registry; hold ``lock`` while reading more than one thing."""

    def __init__(self, prefix: Callable[[], str], keeps_deleted: Callable[[], bool] = lambda: False) -> None:
        self.lock = threading.RLock()
        self.keeps_deleted = keeps_deleted
        self._prefix, self._numbers = prefix, itertools.count(1)
        self._deleted: dict[tuple[str, str], tuple[Repository, Manifest, list[str]]] = {}
        self._repositories: dict[str, Repository] = {}

    def used(self, name: str) -> Repository:
        """Return the repository, begun when there is none."""
        with self.lock:
            if name not in self._repositories:
                self._repositories[name] = Repository(name, backend=f"{self._prefix()}/{next(self._numbers)}/{name}")
            return self._repositories[name]

    def known(self, name: str) -> Repository:
        """Return a repository that has manifests, else ``Refused`` 404."""
        with self.lock:
            found = self._repositories.get(name)
            if found is None or not found.manifests:
                message = f"repository name not known to registry: {name}"
                raise Refused(404, "NAME_UNKNOWN", message, detail={"name": name})
            return found

    def names(self) -> list[str]:
        with self.lock:
            return sorted(
                name for name, one in self._repositories.items() if one.manifests and one.locks["listEnabled"]
            )

    def put(self, name: str, reference: str, digest: str, media_type: str, body: Mapping[str, Any]) -> None:
        """Note a manifest that was stored, and its tag."""
        with self.lock:
            repository = self.used(name)
            manifest = repository.manifests.setdefault(digest, Manifest(digest))
            manifest.media_type, manifest.body = media_type, body
            changed: list[Item] = [repository, manifest]
            if ":" not in reference:
                tag = repository.tags.setdefault(reference, Tag(reference))
                tag.digest = digest
                changed.append(tag)
            self.touch(*changed)

    def remove_manifest(self, repository: Repository, digest: str) -> None:
        """Forget a manifest and its tags; a repository without manifests is gone."""
        with self.lock:
            gone = repository.manifests.pop(digest, None)
            tags = repository.tags_of(digest)
            if gone and self.keeps_deleted():
                self._deleted[repository.name, digest] = (repository, gone, tags)
            for tag in tags:
                del repository.tags[tag]
            self.touch(repository)
            if not repository.manifests:
                self._repositories.pop(repository.name, None)

    def remove_tag(self, repository: Repository, tag: str) -> None:
        with self.lock:
            del repository.tags[tag]
            self.touch(repository)

    def remove_repository(self, name: str) -> Repository:
        """Forget a repository; what is behind is reached by no name any more."""
        with self.lock:
            found = self.known(name)
            for item in (found, *found.tags.values(), *found.manifests.values()):
                item.allow("deleteEnabled")
            if self.keeps_deleted():
                for digest, manifest in found.manifests.items():
                    self._deleted[name, digest] = (found, manifest, found.tags_of(digest))
            return self._repositories.pop(name)

    def refuse_deleted(self, name: str, digest: str) -> None:
        """Refuse to take what is here, deleted softly; the words are those of Microsoft's page on it."""
        with self.lock:
            if (name, digest) in self._deleted:
                raise Refused(405, "UNSUPPORTED", _SOFT)

    def restore(self, name: str, digest: str) -> None:
        """Bring back what was deleted softly, with its tags, as ``az acr manifest restore`` does."""
        with self.lock:
            repository, manifest, tags = self._deleted.pop((name, digest))
            again = self._repositories.setdefault(name, repository)
            again.manifests[digest] = manifest
            for tag in tags:
                again.tags[tag] = Tag(tag, digest=digest)

    def touch(self, *items: Item) -> None:
        """Note the time of a change."""
        now, order = _now(), next(self._numbers)
        for item in items:
            item.updated, item.order = now, order

    def size(self) -> int:
        """Return the bytes of all different blobs that manifests name."""
        with self.lock:
            blobs = {
                str(item.get("digest")): int(item.get("size") or 0)
                for repository in self._repositories.values()
                for manifest in repository.manifests.values()
                for item in [manifest.body.get("config") or {}, *(manifest.body.get("layers") or [])]
            }
            return sum(blobs.values())

    def clear(self) -> None:
        """Forget everything, as the deletion of a registry does."""
        with self.lock:
            self._deleted.clear()
            self._repositories.clear()
