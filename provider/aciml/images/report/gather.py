"""Look at an image in its registry, at the one before, and at what is known beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from ...core.anatomy import Part, changes_between, exchange_between, is_ours, parts_of
from ...core.compose import inputs_of
from ...core.errors import OutageError, UserError
from ...core.image import Image
from ...core.labels import BASE_DIGEST, BASE_NAME, CREATED, REVISION, SOURCE, TITLE, TOOL
from ...core.progress import Progress
from ...core.reference import Reference
from ...model.declared import wires_of
from ...model.service import Service
from ...registry.errors import RegistryError
from ...registry.pull import PulledImage, pull_image
from ...registry.referrers import CYCLONEDX, attached
from ..remote.holders import Run, runs_of
from ..remote.pushes import Push, PushRecord, read_records
from ..tools import Tools
from .contents import Build, Comparison, LayerReport, Report
from .kept_file import KeptImage, is_kept, read_kept
from .measure import sizes_of

# a repository may have thousands, and what is shared is mostly shared with the newest
NEWEST = 24
"""Most other images of the repository whose layers are compared; each costs one request."""

Before = PulledImage | KeptImage
"""What an image is compared with."""

_CONTENT = re.compile(r"[0-9a-f]{12}")  # Image.tag
(_SCRIPT,) = wires_of(Service, "entry_script")
_LOOKERS = 8
_LARGEST_BILL = 32 << 20  # bytes of a bill of materials; one of a thousand packages has 1 MB
_LABELS = {
    TITLE: "service", REVISION: "commit", SOURCE: "source", CREATED: "made at", TOOL: "aciml",
    BASE_NAME: "base image", BASE_DIGEST: "digest of the base",
}  # fmt: skip


def report_of(
    tools: Tools, named: Reference | KeptImage, against: str, progress: Progress, *, read: bool = True
) -> Report:
    """Return the report of an image in a registry, or in a file.

    Args:
        tools: of this machine.
        named: the image, of ours or of anybody.
        against: what it is compared with: a reference, a path, or ``:tag`` or ``@sha256:...`` of the same repository;
            empty for the image that was pushed before it.
        progress: told what is asked.
        read: whether layers with several packages are fetched, to know the size of each.

    Raises:
        UserError: there is no such image.
        OutageError: a registry does not answer.
    """
    look = _LookAtFile(tools, progress, named) if isinstance(named, KeptImage) else _in_registry(tools, progress, named)
    return look.report(against, read=read)


def _in_registry(tools: Tools, progress: Progress, named: Reference) -> _LookInRegistry:
    progress.say(f"looking at {named}")
    return _LookInRegistry(tools, progress, pull_image(tools.client(named.registry), named))


class _Look:
    """Looks at an image, whatever holds it; what is known beside it is nothing here."""

    def __init__(self, tools: Tools, progress: Progress, image: Image, digest: str, title: str) -> None:
        self.tools, self.progress = tools, progress
        self.image, self.digest, self.title = image, digest, title
        self.notes: list[str] = []

    def report(self, against: str, *, read: bool) -> Report:
        # by the label of the tool that made it, and not by its name: images are copied and renamed
        ours, parts = is_ours(self.image), parts_of(self.image)
        if not ours:
            self.notes.append(
                "This image was not made by aciml: its layers and what its builder wrote of them are all that is known."
            )
        records = self._records()
        before = self._before(against, records)
        # of one package alone the layer's own size is its size; only the others have to be fetched to be told apart
        packages = sizes_of(self.tools, self._fetch, parts, self._licences(), self.progress, read=read)
        if any(one.how == "even" for of_layer in packages for one in of_layer):
            self.notes.append(
                "Layers with several packages were not read: their bytes are divided evenly among the packages."
            )
        others = self._others(before)
        layers = [
            LayerReport(
                part,
                inside,
                # known of layers that this machine has packed; the manifest has compressed sizes alone
                # 0 is "not known": a layer without bytes is in no image of ours
                int(self.tools.catalog.get_fact("unpacked", part.layer.diff_id) or 0),
                before is not None and part.layer.digest in {layer.digest for layer in before.image.layers},
                tuple(tag for tag, digests in others.items() if part.layer.digest in digests),
            )
            for part, inside in zip(parts, packages, strict=True)
        ]
        compared = self._comparison(before) if before else None
        return Report(
            self.title, self.digest, ours, tuple(layers), self._facts(self.image, parts), compared,
            tuple(others), tuple(self._builds(records)), tuple(self.notes),
        )  # fmt: skip

    # only a registry or a file has bytes
    def _fetch(self, digest: str) -> AbstractContextManager[Iterable[bytes]]:
        raise NotImplementedError

    def _records(self) -> dict[str, PushRecord]:
        return {}

    def _before(self, against: str, records: Mapping[str, PushRecord]) -> Before | None:  # noqa: ARG002  # for others
        if against:
            return self._named(against)
        self.notes.append("Nobody says which image was before this one; --against compares with any other.")
        return None

    # what is named may be elsewhere: a file beside an image in a registry, and the other way round
    def _named(self, text: str) -> Before:
        if is_kept(text):
            return read_kept(text)
        other = Reference.parse(text)
        return pull_image(self.tools.client(other.registry), other)

    def _others(self, before: Before | None) -> dict[str, frozenset[str]]:  # noqa: ARG002  # for others
        return {}

    def _builds(self, records: Mapping[str, PushRecord]) -> Iterable[Build]:  # noqa: ARG002  # for others
        return ()

    def _licences(self) -> dict[str, str]:
        return {}

    def _facts(self, image: Image, parts: Iterable[Part]) -> dict[str, str]:
        # an image of somebody else has no label of its time, but its config does
        said = image.labels() | ({} if CREATED in image.labels() else {CREATED: image.created})
        made_of = inputs_of(image)
        found = {word: said[label] for label, word in _LABELS.items() if said.get(label)}
        if environment := str(made_of.get("environment") or ""):
            found["environment"] = environment
        if script := str(made_of.get(_SCRIPT) or ""):
            found["entry script"] = script
        count = sum(len(part.packages) for part in parts)
        # by OCI's words: os/architecture
        return found | ({"packages": str(count)} if count else {}) | {"platform": f"{image.os}/{image.architecture}"}

    def _comparison(self, before: Before) -> Comparison:
        title = before.title if isinstance(before, KeptImage) else str(before.reference)
        exchange = exchange_between(before.image, self.image)
        # by the hash of the tar, which is the same however it was compressed
        if not exchange.shared and {one.diff_id for one in before.image.layers} & {
            one.diff_id for one in self.image.layers
        }:
            # docker save unpacks layers: the same files, and other blobs
            self.notes.append("The two images have layers in common that are packed otherwise: no blob is shared.")
        return Comparison(title, tuple(changes_between(before.image, self.image)), exchange)


class _LookAtFile(_Look):
    """Looks at an image in a file."""

    def __init__(self, tools: Tools, progress: Progress, kept: KeptImage) -> None:
        super().__init__(tools, progress, kept.image, kept.digest, kept.title)
        self._kept = kept

    def _fetch(self, digest: str) -> AbstractContextManager[Iterable[bytes]]:
        return self._kept.blob(digest)

    def _named(self, text: str) -> Before:
        # a file has no repository whose tag could be meant
        if text.startswith((":", "@", "sha256:")):
            raise UserError(
                f"{text} is of the same repository, and {self.title} is in none", "name a path, or host/repository:tag"
            )
        return super()._named(text)


class _LookInRegistry(_Look):
    """Looks at an image in its registry, which has its pushes, other images and a bill of materials."""

    def __init__(self, tools: Tools, progress: Progress, pulled: PulledImage) -> None:
        super().__init__(tools, progress, pulled.image, pulled.digest, str(pulled.reference))
        self.reference, self.client = pulled.reference, tools.client(pulled.reference.registry)

    def _fetch(self, digest: str) -> AbstractContextManager[Iterable[bytes]]:
        return self.client.blob(self.reference.repository, digest)

    def _records(self) -> dict[str, PushRecord]:
        """Return the records of the repository; of a registry that lists nothing there are none."""
        try:
            tags = self.client.tags(self.reference.repository)
            records = read_records(self.client, self.reference.repository, tags)
            runs = runs_of(self.client, self.reference.repository)
            # services record their runs, environments their pushes: one form for both
            return {**records, **{holder: _as_record(one) for holder, one in runs.items()}}
        except RegistryError as error:
            self.notes.append(f"The registry does not list what else is in the repository: {error.message}.")
            return {}

    def _before(self, against: str, records: Mapping[str, PushRecord]) -> Before | None:
        if against:
            return self._named(against)
        # of several holders the one who pushed last counts
        digest = _digest_before(self.digest, records.values())
        if not digest:
            self.notes.append("No earlier image of this repository is known; --against compares with any other.")
            return None
        try:
            reference = Reference(self.reference.registry, self.reference.repository, digest=digest)
            return pull_image(self.client, reference)
        # cleaned away by `keepTags`, or by hand
        except UserError:
            self.notes.append(f"The image before ({digest}) is not in the registry any more.")
            return None

    def _named(self, text: str) -> Before:
        if text.startswith((":", "@", "sha256:")):  # of the same repository
            text = f"@{text}" if text.startswith("sha256:") else text
            text = f"{self.reference.registry}/{self.reference.repository}{text}"
        return super()._named(text)

    def _others(self, before: Before | None) -> dict[str, frozenset[str]]:
        """Return digests of layers by tag, of other images of the repository that have a tag of their content."""
        # both stand in the report already
        known = {self.digest, before.digest if before else ""}
        try:
            # tags of content are images of ours; steps, records and catalogs have other names, and are no images to
            # compare with
            tags = [tag for tag in self.client.tags(self.reference.repository) if _CONTENT.fullmatch(tag)]
            # behind "sha256:" come the digits that the tag repeats
            others = [tag for tag in tags if not any(digest[7:19] == tag for digest in known)][:NEWEST]
            with ThreadPoolExecutor(_LOOKERS) as lookers:
                found = list(lookers.map(partial(self.client.manifest, self.reference.repository), others))
        except RegistryError:
            # the comparison with others is an addition: the page says that nobody else is known
            return {}
        return {tag: _layers(one.body) for tag, one in zip(others, found, strict=True) if one}

    def _builds(self, records: Mapping[str, PushRecord]) -> Iterable[Build]:
        # an environment's own build took most of the time, so both are told
        environment = self._environment()
        if environment:
            try:
                tags = self.client.tags(environment.repository)
                below = read_records(self.client, environment.repository, tags)
            except RegistryError:
                below = {}
            # the lower first, as it was built first
            yield from _builds_of(environment.digest, below.values(), "environment")
        yield from _builds_of(self.digest, records.values(), "service" if environment else "environment")

    def _environment(self) -> Reference | None:
        """Return the environment that the image stands on; None if it is one, or is not ours."""
        said = str(inputs_of(self.image).get("environment") or "")
        return Reference.parse(f"{self.reference.registry}/{said}") if said else None

    def _licences(self) -> dict[str, str]:
        """Return what the attached bill of materials says, by ``kind name``; it hangs on the environment's image."""
        # bills are attached to the environment, whose packages they list
        subject = self._environment() or self.reference
        try:
            for entry in attached(self.client, subject.repository, subject.digest, CYCLONEDX):
                manifest = self.client.manifest(subject.repository, str(entry["digest"]))
                # exactly one blob: a manifest with more is no bill of ours
                (blob,) = json.loads(manifest.body)["layers"] if manifest else [None]
                # anybody who may push can attach one: its size is looked at before it is read into memory
                if blob and int(blob["size"]) <= _LARGEST_BILL:
                    return _licences_in(json.loads(self.client.read_blob(subject.repository, str(blob["digest"]))))
        # a page without licences is better than none
        except (OutageError, ValueError, LookupError, TypeError, AttributeError):
            pass
        return {}


def _as_record(runs: Iterable[Run]) -> PushRecord:
    """Return what a service had in the form that an environment's pushes have."""
    known = tuple(runs)
    # the first of the holder's pushes is nothing that came before
    pushes = tuple(Push(run.digest, float(run.since)) for run in known)
    return PushRecord(pushes, {}, {run.digest: run.took for run in known if run.took})


def _digest_before(digest: str, records: Iterable[PushRecord]) -> str:
    """Return what the holder had before that pushed the image last; for whom it was the first knows nothing."""
    found = [
        (push.time, before)
        for record in records
        for push in record.pushes
        if push.digest == digest and (before := record.before(digest))
    ]
    return max(found, default=(0.0, ""))[1]


def _builds_of(digest: str, records: Iterable[PushRecord], what: str) -> list[Build]:
    for record in records:
        # a push that built nothing took no time, and says so by having no spans
        if spans := record.took.get(digest):
            pushed = next((push.time for push in record.pushes if push.digest == digest), 0.0)
            return [Build(what, pushed, spans)]
    return []


def _layers(manifest: bytes) -> frozenset[str]:
    # it was written by somebody else, maybe by hand
    try:
        return frozenset(str(entry["digest"]) for entry in json.loads(manifest)["layers"])
    except (ValueError, LookupError, TypeError):
        return frozenset()


def _licences_in(bill: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for component in bill["components"]:
        kind = str(component.get("purl", "")).partition("/")[0]
        texts = [_licence(one) for one in component.get("licenses") or ()]
        # packages of pip say their licence in too many ways to compare; conda-forge requires an SPDX expression
        if kind == "pkg:conda" and any(texts):
            found[f"conda {component['name']}"] = ", ".join(filter(None, texts))
    return found


def _licence(told: Mapping[str, Any]) -> str:
    # CycloneDX has either an expression or a licence by id or name (schema 1.5, "licenseChoice")
    inner = told.get("license") or {}
    return str(told.get("expression") or inner.get("id") or inner.get("name") or "")
