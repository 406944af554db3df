"""What Azure Container Registry alone would refuse, said before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from types import MappingProxyType

from ....core.errors import Finding
from ...protocol import Settings

DEFAULTS: Settings = MappingProxyType({})
"""Nothing is filled in: what is not said of an adopted registry stays as it is (see ``registry_steps``)."""

_NAME = re.compile(r"[a-zA-Z0-9]{5,50}")


def judge_registry(old: Settings | None, new: Settings, unknown: Collection[str] = ()) -> list[Finding]:
    """Judge a registry's properties.

    Args:
        old: what it was declared as; None if it is to be made.
        new: what is wanted; what is unknown is left out.
        unknown: names of properties that are given but not known yet; they are not said to be missing.
    """
    return [*_names(new), *(_new_encryption(old, new, unknown) if old is not None else ())]


def _names(new: Settings) -> Iterator[Finding]:
    if "name" in new and not _NAME.fullmatch(new["name"]):
        yield Finding("name", f'"{new["name"]}" is no registry name in Azure; use 5 to 50 letters and digits, no -')


def _new_encryption(old: Settings, new: Settings, unknown: Collection[str]) -> Iterator[Finding]:
    """Source: Microsoft, tutorial-customer-managed-keys: only while creating, and never taken back."""
    if new.get("encryption") and not old.get("encryption"):
        yield Finding(
            "encryption", "a key of your own can only be given when a registry is made; give a new one another name"
        )
    elif old.get("encryption") and not new.get("encryption") and "encryption" not in unknown:
        yield Finding(
            "encryption", "encryption with your own key cannot be taken back; leave it, or use a new registry"
        )
