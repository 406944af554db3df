"""A linear model of ten numbers, in Python alone: what a ridge regression has learnt is eleven numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from azureml.contrib.services.aml_response import AMLResponse  # the server brings it

model: dict[str, Any] = {}


def init() -> None:
    global model
    model = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "ridge.json").read_text(encoding="utf-8"))


def run(raw_data: str) -> dict[str, Any]:
    """Take `{"data": [[...ten numbers...], ...]}`; answer the progression of the disease after a year, per patient."""
    weights = model["coefficients"]
    try:
        rows = [[float(number) for number in row] for row in json.loads(raw_data)["data"]]
    except (ValueError, LookupError, TypeError):
        rows = [[]]
    if any(len(row) != len(weights) for row in rows):
        return AMLResponse({"error": f"send rows of {len(weights)} numbers as data"}, 400, json_str=True)
    sums = [sum(weight * number for weight, number in zip(weights, row)) for row in rows]
    return {"predictions": [round(model["intercept"] + one, 1) for one in sums]}
