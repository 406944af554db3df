"""Container apps as the target protocol has them: created or adopted, updated with a way back, read, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from ....core.errors import AcimlError, Cancelled, UserError
from ....core.progress import Progress
from ....model.access import Access, Account
from ....model.group import Group
from ... import canary
from ...canary import Probes
from ...golden import rules_of
from ...observed import LogLine, LogWish, Observed
from ...protocol import GroupFacts, GroupFailed, GroupSpec
from ..arm.patience import GOES_ON, Clock
from ..arm.polling import TimedOut
from ..groups.failure import blotted
from ..groups.gate import secrets_of
from ..groups.place import location_of, resource_group_of
from ..groups.slots import owner_told, require_own, stranger
from ..groups.tags import tags_of
from ..ownership import may_touch, owner_in, owner_of
from ..tagged import dropped, merged
from . import app, certificate, environment, ingress, observed, revision, room, traffic, volume
from .app import Request, Where
from .calls import FAILED, AppCalls, Seen, Written, state_of
from .drift import drift, folded, imported, is_held, serving
from .facts import PORT, facts_in
from .gate import Gate, NotServing, asking
from .home import Home
from .managed import ManagedCertificate
from .revisions import AppRevisions, ingress_of, secrets_needed, shares_of
from .site import APPS, ENVIRONMENTS, Site, site_of

if TYPE_CHECKING:
    from ..arm.session import AzureSession

Pull = Callable[[str, Access], Account | None]
Granted = Callable[[str, Access], bool]


_BUSY_SECONDS = 60.0
"""How long a revision that failed is tried to be taken away while the write that made it still runs."""


@dataclass(frozen=True)
class _Move:
    """An app on its way from one spec to another.

    ``seen`` is the app before, ``shares`` how its requests are shared, which the move must not change by itself;
    ``others`` are secrets of revisions that stay: a write without them would take them away.
    """

    old: GroupSpec
    new: GroupSpec
    site: Site
    seen: Seen
    request: Request
    shares: traffic.Entries
    others: dict[str, str]
    progress: Progress
    clock: Clock

    @property
    def revision(self) -> str:
        """Name of the revision that it leads to."""
        return self.request.revision

    @property
    def served(self) -> list[str]:
        """The other revisions that have requests, by name."""
        # the weight alone decides: a label leads to a revision without any share
        return [name for name, weight in traffic.weights_in(self.shares).items() if weight and name != self.revision]

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the app is to have."""
        # a tag that we set once and do not set any more is ours to take away
        gone = dropped(tags_of(self.old), tags_of(self.new))
        # those that a policy has set go along, or this request would take them away
        return merged(tags_of(self.new), self.seen.get("tags"), gone)


class AzureApps:
    """All container apps of one subscription. The id of an app is its ARM id."""

    def __init__(self, session: AzureSession, pull: Pull, granted: Granted = lambda _image, _access: False) -> None:
        """Speak through ``session``; ``pull`` tells how an app pulls an image, ``granted`` whether by a known role."""
        self._session, self._pull, self._granted = session, pull, granted
        self.calls = AppCalls(session)
        self._home = Home(session, self.calls)

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Make the app, or adopt the one that an interrupted run has left, and wait until it serves.

        Raises:
            Stranger: an app of this name belongs to somebody else.
            AzureError: the service refused; nothing exists.
            GroupFailed: it exists and does not serve, or the wait was stopped.
        """
        clock, site = Clock(progress.timeout), self.site(spec)
        # a request into a group that is not there is a 404 of ARM which names no group
        self._session.ensure_resource_group(site.resource_group, progress)
        seen = self.calls.get_settled(site, progress, clock)
        # adoption is by the owner in its tags, never by the name: names of apps are people's
        if seen is not None:
            if owner_in(seen.get("tags")) != owner_of(spec.owner):
                raise stranger(site, seen, spec)
            progress.note(f"{site.title} is there already and is ours: going on with it")
            return self._brought(spec, spec, seen, progress, clock)
        home = self._home.ensure(spec.declared, progress, clock)
        request = self._request(spec, str(home["id"]))
        # the environment before all: an app's request names its id, and a share lies in it
        self._store(spec, site, str(home["id"]))
        # the first time alone: the revision that an entry names does not exist yet
        body = request.to_put([dict(one) for one in traffic.FIRST])
        # ARM answers a PUT long before a container runs: from here on there is something that costs
        with self._keeping(spec):
            written = self._put(spec, site, body, progress, clock)
            self._prove(spec, site, request.revision, progress, clock, written)
            self._shifted(spec, site, request.revision, progress)
            if made := self._managed(spec, str(home["id"])):
                made.bind(progress, clock)
            return self._facts(spec, site)

    def update(self, id_: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the app from one spec to the other; it is made again if it is gone.

        Raises:
            Stranger: another stack has made an app of this name since.
            AzureError: the service refused; all is as it was.
            GroupFailed: the new revision does not serve; the old one does.
        """
        clock, site = Clock(progress.timeout), self._known_site(id_)
        seen = self.calls.get_settled(site, progress, clock)
        if seen is None:
            return self.create(new, progress)
        require_own(site, seen, old, new)
        return self._brought(old, new, seen, progress, clock)

    def read(self, id_: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the app, by ARM id; None only if ARM says 404.

        Raises:
            Stranger: state knows another one of this name.
        """
        # an import gives a name where state has an ARM id
        site = self._known_site(id_)
        seen = self.calls.get(site)
        if seen is None:
            return None
        # state would remember its tag as ours, and the next deletion would take it
        if known is not None and not may_touch(seen.get("tags"), known.owner, known.known_as):
            raise stranger(site, seen, known)
        revisions = self.calls.revisions(site)
        where = self._where(site, known, seen)
        # an import has nothing to compare with: what is there becomes the inputs
        if known is None:
            return replace(facts_in(seen, serving(seen, revisions)), drift=imported(seen, revisions, where))
        request = app.to_arm(known, where, None)
        facts = facts_in(seen, serving(seen, revisions, request.revision, held=is_held(known)))
        return replace(facts, drift=drift(known, where, seen, revisions, self._surrounding(known, seen)).if_any)

    def delete(self, id_: str, progress: Progress, known_as: str = "") -> None:
        """Remove the app, its shares, and the environment with the last app in it if it was made for that."""
        clock, site = Clock(progress.timeout), self._known_site(id_)
        seen = self.calls.get(site)
        if seen is None:
            return
        # checked at deletion, too: somebody may have made another app of this name since
        if not may_touch(seen.get("tags"), progress.urn, known_as):
            progress.warn(f"{site.title} belongs to {owner_told(seen)}: it stays")
            return
        # read before the app goes: nothing tells afterwards where it was
        home = environment.id_in(seen)
        self.calls.delete(site, progress, clock)
        if home:
            there = site_of(self._session.config.subscription_id, home, "", ENVIRONMENTS)
            # shares and certificates belong to the environment, and outlive an app that named them
            if ((seen.get("properties") or {}).get("template") or {}).get("volumes"):
                self.calls.drop_storages(there, volume.prefix_of(site.id))
            if ingress_of(seen).get("customDomains"):
                self.calls.drop_certificates(there, lambda name: certificate.is_of(name, site.name))
                self.calls.drop_managed_certificates(there, lambda name: certificate.is_of(name, site.name))
            # last: an environment with an app in it is not deleted (409)
            self._home.leave(home, there, progress, clock)

    def observe(self, id_: str, known: GroupSpec) -> Observed | None:
        """Look at the replicas of what serves; None only if the app is gone."""
        found = self._serving(id_, known)
        return observed.observe(self.calls, *found) if found else None

    def log(self, id_: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of a replica's log; nothing if the app is gone."""
        return observed.read_log(self.calls, lambda: self._serving(id_, known), known.declared, wish, progress)

    def revisions(self, id_: str, known: GroupSpec) -> AppRevisions:
        """Return the revisions of an app."""
        return AppRevisions(self.calls, self._known_site(id_), known)

    def warn_of_room(self, old: Group | None, new: Group, progress: Progress) -> None:
        """Warn, with numbers, of a quota that a new app or revision exceeds."""
        room.warn(self.calls, old, new, progress)

    def label_taken(self, declared: Group, label: str) -> str:
        """Return the revision of somebody else's making that a label leads to; empty if there is none.

        Moving such a label would lead whoever uses it elsewhere, without a word.
        """
        seen = self.calls.get(self.site(GroupSpec(declared)))
        name = traffic.label_holder(ingress_of(seen or {}).get("traffic") or (), label)
        return "" if revision.is_our_name(name) else name

    def site(self, spec: GroupSpec) -> Site:
        """Return where the app of a spec is, or will be."""
        config = self._session.config
        return site_of(config.subscription_id, spec.name, resource_group_of(spec.declared, config), APPS)

    def _known_site(self, id_: str) -> Site:
        config = self._session.config
        return site_of(config.subscription_id, id_, config.resource_group, APPS)

    def _where(self, site: Site, known: GroupSpec | None, seen: Seen) -> Where:
        config = self._session.config
        home = environment.environment_site(known.declared, config).id if known else environment.id_in(seen)
        return Where(site.id, home, config)

    def _surrounding(self, known: GroupSpec, seen: Seen) -> Seen | None:
        """Return the environment of an app, if it is one that we have made."""
        app = known.declared.runs.container_app
        site = environment.environment_site(known.declared, self._session.config)
        # of one that is given, or another than is declared, nothing is declared here
        # the service's own default environment may be anybody's: what others made of it is no drift of ours
        if (app and app.has_id) or site.id.lower() != environment.id_in(seen).lower():
            return None
        found = self.calls.environment(site)
        return found if found is not None and environment.is_ours(found) else None

    def _serving(self, id_: str, known: GroupSpec) -> tuple[Site, Seen, Seen | None] | None:
        site = self._known_site(id_)
        seen = self.calls.get(site)
        if seen is None:
            return None
        if not may_touch(seen.get("tags"), known.owner, known.known_as):
            raise stranger(site, seen, known)
        return site, seen, serving(seen, self.calls.revisions(site))

    def _request(self, spec: GroupSpec, environment_id: str, seen: Seen | None = None) -> Request:
        where = Where(self.site(spec).id, environment_id, self._session.config)
        request = app.to_arm(spec, where, self._pull(spec.image, spec.declared.access))
        # a certificate by DNS is made when the host name leads to the app: the first request has to go without it
        if (made := self._managed(spec, environment_id)) and not made.is_made():
            entry = request.body["properties"]["configuration"]["ingress"]
            entry["customDomains"] = ingress.unbound(entry["customDomains"], ingress_of(seen or {}))
        return request

    def _managed(self, spec: GroupSpec, environment_id: str) -> ManagedCertificate | None:
        """Return the certificate that Azure makes for an app; None if it makes none."""
        if not certificate.managed_name(spec.declared):
            return None
        config = self._session.config
        there = site_of(config.subscription_id, environment_id, "", ENVIRONMENTS)
        location = location_of(spec.declared, config)
        return ManagedCertificate(self.calls, spec.declared, self.site(spec), there, location)

    def _store(self, spec: GroupSpec, site: Site, environment_id: str) -> None:
        """Make shares and the certificate known to the environment before a request names them."""
        there = site_of(self._session.config.subscription_id, environment_id, "", ENVIRONMENTS)
        for name, body in volume.storages(site.id, spec.declared.volumes).items():
            self.calls.put_storage(there, name, body)
        if spec.certificate is not None and (name := certificate.name_of(spec.declared)):
            location = location_of(spec.declared, self._session.config)
            self.calls.put_certificate(there, name, certificate.to_arm(spec.certificate, location))

    def _brought(self, old: GroupSpec, new: GroupSpec, seen: Seen, progress: Progress, clock: Clock) -> GroupFacts:
        """Bring an app that is there to a spec: configuration, a revision if its template differs, and the requests."""
        site = self.site(new)
        home = self._home.ensure(new.declared, progress, clock)
        # ids of ARM have no case, and answers differ in it
        if environment.id_in(seen).lower() != str(home["id"]).lower():
            # x-ms-mutability: the environment of an app is that of its creation; `changes` says so for what is declared
            progress.note(f"{site.title} is in another environment, and has to be made again")
            self.calls.delete(site, progress, clock)
            return self.create(new, progress)
        self._require_label(new, seen)
        request = self._request(new, str(home["id"]), seen)
        self._store(new, site, str(home["id"]))
        revisions = self.calls.revisions(site)
        # names are made of content: the same spec leads to the same revision, whoever wrote it
        there = any(revision.name_of(one) == request.revision for one in revisions)
        # a PUT replaces the list of secrets as a whole, and revisions that stay still refer to theirs
        others = secrets_needed(self.calls, site, revisions)
        move = _Move(old, new, site, seen, request, shares_of(seen, revisions), others, progress, clock)
        with self._keeping(new, refused_is_harmless=True):
            # one that has failed has its name all the same: a suffix that exists is refused, or does nothing (issues
            # 650, 660 of azure-container-apps), so it is tried again as it is
            if there:
                self._keep(move)
            else:
                self._make(move)
        with self._keeping(new):
            self._shifted(new, site, request.revision, progress, old)
            if made := self._managed(new, str(home["id"])):
                made.bind(progress, clock)
            # only where there were host names: it costs two lists for every update
            if ingress_of(seen).get("customDomains"):
                self._drop_old_certificates(new, site, str(home["id"]))
            return self._facts(new, site)

    def _drop_old_certificates(self, spec: GroupSpec, site: Site, environment_id: str) -> None:
        """Remove what was uploaded or made for this app and is not its certificate any more."""
        there = site_of(self._session.config.subscription_id, environment_id, "", ENVIRONMENTS)
        kept, made = certificate.name_of(spec.declared), certificate.managed_name(spec.declared)
        self.calls.drop_certificates(there, lambda name: certificate.is_of(name, site.name) and name != kept)
        self.calls.drop_managed_certificates(there, lambda name: certificate.is_of(name, site.name) and name != made)

    def _require_label(self, spec: GroupSpec, seen: Seen) -> None:
        said = spec.declared.runs.traffic
        holder = traffic.label_holder(ingress_of(seen).get("traffic") or (), said.named) if said else ""
        if said and not revision.is_our_name(holder):
            why = f'the label "{said.named}" leads to revision {holder}, which was not made here'
            raise UserError(why, "choose another traffic.label, or take it off that revision")

    def _keep(self, move: _Move) -> None:
        """Change the configuration; the revision is there already, and runs again if it does not."""
        site, name, progress, clock = move.site, move.revision, move.progress, move.clock
        body = move.request.to_patch(move.shares, move.others)
        body["tags"] = move.tags
        # an update by nothing would still make an operation of minutes, during which every other write is refused
        if self._differs(move.new, site, move.seen, body):
            self.calls.patch(site, app.patched(body, move.seen), progress, clock)
        # a stopped app keeps its revisions, and starts none of them
        if str((move.seen.get("properties") or {}).get("runningStatus") or "").lower() == "stopped":
            self.calls.start(site, progress, clock)
        there = self.calls.revision(site, name)
        if there is not None and not revision.is_active(there):
            self.calls.activate(site, name, progress, clock)
        # one that failed is active: what starts its replicas again is a restart
        elif there is not None and revision.state_of(there) == "Failed":
            self.calls.restart(site, name, progress, clock)
        self._prove(move.new, site, name, progress, clock)

    def _differs(self, new: GroupSpec, site: Site, seen: Seen, body: Any) -> bool:
        """Tell whether the configuration is another one; nothing is sent for nothing."""
        if state_of(seen) in FAILED or (seen.get("tags") or {}) != body["tags"]:
            return True
        properties = seen.get("properties") or {}
        has = properties.get("configuration") or {}
        wanted = body["properties"]["configuration"]
        # names are compared, values cannot be: no GET returns them, and their names have a hash of the value
        names = {str(one.get("name")) for one in has.get("secrets") or ()}
        if names != {one["name"] for one in wanted["secrets"]}:
            return True
        # in mode Single the service itself moves all requests at once, before anything is proven
        if str(has.get("activeRevisionsMode") or "").lower() != "multiple":
            return True
        # an app that was made by hand has the service's default of 100, which a year of updates fills
        if has.get("maxInactiveRevisions", app.KEPT_INACTIVE) != app.KEPT_INACTIVE:
            return True
        where = Where(site.id, environment.id_in(seen), self._session.config)
        template = properties.get("template") or {}
        # by one template: what is left are configuration and identity
        whole = {**body, "properties": {**body["properties"], "environmentId": where.environment_id}}
        one, other = (folded(app.from_arm(it, template, where, new.declared)) for it in (whole, seen))
        return (one.access, one.runs.container_app) != (other.access, other.runs.container_app)

    def _make(self, move: _Move) -> None:
        """Make a revision beside those that serve; it has no requests until it is proven."""
        body = move.request.to_put(move.shares, move.others)
        body["tags"] = move.tags
        written = self._put(move.new, move.site, body, move.progress, move.clock)
        try:
            self._prove(move.new, move.site, move.revision, move.progress, move.clock, written)
        # ctrl-C and a time limit say nothing about the revision: it may serve in a minute, and the next run goes on
        except (Cancelled, TimedOut):
            raise
        except AcimlError as error:
            self._back(move, error, settled=not written.goes_on)

    def _back(self, move: _Move, error: AcimlError, *, settled: bool) -> NoReturn:
        """Take a revision that failed out of the way; who served goes on, nothing had moved."""
        message, site = error.message, move.site
        if move.served and move.new.rollback:
            # what made it may go on for many minutes, and refuse all else until then: that is told, not waited for
            # settled: the write is over, and what refuses now will refuse later
            clock = Clock(0 if settled else _BUSY_SECONDS)
            try:
                if settled:
                    self.calls.get_settled(site, move.progress, clock)
                self.calls.deactivate(site, move.revision, move.progress, clock)
            except AcimlError as again:
                # told beside the failure and not in its place: what failed first is what the user has to mend
                message += f"\n{move.revision} could not be deactivated, and costs while it runs: {again.message}"
            message += f"\n{' and '.join(move.served)} served all the time, and goes on"
        raise GroupFailed(message, self._facts(move.new, site), error.advice) from error

    def _shifted(
        self, spec: GroupSpec, site: Site, name: str, progress: Progress, before_it: GroupSpec | None = None
    ) -> None:
        """Lead a revision that runs to its requests, step by step; see ``canary.walk``."""
        said = spec.declared.runs.traffic
        revisions = AppRevisions(self.calls, site, spec, before_it)
        # one that has failed serves nobody: no share may go back to it
        before = canary.serving([one for one in revisions.list() if one.state != "Failed"], name)
        # a label moves to the new one before it has a share: people look at it there first
        if said is not None and before is not None:
            revisions.label(said.named, name, progress)
        rules = rules_of(said, spec.golden)
        # looked at when they are asked, since the walk takes minutes
        probes = Probes(lambda: self._facts(spec, site), **asking(self.calls, spec, progress), rules=rules)
        canary.walk(revisions, name, before, said, probes, progress)
        # the walk sends no shares that hold already, and the first ones are those of whatever is the latest
        revisions.pin(progress)
        # in mode Multiple a revision that fails is started again and again, and costs
        for one in revisions.list():
            if one.active and one.state == "Failed" and one.name != name and not one.weight:
                revisions.retire(one.name, progress)

    def _put(self, spec: GroupSpec, site: Site, body: Any, progress: Progress, clock: Clock) -> Written:
        accepted: list[bool] = []

        def granted() -> bool:
            # a role that was just assigned is not known to the registry at once (Azure RBAC, "up to 10 minutes")
            return self._granted(spec.image, spec.declared.access)

        try:
            return self.calls.put(
                site,
                body,
                progress,
                clock,
                accepted=lambda: accepted.append(True),
                granted=granted,
                patience=spec.startup_timeout,
            )
        except AcimlError as error:
            # the service repeats what it was sent
            error.message = blotted(error.message, secrets_of(spec))
            raise

    def _prove(
        self, spec: GroupSpec, site: Site, name: str, progress: Progress, clock: Clock, written: Written | None = None
    ) -> None:
        """Wait until a revision serves; what the operation failed with is told where the revision says nothing."""
        error = written.error if written else None
        # a write that failed before there was a revision: nothing is to be waited for
        if error is not None and self.calls.revision(site, name) is None:
            raise NotServing(f'service "{spec.name}" failed: {error.message}', error.advice) from error
        # the operation's own time is taken off only if a container has begun: a pull of gigabytes is no start
        waited = spec.startup_timeout if written and written.goes_on and self._runs(site, name) else 0.0
        try:
            Gate(self.calls, site, spec, name, progress, clock, sample=False, waited=waited).wait()
        except NotServing as found:
            if error is not None and error.message not in found.message:
                raise NotServing(f"{found.message}\n{error.message}", error.advice) from error
            raise
        if error is not None:
            # the revision serves: an operation that says it failed has been about something else
            raise error

    def _runs(self, site: Site, name: str) -> bool:
        """Tell whether a container of a revision runs; until its image is pulled nothing starts."""
        found = [one for replica in self.calls.replicas(site, name) for one in revision.containers_in(replica)]
        return any(str(one.get("runningState") or "").lower() in {"running", "terminated"} for one in found)

    def _facts(self, spec: GroupSpec, site: Site) -> GroupFacts:
        """Return what is known of an app; without a look at it, what it should be."""
        try:
            seen = self.calls.get(site)
            found = serving(seen, self.calls.revisions(site)) if seen else None
        except AcimlError:
            # an outage while we look tells nothing: state keeps the id rather than lose an app that costs money
            seen = found = None
        if seen is None:
            return GroupFacts(
                site.id, spec.name, spec.image, spec.cpu, spec.memory_gb, PORT, "", "Unknown", scheme="https"
            )
        return facts_in(seen, found)

    @contextmanager
    def _keeping(self, spec: GroupSpec, *, refused_is_harmless: bool = False) -> Iterator[None]:
        """Let state keep what exists when something goes wrong in the middle."""
        try:
            yield
        except GroupFailed:
            raise
        except AcimlError as error:
            stopped = isinstance(error, Cancelled)
            # nothing has moved yet: the state of before is true word for word
            # a plain error keeps the state of before, which is still true (decisions/plugin.md)
            if refused_is_harmless and not stopped and not isinstance(error, NotServing | TimedOut):
                raise
            site = self.site(spec)
            try:
                # an outage here must not lose the app: to keep too much costs a look, to keep too little costs money
                there = self.calls.get(site) is not None
            except AcimlError:
                there = True
            if not there:
                raise
            advice = error.advice or ("" if isinstance(error, NotServing) else GOES_ON)
            message = "cancelled" if stopped else error.message
            raise GroupFailed(message, self._facts(spec, site), GOES_ON if stopped else advice) from error
