# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["scikit-learn==1.6.1"]
# ///
"""Trains the model of this example: `uv run --script train.py`. scikit-learn makes the data."""

from __future__ import annotations

import json
from pathlib import Path

from sklearn.datasets import make_regression
from sklearn.linear_model import LinearRegression

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write models/prices.json: what a room and a square metre add to a price."""
    rows, prices = make_regression(n_samples=200, n_features=2, noise=5, random_state=7)
    model = LinearRegression().fit(rows * [1, 25] + [3, 70], prices * 500 + 200_000)
    learnt = {"rooms": float(model.coef_[0]), "area": float(model.coef_[1]), "base": float(model.intercept_)}
    (HERE / "models").mkdir(exist_ok=True)
    (HERE / "models/prices.json").write_text(json.dumps(learnt) + "\n", encoding="utf-8")
    print("models/prices.json is trained")


if __name__ == "__main__":
    main()
