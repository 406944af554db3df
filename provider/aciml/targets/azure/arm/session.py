"""The connection to one subscription: clients, tokens, raw calls to Azure Resource Manager."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ....core.errors import UserError
from ....core.progress import Progress, Silent
from ....settings import Settings
from ..config import AzureConfig
from .errors import AzureError, translated
from .login import CachedCredential, open_credential
from .policies import arm_policies, open_transport
from .polling import POLL_SECONDS, pause, spoken_time, wait_for

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport
    from azure.mgmt.appcontainers import ContainerAppsAPIClient
    from azure.mgmt.containerinstance import ContainerInstanceManagementClient
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.core import ARMPipelineClient

Opened = TypeVar("Opened")
# pinned: the shape of an answer is that of the version that was asked for
GROUPS_API = "2022-09-01"
IDENTITY_API = "2023-01-31"
PROVIDERS_API = "2021-04-01"
UNREGISTERED = "MissingSubscriptionRegistration"
REGISTER_SECONDS, REGISTER_LONGEST = 5.0, 300.0
"""Between two looks at a registration, and how long one is waited for; most take half a minute."""
LONGEST = 1800.0  # seconds that a raw call waits for its long-running operation


class AzureSession:
    """One subscription, spoken to lazily and from many threads over shared connections.

    Each call raises ``AzureError`` for what Azure refuses and ``UserError`` when there is no login.
    """

    def __init__(self, config: AzureConfig, settings: Settings) -> None:
        """Open nothing yet."""
        self.config = config
        self._settings = settings
        self._groups: set[str] = set()
        self._lock = threading.Lock()
        # re-entrant: a client is opened by opening credential and transport first
        self._opening = threading.RLock()
        self._opened: dict[str, Any] = {}
        for name in ("azure", "msal"):  # they would write pages to stderr; what matters is raised
            logging.getLogger(name).addHandler(logging.NullHandler())

    @property
    def ca_bundle(self) -> Path | None:
        """PEM file with the authorities to trust; None for those of the machine."""
        return self.config.ca_bundle or self._settings.ca_bundle

    def token(self, scope: str) -> str:
        """Return a token of Entra ID for ``<audience>/.default``."""
        return self._credential.get_token_info(scope).token

    @property
    def containers(self) -> ContainerInstanceManagementClient:
        """Container groups, API 2023-05-01 or what the config says."""
        from azure.mgmt.containerinstance import ContainerInstanceManagementClient

        return self._once(
            "containers", lambda: ContainerInstanceManagementClient(**self._client(self.config.instance_api_version))
        )

    @property
    def apps(self) -> ContainerAppsAPIClient:
        """Container apps, API 2026-07-01 or what the config says."""
        # here alone: a stack without container apps never imports it
        from azure.mgmt.appcontainers import ContainerAppsAPIClient

        return self._once("apps", lambda: ContainerAppsAPIClient(**self._client(self.config.app_api_version)))

    @property
    def registries(self) -> ContainerRegistryManagementClient:
        """Registries, API 2025-11-01 or what the config says."""
        from azure.mgmt.containerregistry import ContainerRegistryManagementClient

        return self._once(
            "registries", lambda: ContainerRegistryManagementClient(**self._client(self.config.registry_api_version))
        )

    @property
    def tasks(self) -> ContainerRegistryTasksMgmtClient:
        """Runs of ACR Tasks, API 2025-03-01-preview."""
        from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

        return self._once("tasks", lambda: ContainerRegistryTasksMgmtClient(**self._client()))

    def call(
        self,
        method: str,
        path: str,
        api_version: str,
        body: Any = None,
        what: str = "",
        progress: Progress | None = None,
    ) -> Any | None:
        """Call Azure Resource Manager; ``path`` begins with a slash, and may have a query.

        Args:
            method: of HTTP.
            path: such as that of ``resource_id``.
            api_version: of the resource provider.
            body: JSON value.
            what: begins the message of an error, such as ``creating resource group ml``; else method and path do.
            progress: hears of a long-running operation; its ctrl-C ends the wait, not the operation.

        Returns:
            The JSON of the answer, after a long-running operation that of its end; None if there is none, and when a
            GET or DELETE finds nothing.
        """
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, path, params={"api-version": api_version}, json=body)
        what = what or f"{method} {path.partition('?')[0]}"
        try:
            with translated(what):
                return self._send(request, what, progress or Silent())
        except AzureError as error:
            # a PUT that answers 404 misses something else: the group or the parent that it is made in
            if error.gone and method in ("GET", "DELETE"):
                return None
            raise

    def resource_id(self, kind: str, name: str, resource_group: str = "") -> str:
        """Return the ARM id of a resource; ``kind`` such as ``Microsoft.ContainerInstance/containerGroups``."""
        group = resource_group or self.config.resource_group
        return f"/subscriptions/{self.config.subscription_id}/resourceGroups/{group}/providers/{kind}/{name}"

    def ensure_resource_group(self, name: str, progress: Progress) -> None:
        """Make sure that the group exists; asked once for each name. It is made if ``createResourceGroup`` is on.

        Raises:
            UserError: it does not exist, and is not to be made.
        """
        with self._lock:
            # ARM minds no letter case in names of groups
            if name.lower() in self._groups:
                return
            # the lock is held while asking: many resources begin at once, and the group is made by one of them
            path = f"/subscriptions/{self.config.subscription_id}/resourcegroups/{name}"
            if self.call("GET", path, GROUPS_API, what=f"looking for resource group {name}") is None:
                self._create_group(path, name, progress)
            self._groups.add(name.lower())

    def register(self, kind: str, why: AzureError, progress: Progress) -> None:
        """Register the resource provider of a type, which a subscription needs before its first use.

        Called by what makes something, never by a preview: it changes the subscription.

        Raises:
            AzureError: ``why``, if this login may not do that; or it takes too long.
        """
        namespace = kind.partition("/")[0]
        path = f"/subscriptions/{self.config.subscription_id}/providers/{namespace}"
        what = f"registering {namespace} in subscription {self.config.subscription_id}"
        progress.note(f"{what}: it was never used there, and this takes half a minute or more, once")
        try:
            seen = self.call("POST", f"{path}/register", PROVIDERS_API, what=what)
        except AzureError as error:
            # the first answer tells whoever has the right what to run
            raise (why if error.status == 403 else error) from error
        began = time.monotonic()
        while (state := str((seen or {}).get("registrationState") or "")) != "Registered":
            passed = time.monotonic() - began
            if passed > REGISTER_LONGEST:
                raise why
            progress.say(f"{what}: {state}, {spoken_time(passed)}")
            pause(REGISTER_SECONDS, progress)
            seen = self.call("GET", path, PROVIDERS_API, what=what)

    def principal_of(self, identity_id: str) -> str:
        """Return the object id of a user-assigned identity, given by its ARM id.

        Raises:
            UserError: there is no such identity.
        """
        found = self.call("GET", identity_id, IDENTITY_API, what=f"looking for identity {identity_id}")
        if found is None:
            raise UserError(f"there is no user-assigned identity {identity_id}", "create it, or correct its id")
        return str(found["properties"]["principalId"])

    def close(self) -> None:
        """Close all connections."""
        if "transport" in self._opened:
            self._transport.session.close()

    def _create_group(self, path: str, name: str, progress: Progress) -> None:
        if not self.config.create_resource_group:
            raise UserError(
                f"there is no resource group {name} in subscription {self.config.subscription_id}",
                "create it, set aciml:createResourceGroup true, or correct aciml:resourceGroup",
            )
        what = f"creating resource group {name} in {self.config.location}"
        progress.say(what)
        self.call("PUT", path, GROUPS_API, {"location": self.config.location}, what, progress)

    def _send(self, request: Any, what: str, progress: Progress) -> Any:
        from azure.core.exceptions import HttpResponseError
        from azure.core.polling import LROPoller
        from azure.mgmt.core.polling.arm_polling import ARMPolling

        request.url = self._arm.format_url(request.url)
        # not by a client of the resource's own: each is one more package, for a call or two
        result: Any = self._arm.send_request(request, _return_pipeline_response=True)  # what a poller begins with
        response = result.http_response
        if response.status_code >= 400:
            raise HttpResponseError(response=response)
        # ARM, "track asynchronous operations": 201 and 202 go on, and 200 does too if it has Azure-AsyncOperation
        if response.status_code in (201, 202) or "azure-asyncoperation" in response.headers:
            poller = LROPoller(self._arm, result, _json_of, ARMPolling(POLL_SECONDS))
            return wait_for(poller, what, progress, timeout=LONGEST)
        return _json_of(result)

    def _once(self, name: str, make: Callable[[], Opened]) -> Opened:
        """Make what several threads share."""
        # by hand: `cached_property` has no lock since Python 3.12, and would let each thread make its own
        with self._opening:
            if name not in self._opened:
                self._opened[name] = make()
            opened: Opened = self._opened[name]
            return opened

    def _client(self, api_version: str = "") -> dict[str, Any]:
        return {
            **({"api_version": api_version} if api_version else {}),
            "credential": self._credential,
            "subscription_id": self.config.subscription_id,
            "base_url": self.config.cloud.resource_manager,
            "credential_scopes": [self.config.cloud.scope],
            "transport": self._transport,
            "polling_interval": POLL_SECONDS,
            "policies": arm_policies(self._credential, self.config.cloud.scope, self._credential.forget),
        }

    @property
    def _arm(self) -> ARMPipelineClient[Any, Any]:
        from azure.mgmt.core import ARMPipelineClient

        def client() -> ARMPipelineClient[Any, Any]:
            shared = self._client()
            return ARMPipelineClient(shared["base_url"], policies=shared["policies"], transport=shared["transport"])

        return self._once("arm", client)

    @property
    def _credential(self) -> CachedCredential:
        return self._once("credential", lambda: open_credential(self.config, self._transport))

    @property
    def _transport(self) -> RequestsTransport:
        return self._once("transport", lambda: open_transport(self.ca_bundle))


def _json_of(result: Any, *_: Any) -> Any:
    response = result.http_response
    return response.json() if response.content else None
