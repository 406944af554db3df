"""The customer-managed key that a group's data is encrypted with. Source: containerInstance.json 2023-05-01."""

from collections.abc import Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared, parts_of, wires_of
from .identity import id_findings
from .shape import Field

# EncryptionProperties requires these three and leaves the identity open; so did v1
_KEY = ("cmk_vault_base_url", "cmk_key_name", "cmk_key_version")


@lean(frozen=True, kw_only=True)
class Encryption(Declared):
    """A key in a Key Vault; all of it or nothing, as v1 had it."""

    cmk_vault_base_url: Annotated[
        str | None, Field("Key Vault of a customer-managed key", scope="cloud", cost=cost.KEY)
    ] = None
    cmk_key_name: Annotated[str | None, Field("name of the key", scope="cloud", cost=cost.KEY)] = None
    cmk_key_version: Annotated[str | None, Field("version of the key", scope="cloud", cost=cost.KEY)] = None
    cmk_identity: Annotated[
        str | None,
        Field("id of the user-assigned identity that may use the key", scope="cloud", cost=cost.KEY_IDENTITY),
    ] = None

    @property
    def has_key(self) -> bool:
        """Tell whether a key is named in full."""
        return bool(self.cmk_vault_base_url and self.cmk_key_name and self.cmk_key_version)


def encryption_findings(key: Encryption) -> Iterator[Finding]:
    """Judge the key: all of it or nothing."""
    missing = [name for name in _KEY if not getattr(key, name) and not key.is_unsure(name)]
    wires = ", ".join(wires_of(Encryption, *_KEY))
    if any(getattr(key, name) for name in _KEY):
        for name in missing:
            why = f"a customer-managed key needs {wires}; give {parts_of(Encryption)[name].wire} too, or none of them"
            yield key.finding(name, why)
    if key.cmk_identity and len(missing) == len(_KEY):
        yield key.finding("cmk_identity", f"cmkIdentity reads a customer-managed key; give {wires}, or drop it")
    if key.cmk_identity is not None:
        yield from id_findings([(key.at("cmk_identity"), key.cmk_identity)])
    vault = key.cmk_vault_base_url
    if vault and not vault.startswith("https://"):
        yield key.finding("cmk_vault_base_url", f'"{vault}" is no Key Vault; write https://<name>.vault.azure.net')
