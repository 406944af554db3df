"""Who we are: one credential of azure-identity, one token a scope in memory, proofs without a secret."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import UserError
from ..config import AzureConfig
from .login_errors import login_error
from .policies import RETRIES, Patience

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

MARGIN = 300.0
"""Seconds before its end at which a token is no longer used: longer than a single request may take."""
_PROCESS_SECONDS = 20  # for az, azd and pwsh; a cold az takes up to ten

AUDIENCES: Mapping[str, str] = {
    "usgov": "api://AzureADTokenExchangeUSGov",
    "china": "api://AzureADTokenExchangeChina",
}
"""Audience of the token by cloud. Source: Microsoft Entra, "Workload identity federation", national clouds."""
_PUBLIC = "api://AzureADTokenExchange"
_ASK_SECONDS = 20


class CachedCredential:
    """A ``TokenCredential`` of azure-core with one token a scope in memory; many threads cause one fetch.

    ``open_source`` makes the credential that fetches; it is called when the first token is wanted, and again after
    ``forget``, since sources have memories too. ``clock`` gives seconds since 1970.
    """

    def __init__(
        self, config: AzureConfig, open_source: Callable[[], Any], clock: Callable[[], float] = time.time
    ) -> None:
        """Contact nobody."""
        self._config, self._open, self._clock = config, open_source, clock
        self._source: Any = None
        self._lock = threading.Lock()
        self._scopes: dict[tuple[str, ...], threading.Lock] = {}
        self._tokens: dict[tuple[str, ...], AccessTokenInfo] = {}

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """Return a token, by azure-core's older protocol; see ``get_token_info``."""
        from azure.core.credentials import AccessToken

        info = self.get_token_info(*scopes, options={"claims": claims} if claims else None)
        return AccessToken(info.token, info.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token that is good for five more minutes, from memory if there is one.

        Raises:
            UserError: the login is refused, or there is none; the message names what was tried.
            AzureError: the authority does not answer.
        """
        # one lock a scope: an `az` that takes ten seconds for one
        # audience holds up nobody who has a token for another
        with self._lock:
            lock = self._scopes.setdefault(scopes, threading.Lock())
        with lock:
            # claims come with a challenge (continuous access evaluation): the token that is there was refused for them
            token = self._tokens.get(scopes)
            if token is None or (options or {}).get("claims") or token.expires_on - self._clock() < MARGIN:
                # a failure is not kept: `az login` in another window mends the next request
                token = self._tokens[scopes] = self._fetch(scopes, options)
            return token

    def forget(self, token: str) -> None:
        """Drop a token that a service refused, and what else the source remembers."""
        with self._lock:
            for scopes in [scopes for scopes, kept in self._tokens.items() if kept.token == token]:
                del self._tokens[scopes]
                # credentials of azure-identity remember tokens too, and would give out the refused one again
                self._source = None

    def _fetch(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        from azure.core.exceptions import AzureError as SdkError

        try:
            with self._lock:
                source = self._source = self._source or self._open()
            info: AccessTokenInfo = source.get_token_info(*scopes, options={**_asked(self._config), **(options or {})})
        except (SdkError, ValueError, OSError) as error:
            # ValueError: a certificate file that is none; OSError: one that cannot be read
            raise login_error(self._config, error) from error
        return info


def open_credential(config: AzureConfig, transport: Any) -> CachedCredential:
    """Return the credential that the config asks for, over a shared transport; nothing is contacted yet."""
    return CachedCredential(config, lambda: _source(config, transport))


def _source(config: AzureConfig, transport: Any) -> Any:
    from azure import identity

    common: dict[str, Any] = {
        "authority": config.cloud.authority_host,
        # only Microsoft's own authorities are known to the public
        # metadata endpoint (azure-identity, `disable_instance_discovery`)
        "disable_instance_discovery": config.cloud.name == "custom",
        "transport": transport,
        **RETRIES,
    }
    # not for managed identity: azure-identity has a policy of its own there, and two are a TypeError
    patient = common | {"retry_policy_class": Patience}
    match config.auth:
        case "service_principal":
            return _service_principal(config, patient)
        case "workload_identity":
            who = (config.tenant_id, config.client_id)
            # a function and not its value: a build outlives a token of minutes
            return identity.ClientAssertionCredential(*who, lambda: federated_token(config, transport), **patient)
        case "managed_identity":  # in a chain it asks within a second whether there is such a service at all
            managed = identity.ManagedIdentityCredential(client_id=config.client_id or None, **common)
            return identity.ChainedTokenCredential(managed)
        case "cli":
            return identity.AzureCliCredential(tenant_id=config.tenant_id, process_timeout=_PROCESS_SECONDS)
    return _default(config, common)


def _service_principal(config: AzureConfig, common: dict[str, Any]) -> Any:
    from azure import identity

    if config.client_secret:
        return identity.ClientSecretCredential(config.tenant_id, config.client_id, config.client_secret, **common)
    return identity.CertificateCredential(
        config.tenant_id,
        config.client_id,
        certificate_path=str(config.certificate_path),
        password=config.certificate_password or None,
        **common,
    )


def _asked(config: AzureConfig) -> dict[str, Any]:
    """Return what each request for a token says beside its scope: the chain of the default login knows no tenant."""
    # who is logged in to several tenants would get a token of the one that `az` used last
    return {"tenant_id": config.tenant_id} if config.auth == "default" and config.tenant_id else {}


def _default(config: AzureConfig, common: dict[str, Any]) -> Any:
    """Return azure-identity's chain, without what needs a desktop."""
    from azure import identity

    known = {"managed_identity_client_id": config.client_id} if config.client_id else {}
    return identity.DefaultAzureCredential(
        # on a server each of these only adds a line to the message of what was tried
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_broker_credential=True,
        process_timeout=_PROCESS_SECONDS,
        # the tenant that is asked for is that of the config, which whoever wrote it has allowed
        additionally_allowed_tenants=["*"],
        **known,
        **common,
    )


def federated_token(config: AzureConfig, transport: Any) -> str:
    """Return a token that is good now: those of GitHub and of files live minutes, so they are read each time.

    Raises:
        UserError: there is none; says where it was looked for.
        requests.RequestException: GitHub does not answer.
    """
    # what the user wrote wins over what a pipeline would give
    if config.oidc_token:
        return config.oidc_token
    if config.oidc_token_file is not None:
        return _from_file(config)
    return _from_pipeline(config, transport)


def _from_file(config: AzureConfig) -> str:
    path = config.oidc_token_file
    try:
        token = path.read_text(encoding="utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the federated token file {path} cannot be read", "check aciml:oidcTokenFilePath") from error
    if not token:
        raise UserError(f"the federated token file {path} is empty", "check what writes it")
    return token


def _from_pipeline(config: AzureConfig, transport: Any) -> str:
    transport.open()
    answer = transport.session.get(
        config.oidc_request_url,
        # Entra ID takes only a token that was made for it; GitHub's default audience is the owner of the repository
        params={"audience": AUDIENCES.get(config.cloud.name, _PUBLIC)},
        headers={"Authorization": f"Bearer {config.oidc_request_token}", "Accept": "application/json"},
        timeout=_ASK_SECONDS,
        # the same proxy with its own certificate stands before GitHub as well
        verify=transport.connection_config.verify,
    )
    try:
        return str(answer.json()["value"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the pipeline gave no federated token: its service answered {answer.status_code}",
            "give the job the permission id-token: write",
        ) from error
