"""Where in the cloud a group is."""

from collections.abc import Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field


@lean(frozen=True, kw_only=True)
class Place(Declared):
    """Resource group, region and zone; the provider's configuration says what is not said here."""

    resource_group: Annotated[
        str | None,
        Field("resource group; the provider's without it", shown="the id of the service", scope="cloud", cost=cost.ID),
    ] = None
    location: Annotated[str | None, Field("region; the provider's without it", scope="cloud", cost=cost.LOCATION)] = (
        None
    )
    # a list of one, as ARM has it
    zones: Annotated[tuple[str, ...], Field("availability zone", scope="cloud", cost=cost.DELETE)] = ()


def zone_findings(place: Place) -> Iterator[Finding]:
    """Judge how many zones there are. Source: Microsoft's page "Container groups"."""
    if (count := len(place.zones)) > 1:
        zones = ", ".join(zone for _, zone in place.texts("zones"))
        yield place.finding("zones", f"{count} zones are given; a group is in one: write one of {zones}")
