"""The properties of a group that say how its scoring server works; each becomes a variable of the container.

So a change of one is an update in place. The variables are those of ``server/aciml_server/settings.py``, and what holds
without one is what the server does by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared, Part, parts_of
from .shape import Field

MIB = 1024 * 1024


@lean(frozen=True)
class Variable:
    """Marks a field that is a variable of the server: its name, what its unit multiplies by, what is told for 0."""

    name: str
    times: int = 1
    zero: str = ""

    def text(self, value: Any) -> str:
        """Return what the server is told."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        # after the truths, since bool is a number in Python
        if isinstance(value, int | float):
            number = value * self.times
            # what the server counts in bytes is a whole number there
            plain = f"{int(number)}" if self.times > 1 or number == int(number) else f"{number}"
            return self.zero or plain if number == 0 else plain
        return str(value)

    def value(self, text: str, kind: str) -> Any:
        """Return what a text is as a property; one that is none stays a text, and shows as a difference."""
        # the words that the server itself reads (server/aciml_server/settings.py)
        if kind == "boolean":
            return text.lower() in ("true", "1", "yes", "on")
        if kind == "array":
            return tuple(text.split(","))
        if kind == "string":
            return text
        # the server has words where 0 would be a number of something: no port, as many as there are cores
        if self.zero and text == self.zero:
            return 0
        try:
            number = float(text) / self.times
        except ValueError:
            # a text that is no number shows as a difference, which is what it is
            return text
        return int(number) if number.is_integer() else number


@lean(frozen=True, kw_only=True)
class Server(Declared):
    """How the server works. What is not said is no variable, so there are no defaults but those of the table."""

    # variables without ACIML are v1's, or those that OpenTelemetry specifies: scripts and people
    # know them. One worker, as v1's WORKER_COUNT: scripts with global state were written for one
    workers: Annotated[
        int | None,
        Field(
            "processes that run the script; 0 makes one for each CPU core; 1 without it",
            default=1,
            least=0,
            most=64,
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_WORKERS", zero="auto"),
    ] = None
    # off as v1's WORKER_PRELOAD
    preload: Annotated[
        bool | None,
        Field("run init() once and let the workers share its memory", default=False, cost=cost.VARIABLE),
        Variable("ACIML_PRELOAD"),
    ] = None
    # v1's default; what cut a request after a minute was the front end before it, which is gone (azure-docs #24319)
    scoring_timeout_ms: Annotated[
        float | None,
        Field(
            "milliseconds that run() may take, as v1's scoring_timeout_ms; an hour without it",
            default=3_600_000,
            least=1,
            unit="milliseconds",
            cost=cost.VARIABLE,
        ),
        Variable("SCORING_TIMEOUT_MS"),
    ] = None
    # one more than that is answered 503 at once: a queue without an end would only answer late
    max_in_flight: Annotated[
        int | None,
        Field(
            "requests that may wait or run at once (v1: replica_max_concurrent_requests); 1000 without it",
            default=1000,
            least=1,
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_MAX_IN_FLIGHT"),
    ] = None
    # v1's queue with its 503 after 500 ms was on Kubernetes alone; on Container Instances a request waited
    queue_timeout: Annotated[
        float | None,
        Field(
            "seconds that a request may wait for a worker; 0, and without it, as long as it takes",
            default=0,
            least=0,
            unit="seconds",
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_QUEUE_TIMEOUT"),
    ] = None
    # what v1's nginx let through: client_max_body_size 100m
    max_body_mb: Annotated[
        float | None,
        Field(
            "largest body of a request in MiB; 100 without it", default=100, least=0.001, unit="MiB", cost=cost.VARIABLE
        ),
        Variable("ACIML_MAX_BODY", times=MIB),
    ] = None
    # each one is a descriptor of the process, of which systems grant some thousands
    max_connections: Annotated[
        int | None,
        Field("connections that may be open at once; 4000 without it", default=4000, least=1, cost=cost.VARIABLE),
        Variable("ACIML_MAX_CONNECTIONS"),
    ] = None
    # v1 had none, and one slow client stood in the way of all others
    client_timeout: Annotated[
        float | None,
        Field(
            "seconds that a client may be silent in the middle of a request; 30 without it",
            default=30,
            least=0.1,
            unit="seconds",
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_CLIENT_TIMEOUT"),
    ] = None
    # nginx's own default (keepalive_timeout)
    keep_alive: Annotated[
        float | None,
        Field(
            "seconds that an idle connection stays open; 75 without it",
            default=75,
            least=0,
            unit="seconds",
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_KEEP_ALIVE"),
    ] = None
    # clients that read slowly; what is at work is finished before, however long that takes
    drain_timeout: Annotated[
        float | None,
        Field(
            "seconds that slow clients have at the end; 10 without it",
            default=10,
            least=0,
            unit="seconds",
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_DRAIN_TIMEOUT"),
    ] = None
    # only for scripts that have run_batch: others are called once a request
    batch_size: Annotated[
        int | None,
        Field("most requests that run_batch gets at once; 16 without it", default=16, least=1, cost=cost.VARIABLE),
        Variable("ACIML_BATCH_SIZE"),
    ] = None
    # 0: what has come by then is a batch, and nobody waits for company
    batch_delay_ms: Annotated[
        float | None,
        Field(
            "milliseconds that a batch waits for more requests; 0 without it",
            default=0,
            least=0,
            unit="milliseconds",
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_BATCH_DELAY_MS"),
    ] = None
    # the first request pays for what a model loads lazily, so a sample pays instead
    warm_up: Annotated[
        str | None,
        Field(
            "sample request, a file beside the script, that is scored before the service is ready", cost=cost.VARIABLE
        ),
        Variable("ACIML_WARM_UP"),
    ] = None
    # off, since only a script whose answer depends on the body alone may be asked once for two equal ones
    response_cache_mb: Annotated[
        float | None,
        Field(
            "MiB of answers that are kept for equal bodies; 0, and without it, none",
            default=0,
            least=0,
            unit="MiB",
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_CACHE_BYTES", times=MIB),
    ] = None
    # off: it takes time of the processor that the model could have, and most callers are near
    compress_answers: Annotated[
        bool | None,
        Field("compress answers for clients that ask for it", default=False, cost=cost.VARIABLE),
        Variable("ACIML_COMPRESS_ANSWERS"),
    ] = None
    # v1 had the variable, and its front end let no OPTIONS through, so that no browser could call (azure-docs #20529)
    cors_origins: Annotated[
        tuple[str, ...],
        Field("origins of browser pages that may call, or *", cost=cost.VARIABLE),
        Variable("AML_CORS_ORIGINS"),
    ] = ()
    # for clients that were written for v1's front end: it made 502 of a script's 500, and 504 of its own minute
    v1_gateway_codes: Annotated[
        bool | None,
        Field("answer 502 and 504 where v1's front end did", default=False, cost=cost.VARIABLE),
        Variable("ACIML_V1_GATEWAY_CODES"),
    ] = None
    # an ingress that leads several services by their paths sends the path along
    path_prefix: Annotated[
        str | None,
        Field("path below which the routes are, such as /iris", cost=cost.VARIABLE),
        Variable("SERVICE_PATH_PREFIX"),
    ] = None
    service_title: Annotated[
        str | None, Field("title of the OpenAPI document", cost=cost.VARIABLE), Variable("SERVICE_NAME")
    ] = None
    service_version: Annotated[
        str | None, Field("version in the OpenAPI document", cost=cost.VARIABLE), Variable("SERVICE_VERSION")
    ] = None
    docs: Annotated[
        bool | None,
        Field("show the page /docs; true if not said", default=True, cost=cost.VARIABLE),
        Variable("ACIML_DOCS"),
    ] = None
    # on, since they cost 1.0 to 1.9 us a request (decisions/server-telemetry.md)
    metrics: Annotated[
        bool | None,
        Field("count, and answer /metrics; true if not said", default=True, cost=cost.VARIABLE),
        Variable("ACIML_METRICS"),
    ] = None
    # on Azure no label shows what runs, so an answer does (decisions/labels.md)
    image_header: Annotated[
        bool | None,
        Field(
            "name the running image's digest in each answer (x-aciml-image); true if not said",
            default=True,
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_IMAGE_HEADER"),
    ] = None
    # v1's HEALTH_PORT. In v1 the health route waited behind a slow score; this one is answered by the front
    health_port: Annotated[
        int | None,
        Field(
            "port of /ready, /live and /metrics, which is not public; 0 is none; 5000 without it",
            default=5000,
            least=0,
            most=65535,
            cost=cost.VARIABLE,
        ),
        Variable("ACIML_HEALTH_PORT", zero="off"),
    ] = None
    # text for people; json for collectors, with a field each
    log_format: Annotated[
        Literal["text", "json"] | None,
        Field("text or json", default="text", cost=cost.VARIABLE),
        Variable("ACIML_LOG_FORMAT"),
    ] = None
    # v1 read the variable and did nothing with it (azmlinfsrv 1.5.1)
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None,
        Field("DEBUG, INFO, WARNING or ERROR", default="INFO", cost=cost.VARIABLE),
        Variable("AZUREML_LOG_LEVEL"),
    ] = None
    # a service of many small requests may do without
    access_log: Annotated[
        bool | None,
        Field("write a line for each request; true if not said", default=True, cost=cost.VARIABLE),
        Variable("ACIML_ACCESS_LOG"),
    ] = None
    # off, unlike v1's telemetry, which sent each answer: bodies are
    # the data of the user's users (decisions/server-telemetry.md)
    log_payloads: Annotated[
        bool | None,
        Field("write bodies to the log, which may be private", default=False, cost=cost.VARIABLE),
        Variable("ACIML_LOG_PAYLOADS"),
    ] = None
    # OpenTelemetry's own variable: a collector is found the same way by every program
    otlp_endpoint: Annotated[
        str | None,
        Field("OpenTelemetry collector that gets traces", cost=cost.VARIABLE),
        Variable("OTEL_EXPORTER_OTLP_ENDPOINT"),
    ] = None
    # collectors that are paid for take their key there
    otlp_headers: Annotated[
        str | None,
        Field("headers for it, such as api-key=...", secret=True, cost=cost.VARIABLE),
        Variable("OTEL_EXPORTER_OTLP_HEADERS"),
    ] = None


@lean(frozen=True)
class Setting:
    """One property of the server: its field, and its variable."""

    part: Part
    variable: Variable

    def given(self, server: Server) -> Any:
        """Return what is declared; None if nothing is."""
        value = getattr(server, self.part.name)
        # an empty list is said as nothing, and so makes no variable
        return None if value == () else value


def _settings() -> Iterator[Setting]:
    for part in parts_of(Server).values():
        (variable,) = (mark for mark in part.marks if isinstance(mark, Variable))
        yield Setting(part, variable)


SETTINGS: Mapping[str, Setting] = {one.part.wire: one for one in _settings()}
"""By property."""


def variables_of(server: Server, *, secret: bool) -> dict[str, str]:
    """Return the variables for what is given: the secret ones, or the others."""
    # each variable is secret or plain as its field is, so a state never has it in both
    every = ((one, one.given(server)) for one in SETTINGS.values() if one.part.row.secret is secret)
    return {one.variable.name: one.variable.text(value) for one, value in every if value is not None}


def server_findings(server: Server, variables: Iterable[tuple[str, Iterable[str]]]) -> Iterator[Finding]:
    """Report texts of the wrong form, and variables that a property sets already; ranges and words are the table's.

    Args:
        server: as it is declared; what is given and not known yet counts as given.
        variables: by the path of a map of variables, the names in it.
    """
    for one in SETTINGS.values():
        name, value = one.part.name, one.given(server)
        # what is given and not known yet counts: the variable must not be given a second time
        if value is None and not server.is_unsure(name):
            continue
        if why := _form(name, value):
            yield server.finding(name, why)
        for where, named in variables:
            if one.variable.name in named:
                why = f"{one.variable.name} is set by the property {one.part.wire}; use that alone"
                yield Finding(f'{where}["{one.variable.name}"]', why)


# what a table of words, ranges and kinds cannot say
def _form(name: str, value: str | None) -> str:
    if name == "path_prefix" and value is not None and not value.startswith("/"):
        return f'"{value}" is no path; begin it with /'
    if name == "otlp_endpoint" and value is not None and not value.startswith(("http://", "https://")):
        return f'"{value}" is no URL; begin it with http:// or https://'
    return ""


def taken_out(
    seen: Mapping[str, str], declared: Server, own: Iterable[str], *, secret: bool
) -> tuple[Server, dict[str, str]]:
    """Take what the server is told out of the variables that were seen.

    Args:
        seen: variables of a container, all secret or all plain.
        declared: what was declared; a variable that says the same leaves it as it was declared.
        own: names of the variables that the user declares as such: those stay variables.
        secret: which of both.

    Returns:
        What is declared as it is now, and the variables that are left.
    """
    rest, now = dict(seen), dict[str, Any]()
    for one in SETTINGS.values():
        was = one.given(declared)
        # a variable that the user declares by itself stays one, even if a property has the same name
        if one.part.row.secret is not secret or (one.variable.name in own and was is None):
            continue
        said = rest.pop(one.variable.name, None)
        # a variable that is gone is a property that nobody gives
        if said is None:
            now[one.part.name] = () if one.part.row.kind == "array" else None
        # as texts: 30 and 30.0 are one variable, and no difference
        elif was is None or said != one.variable.text(was):
            now[one.part.name] = one.variable.value(said, one.part.row.kind)
    return declared.but(**now), rest
