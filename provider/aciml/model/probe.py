"""The probes of a container group: each asks in one way, and as the service answers.

Source: containerInstance.json 2023-05-01; Microsoft's pages on liveness and readiness probes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.errors import Finding
from .said import Said

PROBES = ("livenessProbe", "readinessProbe")
KINDS = ("exec", "httpGet")


def probe_findings(said: Said) -> Iterator[Finding]:
    """Judge both probes."""
    for name in PROBES:
        if said.get(name):
            yield from _kind(name, said.inside(name))
            yield from _scheme(name, said)
    if said.inside("livenessProbe").get("successThreshold", 1) > 1:
        why = "one success is enough for a liveness probe; write 1 or drop it"
        yield Finding("livenessProbe.successThreshold", why)


def _kind(name: str, probe: Said) -> Iterator[Finding]:
    kinds = probe.known(*KINDS)
    if len(kinds) > 1 or (not kinds and not probe.unsure(*KINDS)):
        yield Finding(name, f"{name} needs one of {' and '.join(KINDS)}")
    command = probe.inside("exec")
    if "exec" in kinds and not command.get("command") and not command.unsure("command"):
        yield probe.finding("exec", "an exec probe needs a command")


def _scheme(name: str, said: Said) -> Iterator[Finding]:
    """A probe of the service's own port speaks TLS if the service does."""
    asked, own = said.inside(name).inside("httpGet"), int(said.get("port") or 0) or 443
    plain = asked.get("scheme") == "http" and asked.get("port") == own
    if plain and said.get("sslEnabled") and not said.unsure("port"):
        yield asked.finding("scheme", f"the service speaks TLS on port {own}; write https or drop the scheme")
