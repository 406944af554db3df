"""What each difference of a container app costs, and who says so: a new revision, the app as a whole, or another app.

Sources: Microsoft, "Revisions in Azure Container Apps" (what is in the template makes one, the configuration does not);
``x-ms-mutability`` of Microsoft.App and terraform-provider-azurerm (ForceNew): name, group, location, environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ....model.declared import differing, leaves, rows_of
from ....model.group import Group
from ....model.insights import CONNECTION
from ...canary import told
from ...protocol import Action, GroupSpec
from ..groups import group
from ..groups.account import foreseen_pull
from ..groups.place import Somewhere, Surroundings, resource_group_of
from .app import Where, to_arm
from .environment import environment_site
from .environment import to_arm as environment_to_arm
from .site import APPS, site_of

Kind = Literal["revision", "app", "tags", "replace", "none"]


@dataclass(frozen=True)
class Cost:
    """What a change makes, and its source."""

    kind: Kind
    source: str


_TEMPLATE = "Microsoft, revisions page: a change in the template makes a revision"
_WHOLE = "Microsoft, revisions page: a change of the configuration makes no revision"
_REVISION = Cost("revision", _TEMPLATE)
_SECRET = Cost(
    "revision",
    "own choice: a changed secret restarts nothing by itself (Microsoft, secrets page), so it gets another name, "
    "which is in the template",
)
_APP = Cost("app", _WHOLE)
_OURS = Cost("none", "what the provider does with it; no request has it")
_ID = Cost("replace", "part of the resource's id")
COSTS: Mapping[str, Cost] = {
    **dict.fromkeys(("image", "command", "environment_variables", "liveness_probe", "readiness_probe"), _REVISION),
    **dict.fromkeys(("cpu_cores", "memory_gb", "volumes", "volume_mounts", "init_containers", "scale"), _REVISION),
    **dict.fromkeys(("auth_enabled", "primary_key", "secondary_key", "secure_environment_variables"), _SECRET),
    "replica_timeout": _REVISION,
    "name": _ID,
    "resource_group": _ID,
    "location": Cost("replace", "a resource cannot move to another region (ARM)"),
    "runs_on": Cost("replace", "a container group and a container app are resources of two kinds"),
    "container_app": _APP,
    **dict.fromkeys(("ssl_enabled", "certificate_hash"), Cost("app", f"{_WHOLE}: certificates are the ingress's")),
    **dict.fromkeys(("system_assigned_identity", "identities"), Cost("app", f"{_WHOLE}: identities are the app's")),
    **dict.fromkeys(("pull_identity", "image_registry_credentials"), Cost("app", f"{_WHOLE}: registries")),
    **dict.fromkeys(("tags", "properties", "description"), Cost("tags", "ARM: tags are the resource's")),
    "log_analytics": Cost("app", "a part of the environment, which is changed in place"),
    **dict.fromkeys(
        ("subnet_id", "vnet_name", "subnet_name", "vnet_resource_group"),
        Cost("replace", "x-ms-mutability of vnetConfiguration: another environment, so another app"),
    ),
}
"""By the names of ``leaves``; what is not here is a variable of the server, or ours (``cost_of``)."""
_PLACE = Somewhere()
_SUBNET = ("subnet_id", "vnet_name", "subnet_name", "vnet_resource_group")
_ROWS = rows_of(Group)


def cost_of(name: str) -> Cost:
    """Return what a change of a property costs; of the server's settings all are variables, which a template has."""
    if name in COSTS:
        return COSTS[name]
    row = _ROWS[name].cost
    return _REVISION if row is not None and row.action == "in_place" else _OURS


def app_changes(old: GroupSpec, new: GroupSpec, around: Surroundings = _PLACE) -> dict[str, Action]:
    """Name the properties that differ, by the names of ``leaves``; what makes no difference to Azure is none.

    Args:
        old: what was declared or seen; secrets that it lacks are taken to be those of ``new``.
        new: what is declared.
        around: tells places by their full names.
    """
    before, after = aligned(replace(old, owner=new.owner), new)
    # the way in is 443 whatever is said: what an import has seen is no wish of anybody
    different = [name for name in differing(before.declared, after.declared) if name != "port"]
    found: dict[str, Action] = {}
    for name in sorted(different):
        cost = cost_of(name)
        # no request has it, so there is nothing to compare; state has to learn of it all the same
        if cost.kind == "none":
            found[name] = "update"
        elif _matters(name, before, after, around):
            moved = cost.kind == "replace" or (name == "container_app" and _moves(before, after, around))
            found[name] = "replace" if moved else "update"
    return found


def effect(changed: Mapping[str, Action], new: Group) -> str:
    """Say what changes cost those who call; which steps a new revision takes among them."""
    kinds = {cost_of(name).kind for name in changed}
    if "replace" in changed.values():
        if "name" in changed:
            return "a new app under another name is made first, then this one goes: a new address"
        return "a new app under the old name, deleted first: a gap of a minute or two; a new address"
    # the dearest of the kinds: a revision takes the whole of the configuration along
    if "revision" in kinds:
        return f"{told(new.runs.traffic)}{_cold(new)}"
    if "app" in kinds:
        return "the app is changed as a whole: nothing restarts"
    return "nothing restarts" if "tags" in kinds else "nothing is sent, nothing restarts"


def _cold(new: Group) -> str:
    scale = new.runs.scale
    return (
        "; with 0 replicas the first request after a pause waits for a cold start" if scale and not scale.least else ""
    )


def is_revision(old: GroupSpec, new: GroupSpec, around: Surroundings) -> bool:
    """Tell whether these two have different templates."""
    before, after = aligned(old, new)
    return bool(_whole(before, around)["template"] != _whole(after, around)["template"])


def _matters(name: str, old: GroupSpec, new: GroupSpec, around: Surroundings) -> bool:
    """Tell whether this property makes a difference to either of the two."""
    # one fact said in two ways (an id, or three names): each alone would look like half a change
    names = _SUBNET if name in _SUBNET else (name,)
    return any(
        _whole(at.but(**{one: leaves(of.declared)[one] for one in names}), around) != _whole(at, around)
        # both ways: a property that is of no effect beside the others of one side may be of some on the other
        for at, of in ((old, new), (new, old))
    )


def _moves(old: GroupSpec, new: GroupSpec, around: Surroundings) -> bool:
    before, after = (environment_site(one.declared, around).id.lower() for one in (old, new))
    return before != after


def _whole(spec: GroupSpec, around: Surroundings) -> dict[str, Any]:
    """Return all that a spec says about app and environment; secrets are compared by quick hashes, in memory alone."""
    where = where_of(spec, around)
    request = to_arm(spec, where, foreseen_pull(spec.declared), salt="")
    return {
        "place": where.app_id.lower(),
        "environment": environment_to_arm(spec.declared, around),
        "template": request.template,
        "body": request.body,
    }


def where_of(spec: GroupSpec, around: Surroundings) -> Where:
    """Return where the app of a spec is, or will be."""
    site = site_of(around.subscription_id, spec.name, resource_group_of(spec.declared, around), APPS)
    return Where(site.id, environment_site(spec.declared, around).id, around)


def aligned(old: GroupSpec, new: GroupSpec) -> tuple[GroupSpec, GroupSpec]:
    """Return both specs, ready to be compared: secrets that the old one lacks are taken to be those of the new one.

    An import must be followed by a preview without changes.
    """
    before = group.with_secrets(old.declared, new.declared)
    if CONNECTION in (old.declared.secure_environment_variables or {}):  # it was said in another way
        before = before.but(insights=old.declared.insights)
    if not old.declared.keys.variables():
        before = before.but(keys=before.keys.but(**_keys(new.declared, before)))
    return replace(old, declared=before), new


def _keys(new: Group, before: Group) -> dict[str, Any]:
    """Return keys for an import, which sees that there are some, and not what they are."""
    if not before.keys.auth_enabled:
        return {}
    return {"primary_key": new.keys.primary_key, "secondary_key": new.keys.secondary_key}
