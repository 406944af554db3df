"""Whether an answer is the one that was recorded, and what is not: pure values, numbers by their tolerance."""

from __future__ import annotations

import hashlib
import heapq
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..lean import lean
from .path import Key, spoken
from .request import JSON, Came, Expected, media_type
from .tolerance import DEFAULT, Rules, Walk

# a million numbers that differ would be a million lines
MOST_OF_ONE = 100
"""So many differences of one answer are kept, the worst; all are counted."""
_SHOWN = 60


class Rank(IntEnum):
    """How bad a difference is; the higher the worse."""

    NUMBER = 1
    """A number is too far off."""
    VALUE = 2
    """A word, a picture, a true instead of a false."""
    SHAPE = 3
    """Something is missing, is too much, or is of another kind: whoever reads it may fail."""
    STATUS = 4
    """Another status, or no answer."""


@lean(frozen=True)
class Difference:
    """One thing that is not as it was.

    ``path`` is a place in a JSON answer (``$.a[0]``), or ``status``, ``content type``, ``body``. ``old`` and ``new``
    are texts for people, shortened. Of a number ``off`` is how far it is from the old one and ``excess`` how many times
    more than allowed (infinite if nothing is); 0 of all else.
    """

    # of the request, as its file calls it
    request: str
    path: str
    old: str
    new: str
    rank: Rank
    off: float = 0.0
    relative: float = 0.0
    excess: float = 0.0

    @property
    # by rank first: of two numbers the one that is further off, of all else the kind
    def badness(self) -> tuple[float, float, float]:
        """What to sort by."""
        return (self.rank, self.excess, self.relative)


@lean(frozen=True)
class Verdict:
    """What came of a number of requests: ``differences`` are the worst, worst first, of ``total`` in all.

    ``differing`` counts the requests whose answer is another one.
    """

    requests: int
    differences: tuple[Difference, ...] = ()
    total: int = 0
    differing: int = 0

    @property
    def same(self) -> bool:
        """Tell whether all is as it was."""
        return not self.total

    @property
    def share(self) -> float:
        """The share of requests whose answer is another one, 0 to 1."""
        return self.differing / self.requests if self.requests else 0.0


def judge(answers: Iterable[tuple[str, Expected, Came, Rules]]) -> Verdict:
    """Compare answers with what was recorded.

    Args:
        answers: name of the request, what was recorded, what came, and what is allowed.
    """
    requests = total = differing = 0
    kept: list[Difference] = []
    for name, expected, came, rules in answers:
        requests += 1
        # counted while they pass: an answer of a million numbers may differ in each, and a list of them all would fill
        # the memory
        counted = _Counted(differences(name, expected, came, rules))
        kept += heapq.nlargest(MOST_OF_ONE, counted, key=lambda one: one.badness)
        total += counted.count
        differing += bool(counted.count)
    # stable: of equally bad ones the earlier request first
    return Verdict(requests, tuple(sorted(kept, key=lambda one: one.badness, reverse=True)), total, differing)


@dataclass
class _Counted:
    """Counts what passes."""

    passing: Iterator[Difference]
    count: int = 0

    def __iter__(self) -> Iterator[Difference]:
        for one in self.passing:
            self.count += 1
            yield one


def differences(name: str, expected: Expected, came: Came, rules: Rules | None = None) -> Iterator[Difference]:
    """Give all that differs of one answer, in the answer's order."""
    # who calls for one answer alone has no rules of a file
    rules = rules or Rules(DEFAULT)
    # a status is judged before all: what an error says is another thing than an answer
    if came.status != expected.status:
        shown = _shown_text(came.body.decode("utf-8", "replace"))
        new = f"{came.status} {shown}".rstrip() if came.status else f"no answer: {came.why}"
        yield Difference(name, "status", str(expected.status), new, Rank.STATUS)
        return
    # without parameters: a charset that is said or not changes no byte of it
    if expected.content_type and media_type(came.content_type) != media_type(expected.content_type):
        old, new = (media_type(text) or "none" for text in (expected.content_type, came.content_type))
        yield Difference(name, "content type", old, new, Rank.SHAPE)
    yield from _bodies(name, expected, came, rules)


def _bodies(name: str, expected: Expected, came: Came, rules: Rules) -> Iterator[Difference]:
    if expected.kind == JSON:
        try:
            # as bytes: json reads UTF-8, -16 and -32 by their first ones (RFC 8259, 8.1)
            new = json.loads(came.body)
        except (ValueError, RecursionError):
            shown = _shown_text(came.body.decode("utf-8", "replace")) or "nothing"
            yield Difference(name, "$", _shown(expected.value), f"no JSON: {shown}", Rank.SHAPE)
            return
        # a walk of rules: each place asks its own, without searching the list
        yield from _values(name, expected.value, new, rules.walk())
    elif expected.kind == "text":
        text = came.body.decode("utf-8", "replace")
        if text != expected.value:
            yield Difference(name, "body", *_apart(str(expected.value), text), Rank.VALUE)
    elif expected.kind == "sha256":
        # of bytes only their hash was kept, so nothing more can be said
        digest = hashlib.sha256(came.body).hexdigest()
        if digest != expected.value:
            sizes = f"{expected.size} bytes, " if expected.size is not None else ""
            old = f"{sizes}sha256 {str(expected.value)[:12]}"
            yield Difference(name, "body", old, f"{len(came.body)} bytes, sha256 {digest[:12]}", Rank.VALUE)


def _values(name: str, old: Any, new: Any, walk: Walk) -> Iterator[Difference]:
    """Compare two JSON values; a stack of its own, since an answer may be nested deeper than a program's calls."""
    left: list[tuple[tuple[Key, ...], Any, Any, Walk]] = [((), old, new, walk)]
    # on a stack of its own: Python's would end at a thousand levels
    while left:
        place, old, new, walk = left.pop()
        said = walk.said
        # all below it, too: whoever leaves a place out does not list what is in it
        if said is not None and said.ignore:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _keys(name, place, old, new, walk)
            both = [key for key in old if key in new]
            # turned round, since the stack gives back the last one first
            left += [((*place, key), old[key], new[key], walk.down(key)) for key in reversed(both)]
        elif isinstance(old, list) and isinstance(new, list):
            if len(old) != len(new):
                # both lengths are told, and the items as far as both go: one that is missing in front shifts all others
                yield Difference(name, spoken(place), _items(old), _items(new), Rank.SHAPE)
            # as far as both go: the items that remain tell whether the longer list is only longer
            pairs = [*zip(old, new, strict=False)]
            left += [((*place, i), *pair, walk.down(i)) for i, pair in reversed([*enumerate(pairs)])]
        elif (inner := _inner(old, new)) is not None:
            left.append((place, *inner, walk))
        elif found := _scalars(name, place, old, new, walk):
            yield found


def _keys(
    name: str, place: tuple[Key, ...], old: Mapping[str, Any], new: Mapping[str, Any], walk: Walk
) -> Iterator[Difference]:
    for key, value in old.items():
        # who leaves a place out does not want to hear that it is missing
        if key not in new and not walk.down(key).tolerance.ignore:
            yield Difference(name, spoken((*place, key)), _shown(value), "missing", Rank.SHAPE)
    for key, value in new.items():
        if key not in old and not walk.down(key).tolerance.ignore:
            yield Difference(name, spoken((*place, key)), "missing", _shown(value), Rank.SHAPE)


def _inner(old: Any, new: Any) -> tuple[Any, Any] | None:
    """Return what two texts hold if that is JSON.

    Scripts written for v1 answer with ``json.dumps``, which is sent as a string.
    """
    # of two texts: `json.dumps` in a script that returns a str
    if not (isinstance(old, str) and isinstance(new, str)) or old == new:
        return None
    if not all(text.lstrip()[:1] in ("{", "[") for text in (old, new)):
        return None
    try:
        return json.loads(old), json.loads(new)
    except (ValueError, RecursionError):
        return None


def _scalars(name: str, place: tuple[Key, ...], old: Any, new: Any, walk: Walk) -> Difference | None:
    if _is_number(old) and _is_number(new):
        # numbers are compared by size, and not by whether one has a dot
        return _numbers(name, place, old, new, walk)
    if _kind(old) != _kind(new):
        return Difference(name, spoken(place), _shown(old), _shown(new), Rank.SHAPE)
    if old == new:
        return None
    texts = _apart(old, new) if isinstance(old, str) else (_shown(old), _shown(new))
    return Difference(name, spoken(place), *texts, Rank.VALUE)


def _numbers(name: str, place: tuple[Key, ...], old: float, new: float, walk: Walk) -> Difference | None:
    """Compare numbers; 1 and 1.0 are one number, as in JSON (RFC 8259, 6)."""
    whole = isinstance(old, int) and isinstance(new, int)
    # a label or an id is exact, however large: what is said for all is meant for what was computed
    tolerance = walk.said if whole else walk.tolerance
    if tolerance is None:
        excess = 0.0 if old == new else math.inf
    else:
        # equal ones need no tolerance: of infinity and NaN the difference would not be a number
        excess = tolerance.excess(*_floats(old, new)) if old != new else 0.0
    if not excess:
        return None
    off = abs(b - a) if math.isfinite(a := _float(old)) and math.isfinite(b := _float(new)) else math.inf
    # of 0 no share can be told
    relative = off / abs(a) if a and math.isfinite(a) else math.inf
    # a number that is none any more is worse than any that is wrong
    rank = Rank.NUMBER if math.isfinite(off) else Rank.VALUE
    return Difference(name, spoken(place), _shown(old), _shown(new), rank, off, relative, excess)


def _floats(old: float, new: float) -> tuple[float, float]:
    return _float(old), _float(new)


def _float(number: float) -> float:
    # Python's integers have no end, and a float has one
    try:
        return float(number)
    except OverflowError:  # JSON's integers have no end
        return math.inf if number > 0 else -math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    # bool is a number in Python, and none in JSON
    if _is_number(value):
        return "number"
    return "null" if value is None else type(value).__name__


def _items(value: list[Any]) -> str:
    return f"{len(value)} item{'' if len(value) == 1 else 's'}"


def _shown(value: Any) -> str:
    # a long list would fill the line: its length says more
    if isinstance(value, dict | list) and len(value) > 20:
        return f"{len(value)} {'members' if isinstance(value, dict) else 'items'}"
    try:
        return _shown_text(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return "a deep value"


def _shown_text(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


def _apart(old: str, new: str) -> tuple[str, str]:
    """Return two texts from a little before the place where they part, or their starts would look alike."""
    # a text of pages that differs in one word: the word is shown, and not the first lines
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - 10) if same > _SHOWN // 2 else 0
    head = "..." if start else ""
    shown = [json.dumps(text[start : start + 2 * _SHOWN], ensure_ascii=False) for text in (old, new)]
    return _shown_text(head + shown[0]), _shown_text(head + shown[1])
