"""What the environment and ``config.json`` say; read once at start."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Dict, Mapping, MutableMapping, Optional, Tuple

from . import config_file

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """All that can be set. Sizes are in bytes and times in seconds, unless a name says otherwise.

    0 switches off what may be off. ``keys`` never appear in ``repr``; without keys everybody may call ``/score``.
    ``port`` 0 takes a free one and logs it.
    """

    entry_script: str = "main.py"
    app_root: str = "/var/azureml-app"
    source_directory: str = ""
    model_dir: str = ""
    models: Dict[str, str] = field(default_factory=dict)
    """More scripts by name, for ``/score/<name>``."""

    host: str = "0.0.0.0"  # noqa: S104  # a container's port is opened by its host
    port: int = 5001
    health_port: int = 5000
    """Where probes ask, with a socket of its own; -1 (``off``) for none."""
    keys: Tuple[bytes, ...] = field(default=(), repr=False)
    keys_file: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    cors_origins: Tuple[str, ...] = ()

    max_body: int = 100 * _MIB
    max_header: int = 32 * 1024
    max_buffered: int = 512 * _MIB
    """Bytes of bodies that may be in memory at once."""
    max_in_flight: int = 1000
    max_connections: int = 4000
    patience: float = 30.0
    """Of a client that says nothing in the middle of a request."""
    keep_alive: float = 75.0
    drain: float = 10.0
    """For slow clients after SIGTERM, when all jobs are done."""
    queue_timeout: float = 0.0

    scoring_timeout_ms: float = 3_600_000.0
    workers: int = 1
    preload: bool = False
    start_timeout: float = 0.0
    typed: bool = True
    """If annotations of ``run`` say what it gets."""
    batch_size: int = 16
    batch_delay_ms: float = 0.0
    async_concurrency: int = 100
    """Requests that one worker has at once if its `run` is a coroutine function."""
    warm_up: str = ""
    cache_bytes: int = 0
    compress_answers: bool = False

    v1_gateway_codes: bool = False
    path_prefix: str = ""
    service_name: str = "ML service"
    service_version: str = "1.0"
    say_version: bool = True
    image_digest: str = ""
    """Of the image that runs, if whoever starts the container says so."""
    image_header: bool = True
    docs: bool = True
    static: str = ""
    """The folder of Swagger UI; without one it is `static` beside the code."""
    metrics: bool = True

    log_level: str = "INFO"
    log_format: str = "text"
    access_log: bool = True
    log_payloads: bool = False
    debug_port: int = 0
    app_insights: str = field(default="", repr=False)
    app_insights_on: bool = False
    """With ``app_insights_key``: v1's way to say it without a connection string."""
    app_insights_key: str = field(default="", repr=False)
    app_insights_answers: bool = False
    """Send the bodies of answers, too, which v1 did without being asked."""
    otlp_endpoint: str = ""
    """The base; ``/v1/traces`` is added. ``otlp_traces_endpoint`` is taken as it is, and wins."""
    otlp_traces_endpoint: str = ""
    otlp_headers: str = field(default="", repr=False)
    otlp_timeout_ms: float = 10_000.0
    otlp_protocol: str = ""
    otel_disabled: bool = False
    otel_exporter: str = ""
    otel_sampler: str = "parentbased_always_on"
    otel_sampler_arg: str = ""
    otel_service: str = ""
    otel_attributes: str = ""
    reload: bool = False

    warnings: Tuple[str, ...] = field(default=(), repr=False)
    """Of keys in ``config.json`` that mean nothing; said once there is a log."""

    @property
    def scripts(self) -> Dict[str, str]:
        """Return all entry scripts by name; the nameless one answers ``/score``."""
        return {"": self.entry_script, **self.models}

    def for_worker(self) -> str:
        """Return the settings as JSON, without the keys: a worker runs the user's code."""
        secret = {"keys", "app_insights", "app_insights_key", "otlp_headers", "warnings"}
        return json.dumps({name: value for name, value in asdict(self).items() if name not in secret})

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what ``for_worker`` wrote."""
        given = json.loads(text)
        return cls(**{**given, "cors_origins": tuple(given["cors_origins"])})

    @classmethod
    def take(cls, environ: Optional[MutableMapping[str, str]] = None) -> Settings:
        """Read ``config.json`` and the variables, which win; take the keys out of them, because of user code.

        Raises:
            ValueError: a value is none of its kind; the message names all such settings.
        """
        env = os.environ if environ is None else environ
        keys = (env.pop("ACIML_PRIMARY_KEY", ""), env.pop("ACIML_SECONDARY_KEY", ""))
        names = [one.name for one in fields(cls) if one.name in VARIABLES]
        path = config_file.find(env, cls.app_root, cls.entry_script)
        texts, warnings = config_file.read(path, VARIABLES, names) if path else ({}, [])
        said = {name: ("%s in %s" % (name, path), text) for name, text in texts.items()}
        for name in names:
            variable = next((one for one in VARIABLES[name] if env.get(one)), None)
            if variable:
                said[name] = (variable, env[variable])
        given = _parsed({one.name: str(one.type) for one in fields(cls)}, said)
        return cls(
            keys=tuple(key.encode("utf-8", "surrogateescape") for key in keys if key),
            warnings=tuple(warnings),
            **given,
        )


def _parsed(types: Mapping[str, str], said: Mapping[str, Tuple[str, str]]) -> Dict[str, Any]:
    """Read each text; ``said`` has for each setting where it stands, and the text."""
    given: Dict[str, Any] = {}
    wrong = []
    for name, (where, text) in said.items():
        try:
            given[name] = _PARSERS.get(name, _BY_TYPE.get(types[name], str))(text)
        except ValueError as error:
            wrong.append("%s is %r, which is not %s" % (where, text, error))
    if wrong:
        raise ValueError("; ".join(wrong))
    return given


def _integer(text: str) -> int:
    return int(_number(text))


def _health_port(text: str) -> int:
    return -1 if text.strip().lower() == "off" else _integer(text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError("a number from 0 on")
    return number


def _truth(text: str) -> bool:
    low = text.strip().lower()
    if low not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise ValueError("true or false")
    return low in ("true", "1", "yes", "on")


def _names(text: str) -> Tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _workers(text: str) -> int:
    if text.strip().lower() == "auto":
        return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return max(1, _integer(text))


def _models(text: str) -> Dict[str, str]:
    try:
        return {str(name): str(script) for name, script in json.loads(text).items()}
    except (ValueError, AttributeError):
        raise ValueError('a JSON object such as {"name": "script.py"}') from None


def _digest(text: str) -> str:
    if not re.fullmatch("[a-z0-9]+:[0-9a-f]{32,128}", text):
        raise ValueError("a digest such as sha256:... in hexadecimal digits")
    return text


_BY_TYPE: Mapping[str, Any] = {"int": _integer, "float": _number, "bool": _truth, "str": str}
_PARSERS: Mapping[str, Any] = {
    "health_port": _health_port,
    "cors_origins": _names,
    "workers": _workers,
    "models": _models,
    "image_digest": _digest,
}

VARIABLES: Mapping[str, Tuple[str, ...]] = {
    "entry_script": ("AZUREML_ENTRY_SCRIPT",),
    "app_root": ("AML_APP_ROOT",),
    "source_directory": ("AZUREML_SOURCE_DIRECTORY",),
    "model_dir": ("AZUREML_MODEL_DIR",),
    "models": ("ACIML_MODELS",),
    "host": ("ACIML_HOST",),
    "port": ("ACIML_PORT", "SERVER_PORT"),
    "health_port": ("ACIML_HEALTH_PORT", "HEALTH_PORT"),
    "keys_file": ("ACIML_KEYS_FILE",),
    "tls_cert": ("ACIML_TLS_CERT",),
    "tls_key": ("ACIML_TLS_KEY",),
    "tls_client_ca": ("ACIML_TLS_CLIENT_CA",),
    "cors_origins": ("AML_CORS_ORIGINS",),
    "max_body": ("ACIML_MAX_BODY",),
    "max_header": ("ACIML_MAX_HEADER",),
    "max_buffered": ("ACIML_MAX_BUFFERED",),
    "max_in_flight": ("ACIML_MAX_IN_FLIGHT",),
    "max_connections": ("ACIML_MAX_CONNECTIONS",),
    "patience": ("ACIML_CLIENT_TIMEOUT",),
    "keep_alive": ("ACIML_KEEP_ALIVE",),
    "drain": ("ACIML_DRAIN_TIMEOUT",),
    "queue_timeout": ("ACIML_QUEUE_TIMEOUT",),
    "scoring_timeout_ms": ("SCORING_TIMEOUT_MS",),
    "workers": ("ACIML_WORKERS", "WORKER_COUNT"),
    "preload": ("ACIML_PRELOAD", "WORKER_PRELOAD"),
    "start_timeout": ("ACIML_START_TIMEOUT",),
    "typed": ("ACIML_TYPED",),
    "batch_size": ("ACIML_BATCH_SIZE",),
    "batch_delay_ms": ("ACIML_BATCH_DELAY_MS",),
    "async_concurrency": ("ACIML_ASYNC_CONCURRENCY",),
    "warm_up": ("ACIML_WARM_UP",),
    "cache_bytes": ("ACIML_CACHE_BYTES",),
    "compress_answers": ("ACIML_COMPRESS_ANSWERS",),
    "v1_gateway_codes": ("ACIML_V1_GATEWAY_CODES",),
    "path_prefix": ("SERVICE_PATH_PREFIX",),
    "service_name": ("SERVICE_NAME",),
    "service_version": ("SERVICE_VERSION",),
    "say_version": ("SERVER_VERSION_LOG_RESPONSE_ENABLED",),
    "image_digest": ("ACIML_IMAGE_DIGEST",),
    "image_header": ("ACIML_IMAGE_HEADER",),
    "docs": ("ACIML_DOCS",),
    "static": ("ACIML_STATIC",),
    "metrics": ("ACIML_METRICS",),
    "log_level": ("AZUREML_LOG_LEVEL",),
    "log_format": ("ACIML_LOG_FORMAT",),
    "access_log": ("ACIML_ACCESS_LOG",),
    "log_payloads": ("ACIML_LOG_PAYLOADS",),
    "debug_port": ("AZUREML_DEBUG_PORT",),
    "app_insights": ("APPLICATIONINSIGHTS_CONNECTION_STRING",),
    "app_insights_on": ("AML_APP_INSIGHTS_ENABLED",),
    "app_insights_key": ("AML_APP_INSIGHTS_KEY",),
    "app_insights_answers": ("APP_INSIGHTS_LOG_RESPONSE_ENABLED",),
    "otlp_endpoint": ("OTEL_EXPORTER_OTLP_ENDPOINT",),
    "otlp_traces_endpoint": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",),
    "otlp_headers": ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
    "otlp_timeout_ms": ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"),
    "otlp_protocol": ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"),
    "otel_disabled": ("OTEL_SDK_DISABLED",),
    "otel_exporter": ("OTEL_TRACES_EXPORTER",),
    "otel_sampler": ("OTEL_TRACES_SAMPLER",),
    "otel_sampler_arg": ("OTEL_TRACES_SAMPLER_ARG",),
    "otel_service": ("OTEL_SERVICE_NAME",),
    "otel_attributes": ("OTEL_RESOURCE_ATTRIBUTES",),
    "reload": ("ACIML_RELOAD",),
}
"""The variables of each setting; the first that is there counts."""
