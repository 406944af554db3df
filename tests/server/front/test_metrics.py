"""Prometheus metrics: the page is read by Prometheus' own parser."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from aciml_server.front.certificate import expiry_of_file
from tests.simulators.certificates import self_signed

from ..conftest import Running, Serve

SCRIPT = """
import os, time

def run(raw_data):
    if raw_data == "bad":
        raise ValueError
    if raw_data == "slow":
        time.sleep(30)
    if raw_data == "die":
        os._exit(9)
    return raw_data
"""


def samples(server: Running, **headers: str) -> dict[tuple[str, ...], float]:
    """Read the page: name and values of labels, sorted by label."""
    reply = server.ask("GET", "/metrics", None, headers)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(reply.body.decode()):
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}
        for one in family.samples:
            key = (one.name, *(one.labels[name] for name in sorted(one.labels)))
            assert key not in found, "each series is there once"
            found[key] = one.value
    return found


def test_requests_are_counted_by_what_became_of_them(start: Serve) -> None:
    server = start(SCRIPT, ACIML_PRIMARY_KEY="k", SCORING_TIMEOUT_MS="300")
    key = {"Authorization": "Bearer k"}
    for body in (b"good", b"good", b"bad", b"slow", b"die"):
        server.ask("POST", "/score", body, key)
    server.ask("POST", "/score", b"good")
    server.ask("GET", "/none-1", None)
    server.ask("GET", "/none-2", None)
    server.ask("GET", "/ready", None)
    found = samples(server, **key)

    total = "aciml_requests_total"
    assert {name[1:]: value for name, value in found.items() if name[0] == total} == {
        ("200", "POST", "/score"): 2,
        ("500", "POST", "/score"): 2,
        ("502", "POST", "/score"): 1,
        ("401", "POST", "/score"): 1,
        ("404", "GET", "other"): 2,
    }
    assert found["aciml_run_failures_total", "/score"] == 2
    assert found["aciml_scoring_timeouts_total", "/score"] == 1
    assert found["aciml_refused_total", "key"] == 1
    assert found["aciml_refused_total", "route"] == 2
    assert found["aciml_worker_ends_total", "exit"] == 1
    assert found["aciml_request_bytes_total", "/score"] >= 2 * 4 + 3 + 4 + 3
    assert found["aciml_requests_in_flight",] == 0


def test_times_are_histograms(start: Serve) -> None:
    server = start("import time\ndef run(raw_data): time.sleep(0.03)")
    for _ in range(3):
        server.ask("POST", "/score", b"x")
    found = samples(server)

    for name in ("request", "run", "wait"):
        assert found[f"aciml_{name}_duration_seconds_count", "/score"] == 3
        assert found[f"aciml_{name}_duration_seconds_bucket", "+Inf", "/score"] == 3
    assert found["aciml_run_duration_seconds_bucket", "0.025", "/score"] == 0
    assert found["aciml_run_duration_seconds_sum", "/score"] >= 0.09
    assert found["aciml_run_duration_seconds_sum", "/score"] <= found["aciml_request_duration_seconds_sum", "/score"]


def test_gauges_tell_of_workers_and_processes(start: Serve) -> None:
    server = start(SCRIPT, ACIML_CACHE_BYTES="100000", cold=True)
    for _ in range(2):
        server.ask("POST", "/score", b"x")
    found = samples(server)

    assert (found["aciml_workers", "ready"], found["aciml_workers", "starting"]) == (1, 0)
    assert found["aciml_cache_hits_total",] == 1
    assert found["aciml_connections",] >= 1
    for process in ("front", "workers"):
        assert found["aciml_process_resident_memory_bytes", process] > 1_000_000
        assert found["aciml_process_cpu_seconds_total", process] > 0


def test_series_do_not_grow_with_paths(start: Serve) -> None:
    server = start(SCRIPT)
    server.ask("GET", "/none")
    before = len(samples(server))
    for number in range(50):
        server.ask("GET", f"/none-{number}")

    assert len(samples(server)) == before


def test_sizes_of_batches_are_counted(start: Serve) -> None:
    server = start("def run_batch(items): return items")
    assert server.ask("POST", "/score", b"[1]").status == 200
    found = samples(server)

    assert found["aciml_batch_size_count",] == 1
    assert found["aciml_batch_size_sum",] == 1


def test_the_end_of_the_certificate_is_that_of_openssl(tmp_path: Path) -> None:
    path, _ = self_signed(tmp_path, "127.0.0.1")
    decoded = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]

    assert expiry_of_file(str(path)) == ssl.cert_time_to_seconds(decoded["notAfter"])
    (tmp_path / "no.pem").write_text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    assert expiry_of_file(str(tmp_path / "no.pem")) is None
    assert expiry_of_file(str(tmp_path / "missing.pem")) is None


def test_metrics_can_be_switched_off(start: Serve) -> None:
    server = start(SCRIPT, ACIML_METRICS="false")

    assert server.ask("GET", "/metrics").status == 404
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0
