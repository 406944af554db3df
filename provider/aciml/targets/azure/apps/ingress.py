"""The way in, in ARM's JSON: HTTPS at 443, which ends at the environment, and from there the server's own port."""

from __future__ import annotations

from typing import Any

from ....core.compose import SERVER_PORT
from ....model.container_app import ContainerApp
from ..groups.members import Json
from . import traffic

TARGET_PORT = SERVER_PORT
"""Where the server listens; nobody outside sees it, so nobody has to choose it."""


def certificate_id(app: ContainerApp, environment_id: str) -> str:
    """Return the ARM id of the certificate, which may be given by its name in the environment."""
    said = app.certificate or ""
    if not said or said.startswith("/"):
        return said
    # one that Azure makes is in another folder, which its word begins with (`certificate.word_for`)
    return f"{environment_id}/{said}" if "/" in said else f"{environment_id}/certificates/{said}"


def unbound(domains: list[dict[str, Any]], there: Json) -> list[dict[str, Any]]:
    """Return host names before their certificate is made: with the certificate of before, or with none yet.

    Azure makes one only for a host name that an app has already (RequireCustomHostnameInEnvironment).
    """
    known = {str(one["name"]).lower(): one for one in there.get("customDomains") or ()}
    return [dict(known.get(one["name"].lower()) or {"name": one["name"], "bindingType": "Disabled"}) for one in domains]


def to_arm(said: ContainerApp | None, environment_id: str, shares: traffic.Entries) -> dict[str, Any]:
    """Return ``ingress`` of a request."""
    app = said or ContainerApp()
    domains = []
    if app.custom_domain:
        certificate = certificate_id(app, environment_id)
        domains = [{"name": app.custom_domain, "bindingType": "SniEnabled", "certificateId": certificate}]
    return {
        # true without a word, as with container groups: a service is made to be called
        "external": app.external is not False,
        "targetPort": TARGET_PORT,
        "transport": "auto",
        "allowInsecure": bool(app.allow_insecure),
        "traffic": shares,
        # said also where there is none: a merge patch leaves what it does not name
        "customDomains": domains,
    }


def from_arm(ingress: Json, environment_id: str, known: ContainerApp | None) -> ContainerApp:
    """Return ingress and domain as they would be declared, with the words of ``known`` where they say the same."""
    domain = next(iter(ingress.get("customDomains") or ()), None)
    certificate = str(domain.get("certificateId") or "") if domain else ""
    if known and certificate.lower() == certificate_id(known, environment_id).lower():
        certificate = known.certificate or ""
    return ContainerApp(
        # what holds without a word is said by nobody
        # the service's own default is false, ours is true: the answer says it always
        external=None if ingress.get("external") else False,
        allow_insecure=True if ingress.get("allowInsecure") else None,
        custom_domain=str(domain["name"]) if domain else None,
        certificate=certificate or None,
    )


def port_of(host: str, standard: int) -> int:
    """Return the port of ``host:port``; a name of the real service has none."""
    port = host.rpartition(":")[2]
    return int(port) if port.isdigit() and ":" in host else standard


def host_of(ingress: Json) -> str:
    """Return the host name that clients call: one's own before that of the environment."""
    domain = next(iter(ingress.get("customDomains") or ()), None)
    return str((domain or {}).get("name") or ingress.get("fqdn") or "")
