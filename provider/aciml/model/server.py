"""The properties of a group that say how its scoring server works; each becomes a variable of the container.

So a change of one is an update in place. The variables are those of ``server/aciml_server/settings.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import Finding
from ..properties import Values, is_unknown, reveal
from .shape import Field

_MIB = 1024 * 1024
_OFF = {"healthPort": "off", "workers": "auto"}
"""What the server is told for 0, where that is no number."""


@dataclass(frozen=True)
class Setting:
    """A property: its field, its variable, and what the server's unit multiplies it by."""

    field: Field
    variable: str
    times: int = 1


SETTINGS: Mapping[str, Setting] = {
    "workers": Setting(
        Field(
            "processes that run the script; 0 makes one for each CPU core; 1 without it",
            kind="integer",
            least=0,
            most=64,
            default=1,
        ),
        "ACIML_WORKERS",
    ),
    "preload": Setting(
        Field("run init() once and let the workers share its memory", kind="boolean", default=False),
        "ACIML_PRELOAD",
    ),
    "scoringTimeoutMs": Setting(
        Field(
            "milliseconds that run() may take, as v1's scoring_timeout_ms; an hour without it",
            kind="number",
            least=1,
            default=3_600_000,
            unit="milliseconds",
        ),
        "SCORING_TIMEOUT_MS",
    ),
    "maxInFlight": Setting(
        Field(
            "requests that may wait or run at once (v1: replica_max_concurrent_requests); 1000 without it",
            kind="integer",
            least=1,
            default=1000,
        ),
        "ACIML_MAX_IN_FLIGHT",
    ),
    "queueTimeout": Setting(
        Field(
            "seconds that a request may wait for a worker; 0, and without it, as long as it takes",
            kind="number",
            least=0,
            default=0,
            unit="seconds",
        ),
        "ACIML_QUEUE_TIMEOUT",
    ),
    "maxBodyMb": Setting(
        Field("largest body of a request in MiB; 100 without it", kind="number", least=0.001, default=100, unit="MiB"),
        "ACIML_MAX_BODY",
        times=_MIB,
    ),
    "maxConnections": Setting(
        Field("connections that may be open at once; 4000 without it", kind="integer", least=1, default=4000),
        "ACIML_MAX_CONNECTIONS",
    ),
    "clientTimeout": Setting(
        Field(
            "seconds that a client may be silent in the middle of a request; 30 without it",
            kind="number",
            least=0.1,
            default=30,
            unit="seconds",
        ),
        "ACIML_CLIENT_TIMEOUT",
    ),
    "keepAlive": Setting(
        Field(
            "seconds that an idle connection stays open; 75 without it",
            kind="number",
            least=0,
            default=75,
            unit="seconds",
        ),
        "ACIML_KEEP_ALIVE",
    ),
    "drainTimeout": Setting(
        Field(
            "seconds that slow clients have at the end; 10 without it",
            kind="number",
            least=0,
            default=10,
            unit="seconds",
        ),
        "ACIML_DRAIN_TIMEOUT",
    ),
    "batchSize": Setting(
        Field("most requests that run_batch gets at once; 16 without it", kind="integer", least=1, default=16),
        "ACIML_BATCH_SIZE",
    ),
    "batchDelayMs": Setting(
        Field(
            "milliseconds that a batch waits for more requests; 0 without it",
            kind="number",
            least=0,
            default=0,
            unit="milliseconds",
        ),
        "ACIML_BATCH_DELAY_MS",
    ),
    "warmUp": Setting(
        Field("sample request, a file beside the script, that is scored before the service is ready", kind="string"),
        "ACIML_WARM_UP",
    ),
    "responseCacheMb": Setting(
        Field(
            "MiB of answers that are kept for equal bodies; 0, and without it, none",
            kind="number",
            least=0,
            default=0,
            unit="MiB",
        ),
        "ACIML_CACHE_BYTES",
        times=_MIB,
    ),
    "compressAnswers": Setting(
        Field("compress answers for clients that ask for it", kind="boolean", default=False), "ACIML_COMPRESS_ANSWERS"
    ),
    "corsOrigins": Setting(Field("origins of browser pages that may call, or *", kind="array"), "AML_CORS_ORIGINS"),
    "v1GatewayCodes": Setting(
        Field("answer 502 and 504 where v1's front end did", kind="boolean", default=False), "ACIML_V1_GATEWAY_CODES"
    ),
    "pathPrefix": Setting(
        Field("path below which the routes are, such as /iris", kind="string"), "SERVICE_PATH_PREFIX"
    ),
    "serviceTitle": Setting(Field("title of the OpenAPI document", kind="string"), "SERVICE_NAME"),
    "serviceVersion": Setting(Field("version in the OpenAPI document", kind="string"), "SERVICE_VERSION"),
    "docs": Setting(Field("show the page /docs; true if not said", kind="boolean", default=True), "ACIML_DOCS"),
    "metrics": Setting(
        Field("count, and answer /metrics; true if not said", kind="boolean", default=True), "ACIML_METRICS"
    ),
    "imageHeader": Setting(
        Field(
            "name the running image's digest in each answer (x-aciml-image); true if not said",
            kind="boolean",
            default=True,
        ),
        "ACIML_IMAGE_HEADER",
    ),
    "healthPort": Setting(
        Field(
            "port of /ready, /live and /metrics, which is not public; 0 is none; 5000 without it",
            kind="integer",
            least=0,
            most=65535,
            default=5000,
        ),
        "ACIML_HEALTH_PORT",
    ),
    "logFormat": Setting(
        Field("text or json", kind="string", words=("text", "json"), default="text"),
        "ACIML_LOG_FORMAT",
    ),
    "logLevel": Setting(
        Field(
            "DEBUG, INFO, WARNING or ERROR",
            kind="string",
            words=("DEBUG", "INFO", "WARNING", "ERROR"),
            default="INFO",
        ),
        "AZUREML_LOG_LEVEL",
    ),
    "accessLog": Setting(
        Field("write a line for each request; true if not said", kind="boolean", default=True), "ACIML_ACCESS_LOG"
    ),
    "logPayloads": Setting(
        Field("write bodies to the log, which may be private", kind="boolean", default=False), "ACIML_LOG_PAYLOADS"
    ),
    "otlpEndpoint": Setting(
        Field("OpenTelemetry collector that gets traces", kind="string"), "OTEL_EXPORTER_OTLP_ENDPOINT"
    ),
    "otlpHeaders": Setting(
        Field("headers for it, such as api-key=...", kind="string", secret=True), "OTEL_EXPORTER_OTLP_HEADERS"
    ),
}
FIELDS: Mapping[str, Field] = {name: setting.field for name, setting in SETTINGS.items()}
SPEC_FIELDS: Mapping[str, str] = {
    name: "secure_environment" if setting.field.secret else "environment" for name, setting in SETTINGS.items()
}
"""Field of the group's spec that each property is a part of."""


def variables_of(bare: Values, *, secret: bool) -> dict[str, str]:
    """Return the variables for the properties that are given: the secret ones, or the others."""
    return {
        setting.variable: _text(name, setting, bare[name])
        for name, setting in SETTINGS.items()
        if name in bare and setting.field.secret is secret
    }


def judge_settings(values: Values) -> list[Finding]:
    """Report texts of the wrong form, and variables that a property sets already; ranges and words are the table's."""
    findings = []
    for name, setting in SETTINGS.items():
        if name not in values:
            continue
        if not is_unknown(values[name]) and (why := _form(name, reveal(values[name]))):
            findings.append(Finding(name, why))
        findings += _twice(name, setting, values)
    return findings


def _form(name: str, value: Any) -> str:
    if name == "pathPrefix" and not str(value).startswith("/"):
        return f'"{value}" is no path; begin it with /'
    if name == "otlpEndpoint" and not str(value).startswith(("http://", "https://")):
        return f'"{value}" is no URL; begin it with http:// or https://'
    return ""


def _twice(name: str, setting: Setting, values: Values) -> list[Finding]:
    return [
        Finding(f'{where}["{setting.variable}"]', f"{setting.variable} is set by the property {name}; use that alone")
        for where in ("environmentVariables", "secureEnvironmentVariables")
        if isinstance(given := reveal(values.get(where)), Mapping) and setting.variable in given
    ]


def _text(name: str, setting: Setting, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, int | float):
        number = value * setting.times
        plain = f"{int(number)}" if setting.times > 1 or number == int(number) else f"{number}"
        return _OFF.get(name, plain) if number == 0 else plain
    return str(value)


def seen_settings(seen: Mapping[str, Any], declared: Values) -> Values:
    """Take the variables that are properties out of what was seen, and return all with the properties instead.

    Args:
        seen: properties as a target sees them, variables among them if any differs.
        declared: the inputs; a variable that is declared as one stays one.

    Returns:
        None for a property whose variable is gone.
    """
    found = dict(seen)
    for where, secret in (("environmentVariables", False), ("secureEnvironmentVariables", True)):
        if where not in seen:
            continue
        own = reveal(declared.get(where)) or {}
        rest = dict(reveal(seen[where]) or {})
        for name, setting in SETTINGS.items():
            if setting.field.secret is not secret or (setting.variable in own and name not in declared):
                continue
            said = rest.pop(setting.variable, None)
            if name in declared and (said is None or said != _text(name, setting, reveal(declared[name]))):
                found[name] = None if said is None else _value(setting, said)
            elif said is not None and name not in declared:
                found[name] = _value(setting, said)
        found[where] = rest
        if not rest and where not in declared:
            del found[where]
    return found


def _value(setting: Setting, text: str) -> Any:
    """Return what a variable's text is as a property; a text that is none stays one, and shows as a difference."""
    kind = setting.field.kind
    if kind == "boolean":
        return text.lower() in ("true", "1", "yes", "on")
    if kind == "array":
        return text.split(",")
    if kind == "string":
        return text
    if text in _OFF.values():
        return 0
    try:
        number = float(text) / setting.times
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
