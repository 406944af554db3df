"""The SDK's own clients, pointed at the emulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.registry_program import missing_reason

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

    from tests.simulators.azure.emulator import Emulator


class Account:
    """A credential that the emulator's authority trusts; ``subject`` is another principal than the usual one."""

    def __init__(self, emulator: Emulator, subject: str = "") -> None:
        self._emulator, self._subject = emulator, subject

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        audience = scopes[0].removesuffix("/.default")
        return AccessToken(self._emulator.authority.issue(audience, subject=self._subject), int(time.time()) + 3600)


@pytest.fixture
def arm_options(emulator: Emulator) -> dict[str, Any]:
    return {
        "base_url": emulator.endpoint,
        "credential_scopes": [f"{emulator.endpoint}/.default"],
        "connection_verify": str(emulator.ca_bundle),
        "retry_total": 0,
    }


@pytest.fixture
def registries(emulator: Emulator, arm_options: dict[str, Any]) -> Iterator[ContainerRegistryManagementClient]:
    if reason := missing_reason():
        pytest.skip(reason)
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient

    with ContainerRegistryManagementClient(Account(emulator), emulator.subscription, **arm_options) as client:
        yield client


@pytest.fixture
def tasks(emulator: Emulator, arm_options: dict[str, Any]) -> Iterator[ContainerRegistryTasksMgmtClient]:
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

    with ContainerRegistryTasksMgmtClient(Account(emulator), emulator.subscription, **arm_options) as client:
        yield client


@pytest.fixture
def make_registry(emulator: Emulator, registries: ContainerRegistryManagementClient) -> Callable[..., Any]:
    """Make or change a registry, whole."""

    def make(name: str = "images", sku: str = "Basic", **properties: Any) -> Any:
        body: Any = {"location": "westeurope", "sku": {"name": sku}, "properties": properties}
        return registries.registries.begin_create(emulator.resource_group, name, body).result()

    return make


@pytest.fixture
def login_server(make_registry: Callable[..., Any]) -> str:
    """The address of a Premium registry with an admin user."""
    return str(make_registry(sku="Premium", adminUserEnabled=True).properties.login_server)
