"""conda.yml as a value: read strictly, all faults at once, each with its line.

Source: conda's environment file (keys, ``channel::name``), conda's match specifications.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .account_in_url import has_account, without_secret
from .addresses import meant_address
from .condaspec import check_spec, doubt_of, name_of, normalise
from .errors import Finding, Level, UserError, errors_of
from .foreign_file import what_it_is
from .lean import lean
from .meant import meant

PROPERTY = "condaFile"
KEYS = ("name", "channels", "dependencies", "variables", "prefix")
LOCK_KEYS = ("platforms", "category")
"""What conda-lock reads in such a file, and conda passes over."""
DEFAULT_CHANNELS = ("conda-forge",)
"""Where packages come from when the file names no channel."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_YAML = "tag:yaml.org,2002:"
_STRING = f"{_YAML}str"


class CondaFileError(UserError):
    """The file cannot be used; ``findings`` has everything that is wrong with it."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep the findings; the message joins them."""
        super().__init__("; ".join(finding.why for finding in findings))
        self.findings = findings


# a document begins with ---, and options of pip stand behind a dash of their own
_JOINED_DASH = re.compile(r"\s*-(?P<rest>[A-Za-z0-9_\"'][^\n]*)$")
_ONE_VERSION = re.compile(r"(?:[^:]*::)?(?P<name>[\w.-]+)={1,2}(?P<version>\d+(?:\.\d+)*)(?:\.\*)?(?:=.*)?")
KNOWN_CHANNELS = (
    "conda-forge", "defaults", "bioconda", "pytorch", "pytorch-nightly", "nvidia", "anaconda", "main", "intel",
    "huggingface", "rapidsai", "microsoft", "fastai", "xilinx", "numba", "h2oai", "plotly", "esri",
)  # fmt: skip
"""Names that people mistype; another one is as good, and is asked."""
_NEAR_CHANNEL = 0.85
_NEAR_KEY = 0.75


@dataclass
class _Wanted:
    """What ``dependencies`` says: specs, lines of pip with their number, and the line of each spec."""

    specs: list[str] = field(default_factory=list)
    pip: list[tuple[str, int]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)


@lean(frozen=True)
class CondaFile:
    """What a conda.yml asks for.

    ``channels`` in order of priority, without ``nodefaults``; ``specs`` as normalised text (``numpy>=1.26,<2``);
    ``pip`` as written; ``variables`` of the environment. ``exact`` means that the specs are package files, listed by
    an explicit file: they are found, not solved. ``told`` is what may surprise and stops nothing. ``lines`` has where
    things are in the file ``path``, for messages: a spec, or the name of a section.
    """

    channels: tuple[str, ...]
    specs: tuple[str, ...]
    pip: tuple[str, ...] = ()
    has_python: bool = True
    variables: dict[str, str] = field(default_factory=dict)
    exact: bool = False
    told: tuple[Finding, ...] = field(default=(), compare=False)
    path: str = field(default="", compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    pip_lines: tuple[int, ...] = field(default=(), compare=False)
    """The line of each of ``pip``; empty if the file has none."""

    def at(self, what: str) -> str:
        """Return ``path:line`` of a spec or section, the path alone if nobody knows the line."""
        return f"{self.path}:{self.lines[what]}" if what in self.lines else self.path

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
    if errors_of(reader.findings):
        raise CondaFileError(reader.findings)
    return replace(file, told=tuple(reader.findings))


class _Reader:
    """Gathers the findings of one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []

    def report(self, line: int, why: str, level: Level = Level.ERROR) -> None:
        self.findings.append(Finding(PROPERTY, f"{self.name}:{line}: {why}", level))

    def read(self, text: str) -> CondaFile:
        empty = CondaFile(DEFAULT_CHANNELS, (), has_python=False)
        root = self.compose(text)
        if root is None:
            return empty
        if not isinstance(root, MappingNode):
            what = what_it_is(text) or 'write "dependencies:" and a list of packages below it'
            self.report(_line(root), f"the file is not a mapping; {what}")
            return empty
        # another tool's file has faults in each line, of which none is the one
        # with that key it is most likely meant as a conda file, whatever else it looks like
        if not any(str(key.value) == "dependencies" for key, _ in root.value) and (what := what_it_is(text)):
            self.report(1, f"this is no conda.yml: {what}")
            return empty
        parts = self.mapping(root, KEYS, passed_over=LOCK_KEYS)
        channels, needs = parts.get("channels"), parts.get("dependencies")
        wanted = (
            self.dependencies(needs, root, text.splitlines()) if needs or "dependencies" not in parts else _Wanted()
        )
        chosen = self.channels(channels) if channels else list(DEFAULT_CHANNELS)
        variables = self.variables(parts["variables"]) if parts.get("variables") else {}
        lines = {name: _line(node) for name, node in parts.items()} | wanted.lines
        return CondaFile(
            tuple(chosen),
            tuple(wanted.specs),
            tuple(text for text, _ in wanted.pip),
            "python" in {name_of(spec) for spec in wanted.specs},
            variables,
            path=self.name,
            lines=lines,
            pip_lines=tuple(line for _, line in wanted.pip),
        )

    def compose(self, text: str) -> Node | None:  # noqa: PLR0911  # one way each to be no YAML of a file
        for number, row in enumerate(text.splitlines(), 1):
            # YAML 1.2, 6.1: no tabs there. The parser's own words for it do not mention a tab
            if "\t" in row[: len(row) - len(row.lstrip())]:
                self.report(number, "a tab indents the line; use spaces")
        if self.findings:
            return None
        try:
            root: Node | None = YAML(typ="safe", pure=True).compose(text)  # nodes keep their lines; nothing is built
        except MarkedYAMLError as error:
            self.not_yaml(text, error)
            return None
        except YAMLError:
            self.report(1, "this is not YAML: it has characters that are no text; save it as UTF-8")
            return None
        except RecursionError:
            # by the parser, which goes one call deeper for each level
            self.report(_deepest(text), "this is nested deeper than any conda.yml; look for brackets without an end")
            return None
        if tag := _foreign_tag(root):
            what = str(tag.tag).replace(_YAML, "!!")
            self.report(_line(tag), f'"{what}" makes an object of a program, and none is made here; remove it')
            return None
        if root is None or (isinstance(root, ScalarNode) and not root.value):
            self.report(1, 'the file is empty; write "dependencies:" and a list of packages below it')
            return None
        return root

    def not_yaml(self, text: str, error: MarkedYAMLError) -> None:
        if self.joined_dashes(text) or self.lost_colons(text):
            return
        mark = error.problem_mark or error.context_mark
        if what := what_it_is(text):
            self.report(1, f"this is not YAML: {what}")
            return
        # what has no end is noticed at the end of the file, and stands where it begins
        # the parser's own words of what it was reading when the end came
        if error.context_mark and re.search(r"quoted scalar|flow (sequence|mapping|node)", str(error.context)):
            mark = error.context_mark
        line = mark.line + 1 if mark else 1
        # a bracket without an end is noticed behind the last line
        line = _deepest(text) if line > len(text.rstrip().splitlines()) else line
        self.report(line, f"this is not YAML: {_in_words(str(error.problem or error.context))}")

    def lost_colons(self, text: str) -> bool:
        """Report the keys that stand alone in their line: what follows is then no value of theirs."""
        for number, row in enumerate(text.splitlines(), 1):
            if row.strip() in KEYS and row[:1].isalpha():
                self.report(number, f'"{row.strip()}" lacks its colon; write "{row.strip()}:"')
        return bool(self.findings)

    def joined_dashes(self, text: str) -> bool:
        """Report the lines whose dash has no blank behind it: YAML joins them to the line before, or gives up later."""
        for number, row in enumerate(text.splitlines(), 1):
            if found := _JOINED_DASH.match(row):
                self.report(number, f'"{row.strip()}" has no blank behind its dash; write "- {found["rest"].strip()}"')
        return bool(self.findings)

    def mapping(
        self, node: MappingNode, allowed: tuple[str, ...], passed_over: tuple[str, ...] = ()
    ) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in node.value:
            text = _text(key)
            if text in passed_over:
                self.pass_over(text, _line(key), value)
            elif text not in allowed:
                # passed over, "dependancies" would be an environment without packages; what is near to no key, such as
                # an anchor's, conda passes over with a warning ("the following section is invalid and will be ignored")
                # channel_priority of a .condarc resembles "channels", and is no slip of it
                slips = len(allowed) < len(KEYS) or text == "pip" or meant(text, allowed, _NEAR_KEY)
                what = f'"{text}" is not a key of conda.yml{_meant(text, allowed)}'
                level = Level.ERROR if slips else Level.WARNING
                self.report(_line(key), what if slips else f"{what}; it is passed over, as conda does", level)
            # YAML 1.2, 3.2.1.1: keys are unique. compose() does not look, only a constructor would
            elif text in found:
                self.report(_line(key), f'"{text}" is given twice; keep one')
            elif not _is_null(value):
                found[text] = value
        return found

    def pass_over(self, key: str, line: int, value: Node) -> None:
        names = [_text(one) for one in value.value] if isinstance(value, SequenceNode) else []
        if key == "platforms" and names and "linux-64" not in names:
            why = f'"platforms" of conda-lock are {", ".join(names)}; images are for linux-64'
            self.report(line, f"{why}, and packages of that are taken", Level.WARNING)
            return
        self.report(line, f'"{key}" is read by conda-lock alone; it is passed over here', Level.REMARK)

    def channels(self, node: Node) -> list[str]:
        if isinstance(node, ScalarNode) and node.tag == _STRING:
            # people write `channels: conda-forge, defaults`, which is one text to YAML
            names = ", ".join(str(node.value).replace(",", " ").split())
            self.report(_line(node), f'"channels" is not a list; write "channels: [{names}]"')
            return list(DEFAULT_CHANNELS)
        found: dict[str, int] = {}
        for text, line in self.strings(node, "channels"):
            if re.search(r"\s", text):
                self.report(line, f'channel "{text}" has a blank, and no channel has one; write one a line')
            if has_account(text):
                why = (
                    f"channel {without_secret(text)} has a password or token in its URL; write a variable in its place"
                )
                self.report(line, f"{why}, such as ${{TOKEN}}, or give the URL as a mirror (mirrors.toml)")
            # as conda: it asks a channel once, however often it is listed
            found.setdefault(text.rstrip("/"), line)
            # a warning and no more: anybody may call a channel so
            near = "" if text == "nodefaults" else meant(text, KNOWN_CHANNELS, _NEAR_CHANNEL)
            if near and near != text and " " not in text:
                self.report(line, f'channel "{text}": did you mean "{near}"?', Level.WARNING)
            if address := meant_address(text):
                self.report(line, f'channel "{text}" is no address; write {address}')
        # conda's word for "not the channels of .condarc"; none of those are read here
        return [name for name in found if name != "nodefaults"] or list(DEFAULT_CHANNELS)

    def dependencies(self, node: Node | None, root: Node, rows: list[str]) -> _Wanted:
        wanted = _Wanted()
        if node is None:
            self.report(_line(root), 'there is no "dependencies:"; list the packages below it')
            return wanted
        if isinstance(node, ScalarNode) and node.tag == _STRING:
            names = ", ".join(str(node.value).replace(",", " ").split())
            self.report(
                _line(node), f'"dependencies" is not a list; write "dependencies: [{names}]", or each behind "- "'
            )
            return wanted
        sections: list[int] = []
        items = self.items(node, "dependencies")
        for index, item in enumerate(items):
            if isinstance(item, MappingNode):
                wanted.pip += self.section(item, items[index + 1 :], rows)
                sections += [_line(item)] if "pip" in {_text(key) for key, _ in item.value} else []
            elif isinstance(item, SequenceNode):
                self.report(_line(item), 'a list within the list of dependencies; write one package a line, after "- "')
            elif self.is_text(item, "dependencies") and not self.is_folded(item):
                self.spec(str(item.value), _line(item), wanted)
        self.contradictions(wanted)
        for line in sections[1:]:
            why = f'there is a "pip:" section in line {sections[0]} too, and conda takes the last one alone; join them'
            self.report(line, f"{why}: here both count", Level.WARNING)
        # conda adds pip and warns; wheels are installed without it here (decisions/lock-file.md)
        if wanted.pip and "pip" not in map(name_of, wanted.specs):
            why = 'there is a "pip:" section, and pip is not in dependencies; what it lists is installed without pip'
            self.report(sections[0], f'{why}; add "- pip" if the image is to have it', Level.REMARK)
        return wanted

    def contradictions(self, wanted: _Wanted) -> None:
        """Report what is asked for twice, in versions of which none is the other's."""
        seen: dict[str, tuple[str, int]] = {}
        for spec in wanted.specs:
            if not (found := _ONE_VERSION.fullmatch(spec)):
                continue
            name, version, line = found["name"], found["version"], wanted.lines[spec]
            before, first = seen.setdefault(name, (version, line))
            # numpy=1.26 and numpy=1.26.4 are one wish
            # with the point: 1.2 and 1.26 begin alike, and are two versions
            if not (f"{version}.".startswith(f"{before}.") or f"{before}.".startswith(f"{version}.")):
                self.report(line, f"{spec}: line {first} asks for {name} {before}, and one image has one; keep one")

    def spec(self, text: str, line: int, wanted: _Wanted) -> None:
        if fault := check_spec(text):
            self.report(line, fault)
            return
        if doubt := doubt_of(text):
            self.report(line, doubt, Level.WARNING)
        spec = normalise(text)
        # as conda: each line is a condition of its own, and all of them hold
        if spec not in wanted.lines:
            wanted.lines[spec] = line
            wanted.specs.append(spec)

    def section(self, node: MappingNode, after: list[Node], rows: list[str]) -> list[tuple[str, int]]:
        """Read what stands where a package is, and is a mapping: a ``pip:`` section, or a slip."""
        for key, value in node.value:
            name = _text(key)
            if name != "pip" and isinstance(value, ScalarNode) and not _is_null(value):
                meant = f"{name}{value.value}" if str(value.value)[:1] in "=<>!~" else f"{name}={value.value}"
                self.report(_line(key), f'"{name}: {value.value}" is a mapping; did you mean "{meant}"?')
                return []
        parts = self.mapping(node, ("pip",))
        value = parts.get("pip")
        if value is None:
            self.empty_section(node, after, rows)
            return []
        if isinstance(value, ScalarNode) and value.tag == _STRING:
            self.report(
                _line(value), f'"pip" is not a list; write "- {value.value}" in a line below "- pip:", indented'
            )
            return []
        return self.strings(value, "pip")

    def empty_section(self, node: MappingNode, after: list[Node], rows: list[str]) -> None:
        if not any(_text(key) == "pip" for key, _ in node.value):
            return  # it has been told that the key is another one
        line, follows = _line(node), [one for one in after if isinstance(one, ScalarNode)]
        between = rows[line : _line(follows[0]) - 1] if follows else []
        # only an empty section right above packages looks like lost indentation
        if not follows or any(row.strip() for row in between):
            # with a comment there, the lines of pip are taken out on purpose
            self.report(line, '"pip:" has nothing below it', Level.REMARK)
            return
        names = ", ".join(_text(one) for one in follows)
        self.report(line, f'"pip:" has nothing below it; if {names} are for pip, indent their lines below it')

    def variables(self, node: Node) -> dict[str, str]:
        if not isinstance(node, MappingNode):
            self.report(_line(node), '"variables" is not a mapping; write NAME: value lines below it')
            return {}
        found: dict[str, str] = {}
        for key, value in node.value:
            name = _text(key)
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

    def is_folded(self, node: Node) -> bool:
        """Report a line that YAML joins to the one above, since it is indented deeper."""
        # YAML folds such lines into one text, with the dash in the middle
        first, dash, rest = str(node.value).partition(" - ")
        if not dash or node.end_mark.line <= node.start_mark.line:
            return False
        why = f'"- {rest}" is indented deeper than "- {first}" above, and so a part of it; indent them alike'
        self.report(int(node.end_mark.line) + 1, why)
        return True

    def is_text(self, node: Node, where: str) -> bool:
        if isinstance(node, ScalarNode) and node.tag == _STRING and str(node.value).strip():
            return True
        if isinstance(node, ScalarNode) and (_is_null(node) or not str(node.value).strip()):
            self.report(
                _line(node), f"this entry in {where} is empty; write a name behind the dash, or remove the line"
            )
            return False
        if isinstance(node, MappingNode) and len(node.value) == 1 and where == "pip":
            name, value = (_text(one) for one in node.value[0])
            meant = f"{name}{value}" if value[:1] in "=<>!~" else f"{name}=={value}"
            self.report(_line(node), f'"{name}: {value}" is a mapping; did you mean "{meant}"?')
            return False
        if isinstance(node, SequenceNode):
            what = f'; did you mean "- {_text(node.value[0])}"?' if node.value else ""
            self.report(_line(node), f"a list within the list of {where}: there is a dash too many{what}")
            return False
        shown = f'"{node.value}"' if isinstance(node, ScalarNode) and node.value else "this entry"
        self.report(_line(node), f"{shown} in {where} is not a text; put it in quotes or remove it")
        return False


def _foreign_tag(root: Node | None) -> Node | None:
    """Return a node with a tag of a program, such as ``!!python/object``, which conda's loader refuses."""
    seen, left = set[int](), [root] if root else []
    while left:
        node = left.pop()
        if id(node) in seen:  # an anchor's node stands in each place that names it
            continue
        seen.add(id(node))
        if "/" in str(node.tag).removeprefix(_YAML) or str(node.tag).startswith("!"):
            return node
        if isinstance(node, MappingNode):
            left += [one for pair in node.value for one in pair]
        elif isinstance(node, SequenceNode):
            left += node.value
    return None


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _text(node: Node) -> str:
    """Return a scalar as it is written; of anything else that it is none, since a key may be a list."""
    return str(node.value) if isinstance(node, ScalarNode) else "[...]"


def _deepest(text: str) -> int:
    """Return the line in which most brackets are open, or that is indented most if there are none."""
    rows = text.splitlines()
    if not re.search(r"[\[{]", text):
        return 1 + max(range(len(rows)), key=lambda at: len(rows[at]) - len(rows[at].lstrip(" -")))
    open_now, most, found = 0, 0, 1
    for number, row in enumerate(text.splitlines(), 1):
        open_now += sum(row.count(sign) for sign in "[{") - sum(row.count(sign) for sign in "]}")
        if open_now > most:
            most, found = open_now, number
    return found


_PHRASES = (
    ("mapping values are not allowed", "a colon and a blank within a value; put the value in quotes"),
    ("while scanning a quoted scalar", "a quotation mark without an end"),
    ("found unexpected end of stream", "a quotation mark or bracket without an end"),
    ("expected the node content", "a value, or what follows a bracket, is missing"),
    ("expected ',' or ']'", "a list in brackets without an end, or without a comma"),
    ("expected ',' or '}'", "a mapping in braces without an end, or without a comma"),
    ("expected <block end>", "the line is indented otherwise than those beside it"),
    ("could not find expected ':'", "a line without a colon, or indented otherwise than those beside it"),
    ("cannot start any token", "a value begins with a sign that YAML keeps for itself; put it in quotes"),
    ("found undefined alias", "a value begins with *, which names an anchor; put it in quotes"),
    ("found unknown escape character", "a backslash in double quotes; use single quotes"),
    (
        "sequence entries are not allowed",
        'a list begins in the line of its key; write each "- " in a line of its own below it',
    ),
    ("expected a single document", '"---" begins a second document; keep one'),
    ("but found another document", '"---" begins a second document; keep one'),
    ("expected alphabetic or numeric character", "a value begins with * or &; put it in quotes"),
)
"""What the parser says, and what people who write such a file would say of it."""


def _in_words(problem: str) -> str:
    # what it found it shows as Python would write it
    return next((words for said, words in _PHRASES if said in problem), problem.partition(", but found")[0])


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _meant(text: str, allowed: tuple[str, ...]) -> str:
    if text == "pip" and "dependencies" in allowed:
        return '; indent it below dependencies as "- pip:"'
    near = meant(text, allowed, _NEAR_KEY)
    return f'; did you mean "{near}"?' if near else f"; it has {', '.join(allowed)}"
