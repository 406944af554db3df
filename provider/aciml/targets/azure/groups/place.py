"""Where groups are: in which resource group, and in which region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ....model.group import Group
from ..region import plain_location


class Surroundings(Protocol):
    """What holds where a group says nothing; ``AzureConfig`` is one."""

    @property
    def subscription_id(self) -> str:
        """Subscription, a UUID."""

    @property
    def resource_group(self) -> str:
        """Name of the resource group, if a group names none."""

    @property
    def location(self) -> str:
        """Region, if a group names none."""


@dataclass(frozen=True)
class Somewhere:
    """Surroundings for comparisons in which the place does not matter."""

    subscription_id: str = ""
    resource_group: str = ""
    location: str = ""


def resource_group_of(declared: Group, around: Surroundings) -> str:
    """Return the resource group."""
    return declared.place.resource_group or around.resource_group


def location_of(declared: Group, around: Surroundings) -> str:
    """Return the region, in the form that requests have."""
    return plain_location(declared.place.location or around.location)
