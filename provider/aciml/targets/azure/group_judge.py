"""What the service would refuse, said before anything is sent; with the numbers and what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ...core.errors import Finding
from ..protocol import Settings
from .group_access import (
    account_findings,
    confidential_findings,
    identity_findings,
    insight_findings,
    key_findings,
    tag_findings,
)
from .group_limits import count_findings, port_findings, size_findings, spot_findings
from .group_network import LABEL_SCOPE
from .group_parts import init_findings, mount_findings, name_finding, probe_findings, variable_findings, volume_findings
from .group_reach import label_findings, network_findings, rollout_findings

DEFAULTS: Mapping[str, Any] = {
    "cpuCores": 1,
    "memoryGb": 1,
    "startupTimeout": 600,
    "osType": "Linux",
    "restartPolicy": "Always",
    "sku": "Standard",
    "priority": "Regular",
    "dnsNameLabelScope": LABEL_SCOPE,
    "rollout": "in_place",
}
"""What holds when nothing is said. v1's 0.1 cores and 0.5 GiB are less than the service gives to a group; pulling an
image of some gigabytes takes the service minutes, so it gets ten to answer."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "sku": ("Standard", "Dedicated", "Confidential"),
    "priority": ("Regular", "Spot"),
    "ipAddressType": ("Public", "Private", "None"),
    "dnsNameLabelScope": ("Unsecure", "TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Noreuse"),
    "rollout": ("in_place", "blue_green"),
}


def judge_group(old: Settings | None, new: Settings, unknown: Collection[str] = frozenset()) -> list[Finding]:  # noqa: ARG001 - the limits do not depend on what was
    """Report all that the service would refuse.

    Args:
        old: the properties before; None if the group is to be made.
        new: properties without what is unknown.
        unknown: names of properties that are given but not known yet; they are not said to be missing.
    """
    unknown = frozenset(unknown)
    if findings := [*_retired(new), *_words(new)]:
        return findings  # the rest would judge by words that do not exist
    found: list[Finding] = []
    if "name" in new:
        found += name_finding("name", str(new["name"]))
    for judge in _JUDGES:
        found += judge(new)
    for careful in _CAREFUL:
        found += careful(new, unknown)
    return found


_JUDGES = (
    size_findings,
    port_findings,
    count_findings,
    spot_findings,
    label_findings,
    variable_findings,
    probe_findings,
    volume_findings,
    mount_findings,
    init_findings,
    identity_findings,
    account_findings,
    confidential_findings,
    tag_findings,
)
_CAREFUL = (
    network_findings,
    rollout_findings,
    key_findings,
    insight_findings,
)
"""Those that say that something is missing."""


def _retired(new: Settings) -> Iterator[Finding]:
    """Refuse what the service has no more, and what our images are not made for."""
    if new.get("gpu"):
        why = "the service retired its GPUs on July 14, 2025, so no region has any"
        yield Finding("gpu", f"{why}; drop gpu, or serve the model where there are some, such as on Kubernetes")
    system = new.get("osType", "Linux")
    if system == "Windows":
        why = "images are made for linux/amd64, and a Windows group runs Windows images only"
        yield Finding("osType", f"{why}; write Linux or drop osType")
    elif system != "Linux":
        yield _word("osType", system, ("Linux",))


def _words(new: Settings) -> Iterator[Finding]:
    """Judge all values that are one of a few words, at any depth."""
    for name, words in WORDS.items():
        if name in new and new[name] not in words:
            yield _word(name, new[name], words)
    for index, port in enumerate(new.get("ports") or ()):
        if port.get("protocol", "TCP") not in ("TCP", "UDP"):
            yield _word(f"ports[{index}].protocol", port["protocol"], ("TCP", "UDP"))
    for name in ("livenessProbe", "readinessProbe"):
        scheme = ((new.get(name) or {}).get("httpGet") or {}).get("scheme", "http")
        if scheme not in ("http", "https"):
            yield _word(f"{name}.httpGet.scheme", scheme, ("http", "https"))
    kind, kinds = (new.get("logAnalytics") or {}).get("logType"), ("ContainerInsights", "ContainerInstanceLogs")
    if kind is not None and kind not in kinds:
        yield _word("logAnalytics.logType", kind, kinds)


def _word(where: str, value: str, words: tuple[str, ...]) -> Finding:
    folded = {word.lower(): word for word in words}
    close = get_close_matches(str(value).lower(), folded, 1)
    known = f"write {', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else f"write {words[0]}"
    return Finding(where, f'"{value}" is no value; ' + (f"did you mean {folded[close[0]]}?" if close else known))
