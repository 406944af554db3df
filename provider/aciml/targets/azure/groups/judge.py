"""What the service would refuse, said before anything is sent; with the numbers and what to write instead.

What every target judges is in ``model/rules.py``; here is what only this service wants.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ....core.errors import Finding
from ....model.container import name_finding
from ....model.group import FIELDS
from ....model.said import Said
from ...protocol import Settings
from .limits import port_findings, region_findings, size_findings, variable_findings

DEFAULTS: Mapping[str, Any] = {
    "cpuCores": 1,
    "memoryGb": 1,
    "startupTimeout": 600,
    **{
        name: FIELDS[name].default
        for name in ("osType", "restartPolicy", "sku", "priority", "dnsNameLabelScope", "rollout")
    },
}
"""What holds when nothing is said. v1's 0.1 cores and 0.5 GiB are less than the service gives to a group; pulling an
image of some gigabytes takes the service minutes, so it gets ten to answer."""


def judge_group(old: Settings | None, new: Settings, unknown: Collection[str] = frozenset()) -> list[Finding]:  # noqa: ARG001 - the limits depend neither on what was, nor on what is missing
    """Report what the service would refuse of what is right elsewhere.

    Args:
        old: the properties before; None if the group is to be made.
        new: properties without what is unknown.
        unknown: names of properties that are given but not known yet; they are not said to be missing.
    """
    said = Said(new)
    name = said.get("name")
    found = [] if name is None else list(name_finding("name", str(name)))
    for judge in (size_findings, port_findings, variable_findings, region_findings):
        found += judge(said)
    return found
