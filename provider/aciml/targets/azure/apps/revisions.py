"""The revisions of one container app, as all places promise them."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ....core.errors import AcimlError, UserError
from ....core.golden.live import Compared
from ....core.progress import Progress
from ...observed import ContainerSeen
from ...protocol import GroupSpec
from ...revisions import NoCopies, NoSuchRevision, Revision, find, require_weights, revision_name
from ...revisions import Seen as Met
from ...witness import Witness, token_of
from ..arm.errors import AzureError
from ..arm.patience import LOOK_SECONDS, Clock
from ..arm.polling import pause
from . import observed, revision, secret, stream, traffic
from .calls import AppCalls, Seen
from .gate import Gate, base_url
from .site import Site

METRICS_API = "2023-10-01"
SHARES_SECONDS = 60.0
"""How long the ingress may take until an answer of the app has the shares that were set."""


class AppRevisions:
    """Satisfies ``Revisions``."""

    def __init__(self, calls: AppCalls, site: Site, spec: GroupSpec, before: GroupSpec | None = None) -> None:
        """Work on the app at ``site``; ``spec`` says how long a start may take, and has the sample request.

        ``before`` has the keys of revisions that were made before them.
        """
        self._calls, self._site, self._spec = calls, site, spec
        tokens = [token_of(one.declared.keys) for one in (spec, before) if one is not None]
        self._witness = Witness(tuple(dict.fromkeys(filter(None, tokens))), stream.trust(calls.session.ca_bundle))

    def list(self) -> list[Revision]:
        """Return all that exist, the newest first."""
        app = self._app()
        seen = self._calls.revisions(self._site)
        entries = shares_of(app, seen)
        found = [revision.told(one, entries, self._ready(one)) for one in seen]
        # times are seconds: of two the later one in the answer is the newer one
        order = sorted(range(len(found)), key=lambda at: (found[at].created, at), reverse=True)
        return [found[at] for at in order]

    def replicas(self, revision: str) -> Sequence[ContainerSeen]:
        """Return the replicas of a revision; one that is retired has none."""
        seen = self._one(revision)
        return observed.replicas_of(self._calls, self._site, seen) if revision_active(seen) else ()

    def weigh(self, weights: Mapping[str, int], progress: Progress) -> None:
        """Share the requests by name, and wait until the app says so."""
        known = self.list()
        require_weights(weights, known)
        # by label, digits or whole name: the service wants the whole name
        named = {find(known, name).name: weight for name, weight in weights.items()}
        app = self._app()
        entries = traffic.weighed(shares_of(app, self._calls.revisions(self._site)), named)
        said = " and ".join(f"{weight} % to {name}" for name, weight in named.items() if weight)
        self._share(entries, f"sharing the requests of {self._site.title}: {said}", progress)

    def label(self, label: str, name: str, progress: Progress) -> None:
        """Let a label lead to a revision, whatever its weight."""
        entries = shares_of(self._app(), self._calls.revisions(self._site))
        wanted = traffic.labelled(entries, label, name)
        if not traffic.same(wanted, entries):
            self._share(wanted, f"labelling {name} as {label}", progress)

    def pin(self, progress: Progress) -> None:
        """Name the revisions that have requests, so that the next one starts at 0 %."""
        app = self._app()
        # such an entry moves by itself to whatever is made next, proven or not
        if any(one.get("latestRevision") for one in ingress_of(app).get("traffic") or ()):
            entries = shares_of(app, self._calls.revisions(self._site))
            self._share(entries, f"naming the revision of {self._site.title} that serves", progress)

    def mirror(self, source: str, to: str, percent: int, progress: Progress) -> None:  # noqa: ARG002 - nothing to wait for
        """Have the servers of ``source`` send copies: no ingress of Container Apps does."""
        ours, theirs = self._one(source), self._one(to)
        address, name = base_url(ours), revision.name_of(theirs)
        if not percent:
            self._witness.let_go(address, self._ready(ours))
            return
        key = self._spec.declared.keys.shown
        self._witness.keep(address, {"to": name, "percent": percent, "key": key})
        if not self._witness.ask(address, self._ready(ours)):
            why = f"{revision.name_of(ours)} sends no copies of its requests: {self._witness.why}"
            raise NoCopies(why, "drop traffic.shadow, or give it with the update after this one")

    def compare(self, source: str, to: str) -> Compared | None:
        """Return the answers that servers of ``source`` have given, and got for their copies."""
        ours = self._one(source)
        self._witness.ask(base_url(ours), self._ready(ours))
        return self._witness.compare(base_url(ours), base_url(self._one(to)))

    def address(self, revision: str) -> str:
        """Return the URL of one revision; of one that is retired too, though nobody answers there."""
        return base_url(self._one(revision))

    def label_address(self, revision: str) -> str:
        """Return the URL of a label: app, three dashes, label (Microsoft, "Blue-Green Deployment")."""
        one = find(self.list(), revision)
        _, _, domain = base_url(self._one(one.name)).partition(".")
        return f"https://{self._site.name}---{one.label}.{domain}" if one.label and domain else ""

    def seen(self, revision: str, since: float) -> Met:
        """Return what the servers of a revision have met; where they tell nothing, what Azure Monitor has counted.

        Source: Microsoft, "Monitor Azure Container Apps metrics": ``Requests`` has the dimensions revisionName and
        statusCodeCategory; there is no percentile of times, so ``p99_ms`` is known from the servers alone. Its counts
        are minutes late, too, and a step of a canary is often shorter.
        """
        one = self._calls.revision(self._site, revision) or {}
        # who has no replica is not woken by a question
        if (ready := self._ready(one)) and (met := self._witness.seen(base_url(one), ready, since)) is not None:
            return met
        return self._monitored(revision, since)

    def _monitored(self, revision: str, since: float) -> Met:
        begin, end = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (since, time.time()))
        # with `eq '*'` each category is a series of its own ("Metrics - List", $filter)
        chosen = f"revisionName eq '{revision}' and statusCodeCategory eq '*'"
        path = (
            f"{self._site.id}/providers/Microsoft.Insights/metrics?metricnames=Requests&aggregation=Total"
            f"&timespan={begin}/{end}&interval=PT1M&$filter={chosen}"
        )
        try:
            found = self._calls.session.call("GET", path.replace(" ", "%20"), METRICS_API, what="asking for metrics")
        except AzureError:
            # nothing seen is no failure: the walk says that it could not look
            return Met()
        return counted(found or {})

    def retire(self, revision: str, progress: Progress) -> None:
        """Deactivate a revision that has no weight."""
        one = find(self.list(), revision)
        if one.weight:
            raise UserError(f"{one.name} gets {one.weight} % of the requests", "give them to another revision first")
        if not one.active:
            return
        clock = Clock(progress.timeout)
        if one.label:
            # a label on a revision that does not run leads to an error page
            entries = shares_of(self._app(), self._calls.revisions(self._site))
            self._share(traffic.without(entries, one.name), f"taking the label {one.label} off {one.name}", progress)
        self._calls.deactivate(self._site, one.name, progress, clock)
        # the answer has no body, so whoever needs to know looks
        self._until(lambda: not revision_active(self._calls.revision(self._site, one.name)), progress, clock)

    def activate(self, revision: str, progress: Progress) -> None:
        """Run a retired revision again, and wait until it serves."""
        one = find(self.list(), revision)
        clock = Clock(progress.timeout)
        if not one.active:
            self._calls.activate(self._site, one.name, progress, clock)
        self._gate(one.name, progress, clock)

    def restart(self, revision: str, progress: Progress) -> None:
        """Start the replicas of a revision anew; a changed secret in Key Vault is read then."""
        one = find(self.list(), revision)
        clock = Clock(progress.timeout)
        self._calls.restart(self._site, one.name, progress, clock)
        self._gate(one.name, progress, clock)

    def scale(self, revision: str, least: int, most: int, progress: Progress) -> str:
        """Make a revision that is the same but for its replicas, and give it what the other had.

        The number of replicas is a part of the template (Microsoft, revisions page): it makes a revision like all else.
        """
        one, seen = find(self.list(), revision), self._one(revision)
        template: dict[str, Any] = copy.deepcopy(dict(revision_template(seen)))
        # a suffix that exists is refused, and is no part of what the new name is made of
        template.pop("revisionSuffix", None)
        template["scale"] = {**(template.get("scale") or {}), "minReplicas": least, "maxReplicas": most}
        name = revision_name(self._site.name, template)
        clock = Clock(progress.timeout)
        if not any(known.name == name for known in self.list()):
            app = self._app()
            entries = shares_of(app, self._calls.revisions(self._site))
            suffix = name.rpartition("--")[2]
            # the shares go along by name, or the new revision would have some as soon as it is ready
            body = {
                "properties": {
                    "template": {**template, "revisionSuffix": suffix},
                    "configuration": {"ingress": {"traffic": entries}},
                }
            }
            self._calls.patch(self._site, body, progress, clock, f"scaling {one.name} to {least} to {most} replicas")
        self.activate(name, progress)
        weights = {known.name: known.weight for known in self.list() if known.weight}
        if one.weight and name != one.name:
            # only now: the activation above has waited until it serves
            weights[name] = weights.pop(one.name) + weights.get(name, 0)
            self.weigh(weights, progress)
        return name

    def _share(self, entries: traffic.Entries, what: str, progress: Progress) -> None:
        clock = Clock(progress.timeout)
        body = {"properties": {"configuration": {"ingress": {"traffic": entries}}}}
        app = self._calls.patch(self._site, body, progress, clock, what)
        end = time.monotonic() + SHARES_SECONDS
        while not traffic.same(entries, ingress_of(app).get("traffic") or ()):
            # the write is done; how soon an answer of the app shows it is the service's affair
            if time.monotonic() > end:
                raise AzureError(200, "TrafficNotSet", f"{what}: the app does not say so", "run the same command again")
            pause(LOOK_SECONDS, progress)
            app = self._app()

    def _gate(self, name: str, progress: Progress, clock: Clock) -> None:
        try:
            Gate(self._calls, self._site, self._spec, name, progress, clock).wait()
        except AcimlError as error:
            if isinstance(error, UserError):
                raise
            # a command was given by hand: its failure is told as one, and not as that of a resource
            raise UserError(error.message, error.advice) from error

    def _app(self) -> Seen:
        app = self._calls.get(self._site)
        if app is None:
            raise NoSuchRevision(f"there is no {self._site.title}", "run `pulumi up`")
        return app

    def _one(self, name: str) -> Seen:
        found = find(self.list(), name)
        seen = self._calls.revision(self._site, found.name)
        if seen is None:
            raise NoSuchRevision(f'there is no revision "{name}"', "run `aciml revisions`")
        return seen

    def _ready(self, seen: Seen) -> int:
        """Count the replicas that answer; asked for only where there are some."""
        if not revision.is_active(seen) or not revision.properties_in(seen).get("replicas"):
            return 0
        return revision.ready_in(self._calls.replicas(self._site, revision.name_of(seen)))

    def _until(self, done: Any, progress: Progress, clock: Clock) -> None:
        while not done() and clock.left:
            pause(LOOK_SECONDS, progress)


def ingress_of(app: Seen) -> Mapping[str, Any]:
    """Return the ingress of an app."""
    return ((app.get("properties") or {}).get("configuration") or {}).get("ingress") or {}


def shares_of(app: Seen, revisions: list[Seen]) -> traffic.Entries:
    """Return the shares of now, by names; see ``traffic.pinned``."""
    active = [revision.name_of(one) for one in revisions if revision.is_active(one)]
    ready = str((app.get("properties") or {}).get("latestReadyRevisionName") or "")
    return traffic.pinned(ingress_of(app).get("traffic") or (), ready, active)


def revision_active(seen: Seen | None) -> bool:
    """Tell whether a revision runs; one that is gone does not."""
    return seen is not None and revision.is_active(seen)


def revision_template(seen: Seen) -> Mapping[str, Any]:
    """Return the template of a revision as it can be sent again: without what only the service says."""
    template = copy.deepcopy(dict(revision.template_of(seen)))
    for one in (*(template.get("containers") or ()), *(template.get("initContainers") or ())):
        # read-only: follows from the number of cores
        (one.get("resources") or {}).pop("ephemeralStorage", None)
    return template


def secrets_needed(calls: AppCalls, site: Site, revisions: list[Seen]) -> dict[str, str]:
    """Return the secrets that revisions which are kept refer to, with their values."""
    templates = [revision.template_of(one) for one in revisions]
    if not any(True for one in templates for _ in secret.named_in(one)):
        return {}
    return secret.needed(calls.secrets(site), templates)


def counted(answer: Mapping[str, Any]) -> Met:
    """Return requests and errors of an answer of Azure Monitor."""
    requests = errors = 0
    for metric in answer.get("value") or ():
        for series in metric.get("timeseries") or ():
            total = sum(int(point.get("total") or 0) for point in series.get("data") or ())
            kinds = [str(one.get("value") or "") for one in series.get("metadatavalues") or ()]
            requests += total
            # 4xx is what clients did wrong, as with the servers' own counts
            errors += total if any(kind.lower() == "5xx" for kind in kinds) else 0
    return Met(requests, errors)
