"""A base from a Dockerfile: read and judged, its images pinned, found by its key or built."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.builder import BuilderRefused, RemoteBuilder
from ..core.context import context_sources, matching
from ..core.errors import Finding, OutageError, UserError
from ..core.image import Image, canonical_json
from ..core.lint import WRITER, lint_dockerfile
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.stages import SCRATCH, Dockerfile, is_known_image, read_dockerfile
from ..core.unknown import NOT_KNOWN
from .pushing import Place
from .workshop import Workshop

if TYPE_CHECKING:
    import docker

    from ..docker.base_build import DockerfileJob
    from ..docker.context import FileEntry
    from .steps import Builder

Values = dict[str, Any]
SOURCES = ("baseImage", "dockerfile", "dockerfileText")
_BIND = re.compile(r"--mount=(?=\S*type=bind)(?!\S*from=)")
_ARG = re.compile(r"^[ \t]*ARG[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE)
_ELSEWHERE = "paths are relative to the folder of Pulumi.yaml"


@dataclass(frozen=True)
class Draft:
    """A Dockerfile as the user wrote it, with the files that it copies."""

    dockerfile: Dockerfile
    context: tuple[FileEntry, ...]
    arguments: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def key(self, images: Mapping[str, str]) -> str:
        """Name what it makes of pinned images; secrets count by their ids, which are in the text."""
        from ..docker.context import hash_context

        names = {text: f"{Reference.parse(text).repository}@{digest}" for text, digest in images.items()}
        facts = {
            "dockerfile": [step.text for step in self.dockerfile.pinned(names)],
            "syntax": self.dockerfile.syntax,
            "arguments": dict(self.arguments),
            "context": hash_context(self.context),
            "writer": WRITER,
        }
        return hashlib.sha256(canonical_json(facts)).hexdigest()


@dataclass(frozen=True)
class DockerfileBase:
    """A draft with its images pinned; ``key`` names the result."""

    draft: Draft
    images: Mapping[str, str]
    key: str

    @property
    def below(self) -> Reference:
        """Image that the wanted stage stands on."""
        base = self.draft.dockerfile.base
        return Reference("", SCRATCH) if base == SCRATCH else Reference.parse(base).at(self.images[base])

    def job(self, ca_bundle: Path | None) -> DockerfileJob:
        """Return what there is to build."""
        from ..docker.base_build import DockerfileJob

        draft = self.draft
        return DockerfileJob(
            draft.dockerfile, self.images, draft.context, draft.arguments, self.key, draft.secrets, ca_bundle
        )


def judge_sources(values: Values, unknown: Collection[str] = ()) -> list[Finding]:
    """Report unless the base is given in exactly one way, and what belongs to a Dockerfile comes with one.

    ``unknown`` has the names of inputs that are given, and not known yet.
    """
    given = [name for name in SOURCES if values.get(name)]
    if not given and not any(name in unknown for name in SOURCES):
        return [Finding("baseImage", "baseImage is missing; give it, or dockerfile, or dockerfileText")]
    if len(given) > 1:
        return [Finding(name, f"give {' or '.join(given)}, not both") for name in given[1:]]
    findings: list[Finding] = []
    if given == ["baseImage"]:
        idle = [name for name in ("buildContext", "buildTarget", "buildArgs", "buildSecrets") if values.get(name)]
        findings = [Finding(name, f"{name} belongs to a Dockerfile, and there is none") for name in idle]
    elif given:
        draft, wrong = read_draft(values, unknown)
        findings = [*wrong, *_linted(values), *_judge_place(draft, values)]
    account = ("baseUsername", "basePassword")
    if len([name for name in account if values.get(name)]) == 1 and not any(name in unknown for name in account):
        findings.append(Finding("baseUsername", "give baseUsername and basePassword together"))
    return findings


def _judge_place(draft: Draft | None, values: Values) -> list[Finding]:
    """Report what the target's builder cannot do, before a secret is on its way to it."""
    if draft is None or values.get("builder") != "acr":
        return []
    if draft.secrets:
        why = "secrets of a build need BuildKit, which the target's builder does not have; write builder: docker"
        return [Finding("buildSecrets", why)]
    if need := draft.dockerfile.needs_buildkit:
        why = f"{need} needs BuildKit, which the target's builder does not have; write builder: docker, or do without"
        return [Finding("builder", why)]
    return []


def _linted(values: Values) -> list[Finding]:
    """Judge the text by the rules of steps, without those about names and files that ``read_draft`` judges."""
    where = "dockerfile" if values.get("dockerfile") else "dockerfileText"
    name = str(values["dockerfile"]) if where == "dockerfile" else "Dockerfile"
    text = _read(name, []) if where == "dockerfile" else str(values["dockerfileText"])
    judged = {"instruction-unknown", "stage-order", "copy-missing", "copy-leaves", "copy-context"}
    off = judged.union(str(one) for one in values.get("lintOff") or ())
    return [*lint_dockerfile(text or "", where=where, name=name, context_files=None, off=off)]


def read_draft(plain: Values, unknown: Collection[str] = ()) -> tuple[Draft | None, list[Finding]]:
    """Read the Dockerfile that the inputs name; all that is wrong is in the findings.

    Of a target that is not known yet the first stage is read, which is in each; see ``is_certain``.
    """
    where = "dockerfile" if plain.get("dockerfile") else "dockerfileText"
    name = str(plain["dockerfile"]) if where == "dockerfile" else "Dockerfile"
    findings: list[Finding] = []
    text = _read(name, findings) if where == "dockerfile" else str(plain["dockerfileText"])
    target = "0" if "buildTarget" in unknown else str(plain.get("buildTarget", ""))
    if text is None:
        return None, findings
    given = dict.fromkeys(_argument_names(text), NOT_KNOWN) if "buildArgs" in unknown else plain.get("buildArgs") or {}
    arguments = {str(key): str(value) for key, value in given.items()}
    dockerfile, wrong = read_dockerfile(text, name, where, target=target, arguments=arguments)
    findings += wrong
    files = () if "buildContext" in unknown else _files(plain, where, name, findings)
    if dockerfile is None:
        return None, findings
    used, missing = _used(dockerfile, files, name, where)
    missing = [] if "buildContext" in unknown else missing
    secrets = {str(key): str(value) for key, value in (plain.get("buildSecrets") or {}).items()}
    return Draft(dockerfile, used, arguments, secrets), findings + missing


def is_certain(draft: Draft, unknown: Collection[str]) -> bool:
    """Tell whether all that the result depends on is known, so that it has a key."""
    about = ("buildArgs", "buildContext", "buildTarget")
    return NOT_KNOWN not in draft.arguments.values() and not any(name in unknown for name in about)


def known_images(draft: Draft, unknown: Collection[str]) -> tuple[tuple[str, ...], bool]:
    """Return the images that are certainly taken, and whether these are all."""
    known = tuple(text for text in draft.dockerfile.images if is_known_image(text))
    return known, len(known) == len(draft.dockerfile.images) and "buildTarget" not in unknown


def _argument_names(text: str) -> set[str]:
    return {word.partition("=")[0] for line in _ARG.findall(text) for word in line.split()}


def _read(path: str, findings: list[Finding]) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        findings.append(Finding("dockerfile", f"{path} does not exist; {_ELSEWHERE}"))
    except (OSError, UnicodeDecodeError) as error:
        findings.append(Finding("dockerfile", f"{path} cannot be read: {error}"))
    return None


def _files(plain: Values, where: str, name: str, findings: list[Finding]) -> tuple[FileEntry, ...] | None:
    """Return all files of the context; None if there is no context. A Dockerfile's own folder is its context."""
    from ..docker.context import walk

    folder = str(plain.get("buildContext", "")) or (str(Path(name).parent) if where == "dockerfile" else "")
    if not folder:
        return None
    if not Path(folder).is_dir():
        findings.append(Finding("buildContext", f"{folder} is not a folder; {_ELSEWHERE}"))
        return None
    try:
        return tuple(walk(Path(folder)))
    except UserError as error:
        findings.append(Finding("buildContext", str(error)))
        return None


def _used(
    dockerfile: Dockerfile, files: tuple[FileEntry, ...] | None, name: str, where: str
) -> tuple[tuple[FileEntry, ...], list[Finding]]:
    """Return the files that COPY and ADD take, and what they will not find."""
    from ..docker.context import select_used

    findings: list[Finding] = []
    paths = frozenset(entry.path for entry in files or ())
    for step in dockerfile.steps:
        sources = context_sources(step)
        at = f"{name}:{step.line}: {step.instruction}"
        if sources is None:
            continue
        if files is None:
            findings.append(Finding(where, f"{at} reads files, but there is no context; name its folder: buildContext"))
            break
        findings += [Finding(where, f'{at} "{path}" leaves the context') for path in sources.leaving]
        lost = [path for path in sources.paths if path != "." and not matching(path, paths)]
        findings += [Finding(where, f'{at}: no file "{path}" in the context (after .dockerignore)') for path in lost]
    if any(_BIND.search(step.text) for step in dockerfile.steps if step.instruction == "RUN"):
        return files or (), findings
    return tuple(select_used(dockerfile.steps, files or ())), findings


def pin_images(texts: Iterable[str], old: Values, resolve: Any, *, refresh: bool) -> dict[str, str]:
    """Return the digest of every image that a Dockerfile names; those of last time stay unless refreshed.

    Args:
        texts: the images.
        old: inputs of last time.
        resolve: gives the digest that a reference has now.
        refresh: look at all of them again.
    """
    before = {} if refresh else old.get("baseImages") or {}
    return {text: str(before.get(text) or resolve(text)) for text in texts}


def dockerfile_of(inputs: Values) -> DockerfileBase | None:
    """Return the Dockerfile of pinned inputs; None if their base is a reference.

    Raises:
        UserError: it changed since it was checked.
    """
    if inputs.get("baseImage"):
        return None
    draft, findings = read_draft(inputs)
    images = {str(key): str(value) for key, value in (inputs.get("baseImages") or {}).items()}
    if draft is None or findings or draft.key(images) != inputs.get("baseKey"):
        raise UserError("the base's Dockerfile changed since it was checked", "run the same command again")
    return DockerfileBase(draft, images, str(inputs["baseKey"]))


def find_made(shop: Workshop, made: DockerfileBase, place: Place) -> Image | None:
    """Return the image if it was built before; None only if the registry says that it was not."""
    from ..docker.finish import find_built

    return find_built(shop.client(place.login_server), place.repository, made.key)


def bring_made(shop: Workshop, made: DockerfileBase, place: Place, builder: Builder, progress: Progress) -> Image:
    """Return the image of a Dockerfile; it is built if the registry does not have it.

    Raises:
        UserError: an instruction fails, or nobody is there who can run it.
        OutageError: the builder or a registry does not answer.
    """
    from .base import BaseImages

    if found := find_made(shop, made, place):
        return found
    bases = BaseImages(shop)
    for text, digest in made.images.items():
        bases.copy(Reference.parse(text).at(digest), place.login_server, place.repository, progress)
    return _build(shop, made, place, builder, progress)


def _build(shop: Workshop, made: DockerfileBase, place: Place, builder: Builder, progress: Progress) -> Image:
    """Let Docker build if its engine answers, else the target's builder; one that refuses is followed by Docker."""
    from ..docker.engine import connect

    remote = None if builder == "docker" else shop.target.builder()
    if remote and builder == "acr":
        try:
            return _remotely(remote, shop, made, place, progress)
        except BuilderRefused as refusal:
            progress.warn(f"{refusal.message}; Docker builds the Dockerfile instead")
            return _by_docker(connect(), shop, made, place, progress)
    try:
        engine = connect()
    except OutageError as error:
        if remote is None:
            raise
        progress.say(f"{error.message}: the target builds the Dockerfile")
        return _remotely(remote, shop, made, place, progress)
    return _by_docker(engine, shop, made, place, progress)


def _remotely(remote: RemoteBuilder, shop: Workshop, made: DockerfileBase, place: Place, progress: Progress) -> Image:
    from ..docker.base_build import build_dockerfile_remotely

    client, repository = shop.client(place.login_server), f"{place.login_server}/{place.repository}"
    job = made.job(shop.settings.ca_bundle)
    return build_dockerfile_remotely(remote, job, client=client, repository=repository, progress=progress)


def _by_docker(
    engine: docker.DockerClient, shop: Workshop, made: DockerfileBase, place: Place, progress: Progress
) -> Image:
    from ..docker.base_build import build_dockerfile

    with closing(engine):
        return build_dockerfile(
            engine,
            made.job(shop.settings.ca_bundle),
            client=shop.client(place.login_server),
            repository=f"{place.login_server}/{place.repository}",
            credentials=shop.target.credentials(place.login_server),
            progress=progress,
        )
