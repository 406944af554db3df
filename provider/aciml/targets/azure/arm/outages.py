"""Why no answer came: names, connections, certificates, time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError as SdkError

_NETWORK = "check the network and the proxy (HTTPS_PROXY), then run the same command again"


def outage(error: SdkError) -> tuple[str, str, str]:
    """Return a code, what was seen, and advice for an exception without an HTTP answer."""
    from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseError, ServiceResponseTimeoutError

    text = str(error)
    where = _host(text)
    if re.search(r"NameResolution|getaddrinfo|Name or service not known|nodename nor servname", text):
        return "DnsError", f"the name{where} cannot be resolved", f"check aciml:cloud and the DNS; {_NETWORK}"
    if re.search(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLError|SSLCertVerification", text):
        why = _first(r"certificate verify failed: ([^(\"']+)", text) or "TLS failed"
        return (
            "CertificateError",
            f"the certificate{where} is not trusted ({why})",
            "set aciml:caBundle to your CA's file",
        )
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return "TimeoutError", f"no answer{where} in time", _NETWORK
    if isinstance(error, ServiceResponseError):
        return "ConnectionCut", f"the connection{where} was cut", _NETWORK
    return "ConnectionError", f"no connection{where.replace(' of', ' to', 1)} ({_plain(text)})", _NETWORK


def _host(text: str) -> str:
    host = _first(r"host='([^']+)'", text)
    port = _first(r"host='[^']+', port=(\d+)", text)
    if not host:
        return ""
    return f" of {host}" if port in ("", "443") else f" of {host}:{port}"


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1).strip() if found else ""


def _plain(text: str) -> str:
    """Return the last reason of a chain of wrapped exceptions; the URL in front of it may hold a signature."""
    reason = _first(r"\[Errno -?\d+\] ([^'\")]+)", text)
    return reason or "the network refuses"
