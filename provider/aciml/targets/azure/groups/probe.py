"""Probes of a container in ARM's JSON, and those of a service that says nothing of probes."""

from __future__ import annotations

from typing import Any

from ....model.declared import read, written
from ....model.probe import Exec, HttpGet, Probe
from .members import Json, given

HEALTH_PORT = 5000
"""Where the server of this project answers probes, without keys and TLS; the group's address does not open it."""
LIVENESS = Probe(
    http_get=HttpGet(path="/live", port=HEALTH_PORT),
    # patient, because a tenth of a core starts slowly: only after a minute and a half it is taken for dead
    initial_delay_seconds=30,
    period_seconds=10,
    failure_threshold=6,
    timeout_seconds=5,
)
READINESS = Probe(
    http_get=HttpGet(path="/ready", port=HEALTH_PORT), period_seconds=5, failure_threshold=3, timeout_seconds=5
)
_DEFAULTS = {
    # Kubernetes' defaults ("Configure Liveness, Readiness and Startup Probes"), which the service's page on probes
    # repeats in part; an answer may have them where the request had nothing
    "initialDelaySeconds": 0,
    "periodSeconds": 10,
    "failureThreshold": 3,
    "successThreshold": 1,
    "timeoutSeconds": 1,
}


def to_arm(probe: Probe | None, *, port: int, tls: bool) -> dict[str, Any] | None:
    """Return a probe; one that asks the service's port speaks TLS if the service does, unless it says how.

    Args:
        probe: as it is declared; one that says nothing is none.
        port: of the service.
        tls: whether the service speaks TLS.
    """
    said = written(probe) if probe else {}
    if probe is None or not said:
        return None
    found: dict[str, Any] = {name: int(said[name]) for name in _DEFAULTS if name in said}
    if probe.exec:
        found["exec"] = {"command": list(probe.exec.command)}
    if asked := probe.http_get:
        headers = asked.http_headers or {}
        found["httpGet"] = given(
            path=asked.path or "/",
            port=int(asked.port),
            # a probe shows no certificate and checks none; but to a TLS port it has to speak TLS
            scheme=asked.scheme or ("https" if tls and asked.port == port else "http"),
            httpHeaders=[{"name": name, "value": str(headers[name])} for name in sorted(headers)],
        )
    return found


def same(probe: Json | None) -> dict[str, Any] | None:
    """Return what two descriptions of a probe are compared by, with all defaults."""
    if not probe:
        return None
    # null is an answer's word for "not said"
    found: dict[str, Any] = {name: int(probe.get(name) or default) for name, default in _DEFAULTS.items()}
    # an answer may have the other kind beside it, null or empty; none is without a command
    if command := (probe.get("exec") or {}).get("command"):
        found["exec"] = list(command)
    if asked := probe.get("httpGet"):
        headers = {str(item["name"]): str(item.get("value") or "") for item in asked.get("httpHeaders") or ()}
        scheme = str(asked.get("scheme") or "http").lower()
        found["httpGet"] = given(
            path=asked.get("path") or "/", port=int(asked["port"]), scheme=scheme, httpHeaders=headers
        )
    return found


def folded(probe: Json | None) -> Json | None:
    """Return a probe in which the letter case of header names does not count (RFC 9110, 5.1)."""
    headers = ((probe or {}).get("httpGet") or {}).get("httpHeaders")
    if not probe or not headers:
        return probe
    lowered = {name.lower(): value for name, value in headers.items()}
    return {**probe, "httpGet": {**probe["httpGet"], "httpHeaders": lowered}}


def from_arm(probe: Json | None) -> Probe | None:
    """Return what ``same`` made of a probe as it would be declared."""
    if not probe:
        return None
    command = probe.get("exec")
    found = read(Probe, {name: value for name, value in probe.items() if name != "exec"})
    return found if command is None else found.but(exec=Exec(command=tuple(command)))
