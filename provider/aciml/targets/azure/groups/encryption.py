"""The customer-managed key of a container group in ARM's JSON."""

from __future__ import annotations

from typing import Any

from ....model.encryption import Encryption
from .members import Json, given, lowered, some

_MEMBERS = ("vaultBaseUrl", "keyName", "keyVersion", "identity")


def to_arm(key: Encryption) -> dict[str, Any] | None:
    """Return ``encryptionProperties`` of the request; None without a key that is named in full."""
    if not key.has_key:
        return None
    vault = str(key.cmk_vault_base_url).rstrip("/")  # answers end it with a slash, whether it was sent or not
    return given(
        vaultBaseUrl=vault,
        keyName=key.cmk_key_name,
        keyVersion=key.cmk_key_version,
        identity=key.cmk_identity,
    )


def same(key: Json) -> dict[str, Any]:
    """Return what two keys are compared by."""
    return some(key, *_MEMBERS)


def folded(key: Json) -> dict[str, Any]:
    """Return a key in which neither letter case (of names in Key Vault) nor the vault's last slash counts."""
    return lowered(
        {**key, "vaultBaseUrl": key.get("vaultBaseUrl", "").rstrip("/")}, "vaultBaseUrl", "keyName", "identity"
    )


def from_arm(key: Json) -> Encryption:
    """Return what ``same`` made of a key as it would be declared."""
    return Encryption(
        cmk_vault_base_url=key.get("vaultBaseUrl") or None,
        cmk_key_name=key.get("keyName"),
        cmk_key_version=key.get("keyVersion"),
        cmk_identity=key.get("identity"),
    )
