"""Registries on this machine: they listen on 127.0.0.1 and ask nobody who he is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ...core.builder import RemoteBuilder
from ...core.credentials import Credentials
from ...core.errors import Finding, OutageError
from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ...model import registry
from ..changes import changed_fields
from ..protocol import Action, RegistryFacts, RegistrySpec, Settings
from .place import REGISTRY, Workspace, warn_of_idle


class HomeRegistries(ABC):
    """All of ``RegistryTarget`` but what looks at the place itself.

    Creating looks at what is there and goes on from it, so updating is the same, with another claim to what is there.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Work for ``workspace``."""
        self.workspace = workspace

    @abstractmethod
    def bring(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        """Bring a registry to ``spec``, whatever is there, as long as it is covered by ``claim``."""

    @abstractmethod
    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Return the refusal of what has that name and is not covered by ``claim``; None if there is no such thing."""

    def create(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create the registry, or adopt what an interrupted creation left, and wait until it answers."""
        return self.bring(spec, self.workspace.claim(spec.owner), progress)

    def update(
        self,
        registry_id: str,  # noqa: ARG002 - it follows from the name
        old: RegistrySpec,
        new: RegistrySpec,
        progress: Progress,
    ) -> RegistryFacts:
        """Bring the registry to ``new``."""
        return self.bring(new, self.workspace.claim(new.owner, old.known_as), progress)

    def defaults(self) -> Settings:
        """Return nothing: the resource's own defaults are right here."""
        return {}

    def default_name(self, urn: str) -> str:
        """Return a name with resource, project and stack in it, and digits that other clones do not have."""
        return self.workspace.default_name(urn, REGISTRY)

    def judge(
        self,
        old: Settings | None,
        new: Settings,
        unknown: frozenset[str],  # noqa: ARG002 - nothing depends on another property
        progress: Progress,
    ) -> list[Finding]:
        """Judge the name, also whether somebody else has it; warn of what has no effect here."""
        warn_of_idle(new, registry.FIELDS, registry.SERVER, progress)
        name = new.get("name")
        findings = REGISTRY.findings(name)
        if findings or name is None or name == (old or {}).get("name"):
            return findings
        try:
            theirs = self.find_stranger(name, self.workspace.claim(progress.urn))
        except OutageError:
            return []  # a preview does not need an engine
        return [Finding("name", str(theirs))] if theirs else []

    def changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Name the fields that differ; only another name is another registry."""
        return changed_fields(old, new)

    def foreseen_login_server(self, spec: RegistrySpec) -> str:
        """Return the address if the port is given."""
        return f"127.0.0.1:{spec.port}" if spec.port else ""

    def credentials(self, login_server: str) -> Credentials:  # noqa: ARG002 - they are the same for all
        """Return no credentials: registries listen on 127.0.0.1 and ask for none."""
        return Credentials()

    def builder(self) -> RemoteBuilder | None:
        """Return nothing: extra steps run in Docker on this machine."""
        return None
