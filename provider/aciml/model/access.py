"""Who may what in a container group: identities, accounts of registries, keys, rights, telemetry.

Source: containerInstance.json 2023-05-01; Microsoft's page on pulling by identity.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from ..core.errors import Finding
from .identity import id_findings
from .said import Said

CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
"""The variable that tells a server its component of Application Insights."""
_CMK = ("cmkVaultBaseUrl", "cmkKeyName", "cmkKeyVersion")


def identity_findings(said: Said) -> Iterator[Finding]:
    """Judge the ids of identities."""
    named = dict(said.texts("identities"))
    named |= {name: said.get(name) for name in said.known("pullIdentity", "cmkIdentity")}
    for account in said.each("imageRegistryCredentials"):
        named |= {account.at(name): account.get(name) for name in account.known("identity")}
    yield from id_findings(named.items())


def account_findings(said: Said) -> Iterator[Finding]:
    """Judge the accounts of registries: each by password or by identity, one for each host."""
    servers: set[str] = set()
    for account in said.each("imageRegistryCredentials"):
        server = account.get("server")
        if server is not None:
            yield from _server(account, server, servers)
            servers.add(server.lower())
        yield from _way(account, f"the account for {server}" if server else "the account")


def _server(account: Said, server: str, before: set[str]) -> Iterator[Finding]:
    if "/" in server:
        yield account.finding("server", f'"{server}" is no host; write it without https:// and path')
    if server.lower() in before:
        yield account.finding("server", f"there are two accounts for {server}; drop one")


def _way(account: Said, named: str) -> Iterator[Finding]:
    ways = account.known("username", "identity")
    if len(ways) > 1 or (not ways and not account.unsure("username", "identity")):
        yield Finding(account.path, f"{named} needs one of username and identity")
    elif "username" in ways and not account.get("password") and not account.unsure("password"):
        yield account.finding("password", f"{named} needs its password")


def key_findings(said: Said) -> Iterator[Finding]:
    """Judge the customer-managed key: all of it or nothing, as v1 did."""
    missing = [name for name in _CMK if not said.get(name) and not said.unsure(name)]
    if any(said.get(name) for name in _CMK):
        for name in missing:
            yield said.finding(
                name, f"a customer-managed key needs {', '.join(_CMK)}; give {name} too, or none of them"
            )
    if said.get("cmkIdentity") and len(missing) == len(_CMK):
        why = f"cmkIdentity reads a customer-managed key; give {', '.join(_CMK)}, or drop it"
        yield said.finding("cmkIdentity", why)
    vault = str(said.get("cmkVaultBaseUrl") or "")
    if vault and not vault.startswith("https://"):
        yield said.finding("cmkVaultBaseUrl", f'"{vault}" is no Key Vault; write https://<name>.vault.azure.net')


def confidential_findings(said: Said) -> Iterator[Finding]:
    """Judge what only Confidential groups have."""
    sku, policy = said.get("sku", "Standard"), said.get("ccePolicy")
    plain = sku != "Confidential" and not said.unsure("sku")
    if policy and plain:
        yield said.finding("ccePolicy", f"a policy for confidential computing needs sku Confidential, not {sku}")
    if policy and not _is_base64(policy):
        yield said.finding("ccePolicy", "ccePolicy is not base64; encode the policy")
    context = said.inside("securityContext")
    if context.get("privileged") and plain:
        yield context.finding("privileged", f"a privileged container needs sku Confidential, not {sku}")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def insight_findings(said: Said) -> Iterator[Finding]:
    """Judge Application Insights: there is no workspace that could tell the component, as v1's did."""
    name = "appInsightsConnectionString"
    variables = ("environmentVariables", "secureEnvironmentVariables")
    elsewhere = any(CONNECTION in said.entries(where) for where in variables) or said.unsure(*variables)
    if said.get("enableAppInsights") and not said.get(name) and not said.unsure(name) and not elsewhere:
        yield said.finding(name, "enableAppInsights needs the connection string of the component; give it")
    if said.get(name) and not said.get("enableAppInsights") and not said.unsure("enableAppInsights"):
        yield said.finding(name, "a connection string is set and enableAppInsights is not; set it or drop the string")
