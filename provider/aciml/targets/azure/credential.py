"""Who we are: one azure-identity credential, whose failures are told in one sentence."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...core.errors import UserError
from .config import AzureConfig

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

MARGIN = 300.0
"""Seconds before its end at which a token is no longer used: as long as the longest single request may take."""


class CachedCredential:
    """A ``TokenCredential`` of azure-core with one token a scope in memory; many threads cause one fetch.

    ``open_source`` is called once, when the first token is wanted; ``clock`` gives seconds since 1970.
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
        """Return a token; azure-core's older protocol."""
        from azure.core.credentials import AccessToken

        info = self.get_token_info(*scopes, options={"claims": claims} if claims else None)
        return AccessToken(info.token, info.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token that lives five more minutes, from memory if there is one.

        Raises:
            UserError: there is no way to log in; the message names what was tried.
        """
        with self._lock:
            lock = self._scopes.setdefault(scopes, threading.Lock())
        with lock:
            token = self._tokens.get(scopes)
            if token is None or (options or {}).get("claims") or token.expires_on - self._clock() < MARGIN:
                token = self._tokens[scopes] = self._fetch(scopes, options)
            return token

    def forget(self, token: str) -> None:
        """Drop a token that a service refused."""
        with self._lock:
            self._tokens = {scopes: kept for scopes, kept in self._tokens.items() if kept.token != token}

    def close(self) -> None:
        """Close connections of the source."""
        if self._source is not None and hasattr(self._source, "close"):
            self._source.close()

    def _fetch(self, scopes: tuple[str, ...], options: TokenRequestOptions | None) -> AccessTokenInfo:
        from azure.core.exceptions import AzureError as SdkError

        try:
            with self._lock:
                self._source = self._source or self._open()
            info: AccessTokenInfo = self._source.get_token_info(*scopes, options=options or {})
        except (SdkError, ValueError, OSError) as error:
            raise login_error(self._config, error) from error
        return info


def login_error(config: AzureConfig, error: Exception) -> UserError:
    """Say in one sentence what was tried and why it failed."""
    return UserError(f"no login to Azure by {config.auth}: {_reason(error)}", "check aciml:auth")


def _reason(error: Exception) -> str:
    found = re.search(r"(AADSTS\d+): ([^.\r\n]+)", str(error))
    return f"{found.group(1)}, {found.group(2)}" if found else str(error).split("\n", 1)[0][:200]


def open_credential(config: AzureConfig, transport: Any) -> CachedCredential:
    """Return the credential that the config asks for; nothing is contacted yet."""
    return CachedCredential(config, lambda: _source(config, transport))


def _source(config: AzureConfig, transport: Any) -> Any:
    from azure import identity

    common: dict[str, Any] = {
        "authority": config.cloud.authority_host,
        "disable_instance_discovery": config.cloud.name == "custom",
        "transport": transport,
        "retry_total": 3,
    }
    match config.auth:
        case "service_principal" if config.client_secret:
            return identity.ClientSecretCredential(config.tenant_id, config.client_id, config.client_secret, **common)
        case _:
            return identity.DefaultAzureCredential(**common)
