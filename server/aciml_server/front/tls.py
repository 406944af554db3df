"""TLS with PEM files that may be replaced; nothing of ``ssl`` is imported when the service speaks plain HTTP."""

from __future__ import annotations

import logging
from typing import Any

from .watch import Watch

_LOG = logging.getLogger("aciml")


class Tls:
    """The context of new connections; ``context`` is None without a certificate."""

    def __init__(self, certificate: str, key: str, client_ca: str = "") -> None:
        """Read the files.

        Raises:
            ValueError: the files are not there, are no PEM, or do not belong together.
        """
        self._paths = (certificate, key, client_ca)
        # looked at before they are read: a change in between is then seen the next time
        self._watch = Watch(self._paths if certificate else ())
        self.context = open_context(certificate, key, client_ca)

    def look(self) -> None:
        """Take what the files are now; if they are no good, say so once, and keep what was."""
        if not self._watch.changed():
            return
        try:
            self.context = open_context(*self._paths)
        except ValueError as error:
            _LOG.error("%s; the certificate stays as it was", error)  # a trace tells nothing more
            return
        _LOG.info("the certificate was read again")


def open_context(certificate: str, key: str, client_ca: str = "") -> Any:
    """Return the server's ``ssl.SSLContext`` for PEM files; None without a certificate. TLS 1.2 and newer.

    With ``client_ca`` only clients with a certificate of one of these authorities are let in.

    Raises:
        ValueError: the files are not there, are no PEM, or do not belong together.
    """
    if not certificate:
        if client_ca:
            raise ValueError("clients show certificates over TLS alone: ACIML_TLS_CERT is missing")
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996 forbids older ones
    # a client could ask for one handshake after another, each of which costs a signature (CVE-2011-1473); OpenSSL 3
    # refuses that by itself, 1.1 when told to
    context.options |= getattr(ssl, "OP_NO_RENEGOTIATION", 0)
    # or clients that can would begin with HTTP/2 (RFC 7301)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key or None, _no_password)
    except OSError as error:  # SSLError is one
        raise ValueError("cannot use the certificate %s with the key %s: %s" % (certificate, key, error)) from None
    if client_ca:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise ValueError("cannot use the authorities in %s: %s" % (client_ca, error)) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    """Answer for a key that is encrypted; without this OpenSSL would ask on the terminal."""
    return ""
