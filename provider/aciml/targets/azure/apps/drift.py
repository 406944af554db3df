"""How a container app differs from what was declared, and all that is to be seen of it for an import."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ....model.declared import differing, known_leaves
from ....model.group import Group
from ...protocol import Drift, GroupSpec
from ..groups import group
from ..groups.account import foreseen_pull
from ..groups.members import Json
from . import app, environment, traffic
from .app import Where
from .revision import Seen, is_active, name_of, template_of

_ID = re.compile(r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)/.*", re.IGNORECASE)


def serving(seen: Json, revisions: Iterable[Seen], wanted: str = "", *, held: bool = False) -> Seen | None:
    """Return the revision that the app is judged by: the one that is wanted, else the one that most requests go to.

    The template of the app itself is that of the latest revision, which may be held, have failed, or be rolled back.

    Args:
        seen: the app.
        revisions: all of it.
        wanted: the name of the declared one. It counts with any share: a canary is on its way. Without one somebody
            has gone back to another, which the next refresh has to show.
        held: it is declared to have none.
    """
    known = {name_of(one): one for one in revisions}
    properties = seen.get("properties") or {}
    ingress = (properties.get("configuration") or {}).get("ingress") or {}
    ready = str(properties.get("latestReadyRevisionName") or "")
    entries = traffic.pinned(
        ingress.get("traffic") or (), ready, [name for name, one in known.items() if is_active(one)]
    )
    weights = traffic.weights_in(entries)
    # without any weights the ingress has not heard of a revision yet
    if wanted in known and is_active(known[wanted]) and (held or weights.get(wanted) or not weights):
        return known[wanted]
    if weights:
        return known.get(max(weights, key=lambda name: weights[name]))
    # nothing has served yet: what was made last is what somebody wants to look into
    return known.get(ready) or known.get(str(properties.get("latestRevisionName") or ""))


def drift(
    spec: GroupSpec, where: Where, seen: Json, revisions: Iterable[Seen], surrounding: Json | None = None
) -> Drift:
    """Return the properties in which an app differs from what was declared, as they are now.

    Shares of the requests are no property: a canary moves them. Another template in what serves is one, property by
    property.

    Args:
        spec: what was declared.
        where: it is.
        seen: JSON of a GET.
        revisions: all of it.
        surrounding: its environment, JSON of a GET; None if it is not ours to look after.
    """
    request = app.to_arm(spec, where, foreseen_pull(spec.declared))
    body = request.to_put([])
    found = serving(seen, revisions, request.revision, held=is_held(spec))
    template = template_of(found) if found else (seen.get("properties") or {}).get("template") or {}
    # the request is read like an answer: what is compared has been through the same reading twice
    wanted = app.from_arm(body, request.template, where, spec.declared)
    has = app.from_arm(seen, template, where, spec.declared)
    if surrounding is not None:
        # what both say of the environment is what is declared, up to here
        wanted = wanted.but(log_analytics=spec.declared.log_analytics)
        has = environment.as_seen(spec.declared, has, where.around, surrounding)
    names = tuple(sorted(differing(*_forgiven(wanted, has))))
    now = group.with_secrets(has, spec.declared).but(insights=has.insights)
    return Drift(now, names)


def is_held(spec: GroupSpec) -> bool:
    """Tell whether a new revision is declared to have no share."""
    return bool(spec.declared.runs.traffic and spec.declared.runs.traffic.hold)


def imported(seen: Json, revisions: Iterable[Seen], where: Where) -> Drift:
    """Return all properties of an app that nobody declared here, without secrets."""
    found = serving(seen, revisions)
    template = template_of(found) if found else (seen.get("properties") or {}).get("template") or {}
    now = app.from_arm(seen, template, where, None)
    place = _ID.fullmatch(str(seen.get("id") or ""))
    now = now.but(
        name=str(seen.get("name") or ""),
        place=now.place.but(resource_group=place["group"] if place else None),
        # what is false by itself is not declared, or an import would write it into every program
        insights=now.insights.but(enable_app_insights=now.insights.enable_app_insights or None),
        access=now.access.but(system_assigned_identity=now.access.system_assigned_identity or None),
    )
    return Drift(now, tuple(known_leaves(now)))


def _forgiven(wanted: Group, has: Group) -> tuple[Group, Group]:
    """Take away what an answer may have, or lack, for no reason of ours."""
    # ids have no letter case of their own, and answers another one than was given
    wanted, has = folded(wanted), folded(has)
    if wanted.liveness_probe is None or wanted.readiness_probe is None:
        # an answer may have the service's own probes where nobody asked for any
        has = has.but(
            liveness_probe=has.liveness_probe if wanted.liveness_probe else None,
            readiness_probe=has.readiness_probe if wanted.readiness_probe else None,
        )
    return wanted, has


def folded(one: Group) -> Group:
    """Return an app in which the letter case of ids and host names does not count."""
    access = one.access.but(
        identities=tuple(sorted(name.lower() for name in one.access.identities)),
        pull_identity=one.access.pull_identity.lower() if one.access.pull_identity else None,
    )
    said = one.runs.container_app
    words = said and said.but(
        environment=said.environment.lower() if said.environment else None,
        custom_domain=said.custom_domain.lower() if said.custom_domain else None,
        certificate=said.certificate.lower() if said.certificate else None,
    )
    return one.but(access=access, runs=one.runs.but(container_app=words))
