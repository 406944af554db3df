"""The certificate of a host name of one's own: the files of the service's TLS, uploaded to the environment of its app.

The key is sent and never comes back: an answer has thumbprint and names alone (Microsoft.App, CertificateProperties).
"""

from __future__ import annotations

import base64
import re
from typing import Any

from ....model.container_app import ContainerApp
from ....model.group import Group
from ...protocol import Certificate

_DIGITS = 12


def name_of(declared: Group) -> str:
    """Return the name of the uploaded certificate, which tells whether it is the same one; empty without any.

    A renewed one has another name: the ingress moves to it, and the old one goes when nobody uses it any more.
    """
    tls = declared.tls
    # with the app's name in front: an environment has certificates of several apps
    return f"{declared.name}-{(tls.certificate_hash or '')[:_DIGITS]}" if tls.ssl_enabled else ""


def is_of(name: str, app: str) -> bool:
    """Tell whether a certificate was uploaded for an app."""
    # whole: "score" must not take the certificates of "score-eu"
    return bool(re.fullmatch(rf"{re.escape(app)}-[0-9a-f]{{{_DIGITS}}}", name))


def with_name(declared: Group) -> ContainerApp | None:
    """Return what is said of the app, with the name of its uploaded certificate if it has one."""
    said = declared.runs.container_app
    name = name_of(declared)
    return said.but(certificate=name) if said and name and not said.certificate else said


def to_arm(certificate: Certificate, location: str) -> dict[str, Any]:
    """Return the request that uploads a certificate: PEM with its private key, for which there is no password."""
    value = base64.b64encode(certificate.chain.rstrip() + b"\n" + certificate.key).decode()
    return {"location": location, "properties": {"value": value, "password": ""}}
