"""Registries on this machine: they listen on 127.0.0.1 and ask nobody who he is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ...core.builder import RemoteBuilder
from ...core.credentials import Credentials
from ...core.errors import Finding
from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ...model.declared import given
from ...model.registry import FIELDS, Registry
from ..protocol import Action, RegistryFacts, RegistrySpec
from .place import REGISTRY, Workspace

# judged all the same, so that what previews at home previews in the cloud
_IDLE = {name: field for name, field in FIELDS.items() if field.scope == "cloud"}


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

    def defaults(self) -> Registry:
        """Return what holds everywhere: this machine adds nothing."""
        return Registry()

    def default_name(self, urn: str) -> str:
        """Return a name with resource, project and stack in it, and digits that other clones do not have."""
        return self.workspace.default_name(urn, REGISTRY)

    def placed(self, new: Registry) -> Registry:
        """Return it as it is: here is no workspace, and `judge` says so."""
        return new

    def judge(self, old: Registry | None, new: Registry, progress: Progress) -> list[Finding]:
        """Judge the name, also whether somebody else has it; warn of what has no effect here."""
        self.workspace.warn_of_idle(old, new, _IDLE, progress)
        name = new.name  # None where it comes from another resource: then the creation judges it
        findings = REGISTRY.findings(name)
        # a name that is kept is in use by this very registry; asking would cost each preview a call
        if findings or name is None or (old is not None and name == old.name):
            return findings
        return self.workspace.taken(name, progress.urn, self.find_stranger)

    def changes(self, old: Registry, new: Registry) -> dict[str, Action]:
        """Name the properties that differ; only another name is another registry."""
        # what was said, not what holds: a default of a new version is no change of the user's
        before, after = given(old), given(new)
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return {name: "replace" if name == "name" else "update" for name in names}

    def foreseen_login_server(self, registry: Registry) -> str:
        """Return the address if the port is given."""
        return f"127.0.0.1:{registry.port}" if registry.port else ""

    def credentials(self, login_server: str) -> Credentials:  # noqa: ARG002 - they are the same for all
        """Return no credentials: registries listen on 127.0.0.1 and ask for none."""
        # empty and not None: whoever gets it passes it on, and Docker's own login counts then
        return Credentials()

    def shut_out(self, login_server: str) -> str:  # noqa: ARG002 - nothing is in the way at home
        """Return nothing: a registry at home has no firewall of its own."""
        return ""

    def builder(self) -> RemoteBuilder | None:
        """Return nothing: extra steps run in Docker on this machine."""
        return None
