"""The resources of a kept state, with their secrets read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aciml.properties import Secret
from tests.e2e.kept_state import decrypted, is_secret, key_of_passphrase
from tests.upgrades.place import FIXTURES, PASSPHRASE, read_json


@dataclass(frozen=True)
class Kept:
    """One resource as the engine would send it."""

    urn: str
    id: str
    token: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


def resources(release: str, stack: str, hosts: Mapping[str, str]) -> list[Kept]:
    """Return the plugin's resources in a kept state."""
    deployment = read_json(FIXTURES / release / stack / "state.json", hosts)["deployment"]
    key = key_of_passphrase(deployment["secrets_providers"]["state"]["salt"], PASSPHRASE)
    return [
        Kept(one["urn"], one["id"], one["type"], _read(one["inputs"], key), _read(one["outputs"], key))
        for one in deployment["resources"]
        if one["custom"] and one["type"].startswith("aciml:")
    ]


def _read(value: Any, key: bytes) -> Any:
    if isinstance(value, list):
        return [_read(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    if is_secret(value):
        return Secret(decrypted(value, key))
    return {name: _read(one, key) for name, one in value.items() if not name.startswith("__")}
