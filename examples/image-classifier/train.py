# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["numpy==2.4.6", "onnx==1.23.2", "pillow==13.0.0", "scikit-learn==1.6.1", "skl2onnx==1.20.0"]
# ///
"""Trains the model of this example: `uv run --script train.py`. The pictures come with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write models/digits.onnx, and a digit that it has not seen as sample.png."""
    digits = load_digits()
    known, unseen, names, truth = train_test_split(digits.data.astype(np.float32), digits.target, random_state=7)
    model = MLPClassifier((48,), max_iter=400, random_state=7).fit(known, names)
    types = [("pixels", FloatTensorType([None, 64]))]
    onnx = to_onnx(model, initial_types=types, options={"zipmap": False})
    (HERE / "models").mkdir(exist_ok=True)
    (HERE / "models/digits.onnx").write_bytes(onnx.SerializeToString())
    seven = (unseen[list(truth).index(7)].reshape(8, 8) * 255 / 16).astype(np.uint8)
    Image.fromarray(seven).resize((64, 64), Image.Resampling.NEAREST).save(HERE / "sample.png")
    print(f"models/digits.onnx is trained: {model.score(unseen, truth):.1%} of digits it has not seen are read right")


if __name__ == "__main__":
    main()
