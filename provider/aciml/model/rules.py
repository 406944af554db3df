"""All that is judged of a declaration on every target, so that what previews at home previews in the cloud.

What a target, a subscription or a region adds is judged by the target.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..core.errors import Finding
from ..properties import Secret, Values
from . import access, container, group, network, probe, registry, registry_rules, rollout, spot, tag, volume
from .declared import read
from .said import Said
from .shape import sound

_LONG = 4
"""Characters of a secret that is looked for without quotes too; a shorter one is in many a word."""

Rule = Callable[[Said], Iterator[Finding]]
GROUP: tuple[Rule, ...] = (
    container.limit_findings,
    network.port_findings,
    spot.zone_findings,
    spot.gpu_findings,
    spot.spot_findings,
    network.label_findings,
    container.variable_findings,
    probe.probe_findings,
    volume.volume_findings,
    volume.mount_findings,
    container.init_findings,
    access.identity_findings,
    access.account_findings,
    access.confidential_findings,
    tag.group_tag_findings,
    network.network_findings,
    rollout.rollout_findings,
    access.key_findings,
    access.insight_findings,
)


def group_findings(values: Values) -> list[Finding]:
    """Judge how the properties of a group go together.

    Args:
        values: as they are given, with the target's defaults; what is unknown or no such value is passed over; of a
            number out of its range is said what goes for any.
    """
    said = Said(sound(values, group.FIELDS, ranges=False))
    return hidden([finding for rule in GROUP for finding in rule(said)], values)


def registry_findings(values: Values) -> list[Finding]:
    """Judge how the properties of a registry go together; see ``group_findings``."""
    declared = read(registry.Registry, sound(values, registry.FIELDS, ranges=False))
    return hidden(registry_rules.findings(declared), values)


def hidden(findings: Iterable[Finding], values: Values) -> list[Finding]:
    """Return the findings without the texts that are marked as secret: what was given is quoted, but not those."""
    secrets = sorted(set(_secrets(values, marked=False)), key=len, reverse=True)
    found = []
    for finding in findings:
        why = finding.why
        for secret in secrets:
            why = why.replace(f'"{secret}"', '"[secret]"')
            if len(secret) >= _LONG:
                why = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "[secret]", why)
        found.append(replace(finding, why=why))
    return found


def _secrets(value: Any, *, marked: bool) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _secrets(value.value, marked=True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets(item, marked=marked)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, marked=marked)
    elif marked and isinstance(value, str) and value:
        yield value
