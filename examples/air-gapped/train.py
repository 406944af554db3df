# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["scikit-learn==1.6.1"]
# ///
"""Trains the model of this example: `uv run --script train.py`. The data come with scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_linnerud

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write models/line.json: how many sit-ups go with a waist of so many inches."""
    data = load_linnerud()
    line = np.polynomial.Polynomial.fit(data.target[:, 1], data.data[:, 1], deg=1).convert()
    (HERE / "models").mkdir(exist_ok=True)
    weights = [round(float(one), 4) for one in line.coef]
    (HERE / "models/line.json").write_text(json.dumps(weights) + "\n", encoding="utf-8")
    print("models/line.json is trained")


if __name__ == "__main__":
    main()
