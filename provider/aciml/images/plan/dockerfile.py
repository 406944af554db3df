"""A base from a Dockerfile: read and judged, its images pinned; its key names what is built of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.builder import REMOTE
from ...core.context import context_sources, dangling, matching, named_by
from ...core.encoding import decoded
from ...core.errors import Finding, Level, UserError
from ...core.image import canonical_json
from ...core.lean import lean
from ...core.recipe import DockerfileBase
from ...core.reference import Reference
from ...core.stages import Dockerfile, is_known_image, read_dockerfile
from ...core.unknown import NOT_KNOWN
from ...model.declared import wires_of
from ...model.environment import Base, Environment
from .folders import scripts_told, secrets_told, size_told

if TYPE_CHECKING:
    from ...core.context import FileEntry
    from ...core.lint import Memory
    from ...core.lint_forms import BuilderWords
    from ...core.steps import Step


_WAYS = ("base_image", "dockerfile", "dockerfile_text")
_OF_DOCKERFILE = ("build_context", "build_target", "build_args", "build_secrets")
# RUN --mount=type=bind without from= reads the context (Dockerfile reference, "RUN --mount"): what of it, nobody knows
(_SECRETS,) = wires_of(Base, "build_secrets")
_BIND = re.compile(r"--mount=(?=\S*type=bind)(?!\S*from=)")
_ARG = re.compile(r"^[ \t]*ARG[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE)
_ELSEWHERE = "paths are relative to the folder of Pulumi.yaml"


@lean(frozen=True)
class Draft:
    """A Dockerfile as the user wrote it, with the files that it copies."""

    dockerfile: Dockerfile
    context: tuple[FileEntry, ...]
    arguments: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def key(self, images: Mapping[str, str]) -> str:
        """Name what it makes of pinned images; secrets count by their ids, which are in the text."""
        from ...core.lint import WRITER
        from ...docker.context import hash_context

        # without the host: the same image of a mirror makes the same base
        names = {text: f"{Reference.parse(text).repository}@{digest}" for text, digest in images.items()}
        facts = {
            "dockerfile": [step.text for step in self.dockerfile.pinned(names)],
            "syntax": self.dockerfile.syntax,
            "arguments": dict(self.arguments),
            "context": hash_context(self.context),
            "writer": WRITER,
        }
        return hashlib.sha256(canonical_json(facts)).hexdigest()

    def pinned(self, images: Mapping[str, str], key: str) -> DockerfileBase:
        """Return what there is to build of these digests; ``key`` is that of the same images."""
        return DockerfileBase(self.dockerfile, images, self.context, self.arguments, key, self.secrets)


def judge_base(base: Base, builder: str, lint_off: Collection[str]) -> list[Finding]:
    """Report unless the base is given in exactly one way, and what belongs to a Dockerfile comes with one.

    Args:
        base: as it is declared.
        builder: word of the property of that name.
        lint_off: ids of lint rules that are switched off.
    """
    given = [base.at(name) for name in _WAYS if getattr(base, name)]
    if not given and not base.is_unsure(*_WAYS):
        return [base.finding("base_image", "baseImage is missing; give it, or dockerfile, or dockerfileText")]
    if len(given) > 1:
        return [Finding(name, f"give {' or '.join(given)}, not both") for name in given[1:]]
    findings: list[Finding] = []
    if base.base_image:
        idle = [name for name in _OF_DOCKERFILE if getattr(base, name)]
        findings = [base.finding(name, f"{base.at(name)} belongs to a Dockerfile, and there is none") for name in idle]
    elif given:
        draft, wrong = read_draft(base)
        findings = [*wrong, *_linted(base, lint_off), *_judge_builder(draft, builder), *_judge_size(base, draft)]
    if bool(base.base_username) != bool(base.base_password) and not base.is_account_unsure:
        findings.append(base.finding("base_username", "give baseUsername and basePassword together"))
    return findings


def _judge_size(base: Base, draft: Draft | None) -> list[Finding]:
    """Tell of a large context: what COPY names of it is sent to the builder, and in the image."""
    if draft is None:
        return []
    _, name = _text_of(base, [])
    why = size_told("the context of the Dockerfile", _context_of(base, name), draft.context)
    where = base.at("build_context") if base.build_context else base.dockerfile_property
    return [Finding(where, why, Level.WARNING)] if why else []


def _judge_builder(draft: Draft | None, builder: str) -> list[Finding]:
    """Report what the target's builder cannot do, before a secret is on its way to it."""
    if draft is None or builder != REMOTE:
        return []
    if draft.secrets:
        why = "secrets of a build need BuildKit, which the target's builder does not have; write builder: docker"
        return [Finding(_SECRETS, why)]
    if need := draft.dockerfile.needs_buildkit:
        why = f"{need} needs BuildKit, which the target's builder does not have; write builder: docker, or do without"
        return [Finding("builder", why)]
    return []


def judge_words(base: Base, builder: BuilderWords, lint_off: Collection[str]) -> list[Finding]:
    """Report what of the base's own Dockerfile its builder does not know."""
    from ...core.lint import lint_dockerfile

    text, name = _text_of(base, [])
    where = base.dockerfile_property
    found = lint_dockerfile(text or "", where=where, name=name, context_files=None, builder=builder, off=lint_off)
    return [one for one in found if one.rule == "buildkit-only"]


def _linted(base: Base, lint_off: Collection[str]) -> list[Finding]:
    """Judge the text by the rules of steps, without those about names and files that ``read_draft`` judges."""
    from ...core.lint import lint_dockerfile

    text, name = _text_of(base, [])
    judged = {"instruction-unknown", "stage-order", "copy-missing", "copy-leaves", "copy-context"}
    # one fault, one finding
    # those are errors of reading, told there with the file's own line
    off = judged.union(lint_off)
    return [*lint_dockerfile(text or "", where=base.dockerfile_property, name=name, context_files=None, off=off)]


def left_behind(base: Base) -> Memory | None:
    """Return what the base's own Dockerfile leaves to the steps: its user, shell, programs; None if there is none."""
    # a target or argument that is not known may lead to another user, or to another stage
    if not (base.dockerfile or base.dockerfile_text) or base.is_unsure("build_target", "build_args"):
        return None
    from ...core.lint import memory_of

    text, _ = _text_of(base, [])
    return memory_of(text or "", base.build_target or "")


def read_draft(base: Base) -> tuple[Draft | None, list[Finding]]:
    """Read the Dockerfile that the inputs name; all that is wrong is in the findings.

    Of a target that is not known yet the first stage is read, which is in each; see ``is_certain``.
    """
    where, findings = base.dockerfile_property, list[Finding]()
    text, name = _text_of(base, findings)
    if text is None:
        return None, findings
    # a stage may be named by its number (Dockerfile reference, "FROM")
    target = "0" if base.is_unsure("build_target") else base.build_target or ""
    unsure = dict.fromkeys(_argument_names(text), NOT_KNOWN) if base.is_unsure("build_args") else {}
    # unknown ones keep their names, so that the lines that do not use them are judged
    arguments = dict(base.build_args or unsure)
    dockerfile, wrong = read_dockerfile(text, name, where, target=target, arguments=arguments)
    findings += wrong
    steps = dockerfile.steps if dockerfile else ()
    files = () if base.is_unsure("build_context") else _files(base, name, steps, findings)
    if dockerfile is None:
        return None, findings
    used, missing = _used(dockerfile, files, name, where)
    if why := secrets_told(_context_of(base, name), used):
        findings.append(Finding(base.at("build_context") if base.build_context else where, why))
    if why := scripts_told(_context_of(base, name), used):
        findings.append(Finding(base.at("build_context") if base.build_context else where, why, Level.WARNING))
    missing = [] if base.is_unsure("build_context") else missing
    return Draft(dockerfile, used, arguments, dict(base.build_secrets or {})), findings + missing


def is_certain(draft: Draft, base: Base) -> bool:
    """Tell whether all that the result depends on is known, so that it has a key."""
    unsure = base.is_unsure("build_args", "build_context", "build_target")
    return NOT_KNOWN not in draft.arguments.values() and not unsure


def known_images(draft: Draft, base: Base) -> tuple[tuple[str, ...], bool]:
    """Return the images that are certainly taken, and whether these are all."""
    known = tuple(text for text in draft.dockerfile.images if is_known_image(text))
    return known, len(known) == len(draft.dockerfile.images) and not base.is_unsure("build_target")


def _argument_names(text: str) -> set[str]:
    return {word.partition("=")[0] for line in _ARG.findall(text) for word in line.split()}


def _text_of(base: Base, findings: list[Finding]) -> tuple[str | None, str]:
    """Return the Dockerfile's text, None if it cannot be read, and what the user calls it."""
    if not base.dockerfile:
        return base.dockerfile_text or "", "Dockerfile"
    path = base.dockerfile
    try:
        return decoded(Path(path).read_bytes(), path), path
    except FileNotFoundError:
        findings.append(base.finding("dockerfile", f"{path} does not exist; {_ELSEWHERE}"))
    except OSError as error:
        findings.append(base.finding("dockerfile", f"{path} cannot be read: {error.strerror}; mend that"))
    except UserError as error:
        findings.append(base.finding("dockerfile", str(error)))
    return None, path


def _context_of(base: Base, name: str) -> Path:
    # a Dockerfile's own folder is its context
    return Path(base.build_context) if base.build_context else Path(name).parent


def _files(base: Base, name: str, steps: Iterable[Step], findings: list[Finding]) -> tuple[FileEntry, ...] | None:
    """Return all files of the context; None if there is no context."""
    from ...docker.context import walk

    if not base.build_context and not base.dockerfile:
        return None
    folder = _context_of(base, name)
    if not folder.is_dir():
        findings.append(base.finding("build_context", f"{folder} is not a folder; {_ELSEWHERE}"))
        return None
    try:
        return tuple(walk(folder, named=named_by(steps)))
    except UserError as error:
        findings.append(base.finding("build_context", str(error)))
        return None


def _used(
    dockerfile: Dockerfile, files: tuple[FileEntry, ...] | None, name: str, where: str
) -> tuple[tuple[FileEntry, ...], list[Finding]]:
    """Return the files that COPY and ADD take, and what they will not find."""
    from ...docker.context import select_used

    findings: list[Finding] = []
    paths = {entry.path: entry.link for entry in files or ()}
    for step in dockerfile.steps:
        sources = context_sources(step)
        at = f"{name}:{step.line}: {step.instruction}"
        if sources is None:
            continue
        if files is None:
            findings.append(Finding(where, f"{at} reads files, but there is no context; name its folder: buildContext"))
            break
        findings += [Finding(where, f'{at} "{path}" leaves the context') for path in sources.leaving]
        # a link whose target is not in the context is copied as it is, and leads nowhere in the image
        findings += [Finding(where, f"{at}: {why}") for path in sources.paths for why in dangling(path, paths)]
        lost = [path for path in sources.paths if path not in (".", *paths) and not matching(path, paths)]
        findings += [Finding(where, f'{at}: no file "{path}" in the context (after .dockerignore)') for path in lost]
    # RUN --mount=type=bind may read anything of the context, and says so nowhere else
    if any(_BIND.search(step.text) for step in dockerfile.steps if step.instruction == "RUN"):
        return files or (), findings
    return tuple(select_used(dockerfile.steps, files or ())), findings


def pin_images(
    texts: Iterable[str],
    before: Mapping[str, str],
    resolve: Callable[[str], str],
    locked: Mapping[str, str],
    *,
    refresh: bool,
) -> dict[str, str]:
    """Return the digest of every image that a Dockerfile names; those of last time stay unless refreshed.

    Args:
        texts: the images.
        before: digests of last time.
        resolve: gives the digest that a reference has now.
        locked: digests that win over both.
        refresh: look at all of them again.
    """
    kept = {**({} if refresh else before), **locked}
    return {text: kept.get(text) or resolve(text) for text in texts}


def dockerfile_of(environment: Environment) -> DockerfileBase | None:
    """Return the Dockerfile of a pinned environment; None if its base is a reference.

    Raises:
        UserError: it changed since it was checked.
    """
    if environment.base.base_image:
        return None
    draft, findings = read_draft(environment.base)
    images, key = dict(environment.pins.base_images or {}), environment.pins.base_key
    if draft is None or findings or key is None or draft.key(images) != key:
        raise UserError("the base's Dockerfile changed since it was checked", "run the same command again")
    return draft.pinned(images, key)
