"""Where the clouds are: hosts, audiences and suffixes of Azure's public and sovereign clouds, and of custom ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ....core.errors import Finding


@dataclass(frozen=True)
class Cloud:
    """One Azure cloud.

    ``authority_host`` and ``resource_manager`` are https URLs without a slash at the end; ``scope`` and
    ``registry_scope`` are ``<audience>/.default``; the suffixes have no dot in front.
    """

    name: str
    authority_host: str
    resource_manager: str
    scope: str
    registry_suffix: str
    registry_scope: str
    instance_suffix: str


CLOUDS: Mapping[str, Cloud] = {
    "public": Cloud(
        name="public",
        authority_host="https://login.microsoftonline.com",
        resource_manager="https://management.azure.com",
        scope="https://management.azure.com/.default",
        registry_suffix="azurecr.io",
        registry_scope="https://containerregistry.azure.net/.default",
        instance_suffix="azurecontainer.io",
    ),
    "usgov": Cloud(
        name="usgov",
        authority_host="https://login.microsoftonline.us",
        resource_manager="https://management.usgovcloudapi.net",
        scope="https://management.core.usgovcloudapi.net/.default",
        registry_suffix="azurecr.us",
        registry_scope="https://management.usgovcloudapi.net/.default",
        instance_suffix="azurecontainer.console.azure.us",
    ),
    "china": Cloud(
        name="china",
        authority_host="https://login.chinacloudapi.cn",
        resource_manager="https://management.chinacloudapi.cn",
        scope="https://management.chinacloudapi.cn/.default",
        registry_suffix="azurecr.cn",
        registry_scope="https://management.chinacloudapi.cn/.default",
        instance_suffix="azurecontainer.console.azure.cn",
    ),
}
"""Written out, because to ask the SDK is to load it (0.2 s); a test compares. Sources: azure-mgmt-core for endpoints,
azure-identity for authorities, the README of azure-containerregistry for its audiences (the sovereign clouds take that
of Resource Manager). The suffix of instances only foresees a name: what counts is the fqdn that Azure answers."""

NAMES = (*CLOUDS, "custom")
ENVIRONMENTS: Mapping[str, str] = {
    "public": "public",
    "azurepubliccloud": "public",
    "azurecloud": "public",
    "usgovernment": "usgov",
    "azureusgovernment": "usgov",
    "azureusgovernmentcloud": "usgov",
    "china": "china",
    "azurechinacloud": "china",
}
"""How other tools (``ARM_ENVIRONMENT``, ``az cloud``) call the clouds, in lower case."""


def cloud_of(name: str, resource_manager: str, authority: str, registry_suffix: str, instance_suffix: str) -> Cloud:
    """Return the named cloud; what is not empty takes the place of its own value. ``custom`` starts from ``public``."""
    base = CLOUDS.get(name, CLOUDS["public"])
    # paths of ARM begin with a slash
    manager = resource_manager.rstrip("/") or base.resource_manager
    return Cloud(
        name=name,
        authority_host=authority.rstrip("/") or base.authority_host,
        resource_manager=manager,
        # tokens for management.azure.com are refused by a cloud that is its own audience
        scope=f"{manager}/.default" if resource_manager else base.scope,
        registry_suffix=registry_suffix.strip(".") or base.registry_suffix,
        registry_scope=base.registry_scope,
        instance_suffix=instance_suffix.strip(".") or base.instance_suffix,
    )


def endpoint_findings(name: str, endpoints: Mapping[str, str]) -> list[Finding]:
    """Judge the URLs by config key: they have to be https, and a custom cloud needs both."""
    findings = []
    for key, url in endpoints.items():
        if name == "custom" and not url:
            findings.append(Finding(key, f"aciml:{key} is not set; aciml:cloud custom needs it, such as https://host"))
        elif url and (urlsplit(url).scheme != "https" or not urlsplit(url).hostname):
            # each request shows a token, so never in the clear
            findings.append(Finding(key, f'aciml:{key} is "{url}"; write https:// and a host'))
    return findings
