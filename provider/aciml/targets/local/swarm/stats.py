"""What Envoy has counted, read from its administration's answers; pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...revisions import Seen

_BUCKET = re.compile(r"^envoy_cluster_upstream_rq_time_bucket\{([^}]*)\} (\d+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_PERCENTILE = 0.99


@dataclass(frozen=True)
class Counts:
    """Counters of one revision since Envoy started: requests, errors, and how many took at most so many ms."""

    requests: int = 0
    errors: int = 0
    within: Mapping[float, int] = field(default_factory=dict)

    def since(self, before: Counts) -> Seen:
        """Return what came after ``before``; counters that went back are those of an Envoy that started anew."""
        anew = self.requests < before.requests
        base = Counts() if anew else before
        rose = {bound: count - base.within.get(bound, 0) for bound, count in self.within.items()}
        return Seen(self.requests - base.requests, max(self.errors - base.errors, 0), _p99(rose))


def counters_of(text: str) -> dict[str, int | str]:
    """Read ``/stats?format=json``: numbers and texts by their names; histograms are left out."""
    found = json.loads(text).get("stats") or []
    return {str(one["name"]): one["value"] for one in found if "value" in one}


def counts_of(counters: Mapping[str, int | str], prometheus: str, name: str) -> Counts:
    """Return the counts of a revision.

    Args:
        counters: of ``counters_of``.
        prometheus: text of ``/stats/prometheus``, the only form in which a histogram has its bounds.
        name: of the revision, which is that of its cluster.
    """

    def number(counter: str) -> int:
        return int(counters.get(f"cluster.{name}.{counter}") or 0)

    within = {}
    for line in prometheus.splitlines():
        if (found := _BUCKET.match(line)) is None:
            continue
        labels = dict(_LABEL.findall(found[1]))
        if labels.get("envoy_cluster_name") == name:
            within[float(labels["le"])] = int(found[2])
    # a request that met nobody is answered by Envoy, with 503, and counted with the others; one that was cut off by a
    # broken connection too (both are codes of the cluster, Envoy docs, "Cluster stats")
    return Counts(number("upstream_rq_completed"), number("upstream_rq_5xx"), within)


def _p99(within: Mapping[float, int]) -> float | None:
    """Return the 99th percentile in milliseconds, between the two bounds where it lies; None if nobody asked."""
    total = within.get(math.inf, 0)
    if total <= 0:
        return None
    wanted, below, reached = total * _PERCENTILE, 0.0, 0
    for bound, count in sorted(within.items()):
        if count >= wanted:
            if math.isinf(bound):  # above the highest bound: at least as much as that
                return below
            share = (wanted - reached) / (count - reached) if count > reached else 1.0
            return round(below + (bound - below) * share, 2)
        below, reached = bound, count
    return below
