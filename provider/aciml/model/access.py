"""Who a container group is, and what it may read: its identities, and the accounts of registries.

Source: containerInstance.json 2023-05-01; Microsoft's page on pulling by identity.
"""

from collections.abc import Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .identity import id_findings
from .shape import Field


@lean(frozen=True, kw_only=True)
class Account(Declared):
    """A way into a registry: by password or by identity."""

    server: Annotated[str, Field("host of the registry")]
    username: Annotated[str | None, Field("account there")] = None
    # no answer of the service has it: what state knows has to be sent along with every PUT, or it is gone
    password: Annotated[str | None, Field("its password", secret=True)] = None
    identity: Annotated[str | None, Field("id of a user-assigned identity instead")] = None


@lean(frozen=True, kw_only=True)
class Access(Declared):
    """Identities and accounts of a group. ``pull_identity`` needs no account beside it: one is made for it."""

    system_assigned_identity: Annotated[
        bool | None,
        Field("give the group an identity of its own", default=False, scope="cloud", cost=cost.IDENTITY),
    ] = None
    identities: Annotated[
        tuple[str, ...], Field("ids of user-assigned identities", scope="cloud", cost=cost.IDENTITY)
    ] = ()
    # never the group's own identity: the service answers InvalidImageRegistryIdentity (azure-docs #117644)
    pull_identity: Annotated[
        str | None,
        Field("id of the user-assigned identity that pulls the image", scope="cloud", cost=cost.ACCOUNTS),
    ] = None
    # the service takes one account for each host, and in each one of user name and identity
    image_registry_credentials: Annotated[
        tuple[Account, ...], Field("accounts of registries", scope="cloud", cost=cost.ACCOUNTS)
    ] = ()

    def account_for(self, server: str) -> Account | None:
        """Return the account that is declared for a host; letter case does not count in a host's name."""
        return next((one for one in self.image_registry_credentials if one.server.lower() == server.lower()), None)


def access_findings(access: Access) -> Iterator[Finding]:
    """Judge the ids of identities, and the accounts: one for each host."""
    yield from id_findings(access.texts("identities"))
    if access.pull_identity is not None:
        yield from _pulls(access, access.pull_identity)
    servers: set[str] = set()
    for account in access.image_registry_credentials:
        if not isinstance(account, Account):
            continue  # it is not known yet
        if account.identity is not None:
            yield from id_findings([(account.at("identity"), account.identity)])
        if account.server is not None:
            yield from _server(account, servers)
            servers.add(account.server.lower())
        yield from _way(account, f"the account for {account.server}" if account.server else "the account")


def _pulls(access: Access, said: str) -> Iterator[Finding]:
    # the word of Container Apps for an app's own identity (Microsoft, "Image pull with managed identity")
    if said.lower() in {"system", "systemassigned"}:
        why = "an identity of its own is made with the service, so nobody can have given it a role before it pulls"
        advice = "make a user-assigned identity, give it the role that lets it pull, and write its id"
        yield access.finding("pull_identity", f"{why}; {advice}")
    else:
        yield from id_findings([(access.at("pull_identity"), said)])


def _server(account: Account, before: set[str]) -> Iterator[Finding]:
    server = account.server
    # containerInstance.json, ImageRegistryCredential.server: without a protocol
    if "/" in server:
        yield account.finding("server", f'"{server}" is no host; write it without https:// and path')
    if server.lower() in before:
        yield account.finding("server", f"there are two accounts for {server}; drop one")


def _way(account: Account, named: str) -> Iterator[Finding]:
    # both, or none, is answered with AmbiguousImageResitryCredentialType (the service's spelling)
    ways = account.knows("username", "identity")
    if len(ways) > 1 or (not ways and not account.is_unsure("username", "identity")):
        yield Finding(account.where, f"{named} needs one of username and identity")
    elif "username" in ways and not account.password and not account.is_unsure("password"):
        yield account.finding("password", f"{named} needs its password")
