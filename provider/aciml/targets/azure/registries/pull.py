"""How a container group is to log in to the registry of its image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import UserError
from ....core.reference import Reference
from ...protocol import Settings
from ..arm.session import AzureSession
from .body import settings_of
from .calls import RegistryCalls
from .finder import RegistryFinder, Seen

_WAYS = (
    "set pullIdentity to a user-assigned identity with the role AcrPull, or imageRegistryCredentials, or turn on "
    "adminUserEnabled of the registry"
)


def pull_credentials(
    session: AzureSession, calls: RegistryCalls, finder: RegistryFinder, image: str, settings: Settings
) -> Mapping[str, Any] | None:
    """Return the entry of ``imageRegistryCredentials`` for the image's registry; None if anybody may pull.

    In this order: the identity of ``pullIdentity``, the account given for the server, the registry's admin account.

    Raises:
        UserError: there is no way in, or the identity has no role that lets it pull.
        AzureError: Azure does not answer.
    """
    server = Reference.parse(image).registry
    identity = settings.get("pullIdentity")
    given = _given(server, settings)
    if (given and not identity) or not finder.is_azure(server):
        return given
    seen = finder.find(server)
    if identity:
        _require_role(session, identity, server, seen)
        return {"server": server, "identity": identity}
    if seen is None:
        group = f"subscription {session.config.subscription_id}"
        raise UserError(f"{server} is not a registry of {group}, so its admin account cannot be read", _WAYS)
    return _account(calls, server, seen)


def _given(server: str, settings: Settings) -> Mapping[str, Any] | None:
    entries = settings.get("imageRegistryCredentials") or ()
    return next((dict(entry) for entry in entries if str(entry.get("server", "")).lower() == server.lower()), None)


def _require_role(session: AzureSession, identity: str, server: str, seen: Seen | None) -> None:
    """A registry of another subscription, or roles that may not be read, are left to the service to judge."""
    if seen is None or session.may_pull(identity, str(seen["id"])) is not False:
        return
    principal = session.principal_of(identity)
    raise UserError(
        f"identity {identity} may not pull from {server}",
        f"give it the role: az role assignment create --role AcrPull --assignee-object-id {principal} "
        f"--assignee-principal-type ServicePrincipal --scope {seen['id']}; a new role counts after some minutes",
    )


def _account(calls: RegistryCalls, server: str, known: Seen) -> Mapping[str, Any] | None:
    place = calls.place(str(known["id"]))
    now = calls.get(place)  # what was remembered may be old
    settings = settings_of(now or {})
    if settings["anonymousPull"]:
        return None
    if now is None or not settings["adminUserEnabled"]:
        raise UserError(f"nothing says how the container group may pull from {server}", _WAYS)
    user, password = calls.admin(place)
    return {"server": server, "username": user, "password": password}
