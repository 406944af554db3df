"""Logging in to a registry as the identity of Entra ID that the session has.

Source: Azure/acr, docs/AAD-OAuth.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from ....core.credentials import Credentials
from ....core.errors import OutageError
from ....core.progress import Progress
from ....registry.errors import ROLES, RegistryError
from ....registry.jwt import life
from ....registry.limits import ClientLimits
from ....registry.transport import Ask, Transport
from ..arm.polling import pause

# the user name that stands for "this password is a token" (Azure/acr, docs/AAD-OAuth.md)
TOKEN_USER = "00000000-0000-0000-0000-000000000000"
MARGIN = 300.0  # seconds before its end at which an identity token is no longer used
_ANSWERS = 120.0  # seconds for the name of a new registry to be known everywhere
_SHORT = 600.0  # seconds that a token lives which does not say
_ROLES = (
    "give it the role AcrPush on the registry (AcrPull is enough to pull; Container Registry Repository Writer where "
    "roles are given by repository); a new role counts after some minutes; if the login is of another tenant, set "
    "aciml:tenantId"
)
_FIREWALL = (
    "its network rules or a private endpoint keep this machine out; add its address to ipRules, or run where the "
    "registry can be reached"
)


class RegistryLogin:
    """Gives out the identity token ("refresh token") of one registry: the same to all until shortly before its end.

    It is what ``Credentials.identity_token`` holds.
    """

    def __init__(
        self,
        login_server: str,
        token: Callable[[str], str],
        scopes: Sequence[str],
        *,
        tenant: str = "",
        ca_bundle: Path | None = None,
        explain: Callable[[RegistryError], RegistryError] = lambda error: error,
        roles: Callable[[], Mapping[str, str]] = lambda: ROLES,
        limits: ClientLimits = ClientLimits(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Contact nobody.

        Args:
            login_server: ``host`` or ``host:port``.
            token: gives a token of Entra ID for one of the scopes.
            scopes: to try in turn; a registry may refuse the audience of one.
            tenant: of the login; empty lets the registry find out.
            ca_bundle: PEM file with the authorities to trust.
            explain: says more of a firewall's refusal.
            roles: which role gives which right there.
            limits: times and number of tries.
            clock: seconds since 1970.
            wait: pauses for some seconds.
        """
        self.login_server, self._token, self._tenant = login_server, token, tenant
        self._scopes = list(dict.fromkeys(scopes))
        self._ca_bundle, self._limits, self._clock, self._wait = ca_bundle, limits, clock, wait
        self._explain, self._roles = explain, roles
        self._lock = threading.Lock()
        self._current, self._best_before = "", 0.0

    def __call__(self) -> str:
        """Return a token that is good for five more minutes.

        Raises:
            UserError: there is no login of Entra ID.
            RegistryError: the registry refuses it, or is silent.
        """
        with self._lock:
            if not self._current or self._clock() >= self._best_before:
                self._renew()
            return self._current

    def forget(self, refused: str) -> None:
        """Drop a token that the registry took no more, if it is still the one in use."""
        with self._lock:
            if self._current == refused:
                self._current = ""

    def roles(self) -> Mapping[str, str]:
        """Return the role that gives each right in this registry: pull, push, delete."""
        return self._roles()

    @property
    def audience(self) -> str:
        """Audience of Entra ID that this registry takes, as far as is known."""
        return self._scopes[0].removesuffix("/.default")

    def credentials(self) -> Credentials:
        """Return what ``docker login`` and our client need; asks for the token."""
        return Credentials(TOKEN_USER, self(), self)

    def _renew(self) -> None:
        asked = self._clock()
        self._current = self._exchange()
        seconds = life(self._current, asked) or _SHORT  # by when we asked: the registry's clock may be another
        # of one that lives less than two margins half the time is used: else it would be asked for again at once
        self._best_before = asked + seconds - min(MARGIN, seconds / 2)

    def _exchange(self) -> str:
        """Ask with each audience in turn; the one that is taken comes first the next time."""
        for scope in list(self._scopes):
            try:
                found = self._ask(scope)
            except RegistryError as error:
                # 403 is a firewall or a role, which no other audience opens
                if error.status in (400, 401) and scope != self._scopes[-1]:
                    continue
                said = self._explain(error) if error.blocked else _explained(self.login_server, error)
                raise said from error
            self._scopes.remove(scope)
            # a registry does not change its mind within a run, and each wrong audience costs a request
            self._scopes.insert(0, scope)
            return found
        raise AssertionError("the last scope returns or raises")

    def _ask(self, scope: str) -> str:
        # POST /oauth2/exchange takes a token of Entra ID and gives the "refresh token", Azure/acr AAD-OAuth.md
        form = {"grant_type": "access_token", "service": self.login_server, "access_token": self._token(scope)}
        if self._tenant:
            form["tenant"] = self._tenant
        ask = Ask(
            "POST",
            "/oauth2/exchange",
            "the exchange of the login",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
        )
        # without credentials and mirror: the form has a token of Entra ID, which nobody but the registry may see
        way = Transport(
            self.login_server, Credentials(), ca_bundle=self._ca_bundle, mirror="", limits=self._limits, wait=self._wait
        )
        with closing(way):
            try:
                return str(way.send_plainly(ask).json()["refresh_token"])
            except (ValueError, KeyError, TypeError) as error:
                message = f"{self.login_server} answered to the login without a token"
                raise OutageError(message, "check that it is a registry of this cloud") from error


def wait_for_answer(login_server: str, ca_bundle: Path | None, progress: Progress) -> None:
    """Wait until a new registry answers anything at all; if it does not for long, say so and go on."""
    started = time.monotonic()
    # a refusal is an answer: it is only the name in DNS that is late
    ask = Ask("GET", "/v2/", "the question whether it is there", accept=(200, 401, 403))
    # one try at a time: the loop below has its own pauses, and hears ctrl-C in them
    way = Transport(login_server, Credentials(), ca_bundle=ca_bundle, mirror="", limits=ClientLimits(attempts=1))
    with closing(way):
        while error := _silence(way, ask):
            if time.monotonic() - started > _ANSWERS:
                progress.warn(f"the new registry does not answer yet: {error}")
                return
            progress.say(f"waiting for {login_server} to answer")
            pause(1.0, progress)


def _silence(way: Transport, ask: Ask) -> RegistryError | None:
    try:
        way.send_plainly(ask).close()
    except RegistryError as error:
        return error
    return None


def _explained(login_server: str, error: RegistryError) -> RegistryError:
    """Say which role is missing, or that the network is in the way."""
    if error.status not in (400, 401, 403):
        return error
    said = f"{error.status} {error.code}".strip()
    # network rules answer 403 before anybody asks who it is, with no reason or the bare DENIED
    firewall = error.status == 403 and error.code in ("", "DENIED")
    message = f"{login_server} refused the login of this identity ({said})"
    return RegistryError(
        message, _FIREWALL if firewall else _ROLES, status=error.status, code=error.code, url=error.url
    )
