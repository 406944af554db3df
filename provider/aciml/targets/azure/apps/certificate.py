"""The certificate of a host name of one's own: the files of the service's TLS, uploaded to the environment of its app.

The key is sent and never comes back: an answer has thumbprint and names alone (Microsoft.App, CertificateProperties).
Or one that Azure makes and renews (managedCertificates), which begins to be made when the app has the host name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from ....model.container_app import ContainerApp
from ....model.group import Group
from ...protocol import Certificate
from ..groups.members import Json

MANAGED = "managedCertificates"
"""Where an environment has those that Azure makes."""
_DIGITS = 12


def name_of(declared: Group) -> str:
    """Return the name of the uploaded certificate, which tells whether it is the same one; empty without any.

    A renewed one has another name: the ingress moves to it, and the old one goes when nobody uses it any more.
    """
    tls = declared.tls
    # with the app's name in front: an environment has certificates of several apps
    return f"{declared.name}-{(tls.certificate_hash or '')[:_DIGITS]}" if tls.ssl_enabled else ""


def managed_name(declared: Group) -> str:
    """Return the name of the certificate that Azure makes; empty if it makes none.

    It cannot be changed (ManagedCertNoUpdate), so another host name or another proof is another one.
    """
    app = declared.runs.container_app
    if app is None or not app.managed_certificate:
        return ""
    said = f"{(app.custom_domain or '').lower()} {app.managed_certificate}"
    return f"{declared.name}-{hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]}"


def word_for(declared: Group) -> str:
    """Return what stands for the certificate that goes with the app, in place of a name; see ``ingress``."""
    made = managed_name(declared)
    return f"{MANAGED}/{made}" if made else name_of(declared)


def is_of(name: str, app: str) -> bool:
    """Tell whether a certificate was uploaded for an app."""
    # whole: "score" must not take the certificates of "score-eu"
    return bool(re.fullmatch(rf"{re.escape(app)}-[0-9a-f]{{{_DIGITS}}}", name))


def with_name(declared: Group) -> ContainerApp | None:
    """Return what is said of the app, with the name of the certificate that goes with it if it has one."""
    said = declared.runs.container_app
    name = word_for(declared)
    return said.but(certificate=name) if said and name and not said.certificate else said


def to_arm(certificate: Certificate, location: str) -> dict[str, Any]:
    """Return the request that uploads a certificate: PEM with its private key, for which there is no password."""
    value = base64.b64encode(certificate.chain.rstrip() + b"\n" + certificate.key).decode()
    return {"location": location, "properties": {"value": value, "password": ""}}


def managed_to_arm(app: ContainerApp, location: str) -> dict[str, Any]:
    """Return the request that has Azure make a certificate."""
    said = {"subjectName": app.custom_domain, "domainControlValidation": app.managed_certificate}
    return {"location": location, "properties": said}


def to_do(app: ContainerApp, seen: Json, *, host: str, address: str) -> str:
    """Say what the owner of a host name has to do, so that Azure believes it is theirs.

    Args:
        app: as it is declared.
        seen: the managed certificate; JSON of a GET.
        host: of the app in its environment.
        address: of the environment.
    """
    domain = app.custom_domain
    if app.managed_certificate == "TXT":
        token = str((seen.get("properties") or {}).get("validationToken") or "")
        return f"give _dnsauth.{domain} a TXT record {token}" if token else ""
    if app.managed_certificate == "HTTP":
        return f"let {domain} lead to {address} (an A record)"
    return f"let {domain} lead to {host} (a CNAME record)"
