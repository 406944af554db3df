"""What Azure Monitor says about apps: the metric ``Requests`` by revision and category of status codes.

Source: metrics of Container Apps in Azure Monitor; the answer is that of Microsoft.Insights/metrics 2023-10-01. What
was counted is told at once; the real one is minutes behind.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

from ..http import ArmError, Request, Response, Router
from ..world import World
from .kinds import ONE_APP, Json
from .life import App, Apps

_METRICS = {"Requests": "Count", "ResponseTime": "Milliseconds"}
_REVISION = re.compile(r"revisionName eq '([^']+)'", re.IGNORECASE)


def install(router: Router, world: World, apps: Apps) -> None:
    """Answer for metrics of apps."""

    def metrics(request: Request, **_: str) -> Response:
        app = apps.need(request.path.rpartition("/providers/")[0])
        name = request.query.get("metricnames", "Requests")
        if name not in _METRICS:
            text = f"Failed to find metric configuration for provider: Microsoft.App, metric: {name}."
            raise ArmError(400, "BadRequest", text)
        begin, end = _span(request)
        wanted = _REVISION.search(request.query.get("$filter", ""))
        revisions = [each for each in app.revisions if not wanted or each == wanted[1] or wanted[1] == "*"]
        series = [one for each in revisions for one in _series(apps, app, each, name, begin, end)]
        value = {
            "id": f"{request.path}/{name}", "type": "Microsoft.Insights/metrics", "unit": _METRICS[name],
            "name": {"value": name, "localizedValue": name}, "timeseries": series, "errorCode": "Success",
        }  # fmt: skip
        return Response(200, {
            "cost": 0, "timespan": request.query.get("timespan", ""), "interval": request.query.get("interval", "PT1M"),
            "namespace": "microsoft.app/containerapps", "resourceregion": app.body["location"], "value": [value],
        })  # fmt: skip

    router.add("GET", f"{ONE_APP}/providers/Microsoft.Insights/metrics", metrics)


def _span(request: Request) -> tuple[float, float]:
    begin, _, end = request.query.get("timespan", "").partition("/")
    try:
        # times are of whole seconds, and what happened in the last one counts
        return dt.datetime.fromisoformat(begin).timestamp(), dt.datetime.fromisoformat(end).timestamp() + 1
    except ValueError as error:
        raise ArmError(400, "BadRequest", f"The timespan '{begin}/{end}' is invalid.") from error


def _series(apps: Apps, app: App, revision: str, name: str, begin: float, end: float) -> list[Json]:
    """Return one series for each category of status codes; a broken connection counts as 5xx."""
    met = [one for one in apps.ingress.met(revision) if begin <= one.at <= end]
    kinds = Counter(f"{(one.status or 503) // 100}xx" for one in met)
    times = {kind: [one.seconds for one in met if f"{(one.status or 503) // 100}xx" == kind] for kind in kinds}
    stamp = dt.datetime.fromtimestamp(begin, dt.UTC).isoformat()
    return [
        {
            "metadatavalues": [
                {"name": {"value": "revisionname"}, "value": revision},
                {"name": {"value": "statuscodecategory"}, "value": kind},
            ],
            "data": [
                {"timeStamp": stamp, "total": count}
                if name == "Requests"
                else {"timeStamp": stamp, "average": 1000 * sum(times[kind]) / count}
            ],
        }
        for kind, count in sorted(kinds.items())
    ]
