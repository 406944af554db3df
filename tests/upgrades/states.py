"""The resources of a kept state, with their secrets read."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from aciml.properties import Secret
from tests.upgrades.place import FIXTURES, PASSPHRASE, read_json

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of every value in a state that is more than JSON; the other is the kind of a secret."""
_SECRET = "1b47061264138c4ac30d75fd1eb44270"


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
    key = _key(deployment["secrets_providers"]["state"]["salt"])
    return [
        Kept(one["urn"], one["id"], one["type"], _read(one["inputs"], key), _read(one["outputs"], key))
        for one in deployment["resources"]
        if one["custom"] and one["type"].startswith("aciml:")
    ]


@cache
def _key(salt: str) -> AESGCM:
    """Derive the key of a passphrase. Source: pulumi/pulumi, sdk/go/common/resource/config/crypt.go."""
    _, encoded, _ = salt.split(":", 2)
    derived = PBKDF2HMAC(hashes.SHA256(), 32, base64.b64decode(encoded), 1_000_000)
    return AESGCM(derived.derive(PASSPHRASE.encode()))


def _read(value: Any, key: AESGCM) -> Any:
    if isinstance(value, list):
        return [_read(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == _SECRET:
        _, nonce, text = value["ciphertext"].split(":")
        return Secret(json.loads(key.decrypt(base64.b64decode(nonce), base64.b64decode(text), None)))
    return {name: _read(one, key) for name, one in value.items() if not name.startswith("__")}
