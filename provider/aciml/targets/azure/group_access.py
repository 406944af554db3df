"""Judging who may what in a container group: identities, accounts, keys, rights; and its tags.

Source: containerInstance.json 2023-05-01; Microsoft's pages on pulling by identity and on tags.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from ...core.errors import Finding
from ..protocol import Settings
from .group_body import DESCRIPTION, OURS
from .group_container import CONNECTION
from .ownership import OWNER_TAG, VERSION_TAG

_IDENTITY = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+",
    re.IGNORECASE,
)
_FORM = "/subscriptions/.../resourceGroups/.../providers/Microsoft.ManagedIdentity/userAssignedIdentities/..."
_CMK = ("cmkVaultBaseUrl", "cmkKeyName", "cmkKeyVersion")
TAGS, TAG_NAME, TAG_VALUE = 50, 512, 256


def identity_findings(new: Settings) -> Iterator[Finding]:
    """Judge the ids of identities; where they are needed they are assigned to the group by us."""
    named = {f"identities[{index}]": name for index, name in enumerate(new.get("identities") or ())}
    named |= {name: new[name] for name in ("pullIdentity", "cmkIdentity") if name in new}
    for index, account in enumerate(new.get("imageRegistryCredentials") or ()):
        if "identity" in account:
            named[f"imageRegistryCredentials[{index}].identity"] = account["identity"]
    for where, name in named.items():
        if not _IDENTITY.fullmatch(str(name)):
            yield Finding(where, f'"{name}" is no id of a user-assigned identity; write {_FORM}')


def account_findings(new: Settings) -> Iterator[Finding]:
    """Judge the accounts of registries: each by password or by identity."""
    servers: set[str] = set()
    for index, account in enumerate(new.get("imageRegistryCredentials") or ()):
        where, server = f"imageRegistryCredentials[{index}]", str(account.get("server", ""))
        if "://" in server or "/" in server:
            yield Finding(f"{where}.server", f'"{server}" is no host; write it without https:// and path')
        if server.lower() in servers:
            yield Finding(f"{where}.server", f"there are two accounts for {server}; drop one")
        servers.add(server.lower())
        if ("username" in account) == ("identity" in account):
            yield Finding(where, f"the account for {server} needs one of username and identity")
        elif "username" in account and not account.get("password"):
            yield Finding(f"{where}.password", f"the account for {server} needs its password")


def key_findings(new: Settings, unknown: frozenset[str]) -> Iterator[Finding]:
    """Judge the customer-managed key: all of it or nothing, as v1 did."""
    missing = [name for name in _CMK if not new.get(name) and name not in unknown]
    if len(missing) < len(_CMK) and any(new.get(name) for name in _CMK):
        for name in missing:
            yield Finding(name, f"a customer-managed key needs {', '.join(_CMK)}; give {name} too, or none of them")
    if new.get("cmkIdentity") and len(missing) == len(_CMK):
        yield Finding("cmkIdentity", f"cmkIdentity reads a customer-managed key; give {', '.join(_CMK)}, or drop it")
    vault = str(new.get("cmkVaultBaseUrl") or "")
    if vault and not vault.startswith("https://"):
        yield Finding("cmkVaultBaseUrl", f'"{vault}" is no Key Vault; write https://<name>.vault.azure.net')


def confidential_findings(new: Settings) -> Iterator[Finding]:
    """Judge what only Confidential groups have."""
    sku = new.get("sku", "Standard")
    if policy := new.get("ccePolicy"):
        if sku != "Confidential":
            yield Finding("ccePolicy", f"a policy for confidential computing needs sku Confidential, not {sku}")
        try:
            base64.b64decode(str(policy), validate=True)
        except binascii.Error:
            yield Finding("ccePolicy", "ccePolicy is not base64; encode the policy")
    if (new.get("securityContext") or {}).get("privileged") and sku != "Confidential":
        yield Finding("securityContext.privileged", f"a privileged container needs sku Confidential, not {sku}")


def insight_findings(new: Settings, unknown: frozenset[str]) -> Iterator[Finding]:
    """Judge Application Insights: there is no workspace that could tell the component, as v1's did."""
    said = "appInsightsConnectionString"
    elsewhere = CONNECTION in (new.get("secureEnvironmentVariables") or {})
    unsure = unknown & {said, "secureEnvironmentVariables"}
    if new.get("enableAppInsights") and not new.get(said) and not elsewhere and not unsure:
        yield Finding(said, "enableAppInsights needs the connection string of the component; give it")
    if new.get(said) and not new.get("enableAppInsights") and "enableAppInsights" not in unknown:
        yield Finding(said, "a connection string is set and enableAppInsights is not; set it or drop the string")


def tag_findings(new: Settings) -> Iterator[Finding]:
    """Judge the tags: v1's ``tags`` and ``properties``, the description and our own share the resource's fifty."""
    tags, properties = new.get("tags") or {}, new.get("properties") or {}
    total = len({*tags, *properties, *([DESCRIPTION] if new.get("description") else []), OWNER_TAG, VERSION_TAG})
    if total > TAGS:
        yield Finding(
            "tags", f"{total} tags with properties, description and ours are more than {TAGS}, the most of a resource"
        )
    for where, values in (("tags", tags), ("properties", properties)):
        for name, value in values.items():
            yield from _tag(f'{where}["{name}"]', str(name), str(value), new)
    for name in sorted(tags.keys() & properties.keys()):
        yield Finding(f'properties["{name}"]', f"{name} is also in tags, and both become tags; drop one")
    if len(str(new.get("description") or "")) > TAG_VALUE:
        yield Finding("description", f"a description is a tag, which holds {TAG_VALUE} characters; shorten it")


def _tag(where: str, name: str, value: str, new: Settings) -> Iterator[Finding]:
    if not 1 <= len(name) <= TAG_NAME or set(name) & set("<>%&\\?/"):
        yield Finding(where, f"a tag's name has 1 to {TAG_NAME} characters and none of < > % & \\ ? /; rename it")
    if len(value) > TAG_VALUE:
        yield Finding(where, f"the value has {len(value)} characters, a tag holds {TAG_VALUE}; shorten it")
    if name.startswith(OURS) or (name == DESCRIPTION and new.get("description")):
        yield Finding(where, f"the tag {name} is set by us; rename it")
