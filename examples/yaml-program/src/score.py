"""A price for a flat: `{"rooms": 3, "area": 70}`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from azureml.contrib.services.aml_response import AMLResponse  # the server brings it

model: dict[str, float] = {}


def init() -> None:
    global model
    model = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "prices.json").read_text(encoding="utf-8"))


def run(raw_data: str) -> Any:
    try:
        asked = json.loads(raw_data)
        price = model["base"] + sum(model[name] * float(asked[name]) for name in ("rooms", "area"))
    except (ValueError, LookupError, TypeError):
        return AMLResponse({"error": "send rooms and area"}, 400, json_str=True)
    return {"price": round(price)}
