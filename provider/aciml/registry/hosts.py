"""Which URL a registry's name stands for."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

from ..core.credentials import Credentials
from ..core.reference import DEFAULT_REGISTRY

_HUB = "registry-1.docker.io"  # where Docker Hub answers; docker.io itself is a web site


def is_local(host: str) -> bool:
    """Say whether ``host`` or ``host:port`` is this machine, which is spoken to without TLS, as Docker does."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        # all of 127.0.0.0/8, which Docker takes for insecure registries by itself, and the same of IPv6
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def base_url(host: str, mirror: str = "") -> str:
    """Return scheme and host, no slash at the end and no credentials."""
    if mirror:
        parts = urlsplit(mirror)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    scheme = "http" if is_local(host) else "https"
    return f"{scheme}://{_HUB if host == DEFAULT_REGISTRY else host}"


def account_for(credentials: Credentials, mirror: str) -> Credentials:
    """Return who to be: a mirror never gets the registry's password, only what stands in its own URL."""
    if not mirror:
        return credentials
    parts = urlsplit(mirror)
    return Credentials(parts.username or "", parts.password or "")
