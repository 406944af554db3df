"""All that is judged of a declaration on every target, so that what previews at home previews in the cloud.

What a target, a subscription or a region adds is judged by the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..core.errors import Finding
from ..properties import Secret, Values
from . import registry, registry_rules
from .declared import read
from .group import FIELDS, Group, group_findings, told_findings
from .shape import sound

_LONG = 4
"""Characters of a secret that is looked for without quotes too; a shorter one is in many a word."""


def group_of(values: Values) -> Group:
    """Decode the properties of a group, once for all who judge further.

    Args:
        values: as they are given, with the target's defaults. What has no right kind or is no word is not known to
            those who judge further; a number out of its range is judged with the rest of the declaration.
    """
    return read(Group, sound(values, FIELDS, ranges=False))


def all_group_findings(values: Values) -> list[Finding]:
    """Judge how the properties of a group go together, and what the server is told; secrets are not repeated."""
    group = group_of(values)
    return hidden([*group_findings(group), *told_findings(group)], values)


def registry_findings(values: Values) -> list[Finding]:
    """Judge how the properties of a registry go together; see ``group_findings``."""
    declared = read(registry.Registry, sound(values, registry.FIELDS, ranges=False))
    return hidden(registry_rules.findings(declared), values)


def hidden(findings: Iterable[Finding], values: Values) -> list[Finding]:
    """Return the findings without the texts that are marked as secret: what was given is quoted, but not those."""
    marked = [*_secrets(values, marked=False)]
    # the longest first: one secret may be a part of another
    secrets = sorted({one for one in marked if isinstance(one, str)}, key=len, reverse=True)
    numbers = sorted({f"{one:.15g}" for one in marked if not isinstance(one, str)})
    found = []
    for finding in findings:
        why = finding.why
        for number in numbers:
            why = re.sub(rf"(?<![\w.-]){re.escape(number)}(?![\w-]|\.\d)", "[secret]", why)
        for secret in secrets:
            why = why.replace(f'"{secret}"', '"[secret]"')
            if len(secret) >= _LONG:
                # not inside of a longer word, which a short secret may be a part of
                why = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "[secret]", why)
        found.append(replace(finding, why=why))
    return found


def _secrets(value: Any, *, marked: bool) -> Iterator[str | float]:
    if isinstance(value, Secret):
        yield from _secrets(value.value, marked=True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets(item, marked=marked)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, marked=marked)
    elif marked and isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
        yield value
