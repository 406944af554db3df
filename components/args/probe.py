"""Probes of a container group, in ARM's words."""

from collections.abc import Mapping
from enum import StrEnum

import pulumi

from .declared import Names, shape


class Scheme(StrEnum):
    """Protocol of a probe's request."""

    HTTP = "http"
    """Without TLS."""
    HTTPS = "https"
    """With TLS."""


@shape
class ExecArgs:
    """A command that is healthy when it exits with 0."""

    command: Names
    """Program and arguments."""


@shape
class HttpGetArgs:
    """A request that is healthy when it is answered with 200 to 399."""

    port: pulumi.Input[int]
    """Port to ask, 1 to 65535."""
    path: pulumi.Input[str] | None = None
    """Path to ask; ``/`` if not said."""
    scheme: pulumi.Input[Scheme] | None = None
    """With or without TLS; as the service itself on its own port, else http, if not said."""
    http_headers: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Headers to send, by name; none if not said."""


# if nothing is said the numbers are those of Kubernetes, which runs the probes; none of them is sent
@shape
class ProbeArgs:
    """How to find out whether the container is well: ``http_get`` or ``exec``, one of them."""

    http_get: pulumi.Input[HttpGetArgs] | None = None
    """A request."""
    exec: pulumi.Input[ExecArgs] | None = None
    """A command."""
    initial_delay_seconds: pulumi.Input[int] | None = None
    """Seconds before the first probe; 0 if not said."""
    period_seconds: pulumi.Input[int] | None = None
    """Seconds between two probes; 10 if not said."""
    failure_threshold: pulumi.Input[int] | None = None
    """Failures in a row that count; 3 if not said."""
    success_threshold: pulumi.Input[int] | None = None
    """Successes in a row that count; 1 if not said."""
    timeout_seconds: pulumi.Input[int] | None = None
    """Seconds for an answer; 1 if not said."""
