"""A catalog in memory."""

from __future__ import annotations

from aciml.core.image import Layer


class Remembered:
    """Remembers facts; knows no layer."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], str] = {}

    def layer(self, key: str) -> Layer | None:
        del key
        return None

    def put_layer(self, key: str, layer: Layer) -> None:
        del key, layer

    def get_fact(self, namespace: str, key: str) -> str | None:
        return self._facts.get((namespace, key))

    def put_fact(self, namespace: str, key: str, value: str) -> None:
        self._facts[namespace, key] = value
