"""Reads a picture of a digit: the body of the request is the file itself, PNG, JPEG or whatever Pillow opens."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
from PIL import Image, UnidentifiedImageError

SIDE = 8  # pixels; the model has seen pictures of 8 by 8 in 17 steps of grey

session: Any = None


def init() -> None:
    global session
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "digits.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@rawhttp
def run(request: AMLRequest) -> AMLResponse:
    """Answer a POST with the digit and how sure the model is, white on black or black on white."""
    if request.method == "GET":
        return AMLResponse("send a picture by POST", 200)
    try:
        picture = Image.open(io.BytesIO(request.get_data())).convert("L").resize((SIDE, SIDE))
    except (UnidentifiedImageError, OSError):
        return AMLResponse("this is no picture", 415)
    grey = np.asarray(picture, dtype=np.float32) / 255
    if grey[0].mean() > 0.5:
        grey = 1 - grey
    (digit,), (chances,) = session.run(None, {"pixels": (grey * 16).reshape(1, -1)})
    return AMLResponse({"digit": int(digit), "probability": round(float(chances[digit]), 3)}, 200, json_str=True)
