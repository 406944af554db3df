"""How a container group differs from what was declared, and all that is to be seen of it for an import."""

from __future__ import annotations

import re

from ....model.declared import differing, known_leaves
from ....model.group import Group
from ...protocol import Drift, GroupSpec
from . import diagnostics, group, rights
from .account import foreseen_pull, to_arm
from .answer import completed
from .members import Json
from .network import default_label

_GROUP_ID = re.compile(r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/.*", re.IGNORECASE)


def drift(spec: GroupSpec, body_expected: Json, seen: Json) -> Drift:
    """Return the properties in which an answer differs from what was declared, as they are now.

    Defaults that the service fills in, values that it leaves out, the order of lists that have none, and the letter
    case of ids and of the service's words are no difference.
    Secrets cannot be seen, only whether they are there.

    Args:
        spec: what was declared.
        body_expected: its request.
        seen: JSON of a GET.

    Returns:
        Secrets that belong to what is still there are filled in from ``spec``, so that the old state can be sent again.
    """
    declared = spec.declared
    expected, found = group.same(request := _with_pull(declared, body_expected)), group.same(completed(request, seen))
    wanted, has = (group.from_arm(group.folded(one), declared) for one in (expected, found))
    names = tuple(sorted(differing(*_forgiven(wanted, has))))
    # the values as they are written, not folded: state and preview show them
    seen_now = group.from_arm(found, declared)
    now = group.with_secrets(seen_now, declared).but(
        insights=seen_now.insights
    )  # of that it is seen whether it is there
    return Drift(now, names)


def imported(seen: Json) -> Drift:
    """Return all properties of a group that nobody declared here, without secrets.

    Raises:
        UserError: it is a group that no properties describe, because several containers serve in it.
    """
    container = group.require_one_container(seen)
    now = group.from_arm(group.same(seen), None)
    place = _GROUP_ID.fullmatch(str(seen.get("id") or ""))
    subscription, resource_group = place.group("subscription", "group") if place else ("", "")
    name, network = str(seen.get("name") or ""), now.network
    if network.dns_name_label == default_label(subscription, resource_group, name):
        network = network.but(dns_name_label=None)  # it is what nobody would have to say
    now = now.but(
        name=name or container,
        place=now.place.but(resource_group=resource_group or None),
        network=network,
        tls=now.tls.but(ssl_enabled=now.tls.ssl_enabled or None),
        insights=now.insights.but(enable_app_insights=now.insights.enable_app_insights or None),
        access=now.access.but(system_assigned_identity=now.access.system_assigned_identity or None),
    )
    return Drift(now, tuple(known_leaves(now)))


def _with_pull(declared: Group, body: Json) -> Json:
    """Return the request with the account that ``pullIdentity`` means, if whoever made it had none at hand."""
    pull = foreseen_pull(declared)
    accounts = body["properties"].get("imageRegistryCredentials") or []
    # a declared account for the server has won over it already, see `all_accounts`
    if not pull or any(str(item["server"]).lower() == pull.server.lower() for item in accounts):
        return body
    return {**body, "properties": {**body["properties"], "imageRegistryCredentials": [*accounts, *to_arm([pull])]}}


def _forgiven(wanted: Group, has: Group) -> tuple[Group, Group]:
    """Take away what an answer may have, or lack, for no reason of ours."""
    if wanted.kind.cce_policy is None:  # the service fills in a policy of its own
        has = has.but(kind=has.kind.but(cce_policy=None))
    if wanted.security_context is None and rights.are_plain(has.security_context):
        has = has.but(security_context=None)
    if wanted.network.dns_name_label_scope is None or has.network.dns_name_label_scope is None:
        # it comes and goes with the label
        wanted, has = (one.but(network=one.network.but(dns_name_label_scope=None)) for one in (wanted, has))
    logs, found = diagnostics.forgiven(wanted.log_analytics, has.log_analytics)
    return wanted.but(log_analytics=logs), has.but(log_analytics=found)
