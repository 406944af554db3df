"""Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

from typing import List, Sequence, Union

Number = Union[int, float]


class Page:
    """A page that is being written; samples of a family follow its ``family``."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lines: List[str] = []

    def family(self, name: str, kind: str, told: str) -> None:
        """Begin the samples of a metric: ``counter``, ``gauge`` or ``histogram``."""
        self._lines.append("# HELP %s %s" % (name, told.replace("\\", "\\\\").replace("\n", "\\n")))
        self._lines.append("# TYPE %s %s" % (name, kind))

    def gauge(self, name: str, told: str, value: Number) -> None:
        """Write a gauge that has no labels."""
        self.family(name, "gauge", told)
        self.sample(name, value)

    def counter(self, name: str, told: str, value: Number) -> None:
        """Write a counter that has no labels."""
        self.family(name, "counter", told)
        self.sample(name, value)

    def sample(self, name: str, value: Number, **labels: str) -> None:
        """Write one value."""
        inner = ",".join('%s="%s"' % (label, _escaped(text)) for label, text in labels.items())
        self._lines.append("%s%s %s" % (name, "{%s}" % inner if inner else "", repr(value)))

    def histogram(
        self, name: str, bounds: Sequence[Number], counts: Sequence[int], total: Number, **labels: str
    ) -> None:
        """Write a histogram whose last count has no bound."""
        running = 0
        for bound, count in zip(bounds, counts):  # one count more than bounds; Python 3.8 has no strict
            # buckets are cumulative in this format: each counts what the smaller ones count
            running += count
            self.sample(name + "_bucket", running, **labels, le=repr(bound))
        running += counts[-1]
        self.sample(name + "_bucket", running, **labels, le="+Inf")
        self.sample(name + "_sum", total, **labels)
        self.sample(name + "_count", running, **labels)

    def text(self) -> bytes:
        """Return what was written."""
        return ("\n".join(self._lines) + "\n").encode()


def _escaped(text: str) -> str:
    # backslashes first, or those that are added for the others would be doubled
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
