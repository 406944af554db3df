"""What a service runs on: one container group, or a container app with revisions and replicas.

The words of either are told where the other is chosen: a word without effect would be taken for one that works.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .container_app import ContainerApp, app_findings
from .declared import Declared, parts_of
from .probe import Probe
from .scale import Scale, scale_findings
from .shape import Field
from .traffic import Traffic, traffic_findings
from .volume import Volume, known_items

Kind = Literal["container_group", "container_app"]
GROUP: Kind = "container_group"
APP: Kind = "container_app"


@lean(frozen=True, kw_only=True)
class RunsOn(Declared):
    """The word that chooses, and what comes with it."""

    runs_on: Annotated[
        Kind | None,
        Field(
            "container_group, or container_app: replicas, revisions and traffic between them (Docker Swarm at home)",
            default=GROUP,
            cost=cost.MOVED,
        ),
    ] = None
    scale: Annotated[Scale | None, Field("replicas of a container app", cost=cost.OURS)] = None
    traffic: Annotated[
        Traffic | None, Field("how requests move to a new revision, and what it has to prove", cost=cost.OURS)
    ] = None
    # so that another content of the same file is a difference, and is asked for at once
    golden_hash: Annotated[str | None, Field("sha256 of what the golden file says", filled=True, cost=cost.OURS)] = None
    # not the server's own limit: that one ends a call of `run`, this one a request with all of its waiting
    replica_timeout: Annotated[
        int | None,
        Field("seconds that a request to a container app may take in all", least=1, unit="seconds", cost=cost.OURS),
    ] = None
    container_app: Annotated[
        ContainerApp | None,
        Field("environment, profile, ingress and domain of a container app", scope="cloud", cost=cost.OURS),
    ] = None

    @property
    def is_app(self) -> bool:
        """Tell whether it is a container app."""
        return self.runs_on == APP


_GROUPS_ONLY: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "dns_name_label": ((), "its host name is made of its name and its environment"),
    "dns_name_label_scope": (("TenantReuse",), "its host name is made of its name and its environment"),
    "ip_address_type": (("Public",), "write containerApp.external or containerApp.internal"),
    "ports": ((), "its ingress opens 443, and 80 that leads there"),
    "dns_config": ((), "its environment has the DNS of its network"),
    "zones": ((), "write containerApp.zoneRedundant"),
    "os_type": (("Linux",), "it runs Linux alone"),
    "restart_policy": (("Always",), "a replica that ends is always started again"),
    "sku": (("Standard",), "write containerApp.workloadProfile"),
    "priority": (("Regular",), "it has no spot replicas"),
    "cce_policy": ((), "it has no confidential kind"),
    "security_context": ((), "Azure sets the rights of its containers"),
    "cpu_limit": ((), "a replica may use what it is given, no more"),
    "memory_limit": ((), "a replica may use what it is given, no more"),
    "cmk_vault_base_url": ((), "it keeps nothing that a key of yours encrypts"),
    "cmk_key_name": ((), "it keeps nothing that a key of yours encrypts"),
    "cmk_key_version": ((), "it keeps nothing that a key of yours encrypts"),
    "cmk_identity": ((), "it keeps nothing that a key of yours encrypts"),
    "rollout": (("in_place",), "a new revision is always proven beside the old one"),
    "stable_name": ((), "its host name stays whatever revision serves"),
}
"""Properties that only a container group has: what may be said all the same, and why a container app has it not.

Source: the definitions of Microsoft.App 2026-01-01, which have no such word.
"""


@lean(frozen=True)
class Beside:
    """What stands beside the word that chooses.

    ``subjects`` are all that may have a word of ``_GROUPS_ONLY``; ``subnet`` and ``certificate`` (its files) tell
    whether one is given, or may turn out to be.
    """

    subjects: tuple[Declared, ...]
    volumes: tuple[Volume, ...]
    probes: tuple[Probe | None, ...]
    subnet: bool
    certificate: bool = False


def runs_on_findings(said: RunsOn, beside: Beside) -> Iterator[Finding]:
    """Judge what is said of the kind of service that it is, and of the other one."""
    if said.is_unsure("runs_on"):
        return
    if not said.is_app:
        yield from _not_of_groups(said)
        if said.traffic:
            yield from traffic_findings(said.traffic, revisions=False)
        return
    yield from _not_of_apps(beside)
    if said.scale:
        yield from scale_findings(said.scale)
    if said.traffic:
        yield from traffic_findings(said.traffic, revisions=True)
    if said.container_app:
        yield from app_findings(said.container_app, subnet=beside.subnet, certificate=beside.certificate)


def _not_of_groups(said: RunsOn) -> Iterator[Finding]:
    for name in ("scale", "replica_timeout", "container_app"):
        one = getattr(said, name)
        if one is not None and not (isinstance(one, Declared) and one.is_silent):
            why = f"{said.at(name)} is that of a container app, and this service is a container group"
            yield said.finding(name, f"{why}; write runsOn: container_app, or drop it")


def _not_of_apps(beside: Beside) -> Iterator[Finding]:
    for subject in beside.subjects:
        for name in (one for one in parts_of(type(subject)) if one in _GROUPS_ONLY):
            fine, why = _GROUPS_ONLY[name]
            value, where = getattr(subject, name), subject.at(name)
            if value in (None, (), *fine) or (isinstance(value, Declared) and value.is_silent):
                continue
            yield Finding(where, f"a container app has no {where}: {why}; drop it, or write runsOn: container_group")
    for volume in known_items(beside.volumes):
        if volume.git_repo:
            why = "a container app has no volume of gitRepo: it mounts shares, secrets and empty folders"
            yield volume.finding("git_repo", f"{why}; put the files into the image, or use an azureFile")
    for probe in beside.probes:
        # the definitions have httpGet and tcpSocket alone
        if probe and probe.exec:
            yield probe.finding("exec", "a container app has no probe by a command; write httpGet")
