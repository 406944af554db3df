"""A Dockerfile read into stages: what each is built from, what has to be pinned, and what is certainly wrong.

Source: Dockerfile reference, "FROM", "ARG" (scope before the first FROM), "COPY --from", "Parser directives".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .errors import Finding, UserError
from .lean import lean
from .meant import meant
from .reference import SCRATCH, Reference
from .steps import Step, directives_of, parse_steps
from .unknown import NOT_KNOWN

_FROM = re.compile(r"(?:--platform=(\S+)\s+)?(\S+)(?:\s+[Aa][Ss]\s+(\S+))?")
# the frontend's instructions/parse.go: names of stages are lowered, then held to this
_NAME = re.compile(r"[a-z][a-z0-9._-]*")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
_FROM_OPTION = re.compile(r"(--from=|(?<=[,=\s])from=)([^,\s]+)")
# WORKDIR too: it makes the folder where it is missing
_MAKES_LAYER = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
_NEEDS = {"RUN": ("mount", "network", "security"), "COPY": ("chmod", "link", "parents", "exclude")}
_NEEDS["ADD"] = (*_NEEDS["COPY"], "checksum", "keep-git-dir", "unpack")


@lean(frozen=True)
class Stage:
    """One FROM and what follows. ``below`` is an image, ``scratch``, or the number of an earlier stage."""

    start: Step
    below: str | int
    name: str = ""
    steps: tuple[Step, ...] = ()


@lean(frozen=True)
class Dockerfile:
    """A Dockerfile up to the stage that is wanted, which is the last one here.

    ``arguments`` are the ARG lines before the first FROM; ``syntax`` is the frontend that the first line names.
    """

    stages: tuple[Stage, ...]
    arguments: tuple[Step, ...] = ()
    syntax: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All instructions in order."""
        return (*self.arguments, *(step for stage in self.stages for step in (stage.start, *stage.steps)))

    @property
    def images(self) -> tuple[str, ...]:
        """References to pin, each once: of FROM, of COPY --from, and of RUN --mount; see ``is_known_image``."""
        below = [stage.below for stage in self.stages if isinstance(stage.below, str) and stage.below != SCRATCH]
        copied = [found for stage in self.stages for step in stage.steps for found in _taken_from(step, self.stages)]
        return tuple(dict.fromkeys([*below, *copied]))

    @property
    def base(self) -> str:
        """Image that the wanted stage stands on, through other stages; ``scratch`` if there is none."""
        below = self.stages[-1].below
        while isinstance(below, int):
            below = self.stages[below].below
        return below

    @property
    def most_layers(self) -> int:
        """How many layers the wanted stage has at most above its base image."""
        stage, found = self.stages[-1], 0
        while True:
            found += sum(step.instruction in _MAKES_LAYER for step in stage.steps)
            if not isinstance(stage.below, int):
                return found
            stage = self.stages[stage.below]

    @property
    def needs_buildkit(self) -> str:
        """First thing that the classic builder cannot do, such as ``line 3: RUN --mount``; empty if it can do all."""
        if self.syntax:
            return f"# syntax={self.syntax}"
        return next((f"line {step.line}: {need}" for step in self.steps if (need := beyond_classic(step))), "")

    def pinned(self, images: Mapping[str, str]) -> tuple[Step, ...]:
        """Return all instructions with each image replaced by what ``images`` says."""
        lines = [*self.arguments]
        for stage in self.stages:
            below = stage.below if isinstance(stage.below, str) else _called(self.stages[stage.below], stage.below)
            # by digest and in our repository: mirrors and accounts work as for a
            # reference, and a builder elsewhere reaches it (decisions/base-images.md)
            start = f"FROM {images.get(below, below)}" + (f" AS {stage.name}" if stage.name else "")
            lines.append(replace(stage.start, text=start))
            lines += [_with_images(step, self.stages, images) for step in stage.steps]
        return tuple(lines)


def is_known_image(text: str) -> bool:
    """Tell whether a reference is known; one that is made of a build argument may not be yet."""
    return NOT_KNOWN not in text


def read_dockerfile(
    text: str, name: str, where: str, *, target: str = "", arguments: Mapping[str, str] | None = None
) -> tuple[Dockerfile | None, list[Finding]]:
    """Read a Dockerfile; all that is wrong is in the findings, and then there may be no Dockerfile.

    Args:
        text: of the file.
        name: how the user calls it.
        where: property path for findings.
        target: name or number of the wanted stage; empty is the last.
        arguments: build arguments; those that are not known yet are ``NOT_KNOWN``.
    """
    findings: list[Finding] = []
    directives = directives_of(text)
    if (escape := directives.get("escape", "\\")) not in {"\\", "`"}:
        line = 1 + list(directives).index("escape")
        findings.append(
            Finding(where, f'{name}:{line}: # escape takes \\ or a backtick, not "{escape}"; write one of them')
        )
    steps = parse_steps(text, name)
    for step, before in zip(steps, [None, *steps], strict=False):
        findings += [Finding(where, f"{_at(step)}: {why}") for why in _unknown(step, before)]
    head, groups = _grouped(steps)
    findings += [
        Finding(where, f"{_at(step)}: only ARG may stand before the first FROM") for step in head if not _is_arg(step)
    ]
    if not groups:
        return None, [*findings, Finding(where, f"{name} has no FROM; begin it with FROM and the image to build on")]
    values = _values(head, arguments or {})
    stages: list[Stage] = []
    for group in groups:
        try:
            stages.append(_stage(group, stages, values))
        except UserError as error:
            findings.append(Finding(where, f"{_at(group[0])}: {error}"))
            # it keeps its number, so that what others say of --from=2 is judged rightly
            stages.append(Stage(group[0], SCRATCH, "", tuple(group[1:])))
    wanted = _wanted(stages, target, findings)
    kept = tuple(stages[: wanted + 1])
    findings += [Finding(where, f"{_at(step)}: {why}") for why, step in _later_stages(kept, stages)]
    found = Dockerfile(kept, tuple(step for step in head if _is_arg(step)), directives.get("syntax", ""))
    return (None if findings else found), findings


def _at(step: Step) -> str:
    return f"{step.file}:{step.line}"


def _is_arg(step: Step) -> bool:
    return step.instruction == "ARG"


def _unknown(step: Step, before: Step | None) -> list[str]:
    # here: most environments have no Dockerfile, and the rules are slow to load
    from .lint import INSTRUCTIONS, unknown_instruction

    if step.instruction not in INSTRUCTIONS:
        fault = unknown_instruction(step, before)
        return [f"{fault.why}; {fault.advice}"]
    # CMD and ENTRYPOINT alone take back what the base has
    alone = not step.arguments and step.instruction not in {"CMD", "ENTRYPOINT"}
    return [f"{step.instruction} stands alone; write what it shall do"] if alone else []


def _grouped(steps: Sequence[Step]) -> tuple[list[Step], list[list[Step]]]:
    head: list[Step] = []
    groups: list[list[Step]] = []
    for step in steps:
        if step.instruction == "FROM":
            groups.append([step])
        else:
            (groups[-1] if groups else head).append(step)
    return head, groups


def _values(head: Sequence[Step], given: Mapping[str, str]) -> dict[str, str]:
    """Return what ARG lines before the first FROM are worth: only those reach a FROM."""
    # Dockerfile reference, "Automatic platform ARGs in the global scope": there without an ARG line
    platform = {"TARGETPLATFORM": "linux/amd64", "BUILDPLATFORM": "linux/amd64"}
    values = {**platform, "TARGETOS": "linux", "TARGETARCH": "amd64", "BUILDOS": "linux", "BUILDARCH": "amd64"}
    for step in head:
        for word in step.arguments.split() if _is_arg(step) else ():
            name, equals, default = word.partition("=")
            if name in given or equals:
                values[name] = given.get(name, _expanded(default.strip("\"'"), values))
    return values


def _expanded(text: str, values: Mapping[str, str]) -> str:
    """Replace variables.

    Raises:
        UserError: one has no value.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        known = values.get(name, "")
        # as a whole: of a text with an unknown part in it nothing is certain
        if NOT_KNOWN in known:
            return NOT_KNOWN
        # the reference's two forms, ${NAME:-word} and ${NAME:+word}
        if match[3]:
            return (known or match[4]) if match[3] == "-" else (match[4] if known else "")
        if name not in values:
            advice = f"write ARG {name}=... before the first FROM, or give it in buildArgs"
            raise UserError(f"FROM uses ${name}, which has no value there", advice)
        return known

    return _VARIABLE.sub(value, text)


def _stage(group: Sequence[Step], before: Sequence[Stage], values: Mapping[str, str]) -> Stage:
    found = _FROM.fullmatch(" ".join(group[0].arguments.split()))
    if not found:
        raise UserError("FROM is not understood", "write FROM image, or FROM image AS name")
    platform, image, name = (_expanded(part or "", values) for part in found.groups())
    if platform not in {"", "linux/amd64"} and NOT_KNOWN not in platform:
        raise UserError(f"--platform={platform} is not what the service runs on", "write linux/amd64, or nothing")
    # stages are compared in lower case, images are not: `FROM Build` may be either
    name = name.lower()
    if name and not _NAME.fullmatch(name) and NOT_KNOWN not in name:
        raise UserError(f'"{name}" is no name of a stage', "begin it with a letter; letters, digits, ., _ and - follow")
    earlier = [number for number, stage in enumerate(before) if stage.name and stage.name == image.lower()]
    # a name may be given twice: the nearest above counts
    below: str | int = earlier[-1] if earlier else image
    if not earlier and image != SCRATCH and is_known_image(image):
        from .lint_bases import (
            is_of_windows,  # here: a table of images, which an environment without a Dockerfile lacks
        )

        if is_of_windows(image):
            raise UserError(f"{image} is an image of Windows", "services run on Linux: take an image of it")
        Reference.parse(image)
    return Stage(group[0], below, name, tuple(group[1:]))


def _wanted(stages: Sequence[Stage], target: str, findings: list[Finding]) -> int:
    names = [stage.name for stage in stages]
    if not target:
        return len(stages) - 1
    if target.lower() in names:
        return names.index(target.lower())
    if target.isdigit() and int(target) < len(stages):
        return int(target)
    if any(NOT_KNOWN in name for name in names):
        return 0  # it may be the name that is not known; the first stage is in every one
    close = meant(target, [name for name in names if name], 0.5)
    known = ", ".join(filter(None, names)) or "none with a name"
    hint = f"did you mean {close}?" if close else f"there are: {known}"
    findings.append(Finding("buildTarget", f'there is no stage "{target}"; {hint}'))
    # the finding stops the build; the rest is judged as if the last were meant, so that all faults are told at once
    return len(stages) - 1


def _later_stages(kept: Sequence[Stage], known: Sequence[Stage]) -> list[tuple[str, Step]]:
    """Report COPY --from of a stage that comes later, or of the stage itself."""
    late = []
    for number, stage in enumerate(kept):
        # a name that an earlier stage has too is that earlier stage
        later = {other.name for other in known[number:] if other.name} - {other.name for other in known[:number]}
        for step in stage.steps:
            for _, source in _FROM_OPTION.findall(_options(step)):
                is_late = source.lower() in later or (source.isdigit() and number <= int(source))
                if is_late:
                    late.append((f"--from={source} is no earlier stage; put that stage first", step))
    return late


def _options(step: Step) -> str:
    """Return the flags of COPY and RUN, where images can be named."""
    if step.instruction not in {"COPY", "ADD", "RUN"}:
        return ""
    found = re.match(r"(?:--\S+\s+)+", step.arguments)
    return found[0] if found else ""


def _taken_from(step: Step, stages: Sequence[Stage]) -> list[str]:
    names = {stage.name for stage in stages if stage.name}
    found = [source for _, source in _FROM_OPTION.findall(_options(step))]
    return [word for word in found if word.lower() not in names and not word.isdigit() and "$" not in word]


def _with_images(step: Step, stages: Sequence[Stage], images: Mapping[str, str]) -> Step:
    wanted = set(_taken_from(step, stages)) & images.keys()
    if not wanted:
        return step
    options = _options(step)

    def pin(match: re.Match[str]) -> str:
        return match[1] + images.get(match[2], match[2])

    text = f"{step.instruction} {_FROM_OPTION.sub(pin, options)}{step.arguments[len(options) :]}"
    return replace(step, text=text)


def _called(stage: Stage, number: int) -> str:
    return stage.name or str(number)


def beyond_classic(step: Step) -> str:
    """Return what of a step the classic builder does not know, such as ``RUN --mount``; empty if it knows all."""
    flags = re.findall(r"--([A-Za-z-]+)(?=[=\s])", _options(step))
    for flag in flags:
        if flag in _NEEDS.get(step.instruction, ()):
            return f"{step.instruction} --{flag}"
    # the heredoc of a RUN that names no program is written for the classic builder as a plain script
    if step.heredoc and (step.instruction != "RUN" or step.names_interpreter):
        return f"{step.instruction} with a heredoc"
    return ""


def steps_beyond_classic(steps: Sequence[Step]) -> str:
    """Return the first thing in extra steps that needs BuildKit, such as ``step 3: RUN --mount``; empty if none."""
    return next((f"{step.label}: {need}" for step in steps if (need := beyond_classic(step))), "")
