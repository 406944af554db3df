"""What both scripts share: a model below AZUREML_MODEL_DIR, asked with rows of numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from azureml.contrib.services.aml_response import AMLResponse  # the server brings it


class Classifier:
    """A model of one of the folders `<name>/<version>/`: with several models AZUREML_MODEL_DIR is above all of them."""

    def __init__(self, name: str, classes: tuple[str, ...]) -> None:
        (path,) = Path(os.environ["AZUREML_MODEL_DIR"]).glob(f"{name}/*/{name}.onnx")
        self._session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self._classes, self._columns = classes, self._session.get_inputs()[0].shape[1]

    def names(self, rows: np.ndarray) -> dict[str, Any]:
        """Return the class of each row, or what is wrong with them."""
        if rows.ndim != 2 or rows.shape[1] != self._columns:
            return AMLResponse({"error": f"give rows of {self._columns} numbers"}, 400, json_str=True)
        found = self._session.run(["label"], {"rows": rows.astype(np.float32)})[0]
        return {"classes": [self._classes[number] for number in found]}
