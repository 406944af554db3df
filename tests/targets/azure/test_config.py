"""The Azure part of the stack config: what is missing, wrong, or said by the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.core import AzureClouds
from azure.identity import AzureAuthorityHosts
from azure.mgmt.core.tools import get_arm_endpoints

from aciml.core.errors import UserError
from aciml.targets.azure.arm.clouds import CLOUDS
from aciml.targets.azure.config import AzureConfig, config_findings

UUID = "00000000-1111-2222-3333-444444444444"
LEAST = {"subscriptionId": UUID, "resourceGroup": "ml", "location": "westeurope"}


def findings(environ: dict[str, str] | None = None, /, **config: str) -> dict[str, str]:
    said = {key: value for key, value in {**LEAST, **config}.items() if value}
    return {found.where: found.why for found in config_findings(said, environ or {})}


def test_the_least_config_is_enough_and_finds_the_login_by_itself() -> None:
    config = AzureConfig.read(LEAST, {})

    assert (config.subscription_id, config.resource_group, config.location) == (UUID, "ml", "westeurope")
    assert config.auth == "default"
    assert config.cloud == CLOUDS["public"]
    assert not config.create_resource_group


def test_all_that_is_missing_is_named_at_once_with_how_to_set_it() -> None:
    missing = {found.where: found.why for found in config_findings({}, {})}

    assert missing == {
        "subscriptionId": "aciml:subscriptionId is not set (nor AZURE_SUBSCRIPTION_ID or ARM_SUBSCRIPTION_ID); "
        "`az account show --query id` prints yours",
        "resourceGroup": "aciml:resourceGroup is not set (nor AZURE_RESOURCE_GROUP or ARM_RESOURCE_GROUP); "
        "with aciml:createResourceGroup true it is made if it does not exist",
        "location": "aciml:location is not set (nor AZURE_LOCATION or ARM_LOCATION_NAME); "
        "`az account list-locations --query [].name` prints all",
    }
    with pytest.raises(UserError) as caught:
        AzureConfig.read({}, {})
    assert all(why in caught.value.message for why in missing.values())


WRONG = [
    ({"subscriptionId": "my-subscription"}, 'aciml:subscriptionId is "my-subscription"; it is a UUID such as'),
    ({"tenantId": "my tenant"}, 'aciml:tenantId is "my tenant"; it is a UUID such as'),
    ({"resourceGroup": "ends.with.dot."}, 'aciml:resourceGroup is "ends.with.dot."; it has up to 90 letters'),
    ({"location": "west-europe"}, 'aciml:location is "west-europe"; write a name such as westeurope'),
    ({"createResourceGroup": "maybe"}, 'aciml:createResourceGroup is "maybe"; write true or false'),
    ({"cloud": "us-gov"}, 'aciml:cloud is "us-gov"; did you mean usgov?'),
    ({"cloud": "mars"}, 'aciml:cloud is "mars"; write public, usgov, china or custom'),
    ({"auth": "service-principle"}, 'aciml:auth is "service-principle"; did you mean service_principal?'),
    ({"auth": "oauth"}, 'aciml:auth is "oauth"; write default, service_principal, managed_identity, workload_ident'),
    ({"caBundle": "/nowhere.pem"}, 'aciml:caBundle is "/nowhere.pem", and there is no such file'),
    ({"instanceApiVersion": "v1"}, 'aciml:instanceApiVersion is "v1"; write a date such as 2023-05-01'),
    ({"registryApiVersion": "2023"}, 'aciml:registryApiVersion is "2023"; write a date such as 2023-05-01'),
    ({"appApiVersion": "newest"}, 'aciml:appApiVersion is "newest"; write a date such as 2023-05-01'),
    ({"resourceManagerEndpoint": "http://x"}, 'aciml:resourceManagerEndpoint is "http://x"; write https:// and a host'),
    ({"authorityHost": "login.contoso.com"}, 'aciml:authorityHost is "login.contoso.com"; write https:// and a host'),
]


@pytest.mark.parametrize(("change", "why"), WRONG, ids=["-".join(row[0].values())[:20] for row in WRONG])
def test_what_is_wrong_is_named_with_its_key(change: dict[str, str], why: str) -> None:
    found = findings(**change)

    (key,) = change
    assert list(found) == [key]
    assert found[key].startswith(why)


def test_a_custom_cloud_needs_both_endpoints() -> None:
    assert set(findings(cloud="custom")) == {"resourceManagerEndpoint", "authorityHost"}


def test_a_custom_cloud_takes_its_audience_from_its_endpoint() -> None:
    where = {"cloud": "custom", "resourceManagerEndpoint": "https://arm.corp/", "authorityHost": "https://login.corp"}
    cloud = AzureConfig.read({**LEAST, **where, "registrySuffix": ".cr.corp", "instanceSuffix": "aci.corp"}, {}).cloud

    assert (cloud.resource_manager, cloud.scope) == ("https://arm.corp", "https://arm.corp/.default")
    assert (cloud.authority_host, cloud.registry_suffix, cloud.instance_suffix) == (
        "https://login.corp",
        "cr.corp",
        "aci.corp",
    )


CLOUD_ROWS = [
    ("public", AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD, "azurecr.io"),
    ("usgov", AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT, "azurecr.us"),
    ("china", AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA, "azurecr.cn"),
]


@pytest.mark.parametrize(("name", "known", "authority", "registries"), CLOUD_ROWS)
def test_a_cloud_has_the_hosts_that_the_sdk_knows(
    name: str, known: AzureClouds, authority: str, registries: str
) -> None:
    cloud = AzureConfig.read({**LEAST, "cloud": name}, {}).cloud
    endpoints = get_arm_endpoints(known)

    assert f"{cloud.resource_manager}/" == endpoints["resource_manager"]
    assert [cloud.scope] == endpoints["credential_scopes"]
    assert cloud.authority_host == f"https://{authority}"
    assert cloud.registry_suffix == registries
    assert cloud.registry_scope.endswith("/.default")


def test_the_environment_says_what_the_config_does_not() -> None:
    environ = {
        "ARM_SUBSCRIPTION_ID": UUID.upper().replace("0", "a"),
        "AZURE_RESOURCE_GROUP": "from-environment",
        "ARM_LOCATION_NAME": "East US 2",
        "ARM_ENVIRONMENT": "usgovernment",
        "AZURE_AUTHORITY_HOST": "https://login.corp/",
    }
    config = AzureConfig.read({"resourceGroup": "from-config"}, environ)

    assert config.subscription_id == UUID.replace("0", "a")
    assert config.resource_group == "from-config"
    assert config.location == "eastus2"
    assert config.cloud.name == "usgov"
    assert config.cloud.authority_host == "https://login.corp"


def test_azure_names_win_over_those_of_other_tools() -> None:
    environ = {"AZURE_CLIENT_ID": "azure", "ARM_CLIENT_ID": "arm"}

    assert AzureConfig.read(LEAST, environ).client_id == "azure"


WHO = {"AZURE_TENANT_ID": UUID, "AZURE_CLIENT_ID": UUID}
AUTHS = [
    ({}, {}, "default"),
    ({}, WHO, "default"),
    ({}, {**WHO, "AZURE_CLIENT_SECRET": "s"}, "service_principal"),
    ({}, {"ARM_TENANT_ID": UUID, "ARM_CLIENT_ID": UUID, "ARM_CLIENT_SECRET": "s"}, "service_principal"),
    ({}, {**WHO, "ARM_OIDC_TOKEN": "t"}, "workload_identity"),
    (
        {},
        {**WHO, "ACTIONS_ID_TOKEN_REQUEST_URL": "https://g", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"},
        "workload_identity",
    ),
    ({}, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://g", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}, "default"),
    ({}, {"ARM_USE_MSI": "true"}, "managed_identity"),
    ({"auth": "cli"}, {**WHO, "AZURE_CLIENT_SECRET": "s"}, "cli"),
]


@pytest.mark.parametrize(("config", "environ", "auth"), AUTHS)
def test_a_login_that_is_completely_given_is_used(config: dict[str, str], environ: dict[str, str], auth: str) -> None:
    assert AzureConfig.read({**LEAST, **config}, environ).auth == auth


def test_a_service_principal_names_all_that_it_lacks() -> None:
    assert findings(auth="service_principal") == {
        "tenantId": "aciml:tenantId is not set (nor AZURE_TENANT_ID or ARM_TENANT_ID); auth service_principal needs it",
        "clientId": "aciml:clientId is not set (nor AZURE_CLIENT_ID or ARM_CLIENT_ID); auth service_principal needs it",
        "clientSecret": "aciml:clientSecret is not set (nor AZURE_CLIENT_SECRET or ARM_CLIENT_SECRET or "
        "aciml:clientCertificatePath); auth service_principal needs it",
    }


def test_a_workload_identity_names_where_a_token_may_come_from(tmp_path: Path) -> None:
    who = {"tenantId": UUID, "clientId": UUID, "auth": "workload_identity"}
    (why,) = findings(**who).values()

    assert "AZURE_FEDERATED_TOKEN_FILE" in why
    assert "id-token: write" in why
    token = tmp_path / "token"
    token.write_text("jwt")
    assert findings({"AZURE_FEDERATED_TOKEN_FILE": str(token)}, **who) == {}


def test_no_secret_is_shown() -> None:
    secrets = {
        "AZURE_CLIENT_SECRET": "hidden-1",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": "hidden-2",
        "ARM_OIDC_TOKEN": "hidden-3",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hidden-4",
    }
    config = AzureConfig.read(LEAST, {**WHO, **secrets})

    assert config.client_secret == "hidden-1"
    assert "hidden" not in repr(config)
    assert "hidden" not in str(findings({**WHO, **secrets}, location="w-e", auth="service_principal"))
