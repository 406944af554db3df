"""Live answers of two revisions to the same requests, compared as golden ones are: pure values."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..lean import lean
from .compare import MOST_OF_ONE, Difference, Verdict, judge
from .request import Came, expected_of
from .table import lines
from .tolerance import Rules

_SHOWN_ID = 8


@lean(frozen=True)
class Pair:
    """A request by its id, as it is in both logs, and its path; what the old revision has answered, and the new one."""

    id: str
    path: str
    old: Came
    new: Came

    @property
    def name(self) -> str:
        """What it is called in a table: whose request it was, and what was in it, is nobody's concern there."""
        return f"{self.path} {self.id[:_SHOWN_ID]}"


@lean(frozen=True)
class Compared:
    """What came since the last time.

    ``same`` are pairs whose answers were equal to the byte and are not among ``pairs``; ``lost`` answers that nobody
    had room for, ``failed`` copies that the new revision gave no answer to, ``why`` the last of these.
    """

    pairs: tuple[Pair, ...] = ()
    same: int = 0
    lost: int = 0
    failed: int = 0
    why: str = ""


@dataclass
class Live:
    """Adds up what is compared, by ``rules``."""

    rules: Rules = field(default_factory=Rules)
    requests: int = 0
    differing: int = 0
    total: int = 0
    lost: int = 0
    failed: int = 0
    why: str = ""
    worst: list[Difference] = field(default_factory=list)

    def add(self, compared: Compared) -> None:
        """Compare some more."""
        found = judge((one.name, expected_of(one.old), one.new, self.rules) for one in compared.pairs)
        # a copy that got no answer is compared too: its client would have met that
        self.requests += found.requests + compared.same + compared.failed
        self.differing += found.differing + compared.failed
        self.total += found.total
        self.lost += compared.lost
        self.failed += compared.failed
        self.why = compared.why or self.why
        # of an hour at full rate too only the worst are kept
        self.worst = heapq.nlargest(MOST_OF_ONE, [*self.worst, *found.differences], key=lambda one: one.badness)

    @property
    def share(self) -> float:
        """The share of answers that differ, 0 to 1."""
        return self.differing / self.requests if self.requests else 0.0

    def sentence(self) -> str:
        """Say how many differ."""
        if not self.requests:
            return f"no two answers were compared{self._besides()}"
        told = f"{self.differing} of {self.requests} live answers differ ({self.share:.1%})"
        return f"{told}{self._besides()}"

    def table(self, source: str) -> str:
        """Return what differs, worst first, below a sentence; ``source`` is the old revision."""
        verdict = Verdict(self.requests, tuple(self.worst), self.total, self.differing)
        _, *rows = lines(verdict, source)
        return "\n".join([f"{self.sentence()} from {source}; worst first:", *rows] if rows else [self.sentence()])

    def _besides(self) -> str:
        parts = []
        if self.failed:
            parts.append(f"{self.failed} got no answer{f': {self.why}' if self.why else ''}")
        if self.lost:
            parts.append(f"{self.lost} more were not compared for want of room")
        return f"; {'; '.join(parts)}" if parts else ""


def paired(old: Iterable[tuple[str, str, Came]], new: Iterable[tuple[str, str, Came]]) -> tuple[Pair, ...]:
    """Return the pairs of answers to the same requests.

    Args:
        old: id, path and answer of each request at the old revision.
        new: the same of the new one.
    """
    # a client that gives all its requests one id: whose answer is whose cannot be told
    ours, theirs = _once(old), _once(new)
    return tuple(Pair(id_, path, came, theirs[id_][1]) for id_, (path, came) in ours.items() if id_ in theirs)


def _once(answers: Iterable[tuple[str, str, Came]]) -> dict[str, tuple[str, Came]]:
    found: dict[str, tuple[str, Came]] = {}
    twice: set[str] = set()
    for id_, path, came in answers:
        if id_ in found:
            twice.add(id_)
        found[id_] = (path, came)
    return {id_: one for id_, one in found.items() if id_ not in twice}


def decoded_body(body: bytes, encoding: str, most: int) -> bytes | None:
    """Return a body without its content coding (RFC 9110, 8.4.1); None for one that is not known here, or too large."""
    if not encoding or encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        # 32: by its own head, gzip or zlib
        machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
        found = machine.decompress(body, most)
    except zlib.error:
        return None
    return found if machine.eof else None
