"""What a stack's state has, read from disk as the CLI does it: the CLI takes a third of a second to start.

That ``pulumi stack output`` and ``pulumi stack export`` show the same is seen where people are followed:
``test_outside.py``, ``test_new_project.py``, ``test_says.py``, ``tests/bootstrap/test_up.py``.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.simulators.vault import URL, vault

# sdk/go/common/resource/sig.go: the key that marks a special object, and the one of a secret
MARK, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
ROUNDS = 1_000_000  # sdk/go/common/resource/config/crypt.go: SymmetricCrypterKeyBytes and the rounds of PBKDF2
ENCRYPTION = ("encryptionsalt:", "secretsprovider:", "encryptedkey:")
"""Lines of a stack's config that the CLI writes, and needs."""


def kept_encryption(config: Path) -> list[str]:
    """Return the lines of a stack's config, if there is one, that say how its secrets are encrypted."""
    return [line for line in config.read_text().splitlines() if line.startswith(ENCRYPTION)] if config.exists() else []


def encrypt_by(config: Path, lines: Iterable[str]) -> None:
    """Write these lines into a stack's config instead of those that say how its secrets are encrypted."""
    rest = (line for line in config.read_text().splitlines() if not line.startswith(ENCRYPTION))
    config.write_text("\n".join([*lines, *rest]) + "\n")


def kept_resources(state: Path) -> list[dict[str, Any]]:
    """Return the resources in a state file, secrets encrypted; none of a stack that was never up."""
    latest = json.loads(state.read_text())["checkpoint"]["latest"] or {}
    return latest.get("resources") or []


def kept_outputs(state: Path, passphrase: str) -> dict[str, Any]:
    """Return the outputs of the stack in a state file, secrets shown; none of a stack that was never up."""
    stacks = [one for one in kept_resources(state) if one["type"] == "pulumi:pulumi:Stack"]
    if not stacks:
        return {}
    key = _key_of(json.loads(state.read_text()), passphrase)
    return {name: _shown(value, key) for name, value in (stacks[0].get("outputs") or {}).items()}


def kept_inputs(state: Path, passphrase: str) -> dict[str, dict[str, Any]]:
    """Return the inputs of each resource in a state file by its name, secrets shown."""
    key = _key_of(json.loads(state.read_text()), passphrase)
    return {one["urn"].rpartition("::")[2]: _shown(one.get("inputs") or {}, key) for one in kept_resources(state)}


def kept_export(state: Path, passphrase: str, *, secrets: bool) -> dict[str, Any]:
    """Return what ``pulumi stack export`` makes of a state file, with ``--show-secrets`` or without."""
    kept = json.loads(state.read_text())
    latest = kept["checkpoint"]["latest"]
    if secrets:
        latest["resources"] = _opened(latest["resources"], _key_of(kept, passphrase))
    return {"version": kept["version"], "deployment": latest}


def is_secret(value: Any) -> bool:
    """Tell whether a value of a state is encrypted as a whole."""
    return isinstance(value, dict) and value.get(MARK) == SECRET


def decrypted(secret: Mapping[str, Any], key: bytes) -> Any:
    """Return what a secret of a state hides, which is JSON."""
    _, nonce, text = secret["ciphertext"].split(":")
    return json.loads(AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(text), None))


def forget(state: Path, urn: str) -> None:
    """Let a state know nothing of a resource, as ``pulumi state delete`` does."""
    kept = json.loads(state.read_text())
    latest = kept["checkpoint"]["latest"]
    latest["resources"] = [one for one in latest["resources"] if one["urn"] != urn]
    state.write_text(json.dumps(kept))


def unlock(folder: Path) -> None:
    """Take away the lock that a CLI which was killed has left in a folder of states, as ``pulumi cancel`` does."""
    for lock in (folder / ".pulumi/locks").rglob("*.json"):
        lock.unlink()


def _key_of(kept: dict[str, Any], passphrase: str) -> bytes:
    """Return the key that a state's secrets are encrypted by."""
    provider = kept["checkpoint"]["latest"]["secrets_providers"]
    if provider["type"] == "passphrase":
        return key_of_passphrase(provider["state"]["salt"], passphrase)
    return vault().opened(provider["state"]["encryptedkey"])


def into_the_vault(deployment: dict[str, Any], passphrase: str) -> list[str]:
    """Let the vault keep the key of a state, which a passphrase gave; return the lines of the stack's config.

    It stays the same key: what it encrypts in the state is as it was, and no call of the CLI has to find it anew.
    """
    key = vault().kept(key_of_passphrase(deployment["secrets_providers"]["state"]["salt"], passphrase))
    deployment["secrets_providers"] = {"type": "cloud", "state": {"url": URL, "encryptedkey": key}}
    return [f"secretsprovider: {URL}", f"encryptedkey: {key}"]


@functools.cache
def key_of_passphrase(salt: str, passphrase: str) -> bytes:
    """Return the key of a stack; ``salt`` is ``v1:<salt>:<something encrypted, to try the passphrase on>``."""
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(salt.split(":")[1]), ROUNDS, 32)


def _opened(value: Any, key: bytes) -> Any:
    """Return a value whose secrets are marked and can be read, as the CLI shows them."""
    if isinstance(value, list):
        return [_opened(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    if is_secret(value):
        return {MARK: SECRET, "plaintext": json.dumps(_shown(value, key), separators=(",", ":"))}
    return {name: _opened(one, key) for name, one in value.items()}


def _shown(value: Any, key: bytes) -> Any:
    if isinstance(value, list):
        return [_shown(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    if is_secret(value):
        return decrypted(value, key)
    return {name: _shown(one, key) for name, one in value.items()}
