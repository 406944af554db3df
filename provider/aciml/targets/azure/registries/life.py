"""Registries of the Azure target: made, adopted, brought to what is declared, read, deleted."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ....core.credentials import Credentials
from ....core.errors import Finding, OutageError, UserError
from ....core.ownership import Stranger
from ....core.progress import Progress
from ....model import registry_rules
from ....model.access import Access, Account
from ....model.registry import Registry
from ....registry.errors import ROLES, RegistryError
from ...protocol import RegistryFacts, RegistrySpec
from ..arm.errors import AzureError
from ..arm.session import AzureSession
from ..ownership import owner_in, owner_of, whose
from ..region import plain_location
from . import encryption
from . import name as registry_name
from .body import drift, from_arm, is_ours, to_arm
from .calls import Place, RegistryCalls, state_of
from .finder import RegistryFinder, Seen, login_server_of
from .firewall import explained, told_of_closing
from .login import RegistryLogin, wait_for_answer
from .pull import is_granted, pull_credentials
from .repositories import Repositories
from .roles import ROLES_BY_REPOSITORY, by_repository
from .steps import steps, wanted
from .workspace import registry_of


class AzureRegistries:
    """The registries of one subscription; safe to share by threads."""

    def __init__(self, session: AzureSession) -> None:
        """Contact nobody."""
        self._session = session
        self._calls, self._finder = RegistryCalls(session), RegistryFinder(session)
        self._logins: dict[str, RegistryLogin] = {}
        self._lock = threading.Lock()

    def foreseen_login_server(self, name: str) -> str:
        """Return ``<name>.azurecr.io``, or what the cloud calls it; empty where only Azure's answer tells."""
        return f"{name.lower()}{self._finder.suffix}" if self._finder.suffix else ""

    def placed(self, new: Registry) -> Registry:
        """Return the registry of the workspace that it names; see ``workspace.registry_of``."""
        return registry_of(self._session, self._calls, new)

    def judge(self, old: Registry | None, new: Registry, progress: Progress) -> list[Finding]:
        """Ask whether the name of a registry that is to be made is free; warn of what deletes images by itself."""
        days = new.retention_days
        if days is not None and (old is None or old.retention_days != days):
            progress.warn(
                f"retentionDays: Azure deletes manifests without a tag after {days} days, for good; every image that "
                "is pushed here gets a tag, but whoever deploys by digest must not take it away"
            )
        if line := told_of_closing(old, new):
            progress.warn(line)
        name = new.name
        if name is None or (old is not None and str(old.name or "").lower() == name.lower()):
            return []
        try:
            return self._judge_name(name, new, progress.urn)
        except (OutageError, UserError) as error:
            # a preview may be run by somebody without a login; creation asks again
            progress.warn(f'whether the registry name "{name}" is free could not be asked: {error}')
            return []

    def create(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Make the registry; one with our tag is brought to ``spec``, any other only with ``adopt``.

        Raises:
            Stranger: it exists and is not ours.
            UserError: it is in another place.
            AzureError: Azure refuses, or does not answer.
        """
        place = self._place(spec)
        self._session.ensure_resource_group(place.group, progress)
        # ARM refuses a change while another is under way, such as one of a run that was killed: 409
        seen = self._calls.settled(place, progress)
        if seen is None:
            return self._make(place, spec, progress)
        ours = bool(spec.owner) and is_ours(seen, spec.owner)
        if not ours and not spec.declared.adopt:
            raise Stranger(*_exists(place, seen))
        # a creation that failed leaves a registry that serves nothing; a PUT of the whole model goes on with it
        if ours and state_of(seen) == "Failed":
            return self._make(place, spec, progress)
        if not ours:
            progress.note(f"taking over {place}, which exists; it will not be deleted with the stack")
        return self._bring(place, seen, None, spec, ours=ours, progress=progress)

    def update(self, registry_id: str, old: RegistrySpec, new: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Send what differs from how the registry is now, which may be nothing; make it again if it is gone."""
        place = self._calls.place(registry_id)
        seen = self._calls.settled(place, progress)
        if seen is None:
            return self.create(new, progress)
        # the same name may have been made anew by somebody else since state last looked
        known = old.known_as
        if known and not is_ours(seen, new.owner, known):
            raise _by_now(place, seen)
        ours = (bool(new.owner) and is_ours(seen, new.owner, known)) or not new.declared.adopt
        return self._bring(place, seen, old.declared, new, ours=ours, progress=progress)

    def read(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at a registry, by its ARM id or its name; None only if ARM says that there is none.

        Raises:
            Stranger: state knows another one of this name.
        """
        group = known.declared.resource_group or "" if known else ""
        place = self._calls.place(registry_id, group)
        seen = self._calls.get(place)
        # without a tag it would be taken for one that was adopted, and the next update would make it ours
        if seen and known and known.known_as and not is_ours(seen, known.owner, known.known_as):
            raise _by_now(place, seen)
        return self._facts(seen, known) if seen else None

    def delete(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Delete a registry that we made; one with images only with ``delete_data``, else it stays, with a warning."""
        place = self._calls.place(registry_id)
        seen = self._calls.get(place)
        # an earlier run was stopped while it waited: that deletion is the one that is wanted
        if seen is not None and state_of(seen) == "Deleting":
            seen = self._calls.settled(place, progress)
        if seen is None:
            return
        # what was adopted has no tag of ours: whoever made it is to delete it
        if not is_ours(seen, progress.urn, known_as):
            tag = owner_in(seen.get("tags"))
            by = f", but by {whose(tag)}" if tag else ""
            progress.note(f"{place} was not made by this stack{by}: it is forgotten, and stays")
            return
        # a warning and no error: the rest of the stack can still be destroyed (decisions/azure-registry.md)
        if not delete_data and (inside := self._holds(seen)):
            progress.warn(
                f"{place} {inside}, so it stays, and costs; to remove both, set deleteData: true and run `pulumi up` "
                f"before the next destroy, or run `az acr delete --name {place.name} --resource-group {place.group}`"
            )
            return
        self._calls.delete(place, progress)
        self._finder.forget(str(seen["id"]))

    def credentials(self, login_server: str) -> Credentials:
        """Return an identity token for a registry of the cloud, nothing for others: they must not see the token.

        Raises:
            UserError: there is no login of Entra ID.
            OutageError: the registry refuses it, or is silent.
        """
        return self._login(login_server).credentials() if self._finder.is_azure(login_server) else Credentials()

    def pull_credentials(self, image: str, access: Access) -> Account | None:
        """Return how a container group logs in to pull; see ``pull.pull_credentials``."""
        return pull_credentials(self._session, self._calls, self._finder, image, access)

    def is_granted(self, image: str, access: Access) -> bool:
        """Tell whether the identity of ``pullIdentity`` was seen to have a role; see ``pull.is_granted``."""
        return is_granted(self._session, self._finder, image, access)

    def find(self, login_server: str) -> Seen | None:
        """Return the registry of the subscription that has the login server, as ARM shows it."""
        return self._finder.find(login_server)

    def repositories(self, login_server: str) -> Repositories:
        """Return what is inside a registry."""
        return Repositories(self._session, login_server, self._login(login_server).audience)

    def _place(self, spec: RegistrySpec) -> Place:
        return Place(spec.declared.resource_group or self._session.config.resource_group, spec.name)

    def _make(self, place: Place, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        _require([*registry_rules.findings(spec.declared), *registry_name.judge(spec.declared)])
        body = to_arm(spec, self._session.config)
        seen = self._finder.remember(self._calls.create(place, body, progress))
        if from_arm(seen).network.public_network_access:  # a private one cannot be asked from everywhere
            wait_for_answer(login_server_of(seen), self._session.ca_bundle, progress)
        return self._facts(seen, spec)

    def _bring(
        self, place: Place, seen: Seen, old: Registry | None, new: RegistrySpec, *, ours: bool, progress: Progress
    ) -> RegistryFacts:
        _require_place(place, seen, new, self._session.config.location)
        whole = wanted(seen, old, new.declared, ours=ours)
        # what was not said and stands decides too: the sku of one that is adopted is known only now
        settled = registry_rules.findings(whole.but(adopt=not ours))
        _require([*settled, *encryption.judge(from_arm(seen), whole)])
        tag = owner_in(seen.get("tags"))
        for step in steps(seen, whole, (owner_of(new.owner) or tag) if ours else tag):
            # between two steps the registry is whole, and the next run sends only what still differs
            progress.checkpoint()
            seen = self._calls.change(place, step, progress)
        return self._facts(self._finder.remember(seen), new)

    def _facts(self, seen: Seen, known: RegistrySpec | None) -> RegistryFacts:
        state, tag = state_of(seen), owner_in(seen.get("tags"))
        now, differs = drift(seen, known)
        ours = known is not None and bool(known.owner) and is_ours(seen, known.owner, known.known_as)
        return RegistryFacts(
            id=str(seen["id"]),
            name=str(seen["name"]),
            login_server=login_server_of(self._finder.remember(seen)),
            # a host in the cloud implies 443, and no image of a server is ours there
            port=0,
            image="",
            # it goes on serving while it is updated
            state="Running" if state in ("Succeeded", "Updating") else state,
            seen=now,
            drift=differs,
            owner=tag if ours else "",  # what was adopted is not ours to delete, whoever made it
        )

    def _judge_name(self, name: str, new: Registry, urn: str) -> list[Finding]:
        place = Place(new.resource_group or self._session.config.resource_group, name)
        # first the own place: checkNameAvailability says "taken" of one's own registry too
        if (seen := self._calls.get(place)) is not None:
            taken = not new.adopt and not (urn and is_ours(seen, urn))
            return [Finding("name", "; ".join(_exists(place, seen)))] if taken else []
        if why := self._calls.why_taken(name):
            return [Finding("name", f'the registry name "{name}" is taken in all of Azure ({why}); choose another one')]
        return []

    def _holds(self, seen: Seen) -> str:
        """Return why a registry is not to be deleted; empty if it has no images."""
        if not (server := login_server_of(seen)):
            return ""
        try:
            return "" if self.repositories(server).is_empty() else "holds images"
        except AzureError as error:
            # not to be allowed to look is no proof that nothing is there: images cannot be brought back
            if error.status in (401, 403):
                return "may hold images (this login may not look)"
            advice = f"{error.advice}, or set deleteData: true and run `pulumi up` to delete it whatever it holds"
            raise AzureError(error.status, error.code, error.message, advice.removeprefix(", or ")) from error

    def shut_out(self, login_server: str) -> str:
        """Say why this machine cannot push to a registry, its address and who passes; empty if it can, or none tells.

        Asked before anything is built: a push is the last step, and some are hours away.
        """
        if not self._finder.is_azure(login_server):
            return ""
        try:
            self._login(login_server)()
        except RegistryError as error:
            return str(error) if error.blocked else ""
        except (OutageError, UserError):
            return ""  # who has no login, or no network, is told so by what needs it
        return ""

    def _seen(self, login_server: str) -> Seen | None:
        try:
            return self._finder.find(login_server)
        except (OutageError, UserError):
            return None  # only to say more of what is told anyway

    def _roles(self, login_server: str) -> Mapping[str, str]:
        seen = self._seen(login_server)
        return ROLES_BY_REPOSITORY if seen and by_repository(seen) else ROLES

    def _login(self, login_server: str) -> RegistryLogin:
        # a policy may turn the audience of Resource Manager off (azureADAuthenticationAsArmPolicy): the other is first
        config = self._session.config
        with self._lock:
            return self._logins.setdefault(
                login_server.lower(),
                RegistryLogin(
                    login_server.lower(),
                    self._session.token,
                    (config.cloud.registry_scope, config.cloud.scope),
                    tenant=config.tenant_id,
                    ca_bundle=self._session.ca_bundle,
                    explain=lambda error: explained(error, self._seen(login_server)),
                    roles=lambda: self._roles(login_server),
                ),
            )


def _by_now(place: Place, seen: Seen) -> Stranger:
    tag = owner_in(seen.get("tags"))
    return Stranger(f"{place} belongs to {whose(tag) if tag else 'somebody else'} by now", _exists(place, seen)[1])


def _exists(place: Place, seen: Seen) -> tuple[str, str]:
    owner = owner_in(seen.get("tags"))
    by = f", made by {whose(owner)}" if owner else ""
    command = f"pulumi import aciml:registry:ContainerRegistry {place.name} {seen['id']}"
    return f"{place} exists already{by}", f"set adopt: true to take it over, or run `{command}`"


def _require(findings: list[Finding]) -> None:
    if findings:
        raise UserError("; ".join(finding.why for finding in findings))


def _require_place(place: Place, seen: Seen, new: RegistrySpec, default: str) -> None:
    """Make sure that the registry is in the region where it is wanted."""
    # a registry cannot move: what was kept because of its images, or is adopted, may be in another one
    now, wanted = from_arm(seen).location, plain_location(new.declared.location or default)
    if now != wanted:
        advice = f"set location: {now}, or remove the registry (with its images) first"
        raise UserError(f"{place} is in {now}, and cannot move to {wanted}", advice)
