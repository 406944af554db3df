"""What is certainly wrong with extra steps or a Dockerfile, told before anything is built.

A false alarm is worse than a miss: what is not certain passes, and the engine judges it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from .image import canonical_json
from .lint_forms import Files, after_flags, copy_faults, flag_faults, form_faults, set_names
from .lint_rules import RULES, Fault, LintFinding, closest, finding_of, words_of
from .lint_script import Memory, run_faults
from .lint_words import copied, secret_faults, sign_faults
from .steps import Step, parse_steps
from .unknown import NOT_KNOWN

__all__ = ["RULES", "LintFinding", "lint_dockerfile", "lint_steps", "steps_key"]
WRITER = 1
"""Version of how steps become an image; a new value builds all of them again."""

INSTRUCTIONS = words_of(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME"
    " WORKDIR"
)
_SERVER = ("server-command", "the scoring server is what the container runs; remove the step")
_REFUSED = {
    "FROM": ("instruction-refused", "the steps run on top of the base image; name another one with baseImage"),
    "CMD": _SERVER,
    "ENTRYPOINT": _SERVER,
    "ONBUILD": (
        "instruction-refused",
        "it would never run, since no image is built from this one by a Dockerfile; write the step itself",
    ),
}
# official images come without package lists and without sudo
_BARE = re.compile(r"(docker\.io/)?(library/)?(debian|ubuntu|python|buildpack-deps)(:[\w.-]+)?(@sha256:[0-9a-f]+)?")


@dataclass(frozen=True)
class _Course:
    files: Files
    buildkit: bool
    whole: bool  # a Dockerfile of its own


def lint_steps(
    steps: Sequence[Step],
    *,
    context_files: Collection[str] | None,
    context_folder: str = "the context folder",
    base: str = "",
    off: Collection[str] = (),
) -> list[LintFinding]:
    """Judge all steps at once; one that is not known yet counts as a step, and what it may have done is not guessed.

    Args:
        steps: from ``parse_steps``.
        context_files: relative paths in the context after ``.dockerignore``, as a mapping with the
            targets of links (see ``context.matching``); None if no context folder is given.
        context_folder: how the user calls the folder.
        base: reference of the image that the steps stand on; more is certain about official ones.
        off: ids of rules that are switched off.
    """
    if NOT_KNOWN in off:
        return []  # it may be any rule that is switched off
    course = _Course(Files(context_files, context_folder), buildkit=False, whole=False)
    memory, judged, guessed = _fresh(base), list[LintFinding](), False
    for step in steps:
        if not step.is_known:
            memory, guessed = _after_unknown(memory), True
            continue
        faults = list(_step_faults(step, course, memory))
        if any(fault.rule == "heredoc-unclosed" for fault in faults) and not _all_known(steps[step.number :]):
            break  # what ends it may come yet
        judged += [
            finding_of(step, fault) for fault in faults if fault.rule not in off and not (guessed and _may_go_on(fault))
        ]
    return judged


def _all_known(steps: Sequence[Step]) -> bool:
    return all(step.is_known for step in steps)


def _after_unknown(memory: Memory) -> Memory:
    """Return what is still certain after a step that is not known; it hardly sets another SHELL."""
    return replace(memory, lists=None, answered=True, sudo=None, folder=True)


def _may_go_on(fault: Fault) -> bool:
    """Tell whether the text may go on what an unknown step began: it resembles no instruction."""
    return fault.rule == "instruction-unknown" and not fault.advice.startswith("did you mean")


def lint_dockerfile(
    text: str,
    *,
    where: str,
    name: str = "Dockerfile",
    context_files: Collection[str] | None,
    context_folder: str = "the build context",
    buildkit: bool = True,
    off: Collection[str] = (),
) -> list[LintFinding]:
    """Judge a Dockerfile of any number of stages.

    Args:
        text: of the file.
        where: property path for the findings, ``dockerfile`` or ``dockerfileText``.
        name: how the user calls the file.
        context_files: see ``lint_steps``.
        context_folder: see ``lint_steps``.
        buildkit: whether BuildKit builds it, rather than the classic builder.
        off: ids of rules that are switched off.
    """
    # Dockerfile reference, "Parser directives": escape=` is for Windows, whose lines continue by another sign
    if NOT_KNOWN in off or re.match(r"(#[^\n]*\n)*#\s*escape\s*=\s*`", text):
        return []  # it may be any rule that is switched off; lines for Windows, which continue by another sign
    course = _Course(Files(context_files, context_folder, "buildContext"), buildkit=buildkit, whole=True)
    steps, memory, stages, judged = parse_steps(text, name), Memory(), _Stages(), []
    for step in steps:
        if step.instruction == "FROM":
            memory = _fresh(re.sub(r"(--\S+\s+)*", "", step.arguments).split(" ", 1)[0])
        faults = [*_step_faults(step, course, memory), *stages.faults(step, steps)]
        judged += [finding_of(step, fault, where) for fault in faults if fault.rule not in off]
    return judged


def steps_key(base_digest: str, steps: Sequence[Step], context_hash: str) -> str:
    """Return the key (SHA-256, hex) of the image that the steps make of a base.

    ``context_hash`` is empty when no step reads the context.
    """
    # the base by its digest, since a tag moves; the steps by
    # their text alone, since their place in a file is no content
    facts = {"base": base_digest, "steps": [step.text for step in steps], "context": context_hash, "writer": WRITER}
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def _fresh(base: str) -> Memory:
    # python:3.12-alpine is official, and no Debian
    bare = bool(_BARE.fullmatch(base)) and "alpine" not in base
    return Memory(lists=False if bare else None, sudo=False if bare else None)


def _step_faults(step: Step, course: _Course, memory: Memory) -> Iterator[Fault]:
    text, _ = step.joined()
    word = step.text.split(maxsplit=1)[0]
    if step.instruction not in INSTRUCTIONS:
        # a sign that nobody sees in the word itself is the cause; that the word is unknown is its effect
        signs = [fault for fault in sign_faults(text) if fault.at < len(word)]
        yield from signs or [
            Fault("instruction-unknown", 0, f'unknown instruction "{word}"', _suggest(step.instruction))
        ]
    elif not course.whole and step.instruction in _REFUSED:
        rule, advice = _REFUSED[step.instruction]
        yield Fault(
            rule, 0, f"{step.instruction} is not allowed here: {advice.partition('; ')[0]}", advice.partition("; ")[2]
        )
    elif not step.arguments:
        yield Fault("instruction-empty", 0, f"{step.instruction} stands alone", "write what it shall do")
    else:
        yield from _known_faults(step, text, course, memory)


def _suggest(word: str) -> str:
    # nobody is helped by a word that is refused next
    close = closest(word, INSTRUCTIONS - _REFUSED.keys(), 0.6)
    return f"did you mean {close}?" if close else "a step begins with RUN, COPY, ENV or another Dockerfile word"


def _known_faults(step: Step, text: str, course: _Course, memory: Memory) -> Iterator[Fault]:
    flags, at = after_flags(step, text)
    signs = list(sign_faults(text))
    yield from signs
    yield from flag_faults(step, flags, buildkit=course.buildkit)
    yield from secret_faults(step, text, at)
    yield from _heredoc_faults(step, text, at, course)
    yield from copy_faults(step, text, at, course.files)
    for name, value, place in flags if not course.whole else ():
        if name == "from" and (value or "").isdigit():
            yield Fault("stage-unknown", place, "extra steps have no stages", "name an image")
    # a typographic quote breaks JSON and pairs as well: one cause, one finding
    forms = [] if signs else list(form_faults(step, text, at))
    yield from forms
    if step.instruction == "RUN" and not signs and not forms:
        # a cache mount may hold package lists
        memory.lists = None if flags else memory.lists
        yield from run_faults(text, at, memory)
    yield from _remember(step, text, at, memory)


def _heredoc_faults(step: Step, text: str, at: int, course: _Course) -> Iterator[Fault]:
    """Heredocs that the classic builder does not know, or that have no end."""
    if step.heredoc and not course.buildkit:
        if step.instruction != "RUN":
            why = f"{step.instruction} with a heredoc needs BuildKit"
            yield Fault("buildkit-only", at, why, "put the text in a file of the context folder")
        elif text[at:].partition("\n")[2].startswith("#!") and text.startswith("<<", at):
            why = "a heredoc with an interpreter line needs BuildKit"
            yield Fault("buildkit-only", at, why, "COPY the script from the context folder and run it")
    if step.instruction in {"RUN", "COPY", "ADD"} and not step.heredoc:
        # << inside of quotes or of $(( )) is no heredoc; x keeps the offsets
        bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\$\(\(.*?\)\)", lambda found: "x" * len(found[0]), text)
        if found := re.search(r"(?<=\s)<<-?([A-Za-z_]\w*)(?=$|[\s;&|>)])", bare):
            why = f"no line {found[1]} ends this heredoc"
            yield Fault("heredoc-unclosed", found.start(), why, f"write {found[1]} alone on a line, without spaces")


def _remember(step: Step, text: str, at: int, memory: Memory) -> Iterator[Fault]:
    if step.instruction == "SHELL":
        memory.shell = bool(re.match(r'\[\s*"(/\S*/)?(ba|da|a|z|k)?sh"', text[at:]))
    elif step.instruction == "USER":
        # from here on steps do not run as root, so sudo may be what is meant
        memory.sudo = None
    elif step.instruction in {"COPY", "ADD"}:
        # what is copied may be a program of that name, package lists, or sudo
        memory.replaced |= set(copied(step))
        memory.lists = None
        memory.sudo = None
    elif step.instruction == "ENV":
        memory.answered = memory.answered or "ALWAYS_YES" in text or "PIP_YES" in text
    elif step.instruction == "WORKDIR":
        # Docker expands no ~, and a relative WORKDIR depends on the base's own
        if re.match(r"~|[\w.][\w./-]*$", text[at:]) and not (memory.folder and text[at] != "~"):
            why = (
                "WORKDIR knows no ~" if text[at] == "~" else f"WORKDIR {text[at:].strip()} has no folder to start from"
            )
            yield Fault("workdir-relative", at, why, "write the path from /")
        memory.folder = True


class _Stages:
    """What a Dockerfile's stages are called, and which variables they know."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._known: dict[str, set[str]] = {}
        self._here: set[str] = set()
        self._outer: set[str] = set()

    def faults(self, step: Step, steps: Sequence[Step]) -> Iterator[Fault]:
        """Judge what one instruction says of other stages and of variables."""
        text, _ = step.joined()
        flags, at = after_flags(step, text)
        if step.instruction == "FROM":
            self._begin(text[at:])
            return
        if not self._names and step.instruction != "ARG":
            yield Fault("stage-order", 0, f"{step.instruction} stands before the first FROM", "begin with FROM")
        for flag, value, place in flags:
            if flag == "from" and value and step.instruction == "COPY":
                yield from self._source(value.lower(), place, steps)
        yield from self._uses(step, text, at, steps)
        self._here |= set_names(step, text, at)

    def _begin(self, arguments: str) -> None:
        if not self._names:
            self._outer = set(self._here)
        words = arguments.lower().split()
        # Dockerfile reference, "ARG": a stage inherits what the stage below it has declared
        self._here = set(self._known.get(words[0], set())) if words else set()
        self._names.append(words[2] if len(words) > 2 and words[1] == "as" else str(len(self._names)))
        self._known[self._names[-1]] = self._here

    def _source(self, stage: str, place: int, steps: Sequence[Step]) -> Iterator[Fault]:
        if "$" in stage or stage in self._names[:-1] or any(sign in stage for sign in "/:.@"):
            return
        all_names = [
            words[2]
            for step in steps
            if step.instruction == "FROM" and len(words := step.arguments.lower().split()) > 2
        ]
        if stage.isdigit() and int(stage) < len(self._names) - 1:
            return
        guess = closest(stage, [name for name in self._names[:-1] if not name.isdigit()], 0.75)
        if stage in all_names or stage.isdigit():
            yield Fault("stage-order", place, f'no stage "{stage}" stands before this one', "name an earlier stage")
        # Docker takes any other name for an image, so only what resembles a stage is a slip
        elif guess:
            yield Fault("stage-unknown", place, f'there is no stage "{stage}"', f"did you mean {guess}?")

    def _uses(self, step: Step, text: str, at: int, steps: Sequence[Step]) -> Iterator[Fault]:
        """An ARG that the same stage declares only later is empty here."""
        # a shell reads $ in these, and the variable may be its own
        if step.instruction in {"RUN", "ARG", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"} or step.heredoc:
            return
        later = _declared_later(step, steps)
        for found in re.finditer(r"(?<!\\)\$\{?([A-Za-z_]\w*)\}?", text[at:]):
            if found[1] in later - self._here - self._outer:
                why = f"ARG {found[1]} stands in line {later_line(found[1], step, steps)} only"
                yield Fault("arg-before-use", at + found.start(), why, "move it up")


def _declared_later(step: Step, steps: Sequence[Step]) -> set[str]:
    names: set[str] = set()
    for other in steps[step.number :]:
        if other.instruction == "FROM":
            break
        if other.instruction == "ARG":
            names |= set_names(other, other.joined()[0], len("ARG"))
    return names


def later_line(name: str, step: Step, steps: Sequence[Step]) -> int:
    """Return the line of the ARG that declares a name after a step."""
    return next(
        other.line
        for other in steps[step.number :]
        if other.instruction == "ARG" and name in set_names(other, other.joined()[0], len("ARG"))
    )
