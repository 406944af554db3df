"""What the environment and ``config.json`` say; read once at start."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Dict, List, Mapping, MutableMapping, Optional, Tuple

from . import config_file
from .setting import Setting, count_or_auto, digest, port_or_off, setting, setting_of

_MIB = 1024 * 1024
KEYS = ("ACIML_PRIMARY_KEY", "ACIML_SECONDARY_KEY")


@dataclass(frozen=True)
class Settings:
    """All that can be set, each with its default, what it is, and its variables: the first that is there counts.

    What has a unit is a number from 0 on, and 0 switches off what may be off. Variables without ACIML are v1's, or
    those that OpenTelemetry and Application Insights specify.
    """

    entry_script: str = setting("main.py", "the script, below the app root", "AZUREML_ENTRY_SCRIPT")
    app_root: str = setting("/var/azureml-app", "the folder of all that is the user's", "AML_APP_ROOT")
    source_directory: str = setting(
        "", "a folder that scripts import from, below the app root", "AZUREML_SOURCE_DIRECTORY", v1=("source_dir",)
    )
    model_dir: str = setting("", "the folder of models, for the script", "AZUREML_MODEL_DIR")
    models: Dict[str, str] = setting({}, "more scripts by name, for /score/<name>", "ACIML_MODELS")  # noqa: RUF009  # a field

    # a container's port is opened by its host; until then nobody outside can call what listens here
    host: str = setting("0.0.0.0", "the address that is listened on", "ACIML_HOST")  # noqa: S104
    # both ports are those of v1, so that what calls and probes its services finds these
    port: int = setting(5001, "the port; 0 takes a free one, and logs it", "ACIML_PORT", "SERVER_PORT")
    health_port: int = setting(
        5000,
        "where probes ask, with a socket of its own; off is none",
        *("ACIML_HEALTH_PORT", "HEALTH_PORT"),
        read=port_or_off,
    )
    keys_file: str = setting("", "a file with both keys, which is followed while the service runs", "ACIML_KEYS_FILE")
    tls_cert: str = setting("", "PEM file of the certificate chain; with it the port speaks TLS", "ACIML_TLS_CERT")
    tls_key: str = setting("", "PEM file of its key", "ACIML_TLS_KEY")
    tls_client_ca: str = setting("", "PEM file of authorities whose clients alone get in", "ACIML_TLS_CLIENT_CA")
    cors_origins: Tuple[str, ...] = setting(
        (),
        "origins of browser pages that may call, or *",
        "AML_CORS_ORIGINS",
        v1=("access_control_allow_origins", "amlcorsorigins"),
    )

    # what v1 took: the proxy of its images had `client_max_body_size 100m`
    max_body: int = setting(100 * _MIB, "largest body of a request", "ACIML_MAX_BODY", unit="bytes")
    max_header: int = setting(32 * 1024, "largest head of a request", "ACIML_MAX_HEADER", unit="bytes")
    max_buffered: int = setting(512 * _MIB, "bodies that may be in memory at once", "ACIML_MAX_BUFFERED", unit="bytes")
    max_in_flight: int = setting(1000, "requests that may wait or run at once", "ACIML_MAX_IN_FLIGHT", unit="requests")
    max_connections: int = setting(
        4000, "connections that may be open at once", "ACIML_MAX_CONNECTIONS", unit="connections"
    )
    patience: float = setting(
        30.0, "that a client may be silent in the middle of a request", "ACIML_CLIENT_TIMEOUT", unit="seconds"
    )
    keep_alive: float = setting(75.0, "that an idle connection stays open", "ACIML_KEEP_ALIVE", unit="seconds")
    drain: float = setting(
        10.0, "for slow clients after SIGTERM, when all jobs are done", "ACIML_DRAIN_TIMEOUT", unit="seconds"
    )
    queue_timeout: float = setting(0.0, "that a request may wait for a worker", "ACIML_QUEUE_TIMEOUT", unit="seconds")

    # v1's default of an hour: a script that ran long there must not end here
    scoring_timeout_ms: float = setting(
        3_600_000.0,
        "that run() may take",
        "SCORING_TIMEOUT_MS",
        unit="milliseconds",
        v1=("scoring_timeout",),
    )
    workers: int = setting(
        1,
        "processes that run the script; auto is one for each core",
        "ACIML_WORKERS",
        "WORKER_COUNT",
        read=count_or_auto,
    )
    preload: bool = setting(
        False, "run init() once, and let workers share its memory", "ACIML_PRELOAD", "WORKER_PRELOAD"
    )
    start_timeout: float = setting(0.0, "that init() may take", "ACIML_START_TIMEOUT", unit="seconds")
    typed: bool = setting(True, "if annotations of run say what it gets", "ACIML_TYPED")
    batch_size: int = setting(16, "most requests that run_batch gets at once", "ACIML_BATCH_SIZE", unit="requests")
    batch_delay_ms: float = setting(
        0.0, "that a batch waits for more requests", "ACIML_BATCH_DELAY_MS", unit="milliseconds"
    )
    async_concurrency: int = setting(
        100,
        "requests that one worker has at once if its run is a coroutine function",
        "ACIML_ASYNC_CONCURRENCY",
        unit="requests",
    )
    warm_up: str = setting(
        "", "a sample request beside the script, scored before the service is ready", "ACIML_WARM_UP"
    )
    cache_bytes: int = setting(0, "answers that are kept for equal bodies", "ACIML_CACHE_BYTES", unit="bytes")
    compress_answers: bool = setting(False, "compress answers for who asks for it", "ACIML_COMPRESS_ANSWERS")

    v1_gateway_codes: bool = setting(False, "502 and 504 where v1's front end said so", "ACIML_V1_GATEWAY_CODES")
    path_prefix: str = setting("", "the path below which the routes are", "SERVICE_PATH_PREFIX")
    # these two are v1's defaults, so that documents of a service that moved stay the same
    service_name: str = setting("ML service", "title of the OpenAPI document", "SERVICE_NAME")
    service_version: str = setting("1.0", "version in the OpenAPI document", "SERVICE_VERSION")
    say_version: bool = setting(True, "send x-ms-server-version", "SERVER_VERSION_LOG_RESPONSE_ENABLED")
    image_digest: str = setting(
        "", "of the image that runs, if whoever starts the container says so", "ACIML_IMAGE_DIGEST", read=digest
    )
    image_header: bool = setting(True, "send it, as x-aciml-image", "ACIML_IMAGE_HEADER")
    docs: bool = setting(True, "show the page /docs", "ACIML_DOCS")
    static: str = setting("", "folder of Swagger UI; without one it is `static` beside the code", "ACIML_STATIC")
    metrics: bool = setting(True, "count, and answer /metrics", "ACIML_METRICS")

    log_level: str = setting("INFO", "the least weight of a line", "AZUREML_LOG_LEVEL")
    log_format: str = setting("text", "text or json", "ACIML_LOG_FORMAT")
    access_log: bool = setting(True, "write a line for each request", "ACIML_ACCESS_LOG")
    log_payloads: bool = setting(False, "write bodies, which may be private", "ACIML_LOG_PAYLOADS")
    debug_port: int = setting(0, "where a debugger listens, or shall be able to call", "AZUREML_DEBUG_PORT")
    app_insights: str = setting(
        "", "connection string of Application Insights", "APPLICATIONINSIGHTS_CONNECTION_STRING", secret=True
    )
    app_insights_on: bool = setting(
        False,
        "with a key: v1's way to say it without a connection string",
        "AML_APP_INSIGHTS_ENABLED",
        v1=("app_insights_enabled",),
    )
    app_insights_key: str = setting(
        "",
        "the instrumentation key for that",
        "AML_APP_INSIGHTS_KEY",
        v1=("instrumentation_key", "appinsights_instrumentation_key"),
        secret=True,
    )
    app_insights_answers: bool = setting(
        False, "send bodies of answers, too, which v1 did without being asked", "APP_INSIGHTS_LOG_RESPONSE_ENABLED"
    )
    otlp_endpoint: str = setting(
        "", "base of an OpenTelemetry collector; /v1/traces is added", "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    otlp_traces_endpoint: str = setting(
        "", "the same as it is, with nothing added; it wins", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )
    otlp_headers: str = setting(
        "",
        "headers for it, such as api-key=...",
        *("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
        secret=True,
    )
    # 10 seconds, like the names, is in OpenTelemetry's specification (OTLP exporter); the variable of the signal wins
    otlp_timeout_ms: float = setting(
        10_000.0,
        "that it may take to answer",
        *("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"),
        unit="milliseconds",
    )
    otlp_protocol: str = setting(
        "", "http/json; others are not known", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    otel_disabled: bool = setting(False, "send no traces", "OTEL_SDK_DISABLED")
    otel_exporter: str = setting("", "otlp, and without it; all others send no traces", "OTEL_TRACES_EXPORTER")
    # the specification's default, too (SDK environment variables): a caller that is traced has its whole trace
    otel_sampler: str = setting("parentbased_always_on", "which traces are sent", "OTEL_TRACES_SAMPLER")
    otel_sampler_arg: str = setting("", "the share for traceidratio", "OTEL_TRACES_SAMPLER_ARG")
    otel_service: str = setting("", "name of the service in telemetry", "OTEL_SERVICE_NAME")
    otel_attributes: str = setting("", "more that is said of the service", "OTEL_RESOURCE_ATTRIBUTES")
    reload: bool = setting(False, "start workers anew when the script changes", "ACIML_RELOAD")

    # no settings of their own: two variables that are taken out of the environment, and what was found out on the way
    keys: Tuple[bytes, ...] = field(default=(), repr=False)
    """Without one everybody may call ``/score``. Never shown."""
    warnings: Tuple[str, ...] = field(default=(), repr=False)
    """Of keys in ``config.json`` that mean nothing; said once there is a log."""

    @property
    def scripts(self) -> Dict[str, str]:
        """Return all entry scripts by name; the nameless one answers ``/score``."""
        return {"": self.entry_script, **self.models}

    def for_worker(self) -> str:
        """Return the settings as JSON, without what is secret: a worker runs the user's code."""
        return json.dumps({name: value for name, value in asdict(self).items() if name in _FOR_WORKERS})

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what ``for_worker`` wrote."""
        given: Dict[str, Any] = json.loads(text)
        for name, value in given.items():
            if isinstance(value, list):  # JSON has no tuples
                given[name] = tuple(value)
        return cls(**given)

    @classmethod
    def take(cls, environ: Optional[MutableMapping[str, str]] = None) -> Settings:
        """Read ``config.json`` and the variables, which win; take the keys out of them, because of user code.

        Raises:
            ValueError: a value is none of its kind; the message names all such settings.
        """
        env = os.environ if environ is None else environ
        # the environment is inherited: what is left in it is seen by the script, and by each program that it starts
        keys = tuple(env.pop(name, "") for name in KEYS)
        path, texts, warnings = config_file.take(env, cls.app_root, cls.entry_script, _known())
        said = {name: ("%s in %s" % (key, path), text) for name, (key, text) in texts.items()}
        for name, one in TABLE.items():
            # a variable that is empty is none: templates write such lines, and OpenTelemetry's specification demands it
            variable = next((variable for variable in one.variables if env.get(variable)), None)
            if variable:
                said[name] = (variable, env[variable])
        return cls(
            # the bytes that the environment had, whatever they are: a key is compared by its bytes
            keys=tuple(key.encode("utf-8", "surrogateescape") for key in keys if key),
            **_values(said, warnings),
            warnings=tuple(warnings),
        )


TABLE: Mapping[str, Setting] = {
    one.name: found for one in fields(Settings) for found in [setting_of(one)] if found is not None
}
"""All settings by name."""
SECRETS = (*KEYS, *(variable for one in TABLE.values() if one.secret for variable in one.variables))
"""Variables whose values no worker may find, in the environment of the front either."""
VARIABLES: Mapping[str, Tuple[str, ...]] = {name: one.variables for name, one in TABLE.items()}
"""The variables of each setting; the first that is there counts."""
_DEFAULTS: Mapping[str, Any] = {name: getattr(Settings, name, None) for name in TABLE}
_FOR_WORKERS = frozenset(name for name, one in TABLE.items() if not one.secret)


def _known() -> Dict[str, str]:
    """Return the names of settings by what ``config.json`` may call them, in lower case."""
    known: Dict[str, str] = {}
    for name, one in TABLE.items():
        known.update((key.lower(), name) for key in (name, *one.variables, *one.v1))
    return known


def _values(said: Mapping[str, Tuple[str, str]], warnings: List[str]) -> Dict[str, Any]:
    """Read each text; ``said`` has for each setting where it stands, and the text.

    A switch of v1 with another word than a boolean is off, as it was there, and ``warnings`` get a sentence more.
    """
    given: Dict[str, Any] = {}
    wrong: List[str] = []
    for name, (where, text) in said.items():
        try:
            given[name] = TABLE[name].read(text)
        except ValueError as error:
            # of variables alone: who writes a file of settings has nothing of v1's to keep
            if isinstance(_DEFAULTS[name], bool) and where in TABLE[name].variables and not where.startswith("ACIML_"):
                given[name] = False
                warnings.append("%s is %r, which is not %s; it is off, as in v1" % (where, text, error))
                continue
            wrong.append("%s is %r, which is not %s" % (where, text, error))
    if wrong:
        raise ValueError("; ".join(wrong))
    return given
