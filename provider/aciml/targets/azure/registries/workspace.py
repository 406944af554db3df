"""The registry of an Azure ML workspace: v1's images went there. It is found, and taken over as any that exists.

Nothing of the workspace is changed, and its registry is never ours: it gets no tag, and stays when the stack goes.
Source: Azure REST API, Microsoft.MachineLearningServices 2024-04-01, ``Workspaces_Get``: there
``properties.containerRegistry`` is the ARM id of a registry, null until Azure ML builds the first image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import UserError
from ....model.registry import Registry
from ..arm.errors import AzureError
from ..arm.session import AzureSession
from ..region import plain_location
from .calls import KIND as REGISTRIES
from .calls import RegistryCalls

KIND = "Microsoft.MachineLearningServices/workspaces"
API = "2024-04-01"
# Workspaces_Get: the pattern of workspaceName
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")
_PARTS = 8  # of an ARM id of a resource without a parent


@dataclass(frozen=True)
class Workspace:
    """Where a workspace is."""

    subscription: str
    group: str
    name: str

    def __str__(self) -> str:
        """Name it for people."""
        return f'Azure ML workspace "{self.name}" in resource group {self.group}'

    @property
    def id(self) -> str:
        """Its ARM id."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{KIND}/{self.name}"


def place_of(text: str, subscription: str, group: str) -> Workspace:
    """Return what a name, or an ARM id, is about.

    Args:
        text: as the user wrote it.
        subscription: of the provider.
        group: where a name is looked for.

    Raises:
        UserError: it is neither a name nor an id of a workspace.
    """
    if _NAME.fullmatch(text):
        return Workspace(subscription, group, text)
    parts = text.strip("/").split("/")
    # ARM minds no letter case in ids
    shape = "/".join([*parts[0:1], *parts[2:3], *parts[4:7]]).lower()
    if len(parts) != _PARTS or shape != f"subscriptions/resourcegroups/providers/{KIND}".lower():
        advice = "write its name, or its id as `az ml workspace show --query id` prints it"
        raise UserError(f'"{text}" is no Azure ML workspace', advice)
    return Workspace(parts[1], parts[3], parts[7])


def registry_of(session: AzureSession, calls: RegistryCalls, declared: Registry) -> Registry:
    """Return the declared registry as that of its workspace: with name, place, and the wish to take it over.

    Args:
        session: of the subscription.
        calls: asked for the registry's region, which is not that of the workspace.
        declared: names a workspace.

    Raises:
        UserError: the workspace is not there, may not be read, has no registry yet, or one in another subscription.
        AzureError: Azure does not answer.
    """
    config = session.config
    group = declared.resource_group or config.resource_group
    place = place_of(declared.workspace or "", config.subscription_id, group)
    found = _registry_id(place, _read(session, place))
    parts = found.strip("/").split("/")
    if parts[1].lower() != config.subscription_id.lower():
        advice = f"set aciml:subscriptionId to {parts[1]}, or name another registry"
        raise UserError(f"the registry of {place} is in another subscription", advice)
    seen = calls.get(calls.place(found))
    if seen is None:
        advice = "let Azure ML have another one (az ml workspace update --container-registry), or name a registry"
        raise UserError(f"{place} has the registry {parts[7]}, which does not exist any more", advice)
    location = plain_location(str(seen.get("location", "")))
    return declared.but(name=parts[7], resource_group=parts[3], location=location, adopt=True)


def _read(session: AzureSession, place: Workspace) -> Mapping[str, Any]:
    try:
        seen = session.call("GET", place.id, API, what=f"reading {place}")
    except AzureError as error:
        if error.status != 403:
            raise
        advice = "give it the role Reader there, or name the registry itself: name, and adopt: true"
        raise UserError(f"this login may not read {place}", advice) from error
    if seen is None:
        advice = "correct workspace or resourceGroup, or write its id as `az ml workspace show --query id` prints it"
        raise UserError(f"there is no {place}", advice)
    return dict(seen)


def _registry_id(place: Workspace, seen: Mapping[str, Any]) -> str:
    found = str((seen.get("properties") or {}).get("containerRegistry") or "")
    if not found:
        why = f"{place} has no container registry yet: Azure ML makes it with the first image that it builds"
        advice = (
            "give it one (az ml workspace update --container-registry ID), or leave workspace out to get a registry"
        )
        raise UserError(why, advice)
    if f"/{REGISTRIES}/".lower() not in found.lower():
        raise UserError(f"{place} has {found} as its registry, which is none", "name the registry itself: name, adopt")
    return found
