"""A customer-managed key: given when a registry is made, rotated later, and never taken back.

Source: Microsoft, tutorial-customer-managed-keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....core.errors import Finding
from ....model.declared import written
from ....model.registry import Encryption, Registry
from .part import Part


def _to_arm(registry: Registry) -> Mapping[str, Any]:
    key = registry.encryption  # our words for its parts are ARM's
    return {"status": "enabled", "keyVaultProperties": written(key)} if key else {"status": "disabled"}


def _from_arm(seen: Any) -> Mapping[str, Encryption | None]:
    seen = seen or {}
    if str(seen.get("status")).lower() != "enabled":
        return {"encryption": None}
    key = seen.get("keyVaultProperties") or {}
    found = Encryption(key_identifier=str(key.get("keyIdentifier", "")), identity=str(key.get("identity", "")))
    return {"encryption": found}


def _meaning(key: Encryption) -> tuple[str, str]:
    return str(key.key_identifier or "").rstrip("/"), str(key.identity or "").lower()


PART = Part(("encryption",), ("properties", "encryption"), _to_arm, _from_arm, {"encryption": _meaning})


def judge(old: Registry, new: Registry) -> Iterator[Finding]:
    """Judge a key that begins or ends with an update."""
    if new.encryption and not old.encryption:
        why = "a key of your own can only be given when a registry is made; give a new one another name"
        yield new.finding("encryption", why)
    elif old.encryption and not new.encryption and not new.is_unsure("encryption"):
        why = "encryption with your own key cannot be taken back; leave it, or use a new registry"
        yield new.finding("encryption", why)
