"""Conditions of role assignments, as far as they are about a repository's name.

Source: Microsoft, "Azure role assignment condition format and syntax" and "Azure attribute-based access control
(ABAC) for repository permissions": the portal writes
``(!(ActionMatches{'...'})) OR (@Request[...:name] StringEqualsIgnoreCase '...')``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from ....core.reference import Reference

_NAME = "@request[microsoft.containerregistry/registries/repositories:name]"
_TOKEN = re.compile(
    r"\s*(?:(?P<word>\(|\)|!|&&|\|\||\bAND\b|\bOR\b|\bNOT\b)"
    r"|(?P<call>\w+)\s*\{\s*'(?P<of>[^']*)'\s*\}"
    r"|(?P<attribute>@\w+\s*\[[^\]]+\])\s+(?P<how>[\w:]+)\s+(?P<values>\{[^}]*\}|'[^']*'))",
    re.IGNORECASE,
)
_ALIKE: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda name, value: name == value,
    "StringStartsWith": lambda name, value: name.startswith(value),
    "StringLike": fnmatchcase,
}


def allows(condition: str, action: str, repository: str) -> bool | None:
    """Tell whether a condition lets an action through on a repository; None if it cannot be told from here.

    Args:
        condition: of a role assignment.
        action: in lower case.
        repository: its name, which has no upper-case letters.
    """
    found = [*_TOKEN.finditer(condition)]
    # what was not read must not be passed over: it may be the half that refuses
    if "".join(one[0] for one in found).split() != condition.split():
        return None
    reader = _Reader(found, action, repository)
    said = reader.any_of()
    return said if reader.is_at_end() else None


def repository_of(image: str) -> str:
    """Return the repository of an image, as conditions name it."""
    return Reference.parse(image).repository


class _Reader:
    """Reads tokens from the left; what is not known is None, as SQL and Kleene have it."""

    def __init__(self, tokens: list[re.Match[str]], action: str, repository: str) -> None:
        self._tokens, self._action, self._repository = tokens, action, repository

    def is_at_end(self) -> bool:
        return not self._tokens

    def any_of(self) -> bool | None:
        parts = [self._all_of()]
        while self._takes("OR", "||"):
            parts.append(self._all_of())
        return True if True in parts else None if None in parts else False

    def _all_of(self) -> bool | None:
        parts = [self._one()]
        while self._takes("AND", "&&"):
            parts.append(self._one())
        return False if False in parts else None if None in parts else True

    def _one(self) -> bool | None:
        if self._takes("!", "NOT"):
            inner = self._one()
            return None if inner is None else not inner
        if self._takes("("):
            inner = self.any_of()
            return inner if self._takes(")") else None
        if not self._tokens or self._tokens[0]["word"]:
            return None
        token = self._tokens.pop(0)
        return self._of_action(token) if token["call"] else self._of_name(token)

    def _of_action(self, token: re.Match[str]) -> bool | None:
        return fnmatchcase(self._action, token["of"].lower()) if token["call"].lower() == "actionmatches" else None

    def _of_name(self, token: re.Match[str]) -> bool | None:
        how = token["how"].removeprefix("ForAnyOfAnyValues:")
        alike = _ALIKE.get(how.removesuffix("IgnoreCase"))
        # attributes of others, such as who asks and from where, only Azure knows
        if alike is None or "".join(token["attribute"].lower().split()) != _NAME:
            return None
        values = re.findall(r"'([^']*)'", token["values"])
        # repositories have no upper-case letters: to ignore the case is to write the value in lower case
        ignores = how.endswith("IgnoreCase")
        return any(alike(self._repository, value.lower() if ignores else value) for value in values)

    def _takes(self, *words: str) -> bool:
        if self._tokens and (self._tokens[0]["word"] or "").upper() in words:
            self._tokens.pop(0)
            return True
        return False
