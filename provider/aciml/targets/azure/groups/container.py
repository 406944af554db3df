"""The containers of a group as ARM's JSON: the one that serves, and those that run before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....model.access import CONNECTION
from ....model.volume import TLS_FOLDER, TLS_VOLUME
from ...image_told import IMAGE_DIGEST, image_variable
from ...protocol import GroupSpec
from .network import port_of, ports_of

PORT, TLS_CERT, TLS_KEY = "ACIML_PORT", "ACIML_TLS_CERT", "ACIML_TLS_KEY"
TLS_CLIENTS = "ACIML_TLS_CLIENT_CA"
INSIGHTS = "AML_APP_INSIGHTS_ENABLED"
KEYS = ("ACIML_PRIMARY_KEY", "ACIML_SECONDARY_KEY")
RESERVED: Mapping[str, str] = {
    PORT: "port",
    TLS_CERT: "sslEnabled",
    TLS_KEY: "sslEnabled",
    TLS_CLIENTS: "sslClientCaPemFile",
    INSIGHTS: "enableAppInsights",
    KEYS[0]: "primaryKey",
    KEYS[1]: "secondaryKey",
    IMAGE_DIGEST: "image",
}
"""Variables that we set -> the property that says so."""

CERTIFICATE_FILE, KEY_FILE, CLIENTS_FILE = "cert.pem", "key.pem", "clients.pem"
HEALTH_PORT = 5000
"""Where the server of this project answers probes, without keys and TLS; the group's address does not open it."""
PROBES: Mapping[str, Mapping[str, Any]] = {
    "livenessProbe": {
        "httpGet": {"path": "/live", "port": HEALTH_PORT},
        "initialDelaySeconds": 30,
        "periodSeconds": 10,
        "failureThreshold": 6,
        "timeoutSeconds": 5,
    },
    "readinessProbe": {
        "httpGet": {"path": "/ready", "port": HEALTH_PORT},
        "periodSeconds": 5,
        "failureThreshold": 3,
        "timeoutSeconds": 5,
    },
}
"""For a service that says nothing of probes; patient, because a tenth of a core starts slowly."""
NUMBERS = ("initialDelaySeconds", "periodSeconds", "failureThreshold", "successThreshold", "timeoutSeconds")


def serving_container(spec: GroupSpec) -> dict[str, Any]:
    """Return the container that serves, named after the group.

    All lists without an order of their own are sorted, so that equal specs make equal requests.
    """
    settings = spec.settings
    body = {
        "image": spec.image,
        "command": list(settings.get("command") or ()),
        "ports": ports_of(spec),
        "environmentVariables": _variables(spec),
        "resources": _resources(spec),
        "livenessProbe": _probe(settings.get("livenessProbe"), spec),
        "readinessProbe": _probe(settings.get("readinessProbe"), spec),
        "volumeMounts": _mounts(spec),
        "securityContext": _security(settings.get("securityContext")),
    }
    return {"name": spec.name, "properties": given(**body)}


def init_container(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container that runs before."""
    plain, secure = declared.get("environmentVariables") or {}, declared.get("secureEnvironmentVariables") or {}
    body = {
        "image": declared["image"],
        "command": list(declared.get("command") or ()),
        "environmentVariables": variables(plain, secure),
        "volumeMounts": mounts(declared.get("volumeMounts") or ()),
    }
    return {"name": declared["name"], "properties": given(**body)}


def given(**members: Any) -> dict[str, Any]:
    """Leave out what is empty or None; false and zero stay."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], {})}


def variables(plain: Mapping[str, Any], secure: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return environment variables by name; one that is in both is secure."""
    every: dict[str, dict[str, str]] = {name: {"name": name, "value": str(value)} for name, value in plain.items()}
    every |= {name: {"name": name, "secureValue": str(value)} for name, value in secure.items()}
    return [every[name] for name in sorted(every)]


def mounts(declared: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return mounts by path."""
    every = (given(name=m["name"], mountPath=m["mountPath"], readOnly=m.get("readOnly")) for m in declared)
    return sorted(every, key=lambda mount: (mount["mountPath"], mount["name"]))


def _resources(spec: GroupSpec) -> dict[str, Any]:
    """Return request and limits; a limit that is the request is left out, because that is what it is without it."""
    requests = {"cpu": float(spec.cpu), "memoryInGB": float(spec.memory_gb)}
    said = {"cpu": spec.settings.get("cpuLimit"), "memoryInGB": spec.settings.get("memoryLimit")}
    limits = {name: float(most) for name, most in said.items() if most and float(most) != requests[name]}
    return given(requests=requests, limits=limits)


def _variables(spec: GroupSpec) -> list[dict[str, str]]:
    settings = spec.settings
    plain = {**spec.environment, PORT: str(port_of(spec)), **image_variable(spec.image)}
    secure = {**(settings.get("secureEnvironmentVariables") or {}), **spec.secure_environment}
    if spec.certificate:
        plain |= {TLS_CERT: f"{TLS_FOLDER}/{CERTIFICATE_FILE}", TLS_KEY: f"{TLS_FOLDER}/{KEY_FILE}"}
        plain |= {TLS_CLIENTS: f"{TLS_FOLDER}/{CLIENTS_FILE}"} if spec.certificate.authorities else {}
    if settings.get("enableAppInsights"):
        plain[INSIGHTS] = "true"
        if connection := settings.get("appInsightsConnectionString"):
            secure[CONNECTION] = connection
    return variables(plain, secure)


def _mounts(spec: GroupSpec) -> list[dict[str, Any]]:
    declared = list(spec.settings.get("volumeMounts") or ())
    if spec.certificate:
        declared.append({"name": TLS_VOLUME, "mountPath": TLS_FOLDER, "readOnly": True})
    return mounts(declared)


def _probe(declared: Mapping[str, Any] | None, spec: GroupSpec) -> dict[str, Any] | None:
    """Return a probe; one that asks the service's port speaks TLS if the service does, unless it says how."""
    if not declared:
        return None
    probe: dict[str, Any] = {name: int(declared[name]) for name in NUMBERS if name in declared}
    if command := declared.get("exec"):
        probe["exec"] = {"command": list(command.get("command") or ())}
    if asked := declared.get("httpGet"):
        port = int(asked["port"])
        scheme = "https" if spec.certificate and port == port_of(spec) else "http"
        headers = asked.get("httpHeaders") or {}
        probe["httpGet"] = given(
            path=asked.get("path") or "/",
            port=port,
            scheme=str(asked.get("scheme") or scheme).lower(),
            httpHeaders=[{"name": name, "value": str(headers[name])} for name in sorted(headers)],
        )
    return probe


def _security(declared: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not declared:
        return None
    rights = {**declared, "capabilities": given(**(declared.get("capabilities") or {}))}
    return given(**{name: int(value) if name.startswith("runAs") else value for name, value in rights.items()})
