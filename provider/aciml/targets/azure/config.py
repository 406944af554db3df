"""The Azure part of the stack config, completed from the environment variables that other tools use too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from ...core.errors import Finding, UserError
from ...core.meant import meant
from ...model.config import AUTHS
from .arm.clouds import ENVIRONMENTS, NAMES, Cloud, cloud_of, endpoint_findings
from .region import plain_location

Auth = Literal["default", "service_principal", "managed_identity", "workload_identity", "cli"]

SOURCES: Mapping[str, tuple[str, ...]] = {
    "subscriptionId": ("AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"),
    "tenantId": ("AZURE_TENANT_ID", "ARM_TENANT_ID"),
    "resourceGroup": ("AZURE_RESOURCE_GROUP", "ARM_RESOURCE_GROUP"),
    "location": ("AZURE_LOCATION", "ARM_LOCATION_NAME"),
    "cloud": ("ARM_ENVIRONMENT",),
    "authorityHost": ("AZURE_AUTHORITY_HOST",),
    "clientId": ("AZURE_CLIENT_ID", "ARM_CLIENT_ID"),
    "clientSecret": ("AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET"),
    "clientCertificatePath": ("AZURE_CLIENT_CERTIFICATE_PATH", "ARM_CLIENT_CERTIFICATE_PATH"),
    "certificatePassword": ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "ARM_CLIENT_CERTIFICATE_PASSWORD"),
    "oidcToken": ("AZURE_FEDERATED_TOKEN", "ARM_OIDC_TOKEN"),
    "oidcTokenFilePath": ("AZURE_FEDERATED_TOKEN_FILE", "ARM_OIDC_TOKEN_FILE_PATH"),
    "oidcRequestUrl": ("ACTIONS_ID_TOKEN_REQUEST_URL", "ARM_OIDC_REQUEST_URL"),
    "oidcRequestToken": ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ARM_OIDC_REQUEST_TOKEN"),
}
"""Config key -> environment variables that stand in for it, in order. The azure-identity library, GitHub Actions, and
the Terraform and Pulumi providers for Azure read the same ones."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
# Microsoft, "Naming rules and restrictions for Azure resources": 90 characters, and no full stop at the end
_GROUP = re.compile(r"[\w().-]{0,89}[\w()-]")
_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_LOCATION = re.compile(r"[a-z]+[a-z0-9]*")
_REQUIRED = {
    "subscriptionId": "`az account show --query id` prints yours",
    "resourceGroup": "with aciml:createResourceGroup true it is made if it does not exist",
    "location": "`az account list-locations --query [].name` prints all",
}


@dataclass(frozen=True)
class AzureConfig:
    """What to use and as whom; ``auth`` is the kind that is really used. ``repr`` shows no secret."""

    subscription_id: str
    tenant_id: str
    resource_group: str
    location: str
    create_resource_group: bool
    cloud: Cloud
    instance_api_version: str = ""
    registry_api_version: str = ""
    app_api_version: str = ""
    auth: Auth = "default"
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    certificate_path: Path | None = None
    certificate_password: str = field(default="", repr=False)
    oidc_token: str = field(default="", repr=False)
    oidc_token_file: Path | None = None
    oidc_request_url: str = field(default="", repr=False)
    oidc_request_token: str = field(default="", repr=False)
    ca_bundle: Path | None = None

    @classmethod
    def read(cls, config: Mapping[str, str], environ: Mapping[str, str]) -> AzureConfig:
        """Read the provider's config; ``environ`` completes it.

        Raises:
            UserError: something is missing or wrong; the message names all of it.
        """
        if findings := config_findings(config, environ):
            raise UserError("the Azure config is not complete: " + "; ".join(f.why for f in findings))
        said = _Said(config, environ)
        return cls(
            subscription_id=said("subscriptionId").lower(),  # a part of ids that are compared, in ARM's letter case
            tenant_id=said("tenantId"),
            resource_group=said("resourceGroup"),
            location=plain_location(said("location")),
            create_resource_group=said("createResourceGroup").lower() == "true",
            cloud=_cloud(said),
            instance_api_version=said("instanceApiVersion"),
            registry_api_version=said("registryApiVersion"),
            app_api_version=said("appApiVersion"),
            auth=_effective_auth(said),
            client_id=said("clientId"),
            client_secret=said("clientSecret"),
            certificate_path=_path(said("clientCertificatePath")),
            certificate_password=said("certificatePassword"),
            oidc_token=said("oidcToken"),
            oidc_token_file=_path(said("oidcTokenFilePath")),
            oidc_request_url=said("oidcRequestUrl"),
            oidc_request_token=said("oidcRequestToken"),
            ca_bundle=_path(said("caBundle")),
        )


def config_findings(config: Mapping[str, str], environ: Mapping[str, str]) -> list[Finding]:
    """Report all that is missing or wrong; ``where`` is the config key. Nothing is contacted."""
    said = _Said(config, environ)
    findings = [
        Finding(key, f"aciml:{key} is not set (nor {' or '.join(SOURCES[key])}); {hint}")
        for key, hint in _REQUIRED.items()
        if not said(key)
    ]
    # forms are judged whatever the login is, so that one preview tells all that is wrong
    findings += _form_findings(said)
    # what a cloud or a kind of login needs can be said of a known one alone
    if not (unknown := [*_choice("cloud", _cloud_name(said), NAMES), *_choice("auth", _auth(said), AUTHS)]):
        endpoints = {key: said(key) for key in ("resourceManagerEndpoint", "authorityHost")}
        findings += endpoint_findings(_cloud_name(said), endpoints)
        findings += _auth_findings(said)
    return findings + unknown


class _Said:
    """Looks a key up: in the config, else in the environment; empty if nobody said anything."""

    def __init__(self, config: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self._config, self.environ = config, environ

    def __call__(self, key: str) -> str:
        # blanks alone say nothing: a pipeline sets a variable that has no value to an empty text
        said = (self._config.get(key), *(self.environ.get(name) for name in SOURCES.get(key, ())))
        # stripped, because a secret that was pasted into a pipeline often has a line break at its end
        return next((value.strip() for value in said if value and value.strip()), "")


def _cloud_name(said: _Said) -> str:
    name = said("cloud") or "public"
    return ENVIRONMENTS.get(name.lower(), name)


def _cloud(said: _Said) -> Cloud:
    keys = ("resourceManagerEndpoint", "authorityHost", "registrySuffix", "instanceSuffix")
    return cloud_of(_cloud_name(said), *(said(key) for key in keys))


def _auth(said: _Said) -> str:
    if kind := said("auth"):
        return kind
    # as the Terraform and Pulumi providers for Azure read them, so that one pipeline serves all
    if said.environ.get("ARM_USE_OIDC", "").lower() == "true":
        return "workload_identity"
    return "managed_identity" if said.environ.get("ARM_USE_MSI", "").lower() == "true" else "default"


def _effective_auth(said: _Said) -> Auth:
    """Return the kind to use: ``default`` takes a service principal or an OIDC token if one is completely given."""
    # azure-identity's own chain reads the environment alone, and these may be in the stack config
    kind = cast("Auth", _auth(said))
    # half of a service principal is no mistake: AZURE_TENANT_ID alone steers the credentials of the chain
    if kind == "default" and said("tenantId") and said("clientId"):
        if said("clientSecret") or said("clientCertificatePath"):
            return "service_principal"
        if _has_assertion(said):
            return "workload_identity"
    return kind


def _has_assertion(said: _Said) -> bool:
    # GitHub sets both, and only in a job with the permission id-token: write
    asked = said("oidcRequestUrl") and said("oidcRequestToken")
    return bool(said("oidcToken") or said("oidcTokenFilePath") or asked)


def _auth_findings(said: _Said) -> list[Finding]:
    kind = _auth(said)
    if kind not in ("service_principal", "workload_identity"):
        return []
    needed = {key: bool(said(key)) for key in ("tenantId", "clientId")}
    if kind == "service_principal":
        needed["clientSecret"] = bool(said("clientSecret") or said("clientCertificatePath"))
    else:
        needed["oidcTokenFilePath"] = _has_assertion(said)
    other = {
        "clientSecret": " or aciml:clientCertificatePath",
        "oidcTokenFilePath": " or aciml:oidcToken, and this is no GitHub job with the permission id-token: write",
    }
    return [
        Finding(
            key, f"aciml:{key} is not set (nor {' or '.join(SOURCES[key])}{other.get(key, '')}); auth {kind} needs it"
        )
        for key, there in needed.items()
        if not there
    ]


def _form_findings(said: _Said) -> list[Finding]:
    uuid = "it is a UUID such as 00000000-1111-2222-3333-444444444444"
    found = []
    if (text := said("subscriptionId")) and not _UUID.fullmatch(text):
        found.append(Finding("subscriptionId", f'aciml:subscriptionId is "{text}"; {uuid}'))
    if (text := said("tenantId")) and not (_UUID.fullmatch(text) or _DOMAIN.fullmatch(text)):
        found.append(Finding("tenantId", f'aciml:tenantId is "{text}"; {uuid}, or a domain such as contoso.com'))
    if (text := said("resourceGroup")) and not _GROUP.fullmatch(text):
        why = "it has up to 90 letters, digits, _ - . ( ) and no dot at its end"
        found.append(Finding("resourceGroup", f'aciml:resourceGroup is "{text}"; {why}'))
    if (text := said("location")) and not _LOCATION.fullmatch(plain_location(text)):
        found.append(Finding("location", f'aciml:location is "{text}"; write a name such as westeurope'))
    found += [
        Finding(key, f'aciml:{key} is "{text}"; write a date such as 2023-05-01')
        for key in ("instanceApiVersion", "registryApiVersion", "appApiVersion")
        if (text := said(key)) and not _API_VERSION.fullmatch(text)
    ]
    # the engine hands configuration over as text, also what the user wrote as a boolean
    if (text := said("createResourceGroup")).lower() not in ("", "true", "false"):
        found.append(Finding("createResourceGroup", f'aciml:createResourceGroup is "{text}"; write true or false'))
    return found + [
        Finding(key, f'aciml:{key} is "{text}", and there is no such file')
        for key in ("clientCertificatePath", "oidcTokenFilePath", "caBundle")
        # no shell has read a stack config, so nobody has expanded its ~
        if (text := said(key)) and not Path(text).expanduser().is_file()
    ]


def _choice(key: str, value: str, known: tuple[str, ...]) -> list[Finding]:
    if value in known:
        return []
    word = meant(value, known)
    advice = f"did you mean {word}?" if word else f"write {', '.join(known[:-1])} or {known[-1]}"
    return [Finding(key, f'aciml:{key} is "{value}"; {advice}')]


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
