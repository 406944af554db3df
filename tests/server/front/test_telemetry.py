"""Spans by OTLP and telemetry of Application Insights, at a collector that looks at every field."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from typing import Any

import pytest

from aciml_server.front.delivery import Reply, _pause
from aciml_server.front.insights import duration
from aciml_server.front.trace import sampler

from ..conftest import Running, Serve
from .collector import Collector, collector

SCRIPT = """
import logging

def run(raw_data, request_headers):
    print("printed", raw_data)
    logging.getLogger("mine").warning("logged")
    if raw_data == "bad":
        raise ValueError("why")
    return request_headers.get("traceparent", "")
"""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY = "11111111-2222-3333-4444-555555555555"


def stop(server: Running) -> None:
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0


def value(found: dict[str, Any]) -> Any:
    ((kind, text),) = found.items()
    return {"intValue": int, "stringValue": str, "doubleValue": float, "boolValue": bool}[kind](text)


def attributes(found: list[dict[str, Any]]) -> dict[str, Any]:
    assert len({one["key"] for one in found}) == len(found)
    return {one["key"]: value(one["value"]) for one in found}


def spans(here: Collector) -> list[dict[str, Any]]:
    """Wait for one post, and look at its frame."""
    (resource,) = here.next().body["resourceSpans"]
    assert attributes(resource["resource"]["attributes"])["telemetry.sdk.language"] == "python"
    (scope,) = resource["scopeSpans"]
    assert scope["scope"]["name"] == "aciml"
    found: list[dict[str, Any]] = scope["spans"]
    return found


def test_a_request_is_a_span_below_that_of_its_client(start: Serve) -> None:
    before = time.time_ns()
    with collector() as here:
        server = start(
            SCRIPT,
            OTEL_EXPORTER_OTLP_ENDPOINT=here.url + "/base/",
            OTEL_EXPORTER_OTLP_HEADERS="x-token=a%20secret,other=1",
            OTEL_SERVICE_NAME="prices",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        )
        reply = server.ask("POST", "/score?q=private", b"x", {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        server.ask("GET", "/ready")
        stop(server)
        post = here.next()
    (resource,) = post.body["resourceSpans"]
    of_service = attributes(resource["resource"]["attributes"])
    (span,) = resource["scopeSpans"][0]["spans"]

    assert post.path == "/base/v1/traces"
    assert (post.headers["content-type"], post.headers["x-token"], post.headers["other"]) == (
        "application/json",
        "a secret",
        "1",
    )
    assert (of_service["service.name"], of_service["deployment.environment.name"]) == ("prices", "test")
    assert (span["traceId"], span["parentSpanId"], span["kind"], span["status"]) == (TRACE, PARENT, 2, {})
    assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
    assert span["name"] == "POST /score"
    assert before <= int(span["startTimeUnixNano"]) < int(span["endTimeUnixNano"]) <= time.time_ns()
    found = attributes(span["attributes"])
    expected = {
        "http.request.method": "POST",
        "url.path": "/score",
        "url.scheme": "http",
        "http.route": "/score",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "aciml.request_id": reply.headers["x-request-id"],
    }
    assert {name: found[name] for name in expected} == expected
    assert found["aciml.run.duration_ms"] >= 0
    assert found["aciml.wait.duration_ms"] >= 0
    assert json.loads(reply.body) == f"00-{TRACE}-{span['spanId']}-01"
    assert "private" not in json.dumps(post.body)


def test_a_failure_is_an_error_and_a_bad_parent_is_none(start: Serve) -> None:
    with collector() as here:
        server = start(SCRIPT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=here.url + "/mine")
        server.ask("POST", "/score", b"bad", {"traceparent": f"00-{'0' * 32}-{PARENT}-01"})
        stop(server)
        (span,) = spans(here)

    assert span["status"] == {"code": 2}
    assert attributes(span["attributes"])["error.type"] == "500"
    assert "parentSpanId" not in span


def test_a_client_that_does_not_sample_is_respected(start: Serve) -> None:
    with collector() as here:
        server = start(SCRIPT, OTEL_EXPORTER_OTLP_ENDPOINT=here.url)
        reply = server.ask("POST", "/score", b"x", {"traceparent": f"00-{TRACE}-{PARENT}-00"})
        server.ask("POST", "/score", b"x", {"traceparent": f"00-{'c' * 32}-{PARENT}-01"})
        stop(server)
        found = spans(here)

    assert json.loads(reply.body).startswith(f"00-{TRACE}-")
    assert json.loads(reply.body).endswith("-00")
    assert [span["traceId"] for span in found] == ["c" * 32]


@pytest.mark.parametrize(
    ("name", "argument", "root", "sampled", "not_sampled"),
    [
        ("always_on", "", True, True, True),
        ("always_off", "", False, False, False),
        ("parentbased_always_off", "", False, True, False),
        ("traceidratio", "0", False, False, False),
        ("parentbased_traceidratio", "1", True, True, False),
        ("unknown", "", True, True, False),
        ("traceidratio", "many", True, True, True),
    ],
)
def test_samplers(name: str, argument: str, *, root: bool, sampled: bool, not_sampled: bool) -> None:
    decide = sampler(name, argument)

    assert (decide(TRACE, None), decide(TRACE, True), decide(TRACE, False)) == (root, sampled, not_sampled)


def test_a_collector_that_asks_for_patience_gets_the_spans_later(start: Serve) -> None:
    with collector((429, {"retry-after": "0"}, b""), (503, {"retry-after": "0"}, b"later")) as here:
        server = start(SCRIPT, OTEL_EXPORTER_OTLP_ENDPOINT=here.url)
        server.ask("POST", "/score", b"x")
        server.wait_for("telemetry for otlp is not taken: status 429")
        posts = [here.next().body for _ in range(3)]
        stop(server)

    assert posts[0] == posts[1] == posts[2]


def test_a_collector_that_is_gone_costs_nothing(start: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        port = silent.getsockname()[1]
        server = start(SCRIPT, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_TIMEOUT="500")
        connection = server.connect()
        for _ in range(3000):
            connection.request("POST", "/score", b"x")
            assert connection.getresponse().read()
        connection.close()
        page = server.ask("GET", "/metrics").body.decode()
        stop(server)

    dropped = re.search(r'aciml_telemetry_dropped_total\{to="otlp"\} (\d+)', page)
    assert dropped is not None
    assert int(dropped[1]) >= 3000 - 2048 - 512 - 512  # the queue, and what the thread has


def connection_string(here: Collector) -> str:
    return f"InstrumentationKey={KEY};IngestionEndpoint={here.url}/"


def items(here: Collector, count: int) -> list[dict[str, Any]]:
    """Wait for some envelopes, and look at what they have in common."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        post = here.next()
        assert post.path == "/v2.1/track"
        assert post.headers["content-encoding"] == "gzip"
        found += post.body
    for one in found:
        assert one["iKey"] == KEY
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"])
        kind = one["name"].removeprefix("Microsoft.ApplicationInsights.")
        assert (one["data"]["baseType"], one["data"]["baseData"]["ver"]) == (kind + "Data", 2)
        assert {"ai.cloud.role", "ai.cloud.roleInstance", "ai.internal.sdkVersion"} <= set(one["tags"])
    return found


def test_application_insights_gets_requests_exceptions_and_lines(start: Serve) -> None:
    with collector() as here:
        server = start(SCRIPT, APPLICATIONINSIGHTS_CONNECTION_STRING=connection_string(here), SERVICE_NAME="prices")
        reply = server.ask("POST", "/score?q=private", b"bad", {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        stop(server)
        found = items(here, 4)
    (request,) = [one for one in found if one["data"]["baseType"] == "RequestData"]
    (failure,) = [one for one in found if one["data"]["baseType"] == "ExceptionData"]
    lines = {one["data"]["baseData"]["message"]: one for one in found if one["data"]["baseType"] == "MessageData"}

    data = request["data"]["baseData"]
    assert (data["name"], data["responseCode"], data["success"]) == ("POST /score", "500", False)
    assert data["url"] == f"http://127.0.0.1:{server.port}/score"
    assert re.fullmatch(r"0\.00:00:\d\d\.\d{6}", data["duration"])
    assert data["properties"]["Request Id"] == reply.headers["x-request-id"]
    assert "Response Value" not in data["properties"]
    assert (request["tags"]["ai.operation.id"], request["tags"]["ai.operation.parentId"]) == (TRACE, PARENT)
    assert request["tags"]["ai.cloud.role"] == "prices"
    (exception,) = failure["data"]["baseData"]["exceptions"]
    assert (exception["typeName"], exception["message"]) == ("builtins.ValueError", "why")
    assert "Traceback" in exception["stack"]
    for one in (failure, lines["printed bad"], lines["logged"]):
        assert (one["tags"]["ai.operation.id"], one["tags"]["ai.operation.parentId"]) == (TRACE, data["id"])
    assert lines["logged"]["data"]["baseData"]["severityLevel"] == 2
    assert KEY not in "\n".join(server.log)
    assert "private" not in json.dumps(found)


def test_bodies_of_answers_go_to_application_insights_only_when_asked_for(start: Serve) -> None:
    with collector() as here:
        server = start(
            "def run(raw_data): return 'the answer'",
            APPLICATIONINSIGHTS_CONNECTION_STRING=connection_string(here),
            APP_INSIGHTS_LOG_RESPONSE_ENABLED="true",
        )
        server.ask("POST", "/score", b"x")
        stop(server)
        found = items(here, 1)

    (request,) = [one for one in found if one["data"]["baseType"] == "RequestData"]
    assert request["data"]["baseData"]["properties"]["Response Value"] == '"the answer"'


def test_what_was_not_taken_is_sent_again_and_a_move_is_followed(start: Serve) -> None:
    partly = {"itemsReceived": 3, "itemsAccepted": 2, "errors": [{"index": 0, "statusCode": 429, "message": "wait"}]}
    with collector((206, {"retry-after": "0"}, json.dumps(partly).encode())) as there, collector() as here:
        here.answers.append((308, {"location": there.url + "/v2.1/track"}, b""))
        server = start("def run(raw_data): return 1", APPLICATIONINSIGHTS_CONNECTION_STRING=connection_string(here))
        server.ask("POST", "/score", b"x")
        first, second, third = here.next(), there.next(), there.next()
        stop(server)

    assert first.body == second.body
    assert third.body == first.body[:1]


@pytest.mark.parametrize(
    "environ",
    [
        {"AML_APP_INSIGHTS_ENABLED": "true", "AML_APP_INSIGHTS_KEY": "no-uuid"},
        {"APPLICATIONINSIGHTS_CONNECTION_STRING": "IngestionEndpoint=https://example.invalid"},
    ],
)
def test_a_key_that_is_none_switches_application_insights_off(start: Serve, environ: dict[str, str]) -> None:
    server = start(SCRIPT, **environ)
    assert server.ask("POST", "/score", b"x").status == 200
    stop(server)

    assert any("Application Insights is off" in line for line in server.log)
    assert not [line for line in server.log if "no-uuid" in line]


def test_durations_and_pauses_are_written_as_they_are_read() -> None:
    assert duration(0) == "0.00:00:00.000000"
    assert duration((((2 * 24 + 3) * 60 + 4) * 60 + 5) * 10**9 + 6000) == "2.03:04:05.000006"
    assert _pause(Reply(429, {"retry-after": "7"}, b""), 0) == 7
    assert _pause(Reply(429, {"retry-after": "100000"}, b""), 0) == 60
    assert _pause(Reply(429, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, b""), 0) == 0
    assert 0 < _pause(Reply(503, {"retry-after": "soon"}, b""), 0) < 2
