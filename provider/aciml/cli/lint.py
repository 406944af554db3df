"""``aciml lint``: all that a preview would say of the files, without Pulumi's engine, Docker or a network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..core.errors import Finding, Level, UserError
from ..core.lint_rules import LintFinding
from ..core.progress import Silent
from ..images.tools import Tools
from ..model.environment import FIELDS, read_environment
from ..model.registry import LOGIN_SERVER
from ..model.service import ENVIRONMENT_IMAGE
from ..model.shape import kind_findings, shape_findings
from ..properties import UNKNOWN, Values
from ..settings import Settings
from ..targets.choice import choose_targets, config_findings
from .declared import (
    BY_OPTIONS,
    COMPONENTS,
    ENVIRONMENT,
    SERVICE,
    Declared,
    ProgramError,
    Resource,
    declared,
    written_in_yaml,
)
from .exit_code import ExitCode
from .stack import PROJECT, config_of, project_folder, read_yaml, stack_options, stacks_of
from .terminal import answer, json_option

FORMATS = ("text", "github")
# as compilers do: file:line or file:line:column at the beginning (GNU coding standards, "Formatting Error Messages")
_PLACE = re.compile(r"(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(?::(?P<column>\d+))?(?::|$)\s*")
# rules have two words at least: "[text]" at a sentence's end is no rule
_RULE = re.compile(r"\s*\[([a-z]+(?:-[a-z]+)+)\]$")
_PATH = click.Path(path_type=Path)
# GitHub, "Workflow commands": what a remark is called there
_GITHUB = {Level.ERROR: "error", Level.WARNING: "warning", Level.REMARK: "notice"}


@dataclass(frozen=True)
class Told:
    """A finding with its place; ``line`` and ``column`` count from 1, and are 0 where there is none."""

    level: Level
    file: str
    line: int
    column: int
    rule: str
    resource: str
    property: str
    message: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors find the place."""
        # a place of 0 is none, and would send an editor to the first line
        place = ":".join(str(one) for one in (self.file, self.line, self.column) if one)
        return f"{place}: {self.level}: {self.message}" + (f" [{self.rule}]" if self.rule else "")

    def annotation(self) -> str:
        """Write it as a command of GitHub's workflows. Source: GitHub, "Workflow commands", "Setting an error"."""
        place = {"file": self.file, "line": self.line, "col": self.column, "title": self.rule or "aciml lint"}
        words = ",".join(f"{name}={_escaped(str(one), ':,')}" for name, one in place.items() if one)
        return f"::{_GITHUB[self.level]} {words}::{_escaped(self.message)}"


@click.command("lint")
@click.option("--steps", type=_PATH, multiple=True, metavar="FILE", help="Judge a file of extra steps.")
@click.option("--dockerfile", type=_PATH, multiple=True, metavar="FILE", help="Judge a Dockerfile.")
@click.option("--conda", type=_PATH, multiple=True, metavar="FILE", help="Judge a conda.yml.")
@click.option("--requirements", type=_PATH, multiple=True, metavar="FILE", help="Judge a requirements.txt.")
@click.option("--script", type=_PATH, multiple=True, metavar="FILE", help="Judge a scoring script.")
@click.option("--base", default="", metavar="IMAGE", help="With --steps: the image that they run on.")
@click.option("--context", type=_PATH, metavar="DIR", help="With --steps, --dockerfile: what COPY copies from.")
@click.option("--strict", is_flag=True, help="Warnings fail, too.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="Of the text."
)
@stack_options
@json_option
def command(*, stack: str, project: Path | None, strict: bool, form: str, as_json: bool, **files: Any) -> int:
    """Say what a preview would say of the files: those of a stack, or those that are named.

    Steps, Dockerfile, conda.yml, requirements.txt, source folder, scoring script and models are judged by the same
    rules; no channel, index or registry is asked. Ends with 1 if there is an error (with --strict: or a warning).
    """
    # a file that is named is judged by itself: no project has to be there
    wishes, program = list(_of_files(**files)), None
    if wishes:
        found = [one for wish in wishes for one in _judged(wish, _tools(wish), "")]
        home = Path.cwd()
    else:
        home = project_folder(project or Path.cwd())
        # the same finding of two components that share a file is told once
        program, found = _of_stack(stack, home)
    found = [_shown(one, home) for one in dict.fromkeys(found)]
    count = {level: sum(one.level is level for one in found) for level in Level}
    facts = {"findings": [asdict(one) for one in found], **{f"{level}s": number for level, number in count.items()}}
    facts |= {"judged": _names(program)} if program else {}
    lines = [one.annotation() if form == "github" else str(one) for one in found]
    lines += _where_from(program) if program else []
    answer(facts, [*lines, _summary(count)], as_json=as_json)
    # an exit code of its own for findings would be taken for wrong use (2): all that is no is 1
    return ExitCode.FAILED if count[Level.ERROR] or (strict and count[Level.WARNING]) else ExitCode.DONE


def _summary(count: dict[Level, int]) -> str:
    said = ", ".join(f"{number} {level}{'' if number == 1 else 's'}" for level, number in count.items() if number)
    return said or "nothing is wrong"


def _of_files(
    *,
    steps: Iterable[Path],
    dockerfile: Iterable[Path],
    conda: Iterable[Path],
    requirements: Iterable[Path],
    script: Iterable[Path],
    base: str,
    context: Path | None,
) -> Iterator[Resource]:
    """Return what each file is by itself; of what it stands on nothing is known unless it is named."""
    place: Values = {LOGIN_SERVER: UNKNOWN, "repository": UNKNOWN}
    # without a folder nobody knows what COPY finds, so rules about files are not asked (decisions/unknown-inputs.md)
    folder = str(context) if context else UNKNOWN
    stands: Values = {"baseImage": base or UNKNOWN}
    for path in _there(steps):
        yield Resource(ENVIRONMENT, "", {**place, **stands, "extraStepsFile": str(path), "stepsContext": folder})
    for path in _there(dockerfile):
        yield Resource(ENVIRONMENT, "", {**place, "dockerfile": str(path), "buildContext": folder})
    # a Dockerfile is base and steps in one, so there is no base to stand on
    for path in _there(conda):
        yield Resource(ENVIRONMENT, "", {**place, **stands, "condaFile": str(path)})
    for path in _there(requirements):
        yield Resource(ENVIRONMENT, "", {**place, **stands, "requirementsFile": str(path)})
    for path in _there(script):
        # a script alone: what it imports from its folder is looked for beside it
        source = {"sourceDirectory": str(path.parent), "entryScript": path.name}
        yield Resource(SERVICE, "", {**place, ENVIRONMENT_IMAGE: UNKNOWN, **source})


def _there(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path} {'is no file' if path.exists() else 'does not exist'}", "name a file")
        yield path


def _of_stack(stack: str, folder: Path) -> tuple[Declared | None, list[Told]]:
    """Return what is declared, None of a program that does not get to its end, and what is to be said of it."""
    try:
        # secrets are not decrypted: no rule reads one, and a pipeline that judges files has no passphrase
        found = declared(stack, folder, secrets=False, state=False, incomplete=True, instead=BY_OPTIONS)
    except ProgramError as error:
        # the program ended before it declared all: what it said is all that is known
        return None, list(_of_program(error, stack, folder))
    return found, list(_of_declared(found, stack, folder))


def _of_declared(found: Declared, stack: str, folder: Path) -> Iterator[Told]:
    for lacking in found.unset:
        yield Told(Level.ERROR, lacking.file, lacking.line, 0, "", "", lacking.key, lacking.told(stack))
    for finding in config_findings(found.config):
        yield _told(finding, "", str(_stack_file(stack, folder)))
    yield from _unjudged(found, stack, folder)
    for resource in found.resources:
        # a provider that the program declares has a target of its own
        # a place in a file is better than one in the config
        for one in _judged(resource, _tools(resource), _program_file(found)):
            yield one if one.line else _in_config(one, resource.kind, stack, folder)


def _unjudged(found: Declared, stack: str, folder: Path) -> Iterator[Told]:
    """Warn of what a YAML program declares and no update has reached: an update that failed half-way leaves some."""
    known = {(one.kind, one.title) for one in found.resources}
    for name, component in written_in_yaml(folder) if found.by_state == "yaml" else ():
        if (COMPONENTS[component], name) not in known:
            why = f"{name} ({component}) was not judged: no update of stack {stack} has reached it; pulumi preview does"
            line = _line_of(folder / PROJECT, name, "resources")
            yield Told(Level.WARNING, str(folder / PROJECT), line, 0, "", name, "", why)


def _names(found: Declared) -> list[str]:
    return [one.title for one in found.resources if one.kind in (ENVIRONMENT, SERVICE)]


def _where_from(found: Declared) -> Iterator[str]:
    """Say what was judged where that is not what the program says now."""
    if found.by_state:
        how = f"only Pulumi runs a program in {found.by_state}: judged with the inputs of the last update"
        yield f"{how}: {', '.join(_names(found))}"


def _in_config(one: Told, kind: str, stack: str, folder: Path) -> Told:
    """Put what stands in no file of its own, such as a list of steps, where the stack config says it, if it does."""
    from pulumi_aciml import EnvironmentImageArgs, ScoringServiceArgs
    from pulumi_aciml.args.places import place

    path, project = _stack_file(stack, folder), read_yaml(folder / PROJECT).get("name", "")
    section, args = ("environment", EnvironmentImageArgs) if kind == ENVIRONMENT else ("service", ScoringServiceArgs)
    line = _line_of(path, f"{project}:{section}.{place(args, one.property)}")
    return replace(one, file=str(path), line=line) if line else one


def _of_program(error: ProgramError, stack: str, folder: Path) -> Iterator[Told]:
    """Divide what the program ended with: arguments and stack config are judged together, a line for each fault."""
    head, *rows = error.told.splitlines() or [""]
    path, lines = _stack_file(stack, folder), [row.strip() for row in rows if row.strip()]
    # several faults come as a list below a line that ends with a colon; one comes as a sentence
    listed = bool(lines) and head.endswith(":")
    for line in lines if listed else [f"{error.told}; {error.advice}" if error.advice else error.told]:
        key, _, _ = line.partition(" ")
        at = _line_of(path, key.rstrip(":")) if head.startswith("stack config") else 0
        file, number = (str(path), at) if at else (error.file, error.line)
        yield Told(Level.ERROR, file, number, 0, "", "", key.rstrip(":") if listed else "", line)


def _stack_file(stack: str, folder: Path) -> Path:
    return config_of(stack, folder)[0] if stacks_of(folder) else folder / PROJECT


def _program_file(found: Declared) -> str:
    main = found.folder / str(read_yaml(found.folder / PROJECT).get("main") or ".")
    return str((main if main.is_file() else main / "__main__.py").resolve())


def _line_of(path: Path, key: str, top: str = "config") -> int:
    """Return the line of a path such as ``scoring:environment.packages.conda_file`` in a stack's file; 0 without one.

    What is missing stands in no line: then it is the line of what it is missing in.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        here: Any = YAML().load(path.read_text(encoding="utf-8")).get(top)
    # by ruamel's round trip: PyYAML keeps no lines
    except (OSError, ValueError, YAMLError, AttributeError):
        return 0
    line = 0
    section, _, rest = key.partition(".")
    for word in [section, *re.findall(r"[^.\[\]\"]+", rest)]:
        part = int(word) if isinstance(here, list) and word.isdigit() else word
        try:
            places = here.lc
            line = (places.key(part) if isinstance(part, str) else places.item(part))[0] + 1
            here = here[part]
        # what is deeper does not stand there: the line of what it would be in
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


class _Listener(Silent):
    """Keeps what is said, as findings without a place."""

    def __init__(self) -> None:
        self.heard: list[Finding] = []

    def note(self, text: str) -> None:
        self.heard.append(Finding("", text, Level.REMARK))

    def warn(self, text: str) -> None:
        self.heard.append(Finding("", text, Level.WARNING))


def _tools(resource: Resource) -> Tools:
    settings = Settings.read()
    config = {} if config_findings(resource.config) else resource.config  # what is wrong there is told for itself
    return Tools.of(choose_targets(config, settings), settings)


def _judged(resource: Resource, tools: Tools, file: str) -> Iterator[Told]:
    """Yield what the resource's own check would say, as far as it asks nobody."""
    findings: list[Finding] = []
    if resource.kind == ENVIRONMENT:
        findings = list(_of_environment(resource.inputs, tools))
    elif resource.kind == SERVICE:
        from ..resources.service import ServiceImage

        # what a check says on the way, a warning of the source folder, is a finding here as well
        listener = _Listener()
        checked = ServiceImage(tools).check(None, resource.inputs, listener)
        findings = [*checked.findings, *listener.heard]
    for finding in findings:
        yield _told(finding, resource.title, file)


def _of_environment(inputs: Values, tools: Tools) -> Iterator[Finding]:
    from ..images.plan.check import judge_files
    from ..images.plan.sources import read_sources

    yield from shape_findings(inputs, FIELDS)
    # a value of the wrong kind makes reading fail: its finding was said
    if not kind_findings(inputs, FIELDS):
        environment = read_environment(inputs)
        yield from judge_files(tools, environment, read_sources(environment))


def _told(finding: Finding, resource: str, file: str) -> Told:
    """Take file, line and rule out of the text, in which people read them."""
    text, rule = finding.why, ""
    if found := _RULE.search(text):
        rule, text = found[1], text[: found.start()]
    line = column = 0
    place = _PLACE.match(text)
    # the message quotes a user's text, too: only what is a file here is a place
    if place and Path(place["file"]).exists():
        file, line, column = place["file"], int(place["line"]), int(place["column"] or 0)
        text = text[place.end() :]
    # it knows its rule; taken off the text, where people read it
    if isinstance(finding, LintFinding):
        rule, text = finding.rule, text.removesuffix(f" [{finding.rule}]")
    return Told(finding.level, file, line, column, rule, resource, finding.where, text)


def _shown(one: Told, home: Path) -> Told:
    """Return it with paths as somebody sees them who is in this folder: annotations have no others."""
    here = Path.cwd()
    file = os.path.relpath(one.file, here) if one.file and Path(one.file).is_absolute() else one.file
    inside = "" if home == here else os.path.relpath(home, here) + os.sep
    return replace(one, file=file, message=one.message.replace(f"{home}{os.sep}", inside))


def _escaped(text: str, more: str = "") -> str:
    """Write a text as workflow commands have it. Source: GitHub's toolkit, command.ts, escapeData, escapeProperty."""
    for sign in f"%\r\n{more}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
