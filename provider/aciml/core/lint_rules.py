"""The rules that steps and Dockerfiles are held to, and what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .errors import Finding, Level
from .lean import lean
from .meant import meant
from .steps import Step

RULES = {
    "instruction-unknown": "no Dockerfile instruction has this name",
    "instruction-refused": "FROM and ONBUILD have no place in extra steps",
    "instruction-empty": "an instruction without arguments",
    "instruction-form": "an instruction with arguments that Docker refuses",
    "server-command": "CMD and ENTRYPOINT would replace the scoring server",
    "flag-unknown": "an option that the instruction does not know",
    "flag-value": "an option without a value, or with one that Docker refuses",
    "buildkit-only": "what the builder of the steps does not know",
    "exec-form": "a JSON form that is no JSON",
    "heredoc-unclosed": "a heredoc without its last line",
    "instruction-in-shell": "a continued line swallows the next instruction",
    "continuation-space": "a space after the backslash that continues a line",
    "shell-syntax": "a script that no shell can read",
    "bash-only": "what Bash knows, and sh (dash) does not",
    "one-ampersand": "one & does not wait for what is before it",
    "comment-swallows": "a comment that goes on to the end of the step",
    "exec-form-shell": "&&, $X and the like in a JSON form, which no shell reads",
    "program-unknown": "a program's name that is mistyped",
    "program-missing": "a program that the base image does not have",
    "not-root": "what needs root, in a step that runs as another user",
    "option-unknown": "a program's option that is mistyped",
    "apt-command": "apt and apt-get have no such command",
    "pip-command": "pip has no such command",
    "conda-command": "conda has no such command",
    "mamba-command": "mamba and micromamba have no such command",
    "npm-command": "npm has no such command",
    "apk-command": "apk has no such command",
    "tool-command": "git, dnf, poetry and others have no such command",
    "pip-argument": "an argument of pip install that pip refuses, or the shell takes for a redirection",
    "argument": "an argument that a program such as chmod, tar or wget refuses",
    "removes-system": "rm, chmod or chown of the folders that the system stands on",
    "no-packages": "an installation that names no package",
    "package-unknown": "a package's name that is mistyped",
    "file-missing": "a file or folder that no step has copied or made",
    "apt-no-yes": "apt would wait for an answer",
    "conda-no-yes": "conda would wait for an answer",
    "pip-no-yes": "pip would wait for an answer",
    "dnf-no-yes": "dnf, yum, pacman or zypper would wait for an answer",
    "apt-no-update": "apt-get install without package lists",
    "copy-missing": "COPY or ADD of a file that the context does not have",
    "copy-leaves": "COPY or ADD of a file outside of the context",
    "copy-context": "COPY or ADD without a context folder",
    "copy-target": "several sources need a folder as target",
    "copy-url": "COPY does not download",
    "add-url": "an address that is none",
    "stage-unknown": "COPY --from a stage that does not exist",
    "stage-order": "COPY --from a stage that comes later, or an instruction before the first FROM",
    "stage-scratch": "RUN in an image that has no shell",
    "secret": "a secret that would stay in the image",
    "secret-file": "a file that usually holds a secret, copied into the image",
    "value": "a port, signal, interval or name that builders refuse",
    "path-lost": "ENV PATH without the folders of the system's programs",
    "line-ends": "lines that end as on Windows, or a mark at the beginning of the text",
    "cd-no-effect": "cd at the end of a step is forgotten",
    "env-no-effect": "variables and activated environments are forgotten at the end of a step",
    "curly-quote": "typographic quotes are no quotes",
    "dash": "a typographic dash is no option",
    "space": "a space that is none for the shell",
    "invisible": "characters that nobody sees",
    "sudo": "sudo is not in the image, and steps run as root",
    "workdir-relative": "WORKDIR without a folder to start from",
    "env-spaces": "spaces around the equals sign",
    "arg-before-use": "ARG stands after its use",
}
"""What each id stands for; ``lintOff`` takes the ids."""


@lean(frozen=True)
class Fault:
    """One thing that is wrong in a step; ``at`` is an offset in the step's joined text."""

    rule: str
    at: int
    why: str
    advice: str
    level: Level = Level.ERROR


def warning(rule: str, at: int, why: str, advice: str) -> Fault:
    """Return a fault that is likely, and not certain."""
    return Fault(rule, at, why, advice, Level.WARNING)


def fault_if(certain: bool, rule: str, at: int, why: str, advice: str) -> Fault:  # noqa: FBT001  # reads as it stands
    """Return a fault that is an error where it certainly ends the build."""
    return Fault(rule, at, why, advice, Level.ERROR if certain else Level.WARNING)


@lean(frozen=True)
class LintFinding(Finding):
    """A finding with its place; ``line`` and ``column`` count from 1, in the file or in the entry of the list."""

    rule: str = ""
    step: int = 0
    line: int = 0
    column: int = 0


def finding_of(step: Step, fault: Fault, where: str = "") -> LintFinding:
    """Say where in the user's text the fault is. ``where`` is the property, for text that is no list of steps."""
    _, origins = step.joined()
    # an offset behind the last letter is the end of the text, such as a quote that never closes
    entry, line, column = step.place(origins[max(0, min(fault.at, len(origins) - 1))])
    place = f"{step.file}:{line}:{column}: step {step.number}" if step.file else _in_entry(step.number, line, column)
    path = where or (f"extraSteps[{entry}]" if step.entry >= 0 else "extraSteps")
    why = f"{place}: {fault.why}; {fault.advice} [{fault.rule}]"
    return LintFinding(path, why, fault.level, fault.rule, step.number, line, column)


def _in_entry(number: int, line: int, column: int) -> str:
    return f"step {number}, column {column}" if line == 1 else f"step {number}, line {line}, column {column}"


_MOST = 40
"""Findings of one level that are told one by one; who has more mends these first."""


def capped(findings: Sequence[LintFinding]) -> list[LintFinding]:
    """Return the findings, and instead of very many of one level how many more there are."""
    kept = list[LintFinding]()
    for level in Level:
        # each level by itself: a hundred warnings must not hide an error
        of_level = [finding for finding in findings if finding.level is level]
        kept += of_level[:_MOST]
        more = len(of_level) - _MOST
        if more > 0:
            why = f"{more} more {level}{'s' if more > 1 else ''} like these"
            kept.append(replace(of_level[_MOST], why=why, rule="more"))
    if len(kept) == len(findings):
        return list(findings)
    return sorted(kept, key=lambda finding: (finding.step, finding.rule == "more"))


def words_of(text: str) -> frozenset[str]:
    """Return the words of a table."""
    return frozenset(text.split())


def closest(word: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """Return the known word that ``word`` was meant to be, or nothing."""
    # stricter than difflib's 0.6, since commands are short and alike,
    # and a false alarm is worse than a miss (decisions/lint.md)
    return meant(word, sorted(known), cutoff)


def slip(word: str, known: Iterable[str]) -> str:
    """Return the known word that is one slip of the finger away, or nothing.

    A slip is a letter too many, too few, another, or two that changed places. Of words of three letters only a change
    of places and a letter doubled count, since so many short words are near to each other.
    """
    found = [one for one in sorted(known) if _is_slip(word, one)]
    return found[0] if found else ""


def _is_slip(word: str, meant: str) -> bool:
    if word == meant or abs(len(word) - len(meant)) > 1:
        return False
    pairs = enumerate(zip(word, meant, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(word), len(meant)))
    # the rest has to be equal from there on: a second slip is another word
    swapped = word[at : at + 2] == meant[at : at + 2][::-1] and word[at + 2 :] == meant[at + 2 :]
    doubled = len(word) > len(meant) and at > 0 and word[at] == word[at - 1] and word[at + 1 :] == meant[at:]
    if swapped or doubled or len(meant) < 4:
        return (swapped or doubled) and len(word) > 2
    other = len(meant) > 4 and word[at + 1 :] == meant[at + 1 :]  # make, make and node, code
    return word[at + 1 :] == meant[at:] or word[at:] == meant[at + 1 :] or other
