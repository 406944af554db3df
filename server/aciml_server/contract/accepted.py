"""``Accept`` and its kin as scripts read them: what a client takes, and how gladly.

Source: RFC 9110, section 12.5; werkzeug, "Data Structures" (``Accept``, ``MIMEAccept``, ``LanguageAccept``), written
anew.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, List, Optional, Tuple, Union


class Accepted:
    """Values with their qualities, the best first. Of equal ones those that say more come first, then the earlier."""

    def __init__(self, text: str) -> None:
        """Read a header; an empty one takes nothing in particular."""
        found = [_weighed(part) for part in text.split(",") if part.strip()]
        # sorted() is stable: the client's own order is left where the rest is equal
        self._pairs = sorted(found, key=lambda pair: (-pair[1], -self._weight(pair[0])))

    @property
    def best(self) -> Optional[str]:
        """The value that the client likes best."""
        return self._pairs[0][0] if self._pairs else None

    def best_match(self, matches: Iterable[str], default: Optional[str] = None) -> Optional[str]:
        """Return the one of several that the client likes best, of equal ones the first; the default if it is none."""
        found, most = default, 0.0
        for one in matches:
            quality = self.quality(one)
            if quality > most:
                found, most = one, quality
        return found

    def quality(self, value: str) -> float:
        """Return how gladly a value is taken: 0 is not at all."""
        # the range that says most wins, whatever its quality (RFC 9110, section 12.5.1)
        fits = [pair for pair in self._pairs if self._fits(value, pair[0])]
        return max(fits, key=lambda pair: self._weight(pair[0]))[1] if fits else 0.0

    def values(self) -> Iterator[str]:
        """Go through the values."""
        return (value for value, _ in self._pairs)

    def find(self, value: str) -> int:
        """Return the place of the first range that a value fits; -1 if none."""
        return next((place for place, pair in enumerate(self._pairs) if self._fits(value, pair[0])), -1)

    def to_header(self) -> str:
        """Return the header's text."""
        return ",".join(value if quality == 1 else "%s;q=%g" % (value, quality) for value, quality in self._pairs)

    def __contains__(self, value: object) -> bool:
        """Tell if a value fits one of the ranges."""
        return self.find(str(value)) >= 0

    def __getitem__(self, key: Union[int, str]) -> Any:
        """Return the quality of a value, or the pair at a place."""
        return self.quality(key) if isinstance(key, str) else self._pairs[key]

    def __iter__(self) -> Iterator[Tuple[str, float]]:
        """Go through values and qualities."""
        return iter(self._pairs)

    def __len__(self) -> int:
        """Count them."""
        return len(self._pairs)

    __str__ = to_header

    def _fits(self, value: str, wanted: str) -> bool:
        return wanted == "*" or wanted.lower() == value.lower()

    def _weight(self, wanted: str) -> int:
        return int(wanted != "*")


class AcceptedTypes(Accepted):
    """Media types, of which ``text/*`` and ``*/*`` are ranges."""

    @property
    def accept_json(self) -> bool:
        """Tell if JSON is taken."""
        return "application/json" in self

    @property
    def accept_html(self) -> bool:
        """Tell if HTML is taken, as such or as XML."""
        return "text/html" in self or self.accept_xhtml

    @property
    def accept_xhtml(self) -> bool:
        """Tell if XHTML is taken."""
        return "application/xhtml+xml" in self or "application/xml" in self

    def _fits(self, value: str, wanted: str) -> bool:
        kind, _, part = _plain(wanted).partition("/")
        other, _, other_part = _plain(value).partition("/")
        return (kind in ("*", other)) and (part in ("*", other_part, ""))

    def _weight(self, wanted: str) -> int:
        kind, _, part = _plain(wanted).partition("/")
        return (kind != "*") + (part not in ("*", "")) + (";" in wanted)


class AcceptedLanguages(Accepted):
    """Languages, of which ``de`` is a range for ``de-AT``, too (RFC 4647, section 3.3.1)."""

    def best_match(self, matches: Iterable[str], default: Optional[str] = None) -> Optional[str]:
        """Return what the client likes best; ``en`` serves who asked for ``en-US`` if nothing else does."""
        several = list(matches)
        found = super().best_match(several)
        if found is None:
            wide = AcceptedLanguages(",".join("%s;q=%g" % (one.split("-")[0], q) for one, q in self))
            found = super(AcceptedLanguages, wide).best_match(several)
        return default if found is None else found

    def _fits(self, value: str, wanted: str) -> bool:
        plain, range_ = (one.lower().replace("_", "-") for one in (value, wanted))
        return range_ in ("*", plain) or plain.startswith(range_ + "-")

    def _weight(self, wanted: str) -> int:
        return 0 if wanted == "*" else 1 + wanted.count("-")


def _weighed(part: str) -> Tuple[str, float]:
    value, *parameters = [one.strip() for one in part.split(";")]
    rest: List[str] = []
    quality = 1.0
    for one in parameters:
        name, _, number = one.partition("=")
        if name.strip().lower() == "q":
            quality = _number(number)
        else:
            rest.append(one)
    return ";".join([value, *rest]), quality


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0  # what is no quality is not taken for the best one


def _plain(value: str) -> str:
    return value.partition(";")[0].strip().lower()
