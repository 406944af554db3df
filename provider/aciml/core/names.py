"""Default names: made of resource, project and stack, and of a few digits that tell two clones apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .ownership import Urn, digest_of

DIGITS = 7
"""Hexadecimal digits at the end of a default name, as Pulumi's own."""


@dataclass(frozen=True)
class NameRule:
    """What a target takes for a name: at most ``longest`` lower-case letters and digits, words apart by ``joint``.

    A name that begins with a letter, has no joint at its ends and no two in a row satisfies every target.
    """

    longest: int
    joint: str = "-"


def default_name(urn: str, workspace: str, rule: NameRule, ending: str = "") -> str:
    """Return the name of a resource that was given none: ``diabetes-scoring-local-1a2b3c4``.

    Args:
        urn: of the resource; what is no urn counts as its name.
        workspace: tells apart what has one urn: two clones of a project.
        rule: of the target.
        ending: dropped from the resource's name, such as ``-group``, which a component gives to its child.

    Returns:
        The same for the same urn and workspace. Words that do not fit are cut; the digits are made of all that was
        said, so names that are cut alike differ all the same.
    """
    said = Urn.parse(urn)
    words = [
        word for part in (said.name.removesuffix(ending), said.project, said.stack) if (word := _plain(part, rule))
    ]
    # not of the engine's random seed, which differs between a preview and its update (decisions/owners.md)
    digits = digest_of(urn, workspace)[:DIGITS]
    kept = _fitting(words, rule.longest - DIGITS - len(rule.joint), rule.joint)
    name = rule.joint.join([*kept, digits])
    # a full name gives up its first digit: the letter must not make it too long
    return name if name[0].isalpha() else f"a{name[len(name) == rule.longest :]}"


def _plain(text: str, rule: NameRule) -> str:
    """Return the letters and digits of a text, in lower case; runs of all else are one joint."""
    return re.sub(r"[^a-z0-9]+", rule.joint, text.lower()).strip("-")


def _fitting(words: Sequence[str], room: int, joint: str) -> list[str]:
    """Cut the longest words until all of them, joined, have at most ``room`` characters."""
    kept = list(words)
    while kept and sum(map(len, kept)) + len(joint) * (len(kept) - 1) > room:
        # from the longest, so that a short name stays readable beside a long project's
        longest = max(range(len(kept)), key=lambda index: (len(kept[index]), -index))
        kept[longest] = kept[longest][:-1].rstrip("-")
        kept = [word for word in kept if word]
    return kept
