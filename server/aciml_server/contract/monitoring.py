"""``ModelDataCollector`` of ``azureml.monitoring``: what scripts of v1 keep of their inputs and predictions.

``ACIML_MODEL_DATA`` says where it goes: a folder (one file of CSV a model, designation and day), or ``log``. Without it
nothing is kept, as v1 kept nothing in a container group; one line of the log says so.
Source: azureml-monitoring 0.1, its documented interface, written anew.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import time
import uuid
from typing import Any, List, Optional

from ..answers import plain
from ..logs import ids, timestamp

_LOG = logging.getLogger("aciml.modeldata")
VARIABLE = "ACIML_MODEL_DATA"
_HEAD = ("time", "request_id", "correlation_id", "model_name", "model_version")


class ModelDataCollector:
    """Collects rows of one ``designation``, such as inputs or predictions, of a model."""

    def __init__(
        self,
        model_name: str,
        designation: str = "default",
        feature_names: Optional[List[str]] = None,
        model_version: Any = 1,
        identifier: str = "default",
        **_more: Any,
    ) -> None:
        """Note what is collected; names are used for files, so that only letters, digits and ``._-`` stay of them."""
        self.model_name, self.designation, self.identifier = model_name, designation, identifier
        self.feature_names = list(feature_names or ())
        self.model_version = model_version
        self._where = os.environ.get(VARIABLE, "").strip()
        if not self._where:
            _LOG.info("%s of %s is not collected; %s names a folder, or `log`", designation, model_name, VARIABLE)

    def collect(self, input_data: Any, user_correlation_id: str = "") -> str:
        """Keep rows: an array, a data frame, lists, or one row; return the id under which they are kept.

        What cannot be kept is said in the log: a prediction does not fail for it.
        """
        correlation = user_correlation_id or str(uuid.uuid4())
        if self._where:
            try:
                self._keep(correlation, _rows(input_data))
            except Exception:  # noqa: BLE001  # data of any kind, disks of any state
                _LOG.exception("%s of %s cannot be kept", self.designation, self.model_name)
        return correlation

    def add_correlations(self, input_data: Any, correlations: Any) -> Any:  # noqa: ARG002  # v1's signature
        """Return the data as they are; v1 put a column with its ids in front."""
        return input_data

    def _keep(self, correlation: str, rows: List[List[Any]]) -> None:
        head = [timestamp(time.time()), ids().get("request_id", ""), correlation, self.model_name, self.model_version]
        if self._where.lower() == "log":
            told = {"designation": self.designation, "correlation_id": correlation, "columns": self.feature_names}
            _LOG.info("%s %s", self.model_name, json.dumps({**told, "rows": rows}, default=plain))
            return
        folder = os.path.join(self._where, _safe(self.model_name), _safe(self.designation))
        os.makedirs(folder, exist_ok=True)
        # a file for each process: lines of several would not stay whole on every share
        path = os.path.join(folder, "%s-%d.csv" % (time.strftime("%Y-%m-%d", time.gmtime()), os.getpid()))
        text = io.StringIO()
        writer = csv.writer(text)
        if not os.path.exists(path):
            width = max(map(len, rows), default=0)
            names = self.feature_names or ["column_%d" % number for number in range(width)]
            writer.writerow([*_HEAD, *names])
        writer.writerows([*head, *row] for row in rows)
        with open(path, "a", encoding="utf-8", newline="") as stream:
            stream.write(text.getvalue())


def _rows(data: Any) -> List[List[Any]]:
    if hasattr(data, "values") and hasattr(data, "columns"):  # a data frame
        data = data.values
    found = data.tolist() if hasattr(data, "tolist") else data
    if isinstance(found, dict):
        found = [list(found.values())]
    elif not isinstance(found, (list, tuple)):
        found = [found]
    return [list(row) if isinstance(row, (list, tuple)) else [row] for row in found]


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", str(name)).strip(".") or "_"
