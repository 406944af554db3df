"""A tree against the table of keys: what is said, what becomes of it, and all that is wrong, each with its line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Finding
from ..meant import NEAR, either, meant
from .keys import DEPLOYMENT, ENVIRONMENT, INFERENCE, SDK_WORDS, Fate, Key, Kind, children
from .tree import TreeError, Value, read_tree

# what pipelines fill in: #{x}#, __x__, $(x), ${x}, {{x}}, <x>. A key that is one is known to everybody
_PLACEHOLDER = re.compile(r"#\{.*\}#?|__\w+__|\$\(.*\)|\$\{.*\}|\{\{.*\}\}|<[^<>]*>")
# what PyYAML would take for false; in quotes it is a text, as JSON reads it
_QUOTED = ("False", "false", "FALSE", "no", "No", "off")
_FILES: Mapping[str, tuple[Key, ...]] = {
    "the inference config": INFERENCE,
    "an environment": ENVIRONMENT,
    "the deployment config": DEPLOYMENT,
}


@dataclass(frozen=True)
class Said:
    """A key that says something, and where: ``file:line``."""

    key: Key
    value: Value
    where: str

    @property
    def text(self) -> str:
        """The value as a text."""
        return str(self.value.data).strip()


@dataclass(frozen=True)
class Outcome:
    """What became of a key of a file. ``told`` says that people should know: it had a value that is passed over."""

    where: str
    key: str
    fate: Fate
    to: str
    why: str
    told: bool = False

    def __str__(self) -> str:
        """Write it as a line."""
        # what is used or replaced says by what; all else its own word
        rest = {Fate.USED: f"is {self.to}", Fate.REPLACED: f"replaced by {self.to}"}.get(self.fate, str(self.fate))
        return f"{self.where}: {self.key}: {rest}" + (f"; {self.why}" if self.why else "")


@dataclass
class Reading:
    """Gathers what files say; nothing is raised, so that all of it is told at once."""

    # a list of findings and not an error: a file with ten faults is mended once
    findings: list[Finding] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def fault(self, where: str, key: str, why: str) -> None:
        """Add something that is wrong; ``where`` is ``file:line``."""
        self.findings.append(Finding(key, f"{where}: {key + ': ' if key else ''}{why}"))

    def has_fault(self, key: str) -> bool:
        """Tell whether something is wrong with a key."""
        return any(finding.where == key for finding in self.findings)

    def note(self, said: Said, fate: Fate, to: str, why: str, *, prefix: str = "", told: bool = False) -> None:
        """Say what became of a key, once: a later word about it joins the one that is there."""
        made = Outcome(said.where, prefix + said.key.path, fate, to, why, told)
        for at, one in enumerate(self.outcomes):
            if (one.where, one.key) == (made.where, made.key):
                whys = "; ".join(text for text in (one.why, why) if text) if one.fate is fate else why
                self.outcomes[at] = replace(made, why=whys, told=told or one.told)
                return
        self.outcomes.append(made)

    def tree(self, text: str, file: str) -> Value | None:
        """Return a file's object; None, and a finding, if it has none."""
        try:
            root = read_tree(text)
        # a syntax error ends it: of a text that cannot be read nothing else is true
        except TreeError as error:
            self.fault(f"{file}:{error.line}", "", str(error))
            return None
        if root.is_map:
            return root
        # an empty file is a file that somebody forgot to fill
        self.fault(f"{file}:{root.line}", "", "the file is empty" if root.says_nothing else "the file is no object")
        return None

    def said(self, root: Value, keys: tuple[Key, ...], file: str, prefix: str = "") -> dict[str, Said]:
        """Return what an object says that is used, by the path of its key.

        Args:
            root: the object.
            keys: its table.
            file: name of the file, as the user wrote it.
            prefix: path of the object in the file, with a dot at its end.
        """
        found: dict[str, Said] = {}
        self._object(root, keys, "", file, prefix, found)
        return found

    def _object(
        self, root: Value, keys: tuple[Key, ...], above: str, file: str, prefix: str, found: dict[str, Said]
    ) -> None:
        # each key by all of its spellings
        known = {name: key for key in children(keys, above) for name in (key.name, *key.also)}
        lines: dict[str, int] = {}
        for word, line, value in root.pairs():
            path = f"{prefix}{above + '.' if above else ''}{word}"
            where = f"{file}:{line}"
            if word not in known:
                self.fault(where, path, f"unknown key; {_advice(word, list(known), keys, prefix)}")
                continue
            key = known[word]
            # both spellings of one key are one key; which of two values would count is no guess to make
            if key.path in lines:
                self.fault(where, path, f"it is given twice, first in line {lines[key.path]}; keep one")
                continue
            lines[key.path] = line
            self._one(Said(key, value, where), keys, file, prefix, found)

    def _one(self, said: Said, keys: tuple[Key, ...], file: str, prefix: str, found: dict[str, Said]) -> None:
        key, value, path = said.key, said.value, prefix + said.key.path
        # null, an empty text and a default that asks for nothing are all the same to v1
        if value.says_nothing or _is_plain(key, value):
            self.note(said, Fate.NOT_GIVEN, "", "it says nothing", prefix=prefix)
        elif key.fate is Fate.REFUSED and key.kind is Kind.TRUTH and value.data in _QUOTED:
            # "False" in quotes asks for no GPU: the advice about one would lead away from what is wrong
            self.fault(said.where, path, _FORMS[Kind.TRUTH][1])
        elif key.fate is Fate.REFUSED:
            # the value is not repeated: it may be anything, and the advice says all
            self.fault(said.where, path, key.why)
            self.note(said, Fate.REFUSED, "", key.why, prefix=prefix, told=True)
        elif key.fate is not Fate.USED:
            self.note(said, key.fate, key.to, key.why, prefix=prefix, told=not key.quiet)
        elif why := _wrong_form(key, value):
            self.fault(said.where, path, why)
        else:
            found[key.path] = said
            # sections and a registry's object have keys of their own below
            if value.is_map and key.kind in (Kind.SECTION, Kind.REGISTRY):
                self._object(value, keys, key.path, file, prefix, found)
            # an environment by its name has none; by its object its keys are read by the caller
            elif key.kind is not Kind.ENVIRONMENT:
                self.note(said, Fate.USED, key.to.partition(".")[2] or key.to, "", prefix=prefix)


def _is_plain(key: Key, value: Value) -> bool:
    # false and 0 are not equal here, though Python says so
    if key.kind is Kind.TRUTH:
        return any(value.truth() is one for one in key.plain)
    bare = value.bare()
    if key.kind is Kind.ANY and _is_hollow(bare):
        return True
    # 1 and True are equal in Python, so the kind has to be
    return any(type(one) is type(bare) and one == bare for one in key.plain) or (bare == [] and () in key.plain)


def _is_hollow(bare: Any) -> bool:
    """Tell whether nothing is in it: each saved environment has empty lists for what it has not."""
    if isinstance(bare, dict):
        return all(_is_hollow(one) for one in bare.values())
    return bare in (None, "", [])


def _wrong_form(key: Key, value: Value) -> str:
    """Say what is wrong with the form of a value; nothing if it is right. A value may be a secret: none is repeated."""
    fits, why = _FORMS.get(key.kind, (None, ""))
    if fits is not None and not fits(value):
        # a secret or a number is filled in by its own form, or not at all
        return why
    is_filled = key.kind not in (Kind.TEXT, Kind.PATH) or not _PLACEHOLDER.fullmatch(str(value.data).strip())
    return "" if is_filled else "it is a placeholder that nobody filled in; write the value, or null"


def _is_text(value: Value) -> bool:
    # YAML has numbers for versions, and 3.8 is meant as a text; a truth is never one
    return isinstance(value.data, str | int | float) and not isinstance(value.data, bool)


def _is_number(value: Value) -> bool:
    # a YAML file may say .nan, which nothing can be compared with
    return isinstance(value.data, int | float) and not isinstance(value.data, bool) and not math.isnan(value.data)


def _is_texts(value: Value) -> bool:
    # a value of a map is a text, whatever it looks like: numbers are taken
    return value.is_map and all(not one.is_map and not one.is_list for _, _, one in value.pairs())


def _is_lines(value: Value) -> bool:
    return value.is_list and all(isinstance(one.data, str) for one in value.data)


_FORMS: Mapping[Kind, tuple[Callable[[Value], bool], str]] = {
    Kind.TEXT: (_is_text, "it must be a text"),
    Kind.PATH: (_is_text, "it must be the path of a file or folder"),
    Kind.TRUTH: (lambda value: value.truth() is not None, "it must be true or false, without quotes"),
    Kind.NUMBER: (_is_number, "it must be a number, without quotes"),
    Kind.SECTION: (lambda value: value.is_map, "it must be an object"),
    Kind.TEXTS: (_is_texts, "it must be an object of texts"),
    Kind.REGISTRY: (
        # "myregistry.azurecr.io" is what people wrote, and v1's schema has an object
        lambda value: value.is_map or isinstance(value.data, str),
        "it must be the registry's host, or an object with address, username and password",
    ),
    Kind.ENVIRONMENT: (lambda value: value.is_map or isinstance(value.data, str), "it must be an object"),
    Kind.STEPS: (
        lambda value: isinstance(value.data, str) or _is_lines(value),
        "it must be the path of a file of Dockerfile lines, or a list of such lines",
    ),
}


def _advice(word: str, siblings: list[str], keys: tuple[Key, ...], prefix: str) -> str:
    """Say what an unknown key was meant to be: here, deeper or higher in this file, or in the other file."""
    if word in SDK_WORDS:
        return SDK_WORDS[word]
    paths = {name: f"{prefix}{key.path}" for key in keys for name in (key.name, *key.also)}
    # letter by letter first: a key of the other file is no misspelling of one of this
    # exact ones of all files before near ones of this
    for near in (1.0, NEAR):
        if one := meant(word, siblings, near):
            return f"did you mean {one}?"
        if one := meant(word, paths, max(near, 0.8)):
            return f"did you mean {paths[one]}?"
        for what, others in _FILES.items():
            # in the other file it is no typing error, but a matter of the place
            if others is not keys and (one := meant(word, [key.name for key in others], max(near, 0.8))):
                return f"{one} belongs into {what}"
    shown = sorted(siblings, key=str.lower)
    # as people look for them: v1's own order is by history
    return f"known are {either(shown)}"


def shown(value: Any) -> str:
    """Return a number without what a float adds."""
    return f"{value:g}" if isinstance(value, float) else str(value)
