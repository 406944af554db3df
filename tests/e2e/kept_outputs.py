"""The outputs of a stack, read from the state on disk as the CLI does it: it takes a third of a second to start.

That ``pulumi stack output`` shows the same is seen where people are followed: ``test_outside.py``,
``test_new_project.py``, ``tests/bootstrap/test_up.py``, ``tests/upgrades/test_upgrades.py``.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# sdk/go/common/resource/sig.go: the key that marks a special object, and the one of a secret
MARK, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
ROUNDS = 1_000_000  # sdk/go/common/resource/config/crypt.go: SymmetricCrypterKeyBytes and the rounds of PBKDF2


def kept_outputs(state: Path, passphrase: str) -> dict[str, Any]:
    """Return the outputs of the stack in a state file, secrets shown; none of a stack that was never up."""
    latest = json.loads(state.read_text())["checkpoint"]["latest"] or {}
    stacks = [one for one in latest.get("resources") or () if one["type"] == "pulumi:pulumi:Stack"]
    if not stacks:
        return {}
    key = _key(latest["secrets_providers"]["state"]["salt"], passphrase)
    return {name: _shown(value, key) for name, value in (stacks[0].get("outputs") or {}).items()}


@functools.cache
def _key(salt: str, passphrase: str) -> bytes:
    """Return the key of a stack; ``salt`` is ``v1:<salt>:<something encrypted, to try the passphrase on>``."""
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(salt.split(":")[1]), ROUNDS, 32)


def _shown(value: Any, key: bytes) -> Any:
    if isinstance(value, list):
        return [_shown(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get(MARK) == SECRET:
        _, nonce, text = value["ciphertext"].split(":")
        return json.loads(AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(text), None))
    return {name: _shown(one, key) for name, one in value.items()}
