"""The requests about one registry to Azure Resource Manager, waited for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....core.errors import UserError
from ....core.progress import Progress
from ..arm.errors import AzureError, translated
from ..arm.polling import TimedOut, pause, spoken_time, wait_for
from ..arm.session import UNREGISTERED, AzureSession
from .steps import Step

if TYPE_CHECKING:
    from azure.core.polling import LROPoller
    from azure.mgmt.containerregistry.models import Registry
    from azure.mgmt.containerregistry.operations import RegistriesOperations

KIND = "Microsoft.ContainerRegistry/registries"
TIMEOUT = 1800.0  # seconds for one operation if customTimeouts says nothing, as in terraform-provider-azurerm
_MOVING = ("creating", "updating", "deleting")
_FINAL = ("AlreadyInUse", "InvalidResourceLocation")  # conflicts that time does not mend
_LOOK = 1.0  # seconds between two looks at an operation that another process has begun


@dataclass(frozen=True)
class Place:
    """Where a registry is, or is to be."""

    group: str
    name: str

    def __str__(self) -> str:
        """Name it for people."""
        return f'registry "{self.name}" in resource group {self.group}'


class RegistryCalls:
    """Reads and changes registries. Every call raises ``AzureError`` for what Azure refuses."""

    def __init__(self, session: AzureSession) -> None:
        """Contact nobody."""
        self._session = session

    def place(self, registry_id: str, group: str = "") -> Place:
        """Return what an ARM id, or a name alone, is about.

        Raises:
            UserError: the id is of another subscription, or of no registry.
        """
        # `pulumi import` takes a name as well as an ARM id, which is what state has
        config = self._session.config
        if not registry_id.startswith("/"):
            return Place(group or config.resource_group, registry_id)
        # ARM minds no letter case in ids: providers answer "resourcegroups" and "resourceGroups"
        parts = [part for part in registry_id.split("/") if part]
        if len(parts) != 8 or "/".join(parts[5:7]).lower() != KIND.lower():
            advice = f"write {self._session.resource_id(KIND, '<name>')} or the name alone"
            raise UserError(f"{registry_id} is no id of a registry", advice)
        if parts[1].lower() != config.subscription_id.lower():
            advice = f"set aciml:subscriptionId to {parts[1]}, or choose another registry"
            raise UserError(f"{registry_id} is not in subscription {config.subscription_id}", advice)
        return Place(parts[3], parts[7])

    def get(self, place: Place) -> dict[str, Any] | None:
        """Return the registry as ARM shows it; None only if it certainly does not exist."""
        try:
            with translated(f"reading {place}"):
                return dict(self._operations.get(place.group, place.name).as_dict())
        except AzureError as error:
            if error.gone:
                return None
            raise

    def settled(self, place: Place, progress: Progress) -> dict[str, Any] | None:
        """Return the registry when nobody changes it any more; None if there is none then."""
        started = time.monotonic()
        while (seen := self.get(place)) is not None and state_of(seen).lower() in _MOVING:
            passed = time.monotonic() - started
            if passed > (progress.timeout or TIMEOUT):
                raise TimedOut(f"{place} is {state_of(seen)} for {spoken_time(passed)}", "run the same command again")
            progress.say(f"waiting for {place}, which is {state_of(seen)}: {spoken_time(passed)}")
            pause(_LOOK, progress)
        return seen

    def create(self, place: Place, body: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """PUT a registry and wait for it."""
        from azure.mgmt.containerregistry.models import Registry

        what, region = f"creating {place}", str(body.get("location", ""))

        def begin() -> LROPoller[Registry]:
            with translated(what, region=region):
                return self._operations.begin_create(place.group, place.name, Registry(body))

        poller = self._in_turn(place, begin, progress)
        # the region goes into the message: capacity and quota are a matter of regions
        return dict(wait_for(poller, what, progress, timeout=progress.timeout or TIMEOUT, region=region).as_dict())

    def change(self, place: Place, step: Step, progress: Progress) -> dict[str, Any]:
        """Send one step and wait for it."""
        from azure.mgmt.containerregistry.models import Registry, RegistryUpdateParameters

        what = f"changing {', '.join(step.names)} of {place}"

        def begin() -> LROPoller[Registry]:
            with translated(what):
                if step.method == "PATCH":
                    return self._operations.begin_update(place.group, place.name, RegistryUpdateParameters(step.body))
                # the body is what a GET showed: what only the service writes (creationDate, ...) must not come back
                body = Registry(Registry(step.body).as_dict(exclude_readonly=True))
                return self._operations.begin_create(place.group, place.name, body)

        poller = self._in_turn(place, begin, progress)
        return dict(wait_for(poller, what, progress, timeout=progress.timeout or TIMEOUT).as_dict())

    def delete(self, place: Place, progress: Progress) -> None:
        """Delete a registry with all that is in it, and wait until it is gone; fine if it is."""
        what = f"deleting {place}"
        try:
            with translated(what):
                poller = self._operations.begin_delete(place.group, place.name)
            wait_for(poller, what, progress, timeout=progress.timeout or TIMEOUT)
        except AzureError as error:
            if not error.gone:
                raise

    def why_taken(self, name: str) -> str:
        """Return why nobody can make a registry of that name now; empty if one can."""
        from azure.mgmt.containerregistry.models import RegistryNameCheckRequest

        with translated(f'asking whether the registry name "{name}" is free'):
            status = self._operations.check_name_availability(RegistryNameCheckRequest(name=name, type=KIND))
        return "" if status.name_available else str(status.message or status.reason or "it is not available")

    def admin(self, place: Place) -> tuple[str, str]:
        """Return user and password of the admin account."""
        with translated(f"reading the admin account of {place}"):
            found = self._operations.list_credentials(place.group, place.name)
        # there are two, so that one can be renewed while the other is in use; either logs in
        passwords = [one.value for one in found.passwords or () if one.value]
        if not found.username or not passwords:
            raise AzureError(200, "", f"{place} has an admin account without a password", "turn it off and on again")
        return found.username, passwords[0]

    def _in_turn(
        self, place: Place, begin: Callable[[], LROPoller[Registry]], progress: Progress
    ) -> LROPoller[Registry]:
        """Begin an operation; if others are under way, after them."""
        # the service takes one operation a registry at a time and answers 409 to the next
        end = time.monotonic() + (progress.timeout or TIMEOUT)
        while True:
            try:
                return begin()
            except AzureError as error:
                if error.code == UNREGISTERED:
                    self._session.register(KIND, error, progress)
                    continue
                # only a conflict passes by itself
                if error.status != 409 or error.code in _FINAL or time.monotonic() > end:
                    raise
            self.settled(place, progress)
            pause(_LOOK * random.random(), progress)  # noqa: S311 - so that those who wait do not collide again

    @property
    def _operations(self) -> RegistriesOperations:
        return self._session.registries.registries


def state_of(seen: Mapping[str, Any]) -> str:
    """Return the provisioning state."""
    # ARM, "asynchronous operations": a resource that shows no provisioningState is done
    return str((seen.get("properties") or {}).get("provisioningState") or "Succeeded")
