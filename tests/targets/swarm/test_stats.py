"""What Envoy has counted, from answers as Envoy 1.40 gives them."""

from __future__ import annotations

import json
import math

import pytest

from aciml.targets.local.swarm.stats import Counts, counters_of, counts_of
from aciml.targets.revisions import Seen

NAME = "iris--ra"
LINE = 'envoy_cluster_upstream_rq_time_bucket{{envoy_cluster_name="{name}",le="{le}"}} {count}'


def prometheus(**counts: dict[str, int]) -> str:
    head = ["# TYPE envoy_cluster_upstream_rq_time histogram"]
    lines = [
        LINE.format(name=name.replace("_", "-"), le=le, count=count)
        for name, buckets in counts.items()
        for le, count in buckets.items()
    ]
    return "\n".join([*head, *lines, f'envoy_cluster_upstream_rq_time_sum{{envoy_cluster_name="{NAME}"}} 12'])


def test_counters_and_bounds_of_one_revision_are_read() -> None:
    stats = [
        {"name": f"cluster.{NAME}.upstream_rq_completed", "value": 12},
        {"name": f"cluster.{NAME}.upstream_rq_5xx", "value": 2},
        {"name": "cluster.iris--rb.upstream_rq_completed", "value": 7},
        {"histograms": {"supported_quantiles": []}},
    ]
    text = prometheus(iris__ra={"1": 3, "10.8": 11, "+Inf": 12}, iris__rb={"1": 7, "+Inf": 7})

    counts = counts_of(counters_of(json.dumps({"stats": stats})), text, NAME)

    assert counts == Counts(12, 2, {1.0: 3, 10.8: 11, math.inf: 12})


def test_a_revision_that_nobody_asked_has_counted_nothing() -> None:
    assert counts_of({}, "", NAME).since(Counts()) == Seen(0, 0, None)


def test_what_came_since_is_the_difference() -> None:
    before = Counts(100, 5, {1.0: 50, 2.0: 100, math.inf: 100})
    after = Counts(300, 6, {1.0: 50, 2.0: 300, math.inf: 300})

    seen = after.since(before)

    assert (seen.requests, seen.errors) == (200, 1)
    assert seen.p99_ms == pytest.approx(1.99)  # all within 1 and 2 ms: 99 hundredths of the way


def test_counters_of_an_envoy_that_started_anew_count_from_nothing() -> None:
    seen = Counts(10, 1, {1.0: 10, math.inf: 10}).since(Counts(300, 6, {1.0: 50, math.inf: 300}))

    assert (seen.requests, seen.errors, seen.p99_ms) == (10, 1, 0.99)


def test_above_the_highest_bound_it_is_at_least_that() -> None:
    assert Counts(2, 0, {1.0: 0, 600.0: 0, math.inf: 2}).since(Counts()).p99_ms == 600.0
