"""Which registry of the subscription answers to a login server."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ..arm.errors import AzureError, translated
from ..arm.session import AzureSession

Seen = Mapping[str, Any]
"""A registry as ARM shows it."""


class RegistryFinder:
    """Remembers the registries it has seen; asks for all of them when it has not seen one. Safe to share by threads."""

    def __init__(self, session: AzureSession) -> None:
        """Ask nothing yet."""
        self._session = session
        self._known: dict[str, Seen] = {}
        self._listed = False
        self._lock = threading.Lock()

    @property
    def suffix(self) -> str:
        """``.azurecr.io`` or what the cloud has; empty in a custom cloud that does not say."""
        from ..arm.clouds import CLOUDS

        cloud = self._session.config.cloud
        given = cloud.registry_suffix
        return "" if cloud.name == "custom" and given == CLOUDS["public"].registry_suffix else f".{given}"

    def remember(self, seen: Seen) -> Seen:
        """Keep what ARM has just shown, and return it."""
        if server := login_server_of(seen):
            with self._lock:
                self._known[server] = seen
        return seen

    def forget(self, registry_id: str) -> None:
        """Drop a registry that was deleted."""
        with self._lock:
            gone = [name for name, seen in self._known.items() if str(seen["id"]).lower() == registry_id.lower()]
            for name in gone:
                del self._known[name]

    def find(self, login_server: str) -> Seen | None:
        """Return the registry of this subscription with the login server; None if there is none, or none to be seen.

        Raises:
            AzureError: Azure does not answer.
        """
        server = login_server.lower()
        # a login server does not tell its resource group; a list of all is one request
        with self._lock:
            if server not in self._known and not self._listed:
                for seen in self._list():
                    self._known.setdefault(login_server_of(seen), seen)
                # once: what is made later comes by `remember`
                self._listed = True
            return self._known.get(server)

    def is_azure(self, login_server: str) -> bool:
        """Whether it is a registry of the cloud, so that an identity's token may be shown to it.

        A host that does not have the cloud's suffix is one only if the subscription has it.
        """
        # the dot before the suffix counts: contoso.azurecr.io.example.org and notazurecr.io must not see a token
        named = bool(self.suffix) and login_server.lower().endswith(self.suffix)
        return named or (self._might_be(login_server) and self.find(login_server) is not None)

    def _might_be(self, login_server: str) -> bool:
        """Tell whether it is worth asking the subscription about a host."""
        # in the known clouds all registries have the suffix; only a custom one may have others
        with self._lock:
            return login_server.lower() in self._known or self._session.config.cloud.name == "custom"

    def _list(self) -> list[Seen]:
        """List the subscription, or the resource group if that is all that may be seen."""
        operations = self._session.registries.registries
        try:
            with translated("listing the registries of the subscription"):
                return [one.as_dict() for one in operations.list()]
        except AzureError as error:
            if error.gone:
                return []
            if error.status != 403:
                raise
        # a login of a pipeline often has rights on its resource group alone
        try:
            group = self._session.config.resource_group
            with translated(f"listing the registries of resource group {group}"):
                return [one.as_dict() for one in operations.list_by_resource_group(group)]
        except AzureError as error:
            # 404: the group itself is still to be made
            if error.status not in (403, 404):
                raise
            return []


def login_server_of(seen: Seen) -> str:
    """Return the login server, in lower case; empty while there is none."""
    return str((seen.get("properties") or {}).get("loginServer") or "").lower()
