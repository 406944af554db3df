# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["numpy==2.4.6", "onnx==1.23.2", "scikit-learn==1.6.1", "skl2onnx==1.20.0"]
# ///
"""Trains both models of this example: `uv run --script train.py`. The data come with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write models/iris.onnx and models/wine.onnx."""
    (HERE / "models").mkdir(exist_ok=True)
    for name, data in (("iris", load_iris()), ("wine", load_wine())):
        rows = data.data.astype(np.float32)
        known, unseen, names, truth = train_test_split(rows, data.target, random_state=7)
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(known, names)
        types = [("rows", FloatTensorType([None, rows.shape[1]]))]
        onnx = to_onnx(model, initial_types=types, options={"zipmap": False})
        (HERE / f"models/{name}.onnx").write_bytes(onnx.SerializeToString())
        print(f"models/{name}.onnx is trained: {model.score(unseen, truth):.1%} of what it has not seen is named right")


if __name__ == "__main__":
    main()
