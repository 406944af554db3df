# /// script
# requires-python = ">=3.11"
# dependencies = ["scikit-learn>=1.6"]
# ///
"""Fit scikit-learn's own iris data, and write what the script needs of it as JSON."""

import json
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

MODEL = Path(__file__).with_name("outputs") / "iris.json"

iris = load_iris()
fitted = LogisticRegression(max_iter=1000).fit(iris.data, iris.target)
facts = {
    "names": [str(name) for name in iris.target_names],
    "coefficients": fitted.coef_.round(4).tolist(),
    "intercept": fitted.intercept_.round(4).tolist(),
}
MODEL.parent.mkdir(exist_ok=True)
MODEL.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
