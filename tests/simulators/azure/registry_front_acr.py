"""ACR's own data plane, /acr/v1: repositories, tags and manifests with their times, sizes and locks.

Source: data-plane OpenAPI 2021-07-01, as azure-containerregistry 1.2.0 calls it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .registry_front_backend import Backend
from .registry_front_index import LOCKS, Index, Item, Manifest, Repository, Tag
from .registry_front_v2 import page
from .registry_front_wire import Answer, Call, Refused

PATH = re.compile(r"/acr/v1/(?P<name>.+?)(?:/(?P<kind>_tags|_manifests)(?:/(?P<what>[^/]+))?)?")
_ACTIONS = {"GET": "metadata_read", "PATCH": "metadata_write", "DELETE": "delete"}
T = TypeVar("T", bound=Item)


def action(method: str) -> str:
    """Return what a request needs to be allowed."""
    return _ACTIONS.get(method, "metadata_write")


@dataclass(frozen=True)
class Attributes:
    """Answers /acr/v1 requests whose token was looked at."""

    index: Index
    backend: Backend
    service: str
    call: Call

    def answer(self) -> Answer:
        if self.call.path == "/acr/v1/_catalog":
            names, links = page(self.index.names(), self.call)
            return Answer.json(200, {"repositories": names}, *links)
        found = PATH.fullmatch(self.call.path)
        if found is None:
            raise Refused(404, "NAME_UNKNOWN", f"no such path: {self.call.path}")
        with self.index.lock:
            if found["kind"] is None:
                return self._repository(found["name"])
            repository = self.index.known(found["name"])
            if found["kind"] == "_tags":
                return self._tag(repository, found["what"]) if found["what"] else self._tags(repository)
            return self._manifest(repository, found["what"]) if found["what"] else self._manifests(repository)

    def _repository(self, name: str) -> Answer:
        if self.call.method == "DELETE":
            gone = self.index.remove_repository(name)
            for digest in () if self.index.keeps_deleted() else gone.manifests:
                self.backend.forward("DELETE", f"/v2/{gone.backend}/manifests/{digest}", (), b"")
            return Answer.json(202, {"manifestsDeleted": sorted(gone.manifests), "tagsDeleted": sorted(gone.tags)})
        repository = self.index.known(name)
        self._change(repository)
        counts = {"manifestCount": len(repository.manifests), "tagCount": len(repository.tags)}
        return Answer.json(200, self._named(name) | repository.facts() | counts)

    def _tags(self, repository: Repository) -> Answer:
        digest = self.call.value("digest")
        shown, links = self._listed([tag for tag in repository.tags.values() if digest in {"", tag.digest}])
        return Answer.json(200, self._named(repository.name) | {"tags": [_tag(tag) for tag in shown]}, *links)

    def _tag(self, repository: Repository, name: str) -> Answer:
        tag = repository.tags.get(name)
        if tag is None:
            raise Refused(404, "TAG_UNKNOWN", f"the specified tag does not exist: {name}", detail={"name": name})
        if self.call.method == "DELETE":
            for item in (repository, tag):
                item.allow("deleteEnabled")
            self.index.remove_tag(repository, name)
            return Answer(202)
        self._change(tag)
        return Answer.json(200, self._named(repository.name) | {"tag": _tag(tag)})

    def _manifests(self, repository: Repository) -> Answer:
        shown, links = self._listed(list(repository.manifests.values()))
        facts = [self._facts(repository, manifest) for manifest in shown]
        return Answer.json(200, self._named(repository.name) | {"manifests": facts}, *links)

    def _manifest(self, repository: Repository, digest: str) -> Answer:
        manifest = repository.manifests[repository.digest_of(digest)]
        self._change(manifest)
        return Answer.json(200, self._named(repository.name) | {"manifest": self._facts(repository, manifest)})

    def _listed(self, items: list[T]) -> tuple[list[T], list[tuple[str, str]]]:
        """Return one page in the order asked for: by name, or by time."""
        order = self.call.value("orderby")
        visible = [item for item in items if item.locks["listEnabled"]]
        if order in {"timeasc", "timedesc"}:
            visible.sort(key=lambda item: item.order, reverse=order == "timedesc")
        else:
            visible.sort(key=lambda item: item.name)
        names, links = page([item.name for item in visible], self.call)
        known = {item.name: item for item in visible}
        return [known[name] for name in names], links

    def _change(self, item: Item) -> None:
        """Take the locks of a PATCH."""
        if self.call.method != "PATCH":
            return
        wanted: Any = self.call.json() or {}
        wrong = [name for name, value in wanted.items() if name not in LOCKS or not isinstance(value, bool)]
        if wrong:
            raise Refused(400, "BAD_REQUEST", f"not changeable: {', '.join(wrong)}")
        item.locks.update(wanted)
        self.index.touch(item)

    def _facts(self, repository: Repository, manifest: Manifest) -> dict[str, Any]:
        if manifest.platform is None:
            manifest.platform = self._platform(repository, manifest)
        architecture, system = manifest.platform
        config = (manifest.body.get("config") or {}).get("mediaType")
        references = [_reference(child) for child in manifest.body.get("manifests") or []]
        return {
            "digest": manifest.name, "imageSize": manifest.size,
            "tags": repository.tags_of(manifest.name), **manifest.facts(),
            **({"architecture": architecture, "os": system} if architecture else {}),
            **({"configMediaType": config} if config else {}), **({"references": references} if references else {}),
        }  # fmt: skip

    def _platform(self, repository: Repository, manifest: Manifest) -> tuple[str, str]:
        config = manifest.body.get("config") or {}
        if not str(config.get("mediaType")).endswith(("image.config.v1+json", "container.image.v1+json")):
            return "", ""
        known = self.backend.read_json(f"/v2/{repository.backend}/blobs/{config['digest']}") or {}
        return str(known.get("architecture") or ""), str(known.get("os") or "")

    def _named(self, repository: str) -> dict[str, Any]:
        return {"registry": self.service, "imageName": repository}


def _reference(child: Mapping[str, Any]) -> dict[str, Any]:
    platform = child.get("platform") or {}
    return {"digest": child["digest"], **{key: platform[key] for key in ("architecture", "os") if key in platform}}


def _tag(tag: Tag) -> dict[str, Any]:
    return {"name": tag.name, "digest": tag.digest, "signed": False, **tag.facts()}
