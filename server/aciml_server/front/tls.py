"""TLS with a certificate and key from files; nothing of ``ssl`` is imported when the service speaks plain HTTP."""

from __future__ import annotations

from typing import Any


def open_context(certificate: str, key: str) -> Any:
    """Return the server's ``ssl.SSLContext`` for PEM files; None without a certificate. TLS 1.2 and newer.

    Raises:
        ValueError: the files are not there, are no PEM, or do not belong together.
    """
    if not certificate:
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key or None)
    except OSError as error:  # SSLError is one
        raise ValueError("cannot use the certificate %s with the key %s: %s" % (certificate, key, error)) from None
    return context
