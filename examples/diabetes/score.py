"""The scoring script: `init()` is called once at start, `run(raw_data)` for each request."""

from __future__ import annotations

import configparser
import json
import os
from pathlib import Path
from typing import Any

import fastjsonschema  # from the pip section of conda.yml
import joblib
import numpy as np
from azureml.contrib.services.aml_response import AMLResponse  # the server brings it

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
PATIENT = {"type": "array", "items": {"type": "number"}, "minItems": len(FEATURES), "maxItems": len(FEATURES)}
REQUEST = {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": PATIENT}}}

model: Any = None
check: Any = None
decimals = 2


def init() -> None:
    global model, check, decimals
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "diabetes.joblib")
    check = fastjsonschema.compile(REQUEST)
    settings = configparser.ConfigParser()
    settings.read("/etc/diabetes/service.conf")  # copied there by a step
    decimals = settings.getint("answer", "decimals", fallback=decimals)


def run(raw_data: str) -> Any:
    try:
        data = check(json.loads(raw_data))["data"]
    except (ValueError, fastjsonschema.JsonSchemaException) as error:
        return AMLResponse({"error": str(error)}, 400, json_str=True)
    if not data:
        return {"predictions": []}
    return {"predictions": np.round(model.predict(np.array(data)), decimals)}
