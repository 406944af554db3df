"""The scoring server in the container. Every field changes in place, on every target."""

from enum import StrEnum

import pulumi

from .declared import Names, subject


class LogFormat(StrEnum):
    """How a line of the server's log is written."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """One object a line, for machines."""


class LogLevel(StrEnum):
    """The least weight of a line that is written."""

    DEBUG = "DEBUG"
    """Everything."""
    INFO = "INFO"
    """What happens, too."""
    WARNING = "WARNING"
    """What may be wrong."""
    ERROR = "ERROR"
    """Only what failed."""


@subject
class LimitsArgs:
    """How long what may take, and how much of what there may be."""

    scoring_timeout_ms: pulumi.Input[float] | None = None
    """Milliseconds that ``run`` may take, as v1's ``scoring_timeout_ms``; an hour if not said."""
    queue_timeout: pulumi.Input[float] | None = None
    """Seconds that a request may wait for a worker; 0, and if not said, as long as it takes."""
    client_timeout: pulumi.Input[float] | None = None
    """Seconds that a client may be silent in the middle of a request; 30 if not said."""
    keep_alive: pulumi.Input[float] | None = None
    """Seconds that an idle connection stays open; 75 if not said."""
    drain_timeout: pulumi.Input[float] | None = None
    """Seconds that slow clients have at the end; 10 if not said."""
    max_body_mb: pulumi.Input[float] | None = None
    """Largest body of a request in MiB, more is answered 413; 100 if not said."""
    max_in_flight: pulumi.Input[int] | None = None
    """Requests that wait or run at once (v1: replica_max_concurrent_requests), more get 503; 1000 if not said."""
    max_connections: pulumi.Input[int] | None = None
    """Connections that are open at once; 4000 if not said."""


@subject
class BatchArgs:
    """What ``run_batch(items)`` gets at once, if the script says nothing of it."""

    batch_size: pulumi.Input[int] | None = None
    """Most requests of a batch; 16 if not said."""
    batch_delay_ms: pulumi.Input[float] | None = None
    """Milliseconds that a batch waits for more requests; 0 if not said."""


@subject
class LogArgs:
    """What is written to the container's log."""

    log_format: pulumi.Input[LogFormat] | None = None
    """For people or for machines; text if not said."""
    log_level: pulumi.Input[LogLevel] | None = None
    """The least weight of a line; INFO if not said."""
    access_log: pulumi.Input[bool] | None = None
    """Write a line for each request; true if not said."""
    # off, since bodies are the data of the service's users (decisions/server-telemetry.md)
    log_payloads: pulumi.Input[bool] | None = None
    """Write bodies to the log, which may be private; false if not said."""


@subject
class TelemetryArgs:
    """Figures and traces, and who gets them."""

    metrics: pulumi.Input[bool] | None = None
    """Count, and answer ``/metrics`` in Prometheus' format; true if not said."""
    image_header: pulumi.Input[bool] | None = None
    """Name the running image's digest in each answer, in the header ``x-aciml-image``; true if not said."""
    app_insights_connection_string: pulumi.Input[str] | None = None
    """Connection string of an Application Insights component, a secret; used with ``enable_app_insights``."""
    otlp_endpoint: pulumi.Input[str] | None = None
    """URL of an OpenTelemetry collector that gets traces; none if not said."""
    otlp_headers: pulumi.Input[str] | None = None
    """Headers for it, such as ``api-key=...``, a secret."""


@subject
class DocumentArgs:
    """What the service says of itself to those who call it."""

    docs: pulumi.Input[bool] | None = None
    """Show the page ``/docs``; true if not said."""
    service_title: pulumi.Input[str] | None = None
    """Title of the OpenAPI document; the name of the service if not said."""
    service_version: pulumi.Input[str] | None = None
    """Version in the OpenAPI document."""


# all of these become variables, which change in place; a file would
# be a secret volume, which cannot (see decisions/scoring-server.md)
@subject
class ServerArgs:
    """How the scoring server works."""

    workers: pulumi.Input[int] | None = None
    """Processes that run the script; 0 makes one for each CPU core; 1 if not said."""
    preload: pulumi.Input[bool] | None = None
    """Run ``init()`` once and let the workers share its memory; false if not said."""
    warm_up: pulumi.Input[str] | None = None
    """Sample request, a file beside the script, that is scored before the service is ready; none if not said."""
    path_prefix: pulumi.Input[str] | None = None
    """Path below which the routes are, such as ``/iris``; none if not said."""
    health_port: pulumi.Input[int] | None = None
    """Port of ``/ready``, ``/live`` and ``/metrics``, which is not public; 0 is none; 5000 if not said."""
    # v1's front end in the cloud made 502 of a script's 500; a client of then may look for that
    v1_gateway_codes: pulumi.Input[bool] | None = None
    """Answer 502 and 504 where v1's front end did; false if not said."""
    cors_origins: Names | None = None
    """Origins of browser pages that may call, or ``*``; none if not said."""
    response_cache_mb: pulumi.Input[float] | None = None
    """MiB of answers that are kept for equal bodies; 0, and if not said, none."""
    compress_answers: pulumi.Input[bool] | None = None
    """Compress answers for clients that ask for it; false if not said."""
    limits: pulumi.Input[LimitsArgs] | None = None
    """Time-outs and greatest numbers."""
    batches: pulumi.Input[BatchArgs] | None = None
    """Batches of ``run_batch``."""
    logs: pulumi.Input[LogArgs] | None = None
    """Format, level and content of the log."""
    telemetry: pulumi.Input[TelemetryArgs] | None = None
    """Metrics and traces."""
    documents: pulumi.Input[DocumentArgs] | None = None
    """The page ``/docs`` and the OpenAPI document."""
