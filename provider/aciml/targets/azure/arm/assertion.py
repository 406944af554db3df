"""Federated tokens of pipelines and clusters, with which an application proves who it is without a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import UserError
from ..config import AzureConfig

AUDIENCES: Mapping[str, str] = {
    "usgov": "api://AzureADTokenExchangeUSGov",
    "china": "api://AzureADTokenExchangeChina",
}
"""Audience of the token by cloud. Source: Microsoft Entra, "Workload identity federation", national clouds."""
_PUBLIC = "api://AzureADTokenExchange"
_SECONDS = 20


def federated_token(config: AzureConfig, transport: Any) -> str:
    """Return a token that is good now: those of GitHub and of files live minutes, so they are read each time.

    Raises:
        UserError: there is none; says where it was looked for.
        requests.RequestException: GitHub does not answer.
    """
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
        params={"audience": AUDIENCES.get(config.cloud.name, _PUBLIC)},
        headers={"Authorization": f"Bearer {config.oidc_request_token}", "Accept": "application/json"},
        timeout=_SECONDS,
        verify=transport.connection_config.verify,
    )
    try:
        return str(answer.json()["value"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the pipeline gave no federated token: its service answered {answer.status_code}",
            "give the job the permission id-token: write",
        ) from error
