"""What an answer says about a container group: how it differs from what was declared, and all of it for an import."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ....core.errors import UserError
from ...protocol import GroupSpec
from .aligned import with_secrets_of
from .body import foreseen_pull
from .network import default_label
from .same import Json, filled, folded
from .shown import shown
from .shown_access import shown_access

_GROUP_ID = re.compile(r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/.*", re.IGNORECASE)


def drift(spec: GroupSpec, body_expected: Json, seen: Json) -> dict[str, Any]:
    """Return the properties in which an answer differs from what was declared, as they are now.

    Defaults that the service fills in, the order of lists that have none, and the letter case of ids are no difference.
    Secrets cannot be seen, only whether they are there.

    Args:
        spec: what was declared.
        body_expected: its request.
        seen: JSON of a GET.

    Returns:
        Values by Pulumi name; None for a property that was taken away. Secrets that belong to what is still there are
        filled in from ``spec``, so that the old state can be sent again.
    """
    expected, found = filled(_with_pull(spec, body_expected)), filled(seen)
    wanted, has = _view(folded(expected), spec), _view(folded(found), spec)
    _forgive(wanted, has)
    differing = [name for name in wanted.keys() | has.keys() if wanted.get(name) != has.get(name)]
    now = _view(found, spec)
    changed = {name: now.get(name) for name in sorted(differing)}
    there = with_secrets_of({name: value for name, value in changed.items() if value is not None}, spec.settings)
    return {name: there.get(name) for name in changed}


def properties_of(seen: Json) -> dict[str, Any]:
    """Return all properties of a group that nobody declared here, in Pulumi names and without secrets.

    Raises:
        UserError: it is a group that no properties describe, because several containers serve in it.
    """
    names = [str(item.get("name")) for item in (seen.get("properties") or {}).get("containers") or ()]
    if len(names) != 1:
        why = f'container group "{seen.get("name")}" has {len(names)} containers ({", ".join(names)})'
        raise UserError(why, "a service is one container, and others only run before it; import a group of one")
    found = _view(filled(seen), None)
    place = _GROUP_ID.fullmatch(str(seen.get("id") or ""))
    subscription, group = place.group("subscription", "group") if place else ("", "")
    if found.get("dnsNameLabel") == default_label(subscription, group, str(seen.get("name") or "")):
        del found["dnsNameLabel"]
    for name in ("sslEnabled", "enableAppInsights", "systemAssignedIdentity"):
        if not found[name]:
            del found[name]
    return {"name": str(seen.get("name") or names[0]), **({"resourceGroup": group} if group else {}), **found}


def _view(group: Mapping[str, Any], known: GroupSpec | None) -> dict[str, Any]:
    return {**shown(group, known), **shown_access(group, known)}


def _with_pull(spec: GroupSpec, body: Json) -> Json:
    """Return the request with the account that ``pullIdentity`` means, if whoever made it had none at hand."""
    pull = foreseen_pull(spec)
    accounts = body["properties"].get("imageRegistryCredentials") or []
    if not pull or any(str(item["server"]).lower() == pull["server"].lower() for item in accounts):
        return body
    return {**body, "properties": {**body["properties"], "imageRegistryCredentials": [*accounts, pull]}}


def _forgive(wanted: dict[str, Any], has: dict[str, Any]) -> None:
    """Take away what an answer may have, or lack, for no reason of ours."""
    if "ccePolicy" not in wanted:  # the service fills in a policy of its own
        has.pop("ccePolicy", None)
    if "securityContext" not in wanted and not any((has.get("securityContext") or {}).values()):
        has.pop("securityContext", None)
    if "dnsNameLabelScope" not in has or "dnsNameLabelScope" not in wanted:  # it comes and goes with the label
        wanted.pop("dnsNameLabelScope", None)
        has.pop("dnsNameLabelScope", None)
    workspace, found = wanted.get("logAnalytics"), has.get("logAnalytics")
    if workspace and found:  # the examples of the specification answer with the workspace's id alone
        wanted["logAnalytics"] = {name: workspace.get(name) for name in found}
