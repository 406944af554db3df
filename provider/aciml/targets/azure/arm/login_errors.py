"""Why there is no login: one sentence that names what was tried, and what to set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ....core.errors import AcimlError, UserError
from ..config import AzureConfig
from .errors import azure_error

_TRIED: Mapping[str, str] = {
    "EnvironmentCredential": "environment variables",
    "WorkloadIdentityCredential": "workload identity",
    "ManagedIdentityCredential": "managed identity",
    "AzureCliCredential": "Azure CLI",
    "AzurePowerShellCredential": "PowerShell",
    "AzureDeveloperCliCredential": "Azure Developer CLI",
}
_REASONS = (
    # first: who was refused was reached, whatever else the text has
    (r"AADSTS\d+", "refused"),
    (r"not found|not be found|not installed", "not installed"),
    (r"az login|azd auth login|Connect-AzAccount", "not logged in"),
    (r"not fully configured", "not set"),
    (r"no response|No managed identity endpoint|unreachable|ManagedIdentityCredential auth", "none here"),
)
_SET = "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or aciml:auth and its keys)"

# Source: Microsoft Entra, "Authentication and authorization error codes".
_CODES: Mapping[str, str] = {
    "AADSTS7000215": "set aciml:clientSecret or AZURE_CLIENT_SECRET to the secret's value (not its id)",
    "AADSTS7000222": "the secret ran out; make another one and set aciml:clientSecret or AZURE_CLIENT_SECRET",
    "AADSTS7000112": "the application is disabled; have it enabled",
    "AADSTS700016": "check aciml:clientId and aciml:tenantId",
    "AADSTS90002": "check aciml:tenantId and aciml:cloud",
    "AADSTS900023": "check aciml:tenantId",
    "AADSTS70021": "add a federated credential with this pipeline's issuer and subject to the application",
    "AADSTS700211": "add a federated credential with this pipeline's issuer to the application",
    "AADSTS700213": "add a federated credential with this pipeline's subject to the application",
    "AADSTS700024": "the federated token ran out; prefer aciml:oidcTokenFilePath to aciml:oidcToken",
    "AADSTS700027": "upload this certificate to the application",
    "AADSTS500011": "check aciml:cloud: the tenant does not know this cloud's services",
    "AADSTS50076": "run `az login` again: more proof of who you are is wanted",
    "AADSTS700082": "run `az login` again",
    "AADSTS70043": "run `az login` again",
    "AADSTS50173": "run `az login` again",
}


def login_error(config: AzureConfig, error: Exception) -> AcimlError:
    """Return ``UserError`` for a login that is refused or missing, ``AzureError`` if nobody answered."""
    from azure.core.exceptions import AzureError as SdkError
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    # what our own assertion raises comes back wrapped by azure-identity
    for cause in _causes(error):
        if isinstance(cause, AcimlError):
            return cause
        refused = isinstance(cause, ClientAuthenticationError)
        status = int(getattr(cause, "status_code", 0) or 0)
        # an authority that is out of order has refused nobody: other secrets would not help
        down = isinstance(cause, HttpResponseError) and (status >= 500 or status == 429)
        if isinstance(cause, SdkError) and (down or not (refused or isinstance(cause, HttpResponseError))):
            return azure_error(cause, f"logging in at {config.cloud.authority_host}", {})
    return _refusal(config, str(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _refusal(config: AzureConfig, text: str) -> UserError:
    who = f"application {config.client_id} of tenant {config.tenant_id}"
    match config.auth:
        case "service_principal":
            proof = "client secret" if config.client_secret else f"certificate {config.certificate_path}"
            return _told(text, f"{who} could not log in with its {proof}", "check clientId, tenantId and the proof")
        case "workload_identity":
            return _told(
                text, f"{who} could not log in with the federated token {_origin(config)}", _CODES["AADSTS70021"]
            )
        case "managed_identity":
            return _managed(config, text)
        case "cli":
            return _told(text, f"the Azure CLI gave no token ({_short(text)})", "install it and run `az login`")
    # all of them: which one the user has set up, only he knows
    tried = [f"{name} ({_short(said)})" for name, said in _attempts(text)]
    return _told(text, f"no login to Azure; tried {', '.join(tried) or 'nothing'}", _SET)


def _told(text: str, message: str, advice: str) -> UserError:
    """Complete a message by the code of Entra ID; its page of text is left out."""
    # one number and one sentence; what follows are trace ids, times and links
    found = re.search(r"(AADSTS\d+): ([^.\r\n]+)", text)
    if found is None:
        return UserError(message if message.endswith(")") else f"{message} ({_first_sentence(text)})", advice)
    return UserError(f"{message}: {found.group(1)}, {found.group(2).strip()}", _CODES.get(found.group(1), advice))


def _origin(config: AzureConfig) -> str:
    if config.oidc_token:
        return "of aciml:oidcToken"
    return f"in {config.oidc_token_file}" if config.oidc_token_file else "of this pipeline"


def _managed(config: AzureConfig, text: str) -> UserError:
    which = f"managed identity {config.client_id}" if config.client_id else "managed identity"
    if re.search(r"Identity not found|identity_not_found|no identity", text, re.IGNORECASE):
        return UserError(f"this machine has no {which}", "assign it to the machine, or correct aciml:clientId")
    return _told(
        text, f"no login by {which} ({_short(text)})", "run this on a host in Azure that has one, or set aciml:auth"
    )


def _attempts(text: str) -> list[tuple[str, str]]:
    """Return what azure-identity's chain tried: its message has a line ``Name: reason`` for each."""
    lines = re.findall(r"^\s*(\w+Credential): (.*(?:\n(?!\s*\w+Credential: ).*)*)", text, re.MULTILINE)
    return [(_TRIED.get(name, name), said) for name, said in lines]


def _first_sentence(text: str) -> str:
    """Return how azure-identity begins, without its links and its pages of hints."""
    plain = re.sub(r"^Authentication failed: ", "", " ".join(text.split()))
    return re.split(r"\. |\. ?$|https?://aka", plain, maxsplit=1)[0][:160]


def _short(text: str) -> str:
    return next((reason for pattern, reason in _REASONS if re.search(pattern, text)), "unavailable")
