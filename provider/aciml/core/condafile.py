"""conda.yml as a value: read strictly, all faults at once, each with its line.

Source: conda's environment file (keys, ``channel::name``), conda's match specifications.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .condaspec import check_spec, name_of, normalise
from .errors import Finding, UserError
from .meant import meant

PROPERTY = "condaFile"
KEYS = ("name", "channels", "dependencies", "variables", "prefix")
DEFAULT_CHANNELS = ("conda-forge",)
"""Where packages come from when the file names no channel."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# https://user:password@host, and the tokens of anaconda.org: https://host/t/<token>/channel
_SECRET = re.compile(r"://(?:[^/\s]*@|[^/\s]*/t/)")
_STRING = "tag:yaml.org,2002:str"


class CondaFileError(UserError):
    """The file cannot be used; ``findings`` has everything that is wrong with it."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep the findings; the message joins them."""
        super().__init__("; ".join(finding.why for finding in findings))
        self.findings = findings


@dataclass(frozen=True)
class CondaFile:
    """What a conda.yml asks for.

    ``channels`` in order of priority, without ``nodefaults``; ``specs`` as normalised text (``numpy>=1.26,<2``);
    ``pip`` as written; ``variables`` of the environment. ``exact`` means that the specs are package files, listed by
    an explicit file: they are found, not solved.
    """

    channels: tuple[str, ...]
    specs: tuple[str, ...]
    pip: tuple[str, ...] = ()
    has_python: bool = True
    variables: dict[str, str] = field(default_factory=dict)
    exact: bool = False

    def fingerprint(self) -> dict[str, Any]:
        """Return what has to change for the environment to be solved again; the order of packages does not count."""
        return {
            # their order is their priority, so it counts
            "channels": list(self.channels),
            "dependencies": sorted(self.specs),
            "pip": list(self.pip),
            "variables": dict(sorted(self.variables.items())),
        }


def parse_conda_file(text: str, name: str) -> CondaFile:
    """Read a conda.yml.

    Args:
        text: content of the file.
        name: its path, as the user wrote it; it starts every finding.

    Raises:
        CondaFileError: something is wrong; all findings at once.
    """
    reader = _Reader(name)
    file = reader.read(text)
    if reader.findings:
        raise CondaFileError(reader.findings)
    return file


class _Reader:
    """Gathers the findings of one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []

    def report(self, line: int, why: str) -> None:
        self.findings.append(Finding(PROPERTY, f"{self.name}:{line}: {why}"))

    def read(self, text: str) -> CondaFile:
        empty = CondaFile(DEFAULT_CHANNELS, (), has_python=False)
        root = self.compose(text)
        if root is None:
            return empty
        if not isinstance(root, MappingNode):
            self.report(_line(root), 'the file is not a mapping; write "dependencies:" and a list of packages below it')
            return empty
        parts = self.mapping(root, KEYS)
        channels, needs = parts.get("channels"), parts.get("dependencies")
        specs, pip = self.dependencies(needs, root) if needs or "dependencies" not in parts else ([], [])
        names = {name_of(spec) for spec in specs}
        # v1 put a Python of its own choice here, with a line in a log. Told only if all
        # else is right: a python with a fault in its line has been reported as that
        if needs is not None and not self.findings and "python" not in names:
            self.report(_line(needs), 'python is not in dependencies; add one, such as "python=3.11"')
        chosen = self.channels(channels) if channels else list(DEFAULT_CHANNELS)
        variables = self.variables(parts["variables"]) if parts.get("variables") else {}
        return CondaFile(tuple(chosen), tuple(specs), tuple(pip), "python" in names, variables)

    def compose(self, text: str) -> Node | None:
        for number, row in enumerate(text.splitlines(), 1):
            # YAML 1.2, 6.1: no tabs there. The parser's own words for it do not mention a tab
            if "\t" in row[: len(row) - len(row.lstrip())]:
                self.report(number, "a tab indents the line; use spaces")
        if self.findings:
            return None
        try:
            root: Node | None = YAML(typ="safe", pure=True).compose(text)  # nodes keep their lines; nothing is built
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.report(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}")
            return None
        except YAMLError:
            self.report(1, "this is not YAML: it has characters that are no text; save it as UTF-8")
            return None
        if root is None or (isinstance(root, ScalarNode) and not root.value):
            self.report(1, 'the file is empty; write "dependencies:" and a list of packages below it')
            return None
        return root

    def mapping(self, node: MappingNode, allowed: tuple[str, ...]) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in node.value:
            text = str(key.value)
            # v1 refused unknown keys too; passed over, "dependancies" would be an environment without packages
            if text not in allowed:
                self.report(_line(key), f'"{text}" is not a key of conda.yml{_meant(text, allowed)}')
            # YAML 1.2, 3.2.1.1: keys are unique. compose() does not look, only a constructor would
            elif text in found:
                self.report(_line(key), f'"{text}" is given twice; keep one')
            elif not _is_null(value):
                found[text] = value
        return found

    def channels(self, node: Node) -> list[str]:
        found = [text.rstrip("/") for text, _ in self.strings(node, "channels")]
        if any(_SECRET.search(name) for name in found):
            why = "a channel has a password or token in its URL; give that URL as a mirror of the channel instead"
            self.report(_line(node), f"{why} (mirrors.toml, on this machine alone)")
        for twice in sorted({name for name in found if found.count(name) > 1}):
            self.report(_line(node), f'channel "{twice}" is listed twice; keep one')
        # conda's word for "not the channels of .condarc"; none of those are read here
        return [name for name in found if name != "nodefaults"] or list(DEFAULT_CHANNELS)

    def dependencies(self, node: Node | None, root: Node) -> tuple[list[str], list[str]]:
        if node is None:
            self.report(_line(root), 'there is no "dependencies:"; list the packages below it')
            return [], []
        specs: list[str] = []
        pip: list[str] = []
        seen: dict[str, int] = {}
        sections: list[int] = []
        for item in self.items(node, "dependencies"):
            if isinstance(item, MappingNode):
                pip += self.pip(item, seen_before=bool(sections))
                sections.append(_line(item))
            elif self.is_text(item, "dependencies"):
                specs += self.spec(str(item.value), _line(item), seen)
        # conda adds pip and warns; nothing is added here that nobody asked for (decisions/lock-file.md)
        if pip and "pip" not in seen:
            self.report(sections[0], 'there is a "pip:" section, but pip is not in dependencies; add "- pip" above it')
        return specs, pip

    def spec(self, text: str, line: int, seen: dict[str, int]) -> Iterator[str]:
        fault = check_spec(text)
        if fault:
            self.report(line, fault)
            return
        name = name_of(text)
        # conda joins both; if they contradict each other, its solver says so without a line number
        if name in seen:
            self.report(line, f'"{name}" is already in line {seen[name]}; join them with a comma')
            return
        seen[name] = line
        yield normalise(text)

    def pip(self, node: MappingNode, *, seen_before: bool) -> list[str]:
        parts = self.mapping(node, ("pip",))
        if seen_before:
            self.report(_line(node), 'there is a second "pip:" section; keep one')
        return [text for text, _ in self.strings(parts["pip"], "pip")] if "pip" in parts else []

    def variables(self, node: Node) -> dict[str, str]:
        if not isinstance(node, MappingNode):
            self.report(_line(node), '"variables" is not a mapping; write NAME: value lines below it')
            return {}
        found: dict[str, str] = {}
        for key, value in node.value:
            name = str(key.value)
            if not _VARIABLE.fullmatch(name):
                self.report(_line(key), f'"{name}" is not a name of a variable; use letters, digits and _')
            elif name in found:
                self.report(_line(key), f'variable "{name}" is given twice; keep one')
            elif not isinstance(value, ScalarNode):
                self.report(_line(value), f'the value of variable "{name}" is not a text; put it in quotes')
            else:
                # the text as written: `yes` or `010` is what the program gets, not what YAML makes of it
                found[name] = "" if _is_null(value) else str(value.value)
        return found

    def strings(self, node: Node, where: str) -> list[tuple[str, int]]:
        items = [item for item in self.items(node, where) if self.is_text(item, where)]
        return [(str(item.value).strip(), _line(item)) for item in items]

    def items(self, node: Node, where: str) -> list[Node]:
        if isinstance(node, SequenceNode):
            return list(node.value)
        self.report(_line(node), f'"{where}" is not a list; start each line below it with "- "')
        return []

    def is_text(self, node: Node, where: str) -> bool:
        if isinstance(node, ScalarNode) and node.tag == _STRING and str(node.value).strip():
            return True
        shown = f'"{node.value}"' if isinstance(node, ScalarNode) and node.value else "this entry"
        self.report(_line(node), f"{shown} in {where} is not a text; put it in quotes or remove it")
        return False


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _meant(text: str, allowed: tuple[str, ...]) -> str:
    if text == "pip" and "dependencies" in allowed:
        return '; indent it below dependencies as "- pip:"'
    near = meant(text, allowed)
    return f'; did you mean "{near}"?' if near else f"; it has {', '.join(allowed)}"
