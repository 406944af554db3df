"""Certificates of custom domains as they are uploaded: base64 of a PFX, or of PEM with the private key."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from ..http import ArmError

_REFUSAL = "The certificate cannot be read with this password, or lacks its private key."


def certificate_of(value: str, password: str) -> x509.Certificate:
    """Return the certificate of the server; raises ``ArmError`` 400 for what is none."""
    return x509.load_pem_x509_certificate(pem_of(value, password))


def pem_of(value: str, password: str) -> bytes:
    """Return chain and private key as PEM, the server's certificate first."""
    with contextlib.suppress(ValueError, UnsupportedAlgorithm):
        data = base64.b64decode(value)
        if b"-----BEGIN CERTIFICATE" in data and b"PRIVATE KEY-----" in data:
            return data
        store: Any = pkcs12.load_pkcs12(data, password.encode() or None)
        if store.cert is not None and store.key is not None:
            chain = [store.cert.certificate, *(each.certificate for each in store.additional_certs)]
            key: bytes = store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            return b"".join(each.public_bytes(Encoding.PEM) for each in chain) + key
    raise ArmError(400, "CertificateInvalid", _REFUSAL)
