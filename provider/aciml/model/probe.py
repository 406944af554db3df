"""The probes of a container group: each asks in one way, and as the service answers.

Source: containerInstance.json 2023-05-01; Microsoft's pages on liveness and readiness probes.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from ..core.errors import Finding
from ..core.lean import lean
from .declared import Declared
from .shape import Field

KINDS = ("exec", "http_get")


@lean(frozen=True, kw_only=True)
class Exec(Declared):
    """A probe by a command."""

    command: Annotated[tuple[str, ...], Field("program and arguments")] = ()


@lean(frozen=True, kw_only=True)
class HttpGet(Declared):
    """A probe by a request; ``scheme`` is the service's own where it asks the service's port and nothing is said."""

    # v1's health route; it answers when a worker is ready (decisions/scoring-server.md)
    path: Annotated[str, Field("path to ask; / without it")] = "/"
    port: Annotated[int, Field("port to ask", least=1, most=65535)]
    scheme: Annotated[Literal["http", "https"] | None, Field("http or https")] = None
    http_headers: Annotated[Mapping[str, str] | None, Field("headers to send")] = None


@lean(frozen=True, kw_only=True)
class Probe(Declared):
    """One probe. What is not said is for the service to fill in, so there are no defaults here."""

    exec: Annotated[Exec | None, Field("command that exits with 0")] = None
    http_get: Annotated[HttpGet | None, Field("request that is answered with 200 to 399")] = None
    # the specification has no bounds: these are those of Kubernetes, which runs the probes
    initial_delay_seconds: Annotated[int | None, Field("seconds before the first probe", least=0, unit="seconds")] = (
        None
    )
    period_seconds: Annotated[int | None, Field("seconds between two probes", least=1, unit="seconds")] = None
    failure_threshold: Annotated[int | None, Field("failures that count", least=1)] = None
    success_threshold: Annotated[int | None, Field("successes that count", least=1)] = None
    timeout_seconds: Annotated[int | None, Field("seconds for an answer", least=1, unit="seconds")] = None


def probe_findings(probe: Probe, *, port: int | None, tls: bool) -> Iterator[Finding]:
    """Judge one probe, of whatever kind.

    Args:
        probe: as it is declared.
        port: of the service; None if it is not known yet.
        tls: whether the service speaks TLS.
    """
    kinds = probe.knows(*KINDS)
    name = probe.where.rpartition(".")[2]
    # the specification makes both optional and lets them stand side by side; a probe of Kubernetes has one handler
    if len(kinds) > 1 or (not kinds and not probe.is_unsure(*KINDS)):
        yield Finding(probe.where, f"{name} needs one of exec and httpGet")
    if probe.exec and not probe.exec.command and not probe.exec.is_unsure("command"):
        yield probe.finding("exec", "an exec probe needs a command")
    asked = probe.http_get
    # the server speaks TLS on its own port alone: the health port answers plain HTTP, so probes may ask that one
    if tls and asked and asked.scheme == "http" and port is not None and asked.port == port:
        yield asked.finding("scheme", f"the service speaks TLS on port {port}; write https or drop the scheme")


def liveness_findings(probe: Probe) -> Iterator[Finding]:
    """Judge what only a liveness probe cannot have: Kubernetes, which runs it, takes no other threshold than 1."""
    if (probe.success_threshold or 1) > 1:
        yield probe.finding("success_threshold", "one success is enough for a liveness probe; write 1 or drop it")
