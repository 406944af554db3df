"""Which of three growers has made this wine? Answers at /score/wine."""

from __future__ import annotations

from typing import Any

import numpy as np
from classifier import Classifier

model: Any = None


def init() -> None:
    global model
    model = Classifier("wine", ("grower 1", "grower 2", "grower 3"))


def run(data: np.ndarray) -> dict[str, Any]:
    """Take rows of thirteen measurements, in the order of scikit-learn's wine data."""
    return model.names(data)
