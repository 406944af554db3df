"""A price for a flat: `{"rooms": 3, "area": 70}`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

model: dict[str, float] = {}


def init() -> None:
    global model
    model = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "prices.json").read_text(encoding="utf-8"))


def run(raw_data: str) -> dict[str, Any]:
    try:
        asked = json.loads(raw_data)
        price = model["base"] + sum(model[name] * float(asked[name]) for name in ("rooms", "area"))
    except (ValueError, LookupError, TypeError):
        return {"error": "send rooms and area"}
    return {"price": round(price)}
