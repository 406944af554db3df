# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["scikit-learn==1.6.1"]
# ///
"""Trains the model of this example: `uv run --script train.py`. The data come with scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write models/ridge.json."""
    features, progression = load_diabetes(return_X_y=True)
    known, unseen, answers, truth = train_test_split(features, progression, test_size=0.2, random_state=7)
    model = Ridge(alpha=0.1).fit(known, answers)
    (HERE / "models").mkdir(exist_ok=True)
    weights = [round(float(one), 3) for one in model.coef_]
    learnt = {"coefficients": weights, "intercept": round(float(model.intercept_), 3)}
    (HERE / "models/ridge.json").write_text(json.dumps(learnt) + "\n", encoding="utf-8")
    print(f"models/ridge.json is trained: R² on data it has not seen is {model.score(unseen, truth):.3f}")


if __name__ == "__main__":
    main()
