"""The rules that steps and Dockerfiles are held to, and what they find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import Finding
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
    "apt-command": "apt and apt-get have no such command",
    "pip-command": "pip has no such command",
    "conda-command": "conda has no such command",
    "mamba-command": "mamba and micromamba have no such command",
    "npm-command": "npm has no such command",
    "apk-command": "apk has no such command",
    "apt-no-yes": "apt would wait for an answer",
    "conda-no-yes": "conda would wait for an answer",
    "pip-no-yes": "pip would wait for an answer",
    "apt-no-update": "apt-get install without package lists",
    "copy-missing": "COPY or ADD of a file that the context does not have",
    "copy-leaves": "COPY or ADD of a file outside of the context",
    "copy-context": "COPY or ADD without a context folder",
    "copy-target": "several sources need a folder as target",
    "copy-url": "COPY does not download",
    "add-url": "an address that is none",
    "stage-unknown": "COPY --from a stage that does not exist",
    "stage-order": "COPY --from a stage that comes later, or an instruction before the first FROM",
    "secret": "a secret that would stay in the image",
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


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a step; ``at`` is an offset in the step's joined text."""

    rule: str
    at: int
    why: str
    advice: str


@dataclass(frozen=True)
class LintFinding(Finding):
    """A finding with its place; ``line`` and ``column`` count from 1, in the file or in the entry of the list."""

    rule: str = ""
    step: int = 0
    line: int = 0
    column: int = 0


def finding_of(step: Step, fault: Fault, where: str = "") -> LintFinding:
    """Say where in the user's text the fault is. ``where`` is the property, for text that is no list of steps."""
    _, origins = step.joined()
    entry, line, column = step.place(origins[max(0, min(fault.at, len(origins) - 1))])
    place = f"{step.file}:{line}:{column}: step {step.number}" if step.file else _in_entry(step.number, line, column)
    path = where or (f"extraSteps[{entry}]" if step.entry >= 0 else "extraSteps")
    why = f"{place}: {fault.why}; {fault.advice} [{fault.rule}]"
    return LintFinding(path, why, fault.rule, step.number, line, column)


def _in_entry(number: int, line: int, column: int) -> str:
    return f"step {number}, column {column}" if line == 1 else f"step {number}, line {line}, column {column}"


def words_of(text: str) -> frozenset[str]:
    """Return the words of a table."""
    return frozenset(text.split())


def closest(word: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """Return the known word that ``word`` was meant to be, or nothing."""
    # stricter than difflib's 0.6, since commands are short and alike,
    # and a false alarm is worse than a miss (decisions/lint.md)
    return meant(word, sorted(known), cutoff)
