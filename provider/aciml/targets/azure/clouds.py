"""Where the clouds are: hosts, audiences and suffixes of Azure's public and sovereign clouds, and of custom ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from azure.core import AzureClouds
from azure.mgmt.core.tools import get_arm_endpoints

from ...core.errors import Finding


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


def _known(name: str, cloud: AzureClouds, authority: str, registry: str, audience: str, instances: str) -> Cloud:
    endpoints = get_arm_endpoints(cloud)
    manager = str(endpoints["resource_manager"]).rstrip("/")
    scope = str(endpoints["credential_scopes"][0])
    return Cloud(name, f"https://{authority}", manager, scope, registry, f"{audience}/.default", instances)


CLOUDS: Mapping[str, Cloud] = {
    cloud.name: cloud
    for cloud in (
        _known(
            "public",
            AzureClouds.AZURE_PUBLIC_CLOUD,
            "login.microsoftonline.com",
            "azurecr.io",
            "https://containerregistry.azure.net",
            "azurecontainer.io",
        ),
        _known(
            "usgov",
            AzureClouds.AZURE_US_GOVERNMENT,
            "login.microsoftonline.us",
            "azurecr.us",
            "https://management.usgovcloudapi.net",
            "azurecontainer.console.azure.us",
        ),
        _known(
            "china",
            AzureClouds.AZURE_CHINA_CLOUD,
            "login.chinacloudapi.cn",
            "azurecr.cn",
            "https://management.chinacloudapi.cn",
            "azurecontainer.console.azure.cn",
        ),
    )
}
"""Sources: azure-mgmt-core for the endpoints, azure-identity for the authorities, the README of azure-containerregistry
for the audiences (the sovereign clouds take that of Resource Manager). The suffix of instances only foresees a name:
what counts is the fqdn that Azure answers."""

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
    manager = resource_manager.rstrip("/") or base.resource_manager
    return Cloud(
        name=name,
        authority_host=authority.rstrip("/") or base.authority_host,
        resource_manager=manager,
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
            findings.append(Finding(key, f'aciml:{key} is "{url}"; write https:// and a host'))
    return findings
