"""What is wrong with extra steps or a Dockerfile, told before anything is built.

What certainly fails is an error and stops; what is likely wrong is a warning, and what may surprise a remark: both are
told, and the engine judges. A good file that is refused is worse than a bad one that passes.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from .context import split_copy
from .errors import Level
from .image import canonical_json
from .lint_bases import base_of, is_of_windows
from .lint_forms import (
    ANY_BUILDER,
    BUILDKIT,
    HEREDOC,
    SCRIPT,
    BuilderWords,
    Files,
    after_flags,
    copy_faults,
    flag_faults,
    form_faults,
)
from .lint_memory import Memory
from .lint_rules import RULES, Fault, LintFinding, capped, closest, finding_of, warning, words_of
from .lint_script import run_faults
from .lint_secrets import secret_faults
from .lint_stages import IMAGES, Stages
from .lint_values import value_faults
from .lint_words import copied, sign_faults
from .shell_nodes import BASH, DASH
from .steps import Step, parse_steps
from .unknown import NOT_KNOWN

__all__ = ["RULES", "LintFinding", "Memory", "lint_dockerfile", "lint_steps", "memory_of", "steps_key"]
# in the key of what steps make: what is made differently has another key
WRITER = 1
"""Version of how steps become an image; a new value builds all of them again."""

INSTRUCTIONS = words_of(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME"
    " WORKDIR"
)
# the image of a service ends with the server's own entry point
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


@dataclass(frozen=True)
class _Course:
    files: Files
    builder: BuilderWords
    whole: bool  # a Dockerfile of its own


def lint_steps(
    steps: Sequence[Step],
    *,
    context_files: Collection[str] | None,
    context_folder: str = "the context folder",
    base: str = "",
    below: Memory | None = None,
    builder: BuilderWords = ANY_BUILDER,
    off: Collection[str] = (),
) -> list[LintFinding]:
    """Judge all steps at once; one that is not known yet counts as a step, and what it may have done is not guessed.

    Args:
        steps: from ``parse_steps``.
        context_files: relative paths in the context after ``.dockerignore``, as a mapping with the
            targets of links (see ``context.matching``); None if no context folder is given.
        context_folder: how the user calls the folder.
        base: reference of the image that the steps stand on; more is certain about those that are known.
        below: what the base's own Dockerfile has done, see ``memory_of``.
        builder: what of BuildKit the one who runs them does not know.
        off: ids of rules that are switched off.
    """
    # a rule that nobody knows of here may be the one: silence is right
    if NOT_KNOWN in off:
        return []  # it may be any rule that is switched off
    course = _Course(Files(context_files, context_folder), builder, whole=False)
    # the base's own Dockerfile says more than the base's name does
    memory, judged, guessed = below or Memory.on(base_of(base)), list[LintFinding](), False
    for step, before in zip(steps, [None, *steps], strict=False):
        if not step.is_known:
            # what an unknown step may have done is not guessed, and rules that ask for it hold still
            memory, guessed = _after_unknown(memory), True
            continue
        faults = list(_step_faults(step, before, course, memory))
        if any(fault.rule == "heredoc-unclosed" for fault in faults) and not _all_known(steps[step.number :]):
            break  # what ends it may come yet
        judged += [
            finding_of(step, fault) for fault in faults if fault.rule not in off and not (guessed and _may_go_on(fault))
        ]
    return capped([*judged, *_endings(steps, "", off)])


def _all_known(steps: Sequence[Step]) -> bool:
    return all(step.is_known for step in steps)


def _after_unknown(memory: Memory) -> Memory:
    """Return what is still certain after a step that is not known; it hardly sets another SHELL."""
    # programs, files and lists: all of it may be there by now
    memory.forget()
    return replace(memory, answered=True, said_folder=True, user="")


def _may_go_on(fault: Fault) -> bool:
    """Tell whether the text may go on what an unknown step began: it resembles no instruction."""
    # its lines may be the rest of a heredoc or of a continued line that is still to come
    return fault.rule == "instruction-unknown" and not fault.advice.startswith("did you mean")


def lint_dockerfile(
    text: str,
    *,
    where: str,
    name: str = "Dockerfile",
    context_files: Collection[str] | None,
    context_folder: str = "the build context",
    builder: BuilderWords = ANY_BUILDER,
    off: Collection[str] = (),
) -> list[LintFinding]:
    """Judge a Dockerfile of any number of stages.

    Args:
        text: of the file.
        where: property path for the findings, ``dockerfile`` or ``dockerfileText``.
        name: how the user calls the file.
        context_files: see ``lint_steps``.
        context_folder: see ``lint_steps``.
        builder: see ``lint_steps``.
        off: ids of rules that are switched off.
    """
    if NOT_KNOWN in off:
        return []  # it may be any rule that is switched off
    course = _Course(Files(context_files, context_folder, "buildContext"), builder, whole=True)
    steps = parse_steps(text, name)
    judged = [
        finding_of(step, fault, where) for step, fault in _Dockerfile(course).faults(steps) if fault.rule not in off
    ]
    return capped([*judged, *_endings(steps, where, off, text)])


def memory_of(text: str, target: str = "") -> Memory:
    """Return what a Dockerfile's wanted stage leaves behind: its shell, user and programs, as far as they are known."""
    # nothing is judged: a base's Dockerfile is judged where it is named
    course = _Course(Files(frozenset(), "", ""), ANY_BUILDER, whole=True)
    judge = _Dockerfile(course)
    for _ in judge.faults(parse_steps(text, "Dockerfile")):
        pass
    # a stage by name; without one the last, as docker build has it
    return judge.stages.get(target.lower()) or judge.memory


class _Dockerfile:
    """Judges the stages in turn; one that begins on another has what that one left."""

    def __init__(self, course: _Course) -> None:
        self._course, self.memory, self.stages = course, Memory(), dict[str, Memory]()

    def faults(self, steps: Sequence[Step]) -> Iterator[tuple[Step, Fault]]:
        stages, count, empty = Stages(), 0, False
        for step, before in zip(steps, [None, *steps], strict=False):
            if step.instruction == "FROM":
                # flags stand before the image: FROM --platform=linux/amd64 x
                words = re.sub(r"(--\S+\s+)*", "", step.arguments).split()
                known = self.stages.get(words[0].lower()) if words else None
                # a stage that begins on another one has its memory; two stages must not share one
                self.memory = copy.deepcopy(known) if known else Memory.on(base_of(words[0] if words else ""))
                if words and is_of_windows(words[0]):
                    self.memory.shell = False  # PowerShell or cmd reads its RUN; that it is refused is told elsewhere
                # a stage is called by its number or its name, in any letters
                names = {str(count)} | ({words[2].lower()} if len(words) > 2 else set())  # FROM a AS b
                self.stages |= dict.fromkeys(names, self.memory)
                count, empty = count + 1, bool(words) and words[0] == "scratch"
            elif step.instruction in {"COPY", "ADD"}:
                # with a file in it scratch may have a shell
                empty = False
            elif step.instruction == "RUN" and empty:
                why = "scratch has no shell, and no program at all"
                yield step, Fault("stage-scratch", 0, why, "COPY what shall run, or begin on another image")
            for fault in (*_step_faults(step, before, self._course, self.memory), *stages.faults(step, steps)):
                yield step, fault


def _endings(steps: Sequence[Step], where: str, off: Collection[str], text: str = "") -> list[LintFinding]:
    """Remark upon lines of Windows and a mark at the beginning: they are taken as they are meant."""
    # once for all of it, at the first step
    if not steps or "line-ends" in off or not (steps[0].windows or text.startswith("\ufeff")):
        return []
    why = "the lines end as on Windows (CR LF)" if steps[0].windows else "the text begins with a byte order mark"
    advice = "that is read as it is meant; files that are copied into the image are not changed"
    return [finding_of(steps[0], Fault("line-ends", 0, why, advice, Level.REMARK), where)]


def steps_key(base_digest: str, steps: Sequence[Step], context_hash: str) -> str:
    """Return the key (SHA-256, hex) of the image that the steps make of a base.

    ``context_hash`` is empty when no step reads the context.
    """
    # the base by its digest, since a tag moves; the steps by
    # their text alone, since their place in a file is no content
    facts = {"base": base_digest, "steps": [step.text for step in steps], "context": context_hash, "writer": WRITER}
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def _step_faults(step: Step, before: Step | None, course: _Course, memory: Memory) -> Iterator[Fault]:
    text, _ = step.joined()
    # by the word as it is written: what step.instruction says is in capitals
    word = step.text.split(maxsplit=1)[0]
    if step.instruction not in INSTRUCTIONS:
        # a sign that nobody sees in the word itself is the cause; that the word is unknown is its effect
        signs = [fault for fault in sign_faults(text) if fault.at < len(word)]
        yield from signs or [unknown_instruction(step, before)]
    elif not course.whole and step.instruction in _REFUSED:
        rule, advice = _REFUSED[step.instruction]
        yield Fault(
            rule, 0, f"{step.instruction} is not allowed here: {advice.partition('; ')[0]}", advice.partition("; ")[2]
        )
    elif not step.arguments:
        # CMD [] and ENTRYPOINT [] of a Dockerfile are the way to say nothing
        if step.instruction in {"CMD", "ENTRYPOINT"}:
            return  # takes back what the base has
        yield Fault("instruction-empty", 0, f"{step.instruction} stands alone", "write what it shall do")
    else:
        yield from _known_faults(step, text, course, memory)


def unknown_instruction(step: Step, before: Step | None) -> Fault:
    """Say what a line without an instruction was meant to be: one with a slip, or the rest of the line before."""
    word = step.text.split(maxsplit=1)[0]
    # nobody is helped by a word that is refused next
    close = closest(step.instruction, INSTRUCTIONS - _REFUSED.keys(), 0.6)
    # the rest of a RUN is indented, or begins in small letters, with an operator or an option
    goes_on = step.margin > 0 or not word[0].isupper()
    # in capitals and near to an instruction it is a slip; anything else goes on the line before
    if before is not None and goes_on and not (close and word.isupper()) and _may_continue(before):
        advice = f"line {_last_line(before)} has no \\ at its end; write it there if the two are one step"
        if close and not step.margin:
            advice = f"did you mean {close}? Or {advice}"
        return Fault("instruction-unknown", 0, f'unknown instruction "{word}"', advice)
    advice = f"did you mean {close}?" if close else "a step begins with RUN, COPY, ENV or another Dockerfile word"
    return Fault("instruction-unknown", 0, f'unknown instruction "{word}"', advice)


def _may_continue(step: Step) -> bool:
    # instructions that people write over several lines
    return step.instruction in {
        "RUN",
        "ENV",
        "LABEL",
        "COPY",
        "ADD",
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
        "VOLUME",
        "EXPOSE",
    }


def _last_line(step: Step) -> int:
    return step.rows[-1][1] if step.rows else step.line


def _known_faults(step: Step, text: str, course: _Course, memory: Memory) -> Iterator[Fault]:
    flags, at = after_flags(step, text)
    # a typographic quote breaks JSON and pairs as well: one cause, one finding
    signs = list(sign_faults(text))
    yield from signs
    yield from flag_faults(step, flags, builder=course.builder)
    yield from secret_faults(step, text, at)
    yield from value_faults(step, text, at, flags)
    yield from _heredoc_faults(step, text, at, course)
    yield from copy_faults(step, text, at, course.files)
    for name, value, place in flags if not course.whole else ():
        # `--from=0` is a stage by its number
        if name == "from" and (value or "").isdigit():
            yield Fault("stage-unknown", place, "extra steps have no stages", "name an image")
        elif name == "from" and value and step.instruction == "COPY" and _is_no_image(value):
            why = f'extra steps have no stages; "{value}" would be pulled as an image'
            yield warning("stage-unknown", place, why, f"write {value}:latest if it is an image")
    # one cause, one finding: a quote that is none breaks the form as well
    forms = [] if signs else list(form_faults(step, text, at))
    yield from forms
    if step.instruction == "RUN" and not signs and not forms:
        # behind --mount=type=secret a file may be there that no rule knows
        if flags:  # a cache or a secret of another build may be there
            memory.lists, memory.any_file = None, True
        yield from run_faults(text, at, memory, step.rows_of_characters())
    elif step.instruction == "HEALTHCHECK" and not signs and not forms:
        yield from _health_faults(text, at, memory)
    yield from _remember(step, text, at, memory)


_OF_HEALTH = frozenset({
    # rules about what is missing when it runs; what it would install matters to nobody
    "exec-form-shell",
    "program-unknown", "program-missing", "option-unknown", "argument", "shell-syntax", "bash-only", "tool-command",
})  # fmt: skip


def _health_faults(text: str, at: int, memory: Memory) -> Iterator[Fault]:
    """Judge the command of HEALTHCHECK: it is run later, by the same shell, and what it lacks then nobody sees."""
    found = re.compile(r"(?i)CMD\s+").match(text, at)
    if found is None or not memory.shell:
        return
    # on a copy: what a health check does leaves nothing behind for the steps
    for fault in run_faults(text, found.end(), copy.deepcopy(memory)):
        if fault.rule in _OF_HEALTH or fault.rule.endswith("-command"):
            yield replace(fault, level=Level.WARNING)


def _is_no_image(name: str) -> bool:
    # names of known images are pulled on purpose
    return name.lower() not in IMAGES and not any(sign in name for sign in "$/:.@")


def _heredoc_faults(step: Step, text: str, at: int, course: _Course) -> Iterator[Fault]:
    """Heredocs that the builder does not know, or that have no end."""
    # a RUN reads its heredoc itself; COPY and ADD need the builder for it
    what = SCRIPT if step.instruction == "RUN" else HEREDOC
    beyond = step.heredoc and (what == HEREDOC or step.names_interpreter)
    if beyond and (why := course.builder.missing(step.instruction, what)):
        yield Fault("buildkit-only", at, why, BUILDKIT[step.instruction, what])
    if step.instruction in {"RUN", "COPY", "ADD"} and not step.heredoc:
        # << inside of quotes or of $(( )) is no heredoc; x keeps the offsets
        # x for x: places in the text stay what they are
        bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\$\(\(.*?\)\)", lambda found: "x" * len(found[0]), text)
        if found := re.search(r"(?<=\s)<<-?([A-Za-z_]\w*)(?=$|[\s;&|>)])", bare):
            why = f"no line {found[1]} ends this heredoc"
            yield Fault("heredoc-unclosed", found.start(), why, f"write {found[1]} alone on a line, without spaces")


def _remember(step: Step, text: str, at: int, memory: Memory) -> Iterator[Fault]:
    if step.instruction == "SHELL":
        shell = re.match(r'\[\s*"(?:/\S*/)?((?:ba|da|a|z|k)?sh)"', text[at:])
        memory.shell = bool(shell)
        # bash(1), "INVOCATION": a login shell and an interactive one read files of the user
        memory.login = bool(re.search(r'"(-[a-z]*[li][a-z]*|--login)"', text[at:]))
        memory.dialect = {"bash": BASH, "sh": memory.base.shell, "dash": DASH}.get(shell[1], "other") if shell else ""
    elif step.instruction == "USER":
        name = text[at:].strip().partition(":")[0]
        # a user by a variable may be root
        memory.user = "" if name in {"root", "0"} or "$" in name else name
    elif step.instruction in {"COPY", "ADD"}:
        # what is copied may be programs, lists or settings
        _bring(step, memory)
    elif step.instruction in {"ENV", "ARG"}:
        memory.hear(text)
        memory.answered = memory.answered or "ALWAYS_YES" in text or "PIP_YES" in text
    elif step.instruction == "VOLUME":
        memory.any_folder = True
    elif step.instruction == "WORKDIR":
        yield from _enter(text[at:].strip(), at, memory)


def _bring(step: Step, memory: Memory) -> None:
    """Remember what COPY and ADD may have made; into folders of programs they bring programs."""
    flags, words = split_copy(step.arguments)
    memory.replaced |= set(copied(step))
    memory.lists = None
    # condarc may say always_yes
    if any("condarc" in word for word in words):
        memory.answered = True
    target = words[-1] if words else ""
    # where a target is a variable anything may be anywhere
    if step.heredoc or len(words) < 2 or "$" in target:  # a source and a target
        memory.forget()
        return
    # programs of another image come with their folder
    if "from" in flags or re.match(r"/($|usr|opt|bin|sbin|root/\.|home)", target):
        memory.sealed = False
        memory.absent.clear()
    folder = memory.path(target).rstrip("/")
    for source in words[:-1]:
        # a target that is no folder takes the file's own name, one that is takes both
        name = source.rstrip("/").rsplit("/", 1)[-1]
        whole = (
            "from" in flags
            or "." not in name.strip(".")
            or any(sign in source for sign in "*?[$:")
            or step.instruction == "ADD"
        )
        memory.brought |= {f"{folder}/"} if whole else {folder, f"{folder}/{name}"}


def _enter(folder: str, at: int, memory: Memory) -> Iterator[Fault]:
    if folder.startswith("~"):
        yield warning("workdir-relative", at, "WORKDIR knows no ~", "write the path from /")
    # a relative one is inside of the base's own, / if it has none (Dockerfile reference, "WORKDIR")
    elif re.fullmatch(r"[\w.][\w./-]*", folder) and not memory.said_folder:
        why = f"WORKDIR {folder} is inside the folder that the base has, / if it has none"
        yield Fault("workdir-relative", at, why, "write the path from / to be sure", Level.REMARK)
    if "$" in folder:
        # below a folder that nobody knows any file may be
        memory.any_file = True
    memory.folder, memory.said_folder = memory.path(folder.strip("\"'")), True
    memory.make([memory.folder], moved=False)
