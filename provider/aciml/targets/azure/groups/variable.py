"""Environment variables of a container group in ARM's JSON: ours, the server's and the user's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import Finding
from ....model.container import LONGEST, VARIABLES
from ....model.declared import wire_paths
from ....model.group import Group
from ....model.insights import CONNECTION, Insights
from ....model.keys import PRIMARY, SECONDARY, Keys
from ....model.server import Server, taken_out
from ....model.volume import TLS_FOLDER
from ...image_told import IMAGE_DIGEST, image_variable
from ...protocol import GroupSpec
from .members import Json, named
from .volume import CERTIFICATE_FILE, CLIENTS_FILE, KEY_FILE

PORT, TLS_CERT, TLS_KEY = "ACIML_PORT", "ACIML_TLS_CERT", "ACIML_TLS_KEY"
TLS_CLIENTS = "ACIML_TLS_CLIENT_CA"
INSIGHTS = "AML_APP_INSIGHTS_ENABLED"
KEYS = (PRIMARY, SECONDARY)
_SAID_BY = {
    PORT: "port",
    TLS_CERT: "ssl_enabled",
    TLS_KEY: "ssl_enabled",
    TLS_CLIENTS: "ssl_client_ca_pem_file",
    INSIGHTS: "enable_app_insights",
    KEYS[0]: "primary_key",
    KEYS[1]: "secondary_key",
    IMAGE_DIGEST: "image",
}
_WIRES = {path[-1]: wire for wire, path in wire_paths(Group).items()}
RESERVED: Mapping[str, str] = {variable: _WIRES[name] for variable, name in _SAID_BY.items()}
"""Variables that we set -> the property that says so."""


def of_service(spec: GroupSpec) -> list[dict[str, str]]:
    """Return all variables of the container that serves."""
    declared = spec.declared
    # ours come last; a user's variable of that name is a finding long before, see RESERVED
    plain = {**declared.environment(), PORT: str(declared.own_port), **image_variable(spec.image)}
    if spec.certificate:
        plain |= {TLS_CERT: f"{TLS_FOLDER}/{CERTIFICATE_FILE}", TLS_KEY: f"{TLS_FOLDER}/{KEY_FILE}"}
        plain |= {TLS_CLIENTS: f"{TLS_FOLDER}/{CLIENTS_FILE}"} if spec.certificate.authorities else {}
    if declared.insights.enable_app_insights:
        plain[INSIGHTS] = "true"
    return to_arm(plain, declared.secure_environment())


def to_arm(plain: Mapping[str, str] | None, secure: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Return environment variables by name; one that is in both is secure."""
    every = {name: {"name": name, "value": str(value)} for name, value in (plain or {}).items()}
    every |= {name: {"name": name, "secureValue": str(value)} for name, value in (secure or {}).items()}
    return [every[name] for name in sorted(every)]


def same(variables: Iterable[Json]) -> dict[str, dict[str, str]]:
    """Return variables by name; in an answer a secure one has no ``value``, and an empty one may have none."""
    members = ("value", "secureValue")
    return {named(item): {key: item[key] for key in members if item.get(key) is not None} for item in variables}


def split(
    variables: Json, plain: Mapping[str, str] | None, secure: Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what ``same`` made of variables as plain and secure ones.

    Args:
        variables: by name.
        plain: those that were declared: one that was declared empty may look like a secure one in an answer.
        secure: those that were declared, of which an answer has the names alone.
    """
    found = {name: item["value"] for name, item in variables.items() if "value" in item}
    # an empty value and a hidden one look alike in an answer: what was declared tells them apart
    found |= {name: "" for name, item in variables.items() if not item and (plain or {}).get(name) == ""}
    # names alone: the service never shows secureValue, on no GET
    hidden = sorted(variables.keys() - found.keys())
    return found, {name: (secure or {}).get(name, "") for name in hidden}


@dataclass(frozen=True)
class Told:
    """What the variables of a service say."""

    keys: Keys
    insights: Insights
    server: Server
    plain: Mapping[str, str]
    secure: Mapping[str, str] | None


def from_arm(variables: Json, known: Group | None) -> Told:
    """Return what the variables of a service say as it would be declared.

    Args:
        variables: what ``same`` made of them.
        known: what was declared; without it nothing secret is said, not even that it is there.
    """
    plain, secure = split(
        variables, known.environment() if known else None, known.secure_environment() if known else None
    )
    # the second key may never have been given: all that were must be there
    asked = [name for name in KEYS if known and name in known.keys.variables()] or [PRIMARY]
    keys = Keys(auth_enabled=all(name in secure for name in asked))
    insights = Insights(enable_app_insights=plain.get(INSIGHTS) == "true")
    own = (known.environment_variables if known else None) or {}
    rest = {name: plain[name] for name in sorted(plain.keys() - RESERVED.keys())}
    server, rest = taken_out(rest, known.server if known else Server(), own, secret=False)
    if known is None:
        return Told(keys, insights, server, rest, None)
    connection = known.insights.app_insights_connection_string
    if connection and CONNECTION in secure:
        insights = insights.but(app_insights_connection_string=connection)
    ours = {*KEYS, *([CONNECTION] if connection else [])}
    hidden = {name: value for name, value in secure.items() if name not in ours}
    server, hidden = taken_out(hidden, server, known.secure_environment_variables or {}, secret=True)
    return Told(keys, insights, server, rest, hidden)


def judge(declared: Group) -> Iterator[Finding]:
    """Judge the user's variables: how long their names are, and that a property does not set them."""
    for kind in VARIABLES:
        for name in getattr(declared, kind) or ():
            where = declared.at(kind, name)
            if len(name) > LONGEST:
                yield Finding(where, f'"{name}" is no variable name here; use 1 to {LONGEST} characters')
            if name in RESERVED:
                yield Finding(where, f"{name} is set by the property {RESERVED[name]}; use that")


def with_secrets(secure: Mapping[str, Any] | None, source: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fill in what is empty: of secure variables an answer has the names alone."""
    if secure is None:
        return None
    # only names that are declared: one that was taken away must not come back by way of its old value
    return {name: value or (source or {}).get(name, value) for name, value in secure.items()}
