"""Where a container app is, and the environment that it is in."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import UserError

APPS, ENVIRONMENTS = "Microsoft.App/containerApps", "Microsoft.App/managedEnvironments"
_FORMS = {
    APPS: ("container app", ".../providers/Microsoft.App/containerApps/<name>"),
    ENVIRONMENTS: ("managed environment", ".../providers/Microsoft.App/managedEnvironments/<name>"),
}


@dataclass(frozen=True)
class Site:
    """A resource of Microsoft.App: ``kind`` is what people call it."""

    resource_group: str
    name: str
    id: str
    kind: str = "container app"

    @property
    def title(self) -> str:
        """Name it in a sentence."""
        return f"{self.kind} {self.name}"


def site_of(subscription: str, id_or_name: str, resource_group: str, type_: str = APPS) -> Site:
    """Return the site of an ARM id, or of a name in a resource group.

    Raises:
        UserError: it is the id of something else, or of another subscription.
    """
    kind, form = _FORMS[type_]
    # `pulumi import` takes a name as well as an ARM id, which is what state has
    if not id_or_name.startswith("/"):
        where = f"/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{type_}/{id_or_name}"
        return Site(resource_group, id_or_name, where, kind)
    parts = id_or_name.strip("/").split("/")
    # ARM minds no letter case in ids
    if len(parts) != 8 or "/".join(parts[5:7]).lower() != type_.lower():
        raise UserError(f"{id_or_name} is no id of a {kind}", f"give {form}")
    if parts[1].lower() != subscription.lower():
        raise UserError(
            f"{id_or_name} is not in subscription {subscription}", f"set aciml:subscriptionId to {parts[1]}"
        )
    return Site(parts[3], parts[7], id_or_name, kind)
