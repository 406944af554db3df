"""Names of types and places that all of Microsoft.App uses."""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]
APP = "Microsoft.App/containerApps"
ENVIRONMENT = "Microsoft.App/managedEnvironments"
PLACE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App"
ALL_APPS, ALL_ENVIRONMENTS = f"{PLACE}/containerApps", f"{PLACE}/managedEnvironments"
ONE_APP, ONE_ENVIRONMENT = f"{ALL_APPS}/{{name}}", f"{ALL_ENVIRONMENTS}/{{name}}"
_SHOWN = {
    "westeurope": "West Europe", "northeurope": "North Europe", "eastus": "East US", "eastus2": "East US 2",
    "westus": "West US", "westus2": "West US 2", "westus3": "West US 3", "germanywestcentral": "Germany West Central",
    "switzerlandnorth": "Switzerland North", "swedencentral": "Sweden Central", "uksouth": "UK South",
}  # fmt: skip


def plain(location: str) -> str:
    """Return the short name of a region."""
    return location.replace(" ", "").lower()


def shown_location(location: str) -> str:
    """Return the long name: this service answers with it, whichever was sent."""
    return _SHOWN.get(plain(location), location)


def without_provider(resource_id: str) -> str:
    """Return an id as the streams of logs have it in their paths."""
    return re.sub("/providers/Microsoft.App", "", resource_id, count=1, flags=re.IGNORECASE)
