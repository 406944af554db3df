"""What a refused certificate has to do with this machine's clock."""

from __future__ import annotations

from datetime import datetime

# OpenSSL's words (X509_verify_cert_error_string), which Python, rustls and proxies repeat with other letters
_TIMES = ("certificate has expired", "certificate is not yet valid", "certificate expired", "certificate not valid yet")


def about_clock(words: str, now: datetime) -> str:
    """Return what to say of the clock if a certificate was refused for its time, else nothing.

    A clock that is off is the usual reason why all hosts are refused at once: virtual machines that slept, new boards.

    Args:
        words: of the error.
        now: what this machine takes for the time.
    """
    if not any(one in words.lower() for one in _TIMES):
        return ""
    return f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC: set it if that is wrong, else renew the certificate"
