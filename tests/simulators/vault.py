"""A HashiCorp Vault that keeps the keys of stacks: of its transit engine what Pulumi's CLI asks.

A passphrase costs each call of the CLI a million rounds of PBKDF2, which is a third of what it costs at all. Secrets in
state and config are encrypted by the CLI as ever, with a key of the stack's own; this keeps that key. Stacks with a
passphrase are those of ``test_new_project.py``, ``test_outside.py``, ``test_pipelines.py`` and
``tests/bootstrap/test_up.py``, and that of ``test_commands.py`` while a wrong one is tried.
"""

from __future__ import annotations

import base64
import functools
import http.server
import json
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.simulators.ending_server import EndingServer

URL = "hashivault://stacks"
"""The secrets provider of a stack whose key is kept here."""
PREFIX = "vault:v1:"
"""Of what is encrypted; the number is the key's version (developer.hashicorp.com/vault/api-docs/secret/transit)."""
NONCE = 12  # bytes


class Vault:
    """One key, at ``http://127.0.0.1:<port>``, for as long as the process lives."""

    def __init__(self) -> None:
        self._key = AESGCM(AESGCM.generate_key(256))
        server = EndingServer(("127.0.0.1", 0), functools.partial(_Handler, self))
        server.start()
        self.environ = {
            "VAULT_SERVER_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "VAULT_SERVER_TOKEN": "of no use elsewhere",
        }

    def encrypt(self, plain: str) -> str:
        """Encrypt bytes in base64."""
        nonce = os.urandom(NONCE)
        return PREFIX + base64.b64encode(nonce + self._key.encrypt(nonce, plain.encode(), None)).decode()

    def decrypt(self, text: str) -> str:
        """Return the bytes in base64."""
        data = base64.b64decode(text.removeprefix(PREFIX))
        return self._key.decrypt(data[:NONCE], data[NONCE:], None).decode()

    def kept(self, key: bytes) -> str:
        """Return the key of a stack as its config and its state have it, as ``encryptedkey``."""
        return base64.b64encode(self.encrypt(base64.b64encode(key).decode()).encode()).decode()

    def opened(self, kept: str) -> bytes:
        """Return the key of a stack."""
        return base64.b64decode(self.decrypt(base64.b64decode(kept).decode()))


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, vault: Vault, *words: object) -> None:
        self._vault = vault
        super().__init__(*words)  # type: ignore[arg-type]  # they are what the server gives

    def do_PUT(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "/encrypt/" in self.path:
            data = {"ciphertext": self._vault.encrypt(given["plaintext"])}
        else:
            data = {"plaintext": self._vault.decrypt(given["ciphertext"])}
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@functools.cache
def vault() -> Vault:
    """Return the vault of this process, which answers from now on."""
    return Vault()
