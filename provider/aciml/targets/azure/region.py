"""Regions: Azure takes and gives the names in two forms."""

from __future__ import annotations


def plain_location(text: str) -> str:
    """Return ``westeurope`` for ``West Europe``: both are names of the region."""
    # `az account list-locations` prints both forms, and answers of ARM have either
    return text.replace(" ", "").lower()
