"""How a container group is to log in to the registry of its image."""

from __future__ import annotations

from ....core.errors import UserError
from ....core.reference import Reference
from ....model.access import Access, Account
from ..arm.session import AzureSession
from .body import from_arm
from .calls import RegistryCalls
from .condition import repository_of
from .finder import RegistryFinder, Seen
from .firewall import is_closed
from .roles import by_repository, may_pull

_WAYS = (
    "set pullIdentity to a user-assigned identity with the role AcrPull, or imageRegistryCredentials, or turn on "
    "adminUserEnabled of the registry"
)


def pull_credentials(
    session: AzureSession, calls: RegistryCalls, finder: RegistryFinder, image: str, access: Access
) -> Account | None:
    """Return the entry of ``imageRegistryCredentials`` for the image's registry; None if anybody may pull.

    In this order: the identity of ``pullIdentity``, the account given for the server, the registry's admin account.

    Raises:
        UserError: there is no way in, or the identity has no role that lets it pull.
        AzureError: Azure does not answer.
    """
    server = Reference.parse(image).registry
    identity, given = access.pull_identity, access.account_for(server)
    # a registry elsewhere knows no identities of Azure
    if (given and not identity) or not finder.is_azure(server):
        return given
    seen = finder.find(server)
    # Container Instances pull by a user-assigned identity alone: at a system-assigned one, which is made with the
    # group, nobody can have given a role before. Source: Microsoft, using-azure-container-registry-mi
    if identity:
        _require_role(session, identity, image, seen)
        return Account(server=server, identity=identity)
    # no other subscription is asked for passwords, whatever this login could see there
    if seen is None:
        group = f"subscription {session.config.subscription_id}"
        raise UserError(f"{server} is not a registry of {group}, so its admin account cannot be read", _WAYS)
    return _account(calls, server, seen)


def is_granted(session: AzureSession, finder: RegistryFinder, image: str, access: Access) -> bool:
    """Tell whether a role was seen that lets the group's identity pull: a refusal then passes by itself."""
    server = Reference.parse(image).registry
    identity = access.pull_identity
    if not identity or not finder.is_azure(server) or (seen := finder.find(server)) is None:
        return False
    return may_pull(session, identity, str(seen["id"]), repository_of(image), abac=by_repository(seen)) is True


def _require_role(session: AzureSession, identity: str, image: str, seen: Seen | None) -> None:
    """A registry of another subscription, or roles that may not be read, are left to the service to judge."""
    if seen is None:
        return
    server, repository = Reference.parse(image).registry, repository_of(image)
    _require_reach(server, seen)
    abac = by_repository(seen)
    if may_pull(session, identity, str(seen["id"]), repository, abac=abac) is not False:
        return
    principal = session.principal_of(identity)
    role = '"Container Registry Repository Reader"' if abac else "AcrPull"
    why = ", which gives rights by repository: AcrPull and Contributor do not count there, nor does a role whose "
    why += "condition leaves that repository out"
    raise UserError(
        f"identity {identity} may not pull from {server}/{repository}{why if abac else ''}",
        f"give it the role: az role assignment create --role {role} --assignee-object-id {principal} "
        f"--assignee-principal-type ServicePrincipal --scope {seen['id']}; a new role counts after some minutes",
    )


def _require_reach(server: str, seen: Seen) -> None:
    """Make sure that Container Instances reach the registry: through a firewall they come as a trusted service.

    Raises:
        UserError: it shuts them out.

    Source: Microsoft, "Allow trusted services to securely access a network-restricted container registry".
    """
    network = from_arm(seen).network
    if is_closed(network) and network.trusted_services_bypass is False:
        shut = "its public access is off" if network.public_network_access is False else "its firewall denies others"
        raise UserError(
            f"container groups cannot pull from {server}: {shut}, and trusted services may not pass",
            "set trustedServicesBypass: true, or run "
            f"`az acr update --name {seen['name']} --allow-trusted-services true`",
        )


def _account(calls: RegistryCalls, server: str, known: Seen) -> Account | None:
    place = calls.place(str(known["id"]))
    now = calls.get(place)  # what was remembered may be old
    registry = from_arm(now or {})
    if is_closed(registry.network):
        # a trusted service is known by its identity, which an account with a password is not
        raise UserError(
            f"container groups cannot pull from {server} by its admin account: it has a firewall, which lets trusted "
            "services in by their identity alone",
            "set pullIdentity to a user-assigned identity with the role AcrPull",
        )
    if registry.anonymous_pull:
        return None
    if now is None or not registry.admin_user_enabled:
        raise UserError(f"nothing says how the container group may pull from {server}", _WAYS)
    user, password = calls.admin(place)
    return Account(server=server, username=user, password=password)
