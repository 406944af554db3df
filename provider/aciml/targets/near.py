"""What targets on this machine have in common, what they refuse, and what they only pass over."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from ..core.errors import Finding
from ..core.progress import Progress
from ..model import group, registry
from .changes import changed_fields
from .protocol import (
    Action,
    Credentials,
    GroupFacts,
    GroupSpec,
    Kind,
    RegistryFacts,
    RegistrySpec,
    RemoteBuilder,
    Settings,
)

_REGISTRY = re.compile(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]")
_GROUP = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_KNOWN = {"registry": registry.SERVER.keys(), "group": group.SERVICE.keys()}
_FIELDS = {"registry": registry.FIELDS, "group": group.FIELDS}


def judge_local(kind: Kind, new: Settings, progress: Progress) -> list[Finding]:
    """Judge the name; name in one warning what has no effect on this machine.

    What says no more than what holds anyway is not named: the SDKs of other languages send the defaults of the schema.
    """
    if idle := sorted(name for name in new.keys() - _KNOWN[kind] if new[name] != _FIELDS[kind][name].default):
        progress.warn(f"without effect on the local target: {', '.join(idle)}")
    name = new.get("name")
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

    Creating looks at what is there and goes on from it, so updating is the same.
    """

    @abstractmethod
    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Bring a registry to ``spec``, whatever is there."""

    @abstractmethod
    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring a group to ``spec``, whatever is there."""

    def update_registry(
        self,
        registry_id: str,  # noqa: ARG002 - it follows from the name
        old: RegistrySpec,  # noqa: ARG002 - what is there is looked at
        new: RegistrySpec,
        progress: Progress,
    ) -> RegistryFacts:
        """Bring the registry to ``new``."""
        return self.create_registry(new, progress)

    def update_group(
        self,
        group_id: str,  # noqa: ARG002 - it follows from the name, and another name is another group
        old: GroupSpec,  # noqa: ARG002 - what is there is looked at
        new: GroupSpec,
        progress: Progress,
    ) -> GroupFacts:
        """Bring the group to ``new``."""
        return self.create_group(new, progress)

    def defaults(self, kind: Kind) -> Settings:  # noqa: ARG002 - the resource's own defaults are right here
        """Return nothing: v1's defaults hold."""
        return {}

    def judge(
        self,
        kind: Kind,
        old: Settings | None,  # noqa: ARG002 - what was does not matter
        new: Settings,
        unknown: frozenset[str],  # noqa: ARG002 - nothing depends on another property
        progress: Progress,
    ) -> list[Finding]:
        """Judge the name; warn of what has no effect here."""
        return judge_local(kind, new, progress)

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
