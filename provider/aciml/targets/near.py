"""What targets on this machine have in common, what they refuse, and what they only pass over."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping

from ..core.builder import RemoteBuilder
from ..core.credentials import Credentials
from ..core.errors import Finding, OutageError
from ..core.names import NameRule, default_name
from ..core.ownership import Claim, Stranger
from ..core.progress import Progress
from ..model import group, registry
from .changes import changed_fields
from .image_told import judge_variables
from .protocol import Action, GroupFacts, GroupSpec, Kind, RegistryFacts, RegistrySpec, Settings
from .workspace import claim_of, this_workspace

_REGISTRY = re.compile(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]")
_GROUP = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_RULES: Mapping[Kind, NameRule] = {"registry": NameRule(50), "group": NameRule(32)}
_KNOWN = {"registry": registry.SERVER.keys(), "group": group.SERVICE.keys()}
_FIELDS = {"registry": registry.FIELDS, "group": group.FIELDS}


def judge_local(kind: Kind, new: Settings, progress: Progress) -> list[Finding]:
    """Judge name and variables; name in one warning what has no effect on this machine.

    What says no more than what holds anyway is not named: the SDKs of other languages send the defaults of the schema.
    """
    if idle := sorted(name for name in new.keys() - _KNOWN[kind] if new[name] != _FIELDS[kind][name].default):
        progress.warn(f"without effect on the local target: {', '.join(idle)}")
    findings = [*judge_variables(new)] if kind == "group" else []
    return [*findings, *_judge_name(kind, new.get("name"))]


def _judge_name(kind: Kind, name: str | None) -> list[Finding]:
    if name is None:
        return []
    if kind == "registry" and not _REGISTRY.fullmatch(name):
        return [Finding("name", f'"{name}" is no registry name; use 2 to 50 lower-case letters, digits and -')]
    if kind == "group" and not (_GROUP.fullmatch(name) and 3 <= len(name) <= 32):
        why = f'"{name}" is no service name; use 3 to 32 lower-case letters, digits and -, a letter first'
        return [Finding("name", why)]
    return []


class NearTarget(ABC):
    """What targets on this machine have in common: v1's defaults, no account, no other place to build.

    Creating looks at what is there and goes on from it, so updating is the same, with another claim to what is there.
    """

    def __init__(self, workspace: str = "") -> None:
        """Work for ``workspace``; without one for the folder of this process."""
        self._workspace = workspace or this_workspace()

    @abstractmethod
    def bring_registry(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        """Bring a registry to ``spec``, whatever is there, as long as it is covered by ``claim``."""

    @abstractmethod
    def bring_group(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Bring a group to ``spec``, whatever is there, as long as it is covered by ``claim``."""

    @abstractmethod
    def find_stranger(self, kind: Kind, name: str, claim: Claim) -> Stranger | None:
        """Return the refusal of what has that name and is not covered by ``claim``; None if there is no such thing."""

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create the registry, or adopt what an interrupted creation left, and wait until it answers."""
        return self.bring_registry(spec, self._claim(spec.owner), progress)

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start the group, or adopt what an interrupted creation left, and wait until it answers."""
        return self.bring_group(spec, self._claim(spec.owner), progress)

    def update_registry(
        self,
        registry_id: str,  # noqa: ARG002 - it follows from the name
        old: RegistrySpec,
        new: RegistrySpec,
        progress: Progress,
    ) -> RegistryFacts:
        """Bring the registry to ``new``."""
        return self.bring_registry(new, self._claim(new.owner, old.known_as), progress)

    def update_group(
        self,
        group_id: str,  # noqa: ARG002 - it follows from the name, and another name is another group
        old: GroupSpec,
        new: GroupSpec,
        progress: Progress,
    ) -> GroupFacts:
        """Bring the group to ``new``."""
        return self.bring_group(new, self._claim(new.owner, old.known_as), progress)

    def default_name(self, kind: Kind, urn: str) -> str:
        """Return a name with resource, project and stack in it, and digits that other clones do not have."""
        return default_name(urn, self._workspace, _RULES[kind], f"-{kind}")

    def defaults(self, kind: Kind) -> Settings:  # noqa: ARG002 - the resource's own defaults are right here
        """Return nothing: v1's defaults hold."""
        return {}

    def judge(
        self,
        kind: Kind,
        old: Settings | None,
        new: Settings,
        unknown: frozenset[str],  # noqa: ARG002 - nothing depends on another property
        progress: Progress,
    ) -> list[Finding]:
        """Judge the name, also whether somebody else has it; warn of what has no effect here."""
        findings, name = judge_local(kind, new, progress), new.get("name")
        if findings or name is None or name == (old or {}).get("name"):
            return findings
        try:
            theirs = self.find_stranger(kind, name, self._claim(progress.urn))
        except OutageError:
            return []  # a preview does not need an engine
        return [Finding("name", str(theirs))] if theirs else []

    def builder(self) -> RemoteBuilder | None:
        """Return nothing: extra steps run in Docker on this machine."""
        return None

    def foreseen_login_server(self, spec: RegistrySpec) -> str:
        """Return the address if the port is given."""
        return f"127.0.0.1:{spec.port}" if spec.port else ""

    def registry_changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Name the fields that differ; only another name is another registry."""
        return changed_fields(old, new)

    def group_changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the fields that differ; only another name is another group."""
        return changed_fields(old, new)

    def credentials(self, login_server: str) -> Credentials:  # noqa: ARG002 - they are the same for all
        """Return no credentials: registries listen on 127.0.0.1 and ask for none."""
        return Credentials()

    def largest_image(self) -> int:
        """Return 0: this machine's disk is the only limit."""
        return 0

    def _claim(self, urn: str, known_as: str | None = None) -> Claim:
        return claim_of(urn, self._workspace, known_as)

    def _claim_known(self, urn: str, known_as: str) -> Claim | None:
        """Return the claim to something that state knows; None where nobody is spoken for: then anybody's will do."""
        return self._claim(urn, known_as) if urn or known_as else None
