"""What a service says of its server becomes variables of the container, and comes back from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import Finding
from aciml.model import server
from aciml.model.declared import read, written
from aciml.model.group import FIELDS, told_findings
from aciml.model.rules import group_of
from aciml.model.server import SETTINGS, Server, taken_out
from aciml.properties import UNKNOWN, Secret
from aciml.resources.certificate import certificate_findings, certificate_hash, read_certificate
from aciml.resources.group_spec import spec_of
from aciml.resources.probes import settled
from tests.simulators.certificates import self_signed
from tests.targets.specs import declared

GROUP: dict[str, Any] = {"name": "iris", "image": "r/i@sha256:0"}
ALL: dict[str, Any] = {
    "workers": 2,
    "preload": True,
    "scoringTimeoutMs": 60000,
    "maxBodyMb": 1.5,
    "batchDelayMs": 2.5,
    "corsOrigins": ["https://a.example", "https://b.example"],
    "docs": False,
    "healthPort": 5005,
    "logFormat": "json",
    "otlpEndpoint": "http://collector:4318",
}


def variables_of_server() -> set[str]:
    """Return all variables that the server reads."""
    from aciml_server.settings import VARIABLES

    return {name for names in VARIABLES.values() for name in names}


def test_the_server_reads_every_variable_that_a_property_sets() -> None:
    assert {setting.variable.name for setting in SETTINGS.values()} <= variables_of_server()


def test_every_setting_is_a_property() -> None:
    assert set(SETTINGS) <= FIELDS.keys()


def variables_of(values: dict[str, Any], *, secret: bool) -> dict[str, str]:
    return server.variables_of(read(Server, values), secret=secret)


def test_properties_become_variables_in_the_servers_units() -> None:
    assert variables_of(ALL, secret=False) == {
        "ACIML_WORKERS": "2",
        "ACIML_PRELOAD": "true",
        "SCORING_TIMEOUT_MS": "60000",
        "ACIML_MAX_BODY": str(1536 * 1024),
        "ACIML_BATCH_DELAY_MS": "2.5",
        "AML_CORS_ORIGINS": "https://a.example,https://b.example",
        "ACIML_DOCS": "false",
        "ACIML_HEALTH_PORT": "5005",
        "ACIML_LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    assert variables_of({"workers": 0, "healthPort": 0}, secret=False) == {
        "ACIML_WORKERS": "auto",
        "ACIML_HEALTH_PORT": "off",
    }


def test_they_stand_beside_the_users_own_variables_and_secrets_stay_secret() -> None:
    spec = spec_of(
        {**GROUP, "environmentVariables": {"A": "1"}, "workers": 3, "otlpHeaders": Secret("api-key=hush")}, {}
    )

    assert spec.declared.environment() == {"A": "1", "ACIML_WORKERS": "3"}
    assert spec.declared.secure_environment() == {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush"}


def test_the_connection_string_goes_to_the_server_when_telemetry_is_on() -> None:
    said = {"appInsightsConnectionString": Secret("InstrumentationKey=1")}

    assert spec_of({**GROUP, **said}, {}).declared.secure_environment() == {}
    on = spec_of({**GROUP, **said, "enableAppInsights": True}, {})
    assert on.declared.secure_environment() == {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=1"}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"pathPrefix": "iris"}, '"iris" is no path; begin it with /'),
        ({"otlpEndpoint": "collector:4318"}, '"collector:4318" is no URL; begin it with http:// or https://'),
        (
            {"workers": 1, "environmentVariables": {"ACIML_WORKERS": "2"}},
            "ACIML_WORKERS is set by the property workers; use that alone",
        ),
        (
            {"workers": 1, "environmentVariables": {"ACIML_WORKERS": UNKNOWN}},
            "ACIML_WORKERS is set by the property workers; use that alone",
        ),
        (ALL, None),
    ],
)
def test_what_cannot_be_is_told(values: dict[str, Any], why: str | None) -> None:
    assert [finding.why for finding in told_findings(group_of(values))] == ([why] if why else [])


def test_what_is_seen_comes_back_as_properties() -> None:
    variables = {**variables_of(ALL, secret=False), "A": "1"}

    now, rest = taken_out(variables, Server(), (), secret=False)

    assert (written(now), rest) == (ALL, {"A": "1"})


def test_only_what_differs_from_the_declared_is_a_difference() -> None:
    declared = read(Server, {"workers": 2, "docs": False, "metrics": False})
    seen = {"ACIML_WORKERS": "4", "ACIML_DOCS": "false", "ACIML_PRELOAD": "yes"}

    now, rest = taken_out(seen, declared, ["ACIML_PRELOAD"], secret=False)

    assert written(now) == {"workers": 4, "docs": False}
    assert rest == {"ACIML_PRELOAD": "yes"}


def test_the_probes_of_a_target_ask_the_health_port_that_is_given() -> None:
    probe = {"httpGet": {"path": "/ready", "port": 5000}, "periodSeconds": 5}
    said = {"readinessProbe": probe, "location": "here"}
    defaults = declared(**said)

    assert settled(defaults, {}) == said
    assert settled(defaults, {"healthPort": 6000})["readinessProbe"]["httpGet"] == {"path": "/ready", "port": 6000}
    assert settled(defaults, {"healthPort": 0}) == {"location": "here"}
    assert settled(defaults, {"command": ["other"]}) == {"location": "here"}


def judge_certificate(values: dict[str, Any]) -> list[Finding]:
    return [*certificate_findings(group_of(values))]


def test_authorities_of_clients_are_a_part_of_the_certificate(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, "localhost")
    tls = {"sslEnabled": True, "sslCertPemFile": str(chain), "sslKeyPemFile": str(key)}
    mutual = {**tls, "sslClientCaPemFile": str(chain)}

    assert judge_certificate(mutual) == []
    assert certificate_hash(declared(**tls).tls) != certificate_hash(declared(**mutual).tls)
    certificate = read_certificate(declared(**mutual).tls)
    assert certificate
    assert certificate.authorities == chain.read_bytes()
    (alone,) = judge_certificate({"sslClientCaPemFile": str(chain)})
    assert "sslEnabled is not" in alone.why
    (smoke,) = judge_certificate({**mutual, "smokeTest": {}})
    assert "only certified clients may call" in smoke.why
