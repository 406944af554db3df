"""The connections that all clients of a session share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport

TIMEOUTS = {"connection_timeout": 20, "read_timeout": 100}  # seconds
_POOL = 16  # connections kept open: as many as the plugin has workers


def open_transport(ca_bundle: Path | None) -> RequestsTransport:
    """Return a transport over one session of requests; ``ca_bundle`` None trusts what the machine trusts."""
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL))
    verify: Any = str(ca_bundle) if ca_bundle else True
    return RequestsTransport(session=session, session_owner=False, connection_verify=verify, **TIMEOUTS)
