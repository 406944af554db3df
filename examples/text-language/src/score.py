"""Which language is this? A naive Bayes model over runs of letters; the request is `{"texts": ["...", ...]}`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from azureml.contrib.services.aml_response import AMLResponse  # the server brings it
from letters import counts

languages: list[str] = []
weights: Any = None


def init() -> None:
    global languages, weights
    with np.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "language.npz") as model:
        languages, weights = [str(name) for name in model["languages"]], model["weights"].astype(np.float32)


def run(raw_data: str) -> Any:
    try:
        texts = json.loads(raw_data)["texts"]
    except (ValueError, LookupError, TypeError):
        texts = None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return AMLResponse({"error": 'send {"texts": ["...", ...]}'}, 400, json_str=True)
    return {"languages": [languages[int(np.argmax(weights @ counts(text)))] for text in texts]}
