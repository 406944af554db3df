"""What the scoring server wants to reach, each goal as a figure and a bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """``value`` takes the figures; it is to be at least ``bound``, or at most if ``most``."""

    name: str
    value: Callable[[Any], float]
    bound: float
    most: bool = False

    def met(self, value: float) -> bool:
        """Tell if it is reached."""
        return value <= self.bound if self.most else value >= self.bound

    @property
    def sentence(self) -> str:
        """Say what was wanted."""
        return f"at {'most' if self.most else 'least'} {self.bound:g}"


def _over(figure: str, other: str, server: str = "aciml", of: str = "") -> Callable[[Any], float]:
    return lambda figures: float(figures.ratio(server, other, figure, of))


def _plain(figure: str, server: str = "aciml") -> Callable[[Any], float]:
    return lambda figures: float(figures.middle(server, figure))


def _best(figure: str, *, least: bool) -> Callable[[Any], float]:
    """Return how we stand beside the best peer: our rate over the highest, or the lowest p99 over ours.

    On C the best ones parse the numbers for the script, so there it is our way to do that.
    """
    server = "aciml-typed" if figure.startswith("c-") else "aciml"

    def value(figures: Any) -> float:
        others = ["azureml", "fastapi", "robyn", "litserve", "mlserver", "bentoml"]
        ratios = [figures.ratio(server, other, figure) for other in others]
        known = [1 / ratio if least else ratio for ratio in ratios if not math.isnan(ratio) and ratio]
        return min(known) if known else float("nan")

    return value


GOALS = (
    Goal("a-rate-over-azureml", _over("a-rate", "azureml"), 25),
    Goal("a-rate-over-fastapi", _over("a-rate", "fastapi"), 5),
    Goal("a-rate-over-robyn", _over("a-rate", "robyn"), 2.5),
    Goal("a-alone-over-azureml", _over("a-alone", "azureml"), 0.2, most=True),
    Goal("a-alone-over-fastapi", _over("a-alone", "fastapi"), 0.35, most=True),
    Goal("b-rate-over-azureml", _over("b-rate", "azureml"), 2.2),
    Goal("b-rate-over-fastapi", _over("b-rate", "fastapi"), 1.2),
    Goal("b-rate-over-bare-function", _over("b-rate", "bare"), 0.95),
    Goal("b-p99-over-azureml", _over("b-p99", "azureml"), 0.7, most=True),
    Goal("c-rate-over-azureml", _over("c-rate", "azureml"), 1.2),
    Goal("c-p99-over-p50", _over("c-p99", "aciml", of="c-p50"), 2, most=True),
    Goal("c-typed-rate-over-azureml", _over("c-rate", "azureml", "aciml-typed"), 2.5),
    Goal("c-typed-p99-over-p50", _over("c-p99", "aciml-typed", "aciml-typed", "c-p50"), 3, most=True),
    *(Goal(f"{work}-rate-over-best-peer", _best(f"{work}-rate", least=False), 1) for work in "abc"),
    *(Goal(f"{work}-p99-best-peer-over-ours", _best(f"{work}-p99", least=True), 1) for work in "abc"),
    Goal("batching-over-unbatched", _over("b-rate", "aciml", "aciml-batched"), 3.5),
    Goal("batching-over-mlserver", _over("b-rate", "mlserver-batched", "aciml-batched"), 4),
    Goal("batching-over-litserve", _over("b-rate", "litserve-batched", "aciml-batched"), 4),
    Goal("batching-over-bentoml", _over("b-rate", "bentoml-batched", "aciml-batched"), 4),
    Goal("batching-alone-over-unbatched", _over("b-alone", "aciml", "aciml-batched"), 1.1, most=True),
    Goal("cold-over-azureml", _over("cold", "azureml"), 0.35, most=True),
    Goal("cold-over-fastapi", _over("cold", "fastapi"), 0.6, most=True),
    Goal("memory-over-azureml", _over("memory", "azureml"), 0.5, most=True),
    Goal("size-over-azureml", _over("size", "azureml"), 0.8, most=True),
    Goal("distributions", _plain("distributions"), 12, most=True),
    Goal("tls-a-rate-over-azureml-plain", _over("a-rate", "azureml", "aciml-tls"), 6),
    Goal("health-p99-ms-while-b-saturates", _plain("health-p99-busy"), 20, most=True),
    Goal("health-p99-ms-while-the-gil-is-held", _plain("health-p99-held"), 20, most=True),
    Goal("crash-lost-requests", _plain("crash-lost"), 1, most=True),
    Goal("crash-gap-seconds", _plain("crash-gap"), 1, most=True),
)
"""Musts of the plan; what ``over`` compares are rates (more is better) or times (less is better)."""
