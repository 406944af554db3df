# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["joblib==1.5.1", "numpy==2.2.6", "scikit-learn==1.6.1"]
# ///
"""Trains the model of this example: `uv run --script examples/diabetes/train.py`.

The versions above are those of conda.yml: a model must be loaded by the scikit-learn that saved it. The data comes with
scikit-learn. A model that this very script has trained before is kept.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = HERE / "models" / "diabetes.joblib"
STAMP = HERE / "models" / ".trained-by"


def main() -> None:
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if MODEL.is_file() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == script:
        print("models/diabetes.joblib is up to date")
        return
    print(f"models/diabetes.joblib is trained: R² on data it has not seen is {train():.3f}")
    STAMP.write_text(script, encoding="utf-8")


def train() -> float:
    """Fit on four fifths of the data, save the model, and return its score on the rest."""
    import joblib
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, progression = load_diabetes(return_X_y=True)
    parts = train_test_split(features, progression, test_size=0.2, random_state=7)
    model = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(parts[0], parts[2])
    MODEL.parent.mkdir(exist_ok=True)
    joblib.dump(model, MODEL)
    return float(model.score(parts[1], parts[3]))


if __name__ == "__main__":
    main()
