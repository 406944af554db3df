"""How to log in to a registry: what edges, images and targets hand to one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from .lean import lean


@lean(frozen=True)
class Credentials:
    """How to speak to a registry; empty strings mean anonymous. Never logged: ``repr`` hides the password.

    ``identity_token``, if there is one, returns an identity token that is good now; clients that can renew their login
    exchange it for access tokens (``grant_type=refresh_token``) instead of sending ``password``, which may run out.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    # a function and not a text: a push may take longer than a token lives (azure-docs #13258, after 50 minutes)
    identity_token: Callable[[], str] | None = field(default=None, repr=False, compare=False)
