"""The distribution API of one registry: tags are our own, everything else is the real registry's.

Source: OCI distribution-spec 1.1; locks and actions as azure.md 3.3 and Azure/acr docs/AAD-OAuth.md have them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from .registry_front_backend import Backend
from .registry_front_index import Index, Repository
from .registry_front_wire import Answer, Body, Call, Refused

PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs/uploads|blobs|tags)/(?P<what>.*)")
_NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_ACTIONS = {"GET": ("pull",), "HEAD": ("pull",), "DELETE": ("delete",)}
Allowed = Callable[[str, str], bool]


def actions(method: str, kind: str) -> tuple[str, ...]:
    """Return what a request needs to be allowed; all of an upload are pull and push."""
    return ("pull", "push") if kind == "blobs/uploads" else _ACTIONS.get(method, ("pull", "push"))


def page(items: list[str], call: Call) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the items after ``last``, at most ``n``, and a ``Link`` header to the next ones."""
    if last := call.value("last"):
        items = items[items.index(last) + 1 :] if last in items else [item for item in items if item > last]
    count = int(call.value("n") or 100)
    if len(items) <= count:
        return items, []
    rest = [(name, value) for name, value in call.query if name not in {"last", "n"}]
    query = urlencode([("last", items[count - 1]), ("n", str(count)), *rest])
    return items[:count], [("Link", f'<{call.path}?{query}>; rel="next"')]


@dataclass(frozen=True)
class Distribution:
    """Answers /v2/ requests whose token was looked at; ``allowed`` says what else the token may."""

    index: Index
    backend: Backend
    call: Call
    allowed: Allowed
    data_url: Callable[[str, str], str]

    def answer(self) -> Answer:
        if self.call.path == "/v2/":
            return Answer.json(200, {}, ("Docker-Distribution-Api-Version", "registry/2.0"))
        if self.call.path == "/v2/_catalog":
            names, links = page(self.index.names(), self.call)
            return Answer.json(200, {"repositories": names}, *links)
        found = PATH.fullmatch(self.call.path)
        if found is None:
            raise Refused(404, "NAME_UNKNOWN", f"no such path: {self.call.path}")
        name, kind, what = found["name"], found["kind"], found["what"]
        if not _NAME.fullmatch(name):
            raise Refused(400, "NAME_INVALID", f"invalid repository name {name!r}")
        if kind == "manifests":
            return self._manifest(name, what)
        if kind == "tags":
            return self._tags(name)
        return self._blob(self.index.used(name), kind, what)

    def _tags(self, name: str) -> Answer:
        repository = self.index.known(name)
        repository.allow("listEnabled")
        tags = sorted(tag.name for tag in repository.tags.values() if tag.locks["listEnabled"])
        tags, links = page(tags, self.call)
        return Answer.json(200, {"name": name, "tags": tags}, *links)

    def _manifest(self, name: str, reference: str) -> Answer:
        if self.call.method == "PUT":
            return self._put_manifest(name, reference)
        try:
            repository = self.index.known(name)
        except Refused as refused:
            detail = {"name": name, "reference": reference}
            raise Refused(404, "MANIFEST_UNKNOWN", "manifest unknown", detail=detail) from refused
        digest = repository.digest_of(reference)
        lock = "deleteEnabled" if self.call.method == "DELETE" else "readEnabled"
        for item in repository.guarded(reference):
            item.allow(lock)
        if self.call.method == "DELETE" and reference != digest:
            self.index.remove_tag(repository, reference)
            return Answer(202)
        if self.call.method == "DELETE" and self.index.keeps_deleted():
            self.index.remove_manifest(repository, digest)  # the content stays behind, for whoever restores it
            return Answer(202)
        answer = self._forward(repository, f"manifests/{digest}", b"")
        if self.call.method == "DELETE" and answer.status == 202:
            self.index.remove_manifest(repository, digest)
        return answer

    def _put_manifest(self, name: str, reference: str) -> Answer:
        body = self.call.body.whole()
        repository = self.index.used(name)
        for item in repository.guarded(reference):
            item.allow("writeEnabled")
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        self.index.refuse_deleted(name, digest)
        target = reference if ":" in reference else digest
        answer = self._forward(repository, f"manifests/{target}", body)
        if answer.status == 201:
            media_type = self.call.headers.get("Content-Type") or ""
            self.index.put(name, reference, digest, media_type.partition(";")[0], json.loads(body))
        return answer

    def _blob(self, repository: Repository, kind: str, what: str) -> Answer:
        if self.call.method not in {"GET", "HEAD"}:
            repository.allow("deleteEnabled" if kind == "blobs" else "writeEnabled")
        if self.call.method == "POST":
            return self._forward(repository, f"{kind}/?{urlencode(self._mounted())}", self.call.body)
        if self.call.method == "GET" and kind == "blobs":
            repository.allow("readEnabled")
            if self.backend.forward("HEAD", f"/v2/{repository.backend}/blobs/{what}", (), b"").status == 200:
                return Answer(307, [("Location", self.data_url(repository.backend, what))])
        query = urlsplit(self.call.target).query
        return self._forward(repository, f"{kind}/{quote(what, safe=':')}?{query}".rstrip("?"), self.call.body)

    def _mounted(self) -> list[tuple[str, str]]:
        """Return the query of a new upload; a mount from where the token may not pull becomes a plain upload."""
        source = self.call.value("from")
        if source and self.allowed(source, "pull"):
            backend = self.index.used(source).backend
            return [(name, backend if name == "from" else value) for name, value in self.call.query]
        return [(name, value) for name, value in self.call.query if name not in {"from", "mount"}]

    def _forward(self, repository: Repository, rest: str, body: Body | bytes) -> Answer:
        """Send on under the name in the real registry, and put our name back in what comes."""
        target = f"/v2/{repository.backend}/{rest}"
        answer = self.backend.forward(self.call.method, target, self.call.headers.items(), body)
        answer.headers = [(name, self._ours(name, value, repository)) for name, value in answer.headers]
        if answer.status >= 400 and not isinstance(answer.body, bytes):
            said = b"".join(answer.body).replace(repository.backend.encode(), repository.name.encode())
            answer.body = said
        return answer

    @staticmethod
    def _ours(name: str, value: str, repository: Repository) -> str:
        if name.lower() != "location":
            return value
        place = urlsplit(value)  # relative, as ACR's are
        path = place.path.replace(f"/v2/{repository.backend}/", f"/v2/{repository.name}/", 1)
        return f"{path}?{place.query}" if place.query else path
