"""Which iris is it? Answers at /score."""

from __future__ import annotations

from typing import Any

import numpy as np
from classifier import Classifier

model: Any = None


def init() -> None:
    global model
    model = Classifier("iris", ("setosa", "versicolor", "virginica"))


def run(data: np.ndarray) -> dict[str, Any]:
    """Take rows of sepal length and width, petal length and width, in centimetres."""
    return model.names(data)
