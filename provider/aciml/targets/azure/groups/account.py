"""Accounts of registries in ARM's JSON: those that were declared, and the one that pulls the image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....core.errors import UserError
from ....core.reference import Reference
from ....model.access import Account
from ....model.declared import read, written
from ....model.group import Group
from .members import Json, given, lowered, some

_MEMBERS = ("server", "username", "password", "identity")


def pull_server(image: str) -> str:
    """Return the host that an image is pulled from, as accounts name it."""
    return Reference.parse(image).registry


def server_of(image: str) -> str:
    """Return the host of an image in lower case; empty for what is no reference, which only others' groups have."""
    try:
        return pull_server(image).lower()
    except UserError:
        return ""


def foreseen_pull(declared: Group) -> Account | None:
    """Return what is known of the account that pulls without asking anybody: that of ``pullIdentity``."""
    identity = declared.access.pull_identity
    return Account(server=pull_server(declared.image), identity=identity) if identity else None


def all_accounts(declared: Group, pull: Account | None) -> list[Account]:
    """Return all accounts of a group by host; one that is declared wins over the one that was made for the image."""
    # the declared ones come last and win: the service takes one account a server
    every = ([pull] if pull else []) + list(declared.access.image_registry_credentials)
    by_server = {account.server.lower(): account for account in every}
    return [by_server[server] for server in sorted(by_server)]


def to_arm(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """Return ``imageRegistryCredentials`` of the request."""
    return [given(**written(account)) for account in accounts]


def same(accounts: Iterable[Json]) -> list[dict[str, Any]]:
    """Return what the accounts of two groups are compared by."""
    every = (some(item, *_MEMBERS) for item in accounts)
    return sorted(every, key=lambda account: str(account["server"]).lower())


def folded(accounts: Iterable[Json]) -> list[dict[str, Any]]:
    """Return accounts in which the letter case of hosts and ids does not count."""
    return [lowered(item, "server", "identity") for item in accounts]


def from_arm(group: Json, known: Group | None) -> tuple[Account | None, tuple[Account, ...]]:
    """Return the account that was made for the image, and those that were declared, without their passwords.

    The account of the image's own registry is ours unless it was declared.
    """
    image = known.image if known else str(group["containers"][0]["image"])
    every = [read(Account, item).but(password=None) for item in group["imageRegistryCredentials"]]
    # nothing in an answer says who put an account there
    ours = next((one for one in every if one.server.lower() == server_of(image) and not _declares(known, one)), None)
    return ours, tuple(one for one in every if one is not ours)


def _declares(known: Group | None, account: Account) -> bool:
    return known is not None and known.access.account_for(account.server) is not None


def with_secrets(accounts: Iterable[Account], source: Iterable[Account]) -> tuple[Account, ...]:
    """Fill in passwords that nobody can read back from accounts of the same host."""
    known = {account.server.lower(): account.password for account in source}
    return tuple(
        account.but(password=known.get(account.server.lower())) if account.password is None else account
        for account in accounts
    )


_TOKEN_USERS = frozenset({"00000000-0000-0000-0000-000000000000", "aws", "oauth2accesstoken"})
"""Users whose password is a token of some hours: of Entra ID, of Amazon and of Google. Source: the pages on
`az acr login --expose-token`, `aws ecr get-login-password` and "access token" of Artifact Registry."""


def is_token(account: Account) -> bool:
    """Tell whether an account logs in by a token that is another one in each run."""
    # a JSON Web Token, whoever the user is (RFC 7519: three parts, the first one begins with {" in base64)
    password = str(account.password or "")
    web = password.startswith("eyJ") and password.count(".") == 2
    return web or str(account.username or "").lower() in _TOKEN_USERS


def with_tokens(accounts: Iterable[Account], source: Iterable[Account]) -> tuple[Account, ...]:
    """Take tokens of the same user and host from ``source``: a newer one is no difference, and an old one is over."""
    newer = {(one.server.lower(), one.username): one for one in source if is_token(one)}

    def renewed(one: Account) -> Account:
        found = newer.get((one.server.lower(), one.username)) if is_token(one) else None
        return one.but(password=found.password) if found else one

    return tuple(renewed(one) for one in accounts)
