"""The certificate of a service: files on this machine, read when it is brought up, of which state keeps the hash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..core.errors import Finding, UserError
from ..model.group import Group
from ..model.tls import AUTHORITIES, FILES, PAIR, Tls
from ..properties import UNKNOWN, Values
from ..targets.protocol import Certificate

_CHAIN, _KEY = b"-----BEGIN CERTIFICATE", b"PRIVATE KEY-----"


def read_certificate(tls: Tls) -> Certificate | None:
    """Read certificate and key; None if TLS is not asked for.

    Raises:
        UserError: a file cannot be read.
    """
    if not tls.ssl_enabled:
        return None
    try:
        named = [name for name in FILES if name in PAIR or getattr(tls, name) is not None]
        # read each time they are needed: states and plans have the hash alone
        contents = [Path(getattr(tls, name)).expanduser().read_bytes() for name in named]
    except OSError as error:
        advice = "restore it, or name another in sslCertPemFile and sslKeyPemFile"
        raise UserError(f"{error.filename} cannot be read: {error.strerror}", advice) from error
    return Certificate(*contents)


def stand_in(tls: Tls) -> Certificate | None:
    """Return what is known of a certificate without its files: its hash, which is enough to compare."""
    if not tls.ssl_enabled:
        return None
    # any text: the hash is over them already, and only that there are some decides about a variable
    authorities = b"some" if tls.ssl_client_ca_pem_file else b""
    return Certificate((tls.certificate_hash or "").encode(), b"", authorities)


def certificate_findings(declared: Group) -> Iterator[Finding]:
    """Report a certificate that is asked for and is not there, is no PEM, or is given for nothing."""
    tls, updates = declared.tls, declared.updates
    given = [name for name in FILES if tls.knows(name) or tls.is_unsure(name)]
    if not tls.ssl_enabled and not tls.is_unsure("ssl_enabled"):
        for name in given:
            yield tls.finding(name, f"{tls.at(name)} is set but sslEnabled is not; set it or drop the file")
        return
    if tls.ssl_enabled:
        for name in PAIR:
            if name not in given:
                yield tls.finding(name, f"sslEnabled needs {tls.at(name)}; name a PEM file")
        # the smoke test is sent from here, and nobody here has a client's key
        if AUTHORITIES in given and (updates.smoke_test or updates.is_unsure("smoke_test")):
            why = f"with {tls.at(AUTHORITIES)} only certified clients may call; drop the smoke test"
            yield updates.finding("smoke_test", why)
    for name, marker in zip(FILES, (_CHAIN, _KEY, _CHAIN), strict=True):
        if tls.knows(name):
            yield from _pem_findings(tls, name, marker)


def _pem_findings(tls: Tls, name: str, marker: bytes) -> Iterator[Finding]:
    path = Path(getattr(tls, name)).expanduser()
    if not path.is_file():
        yield tls.finding(name, f"{path} is not a file; paths are relative to the folder of Pulumi.yaml")
    elif marker not in path.read_bytes():
        yield tls.finding(name, f"{path} has no {marker.decode().strip('-')}; it must be a PEM file")


def certificate_hash(tls: Tls) -> Values:
    """Return ``certificateHash`` for inputs that were judged; nothing without TLS, unknown with unknown files."""
    wire = tls.at("certificate_hash")
    # a hash of what is known so far would show a change that the update does not make
    if tls.is_unsure("ssl_enabled", *FILES):
        return {wire: UNKNOWN}
    found = read_certificate(tls)
    return {wire: found.fingerprint} if found else {}
