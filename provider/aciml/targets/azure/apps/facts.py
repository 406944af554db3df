"""What the target protocol tells of an app, read in ARM's JSON."""

from __future__ import annotations

from ...protocol import GroupFacts
from ..ownership import owner_in
from . import ingress, revision
from .calls import FAILED, Seen, state_of
from .revisions import ingress_of

PORT = 443
"""Where an app is called."""


def facts_in(seen: Seen, serves: Seen | None) -> GroupFacts:
    """Return what the target protocol tells of an app.

    Args:
        seen: a GET.
        serves: the revision that most requests go to; None if there is none.
    """
    properties = seen.get("properties") or {}
    template = revision.template_of(serves) if serves else properties.get("template") or {}
    container = (template.get("containers") or [{}])[0]
    size = container.get("resources") or {}
    entry = ingress_of(seen)
    host = ingress.host_of(entry)
    return GroupFacts(
        id=str(seen.get("id") or ""),
        name=str(seen.get("name") or ""),
        image=str(container.get("image") or ""),
        cpu=float(size.get("cpu") or 0),
        memory_gb=float(str(size.get("memory") or "0").removesuffix("Gi")),
        port=ingress.port_of(host, PORT),
        address=host,
        state=_state(seen, serves),
        fqdn=str(entry.get("fqdn") or ""),
        location=str(seen.get("location") or "").replace(" ", "").lower(),
        owner=owner_in(seen.get("tags")),
        scheme="https",
    )


def _state(seen: Seen, serves: Seen | None) -> str:
    status = str((seen.get("properties") or {}).get("runningStatus") or "").lower()
    if status in {"stopped", "suspended"}:
        return "Stopped"
    if serves is None:
        return "Failed" if state_of(seen) in FAILED else "Unknown"
    said = revision.state_of(serves)
    return {"Running": "Running", "Failed": "Failed", "Stopped": "Stopped"}.get(said, "Unknown")
