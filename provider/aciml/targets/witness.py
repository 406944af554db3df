"""Asks the servers of a revision what they have met and answered, each replica of its own.

The other side is ``server/aciml_server/front/witness.py``. One address leads to any replica, so it is asked until all
have answered, or chance has had enough turns. Images of somebody else have no such server: nothing is known then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.golden.live import Compared, Pair, decoded_body, paired
from ..core.golden.request import Came
from ..model.keys import Keys
from .revisions import Seen
from .smoke import Answer, ask

PATH = "/aciml/witness"
_SECONDS = 60.0
"""For how long a server goes on without being asked again: some looks, one of which may be lost."""
_TURNS = 4
"""Questions for each replica: of so many by chance few are missed."""
_MOST_REPLICAS = 50
_SILENT = 3
"""So many times in a row nothing was told; then an address is asked no more."""
_MOST = 16 << 20
_WAITING = 4000
"""Answers of a revision that wait for those of the other one; older ones were never answered there, or not copied."""
_PERCENTILE = 0.99
Ask = Callable[[str, str, bytes], Answer]


def token_of(keys: Keys) -> str:
    """Return what a server wants to see, which follows from both of its keys; empty if it has no two of them."""
    # sorted, since clients and servers may know the two in another order; both, so that who has one key alone cannot
    # ask
    known = sorted({key.encode() for key in keys.variables().values()})
    return hmac.new(b"\0".join(known), b"aciml witness", hashlib.sha256).hexdigest() if len(known) > 1 else ""


@dataclass(frozen=True)
class Told:
    """What one replica has told. ``times`` are counts by step: at most ``base`` to that power, milliseconds."""

    replica: str
    requests: int
    errors: int
    times: Mapping[int, int]
    base: float
    answers: tuple[Mapping[str, Any], ...] = ()
    same: int = 0
    lost: int = 0
    failed: int = 0
    why: str = ""


_NOTHING = Told("", 0, 0, {}, 1.0)


@dataclass
class Witness:
    """The servers of one service.

    Args:
        tokens: what they may want to see: a revision of before a change of keys has the old ones.
        verify: whom to trust; None for plain HTTP, or the machine's authorities.
        send: sends a question; takes URL, token and body.
    """

    tokens: tuple[str, ...]
    verify: ssl.SSLContext | None = None
    send: Ask | None = None
    why: str = ""
    """Why nobody has told anything, the last time that nobody did."""
    _good: dict[str, str] = field(default_factory=dict)
    _silent: dict[str, int] = field(default_factory=dict)
    _latest: dict[str, dict[str, Told]] = field(default_factory=dict)
    _bases: dict[tuple[str, float], dict[str, Told]] = field(default_factory=dict)
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def keep(self, address: str, copies: Mapping[str, Any] | None = None) -> None:
        """Have answers kept at an address from the next question on; with ``copies`` those of copies that it sends."""
        self._kept[address] = _Kept(copies)

    def let_go(self, address: str, replicas: int) -> None:
        """Have no more answers kept, and no copies sent, at an address."""
        if self._kept.pop(address, None) is not None:
            self.ask(address, replicas)

    def ask(self, address: str, replicas: int) -> bool:
        """Ask the replicas behind an address what they have met; false if none tells anything.

        Args:
            address: base URL of a revision.
            replicas: how many there are.
        """
        wanted, kept = min(max(1, replicas), _MOST_REPLICAS), self._kept.get(address)
        copies = kept.copies if kept else None
        question = {"seconds": _SECONDS, "answers": kept is not None, "copies": copies}
        found: dict[str, Told] = {}
        # a look is each two seconds: who never tells anything, or is not reached, costs one no time-out each
        if self._silent.get(address, 0) >= _SILENT:
            return False
        for _ in range(_TURNS * wanted):
            # the first that fails ends the look: each of the others would wait for its time-out, too
            if (told := self._one(address, json.dumps(question).encode())) is None:
                break
            found[told.replica] = told
            if kept is not None:
                kept.take(told)
            if len(found) == wanted:
                break
        self._silent[address] = 0 if found else self._silent.get(address, 0) + 1
        # one that was not met this time keeps its last counts: they only grow
        self._latest.setdefault(address, {}).update(found)
        return bool(found)

    def seen(self, address: str, replicas: int, since: float) -> Seen | None:
        """Return what clients met since a moment, which is that of the first question about it; None if unknown."""
        if not self.ask(address, replicas):
            return None
        latest = self._latest[address]
        # a replica that was not there yet has counted from nothing
        base = self._bases.setdefault((address, since), dict(latest))
        requests = errors = 0
        times: dict[float, int] = {}
        for name, now in latest.items():
            then = base.get(name, _NOTHING)
            requests += now.requests - then.requests
            errors += now.errors - then.errors
            for step, count in now.times.items():
                # by their bound and not by step: servers of two releases may count in other steps
                bound = round(now.base**step, 6)
                times[bound] = times.get(bound, 0) + count - then.times.get(step, 0)
        return Seen(requests, errors, p99_of(times))

    def compare(self, old: str, new: str) -> Compared | None:
        """Return the answers to the same requests that both addresses have told of; None where none are kept.

        Args:
            old: address of the revision that clients are answered by.
            new: that of the one which gets copies, by whoever makes them.
        """
        ours, theirs = self._kept.get(old), self._kept.get(new)
        if ours is None:
            return None
        compared = ours.told
        if theirs is not None:
            pairs = paired(ours.answers, theirs.answers)
            # what is left waits for its other half, which the next look may bring
            known = {pair.id for pair in pairs}
            for one in (ours, theirs):
                one.forget(known)
            compared = replace(compared, pairs=pairs, lost=compared.lost + theirs.told.lost)
            theirs.told = Compared()
        ours.told = Compared()
        return compared

    def _one(self, address: str, body: bytes) -> Told | None:
        good = self._good.get(address)
        self.why = "" if self.tokens else "without two keys its servers cannot know who asks"
        for token in (good,) if good else self.tokens:
            answer = (self.send or self._send)(f"{address}{PATH}", token, body)
            # a script that answers 200 to every path is no server of ours: its words decide
            if answer.status == 200 and (told := _read(answer.body)) is not None:
                self._good[address] = token
                return told
            self.why = _why(answer)
        return None

    def _send(self, url: str, token: str, body: bytes) -> Answer:
        headers = {"Authorization": f"Witness {token}", "Content-Type": "application/json"}
        return ask(url, self.verify, method="POST", body=body, headers=headers, most=_MOST)


@dataclass
class _Kept:
    """What replicas of an address have told of answers, until it is compared."""

    copies: Mapping[str, Any] | None = None
    answers: deque[tuple[str, str, Came]] = field(default_factory=lambda: deque(maxlen=_WAITING))
    told: Compared = field(default_factory=Compared)

    def take(self, told: Told) -> None:
        pairs, now = [], self.told
        for one in told.answers:
            id_, path, old = str(one["id"]), str(one["path"]), _came(one["old"])
            if "new" in one:
                pairs.append(Pair(id_, path, old, _came(one["new"])))
            else:
                self.answers.append((id_, path, old))
        self.told = Compared(
            (*now.pairs, *pairs),
            now.same + told.same,
            now.lost + told.lost,
            now.failed + told.failed,
            told.why or now.why,
        )

    def forget(self, ids: Collection[str]) -> None:
        left = [one for one in self.answers if one[0] not in ids]
        self.answers.clear()
        self.answers.extend(left)


def p99_of(times: Mapping[float, int]) -> float | None:
    """Return the 99th percentile of counts by their upper bounds; None if there are none."""
    total = sum(times.values())
    reached, wanted = 0, total * _PERCENTILE
    # the upper bound of the step it falls into: too high by that step at most, and never too low
    for bound, count in sorted(times.items()):
        reached += count
        if total > 0 and reached >= wanted:
            return round(bound, 2)
    return None


def _read(body: bytes) -> Told | None:
    """Read what a replica told; None if it is something else's answer."""
    try:
        said = json.loads(body)
        times = {int(step): int(count) for step, count in said["times"].items()}
        return Told(
            # who was asleep meanwhile has begun to count anew
            replica=f"{said['replica']}/{said['era']}",
            requests=int(said["requests"]),
            errors=int(said["errors"]),
            times=times,
            base=float(said["base"]),
            answers=tuple(said["answers"]),
            same=int(said["same"]),
            lost=int(said["lost"]),
            failed=int(said["failed"]),
            why=str(said["why"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _came(said: Mapping[str, Any]) -> Came:
    body, encoding = base64.b64decode(said["body"]), str(said["encoding"])
    plain = decoded_body(body, encoding, _MOST)
    # compared as bytes then: both revisions may well have compressed it in one way
    return Came(int(said["status"]), body if plain is None else plain, "" if plain is None else str(said["type"]))


def _why(answer: Answer) -> str:
    if answer.status == 404:
        return "its image has no server that tells, or an older one"
    if answer.status == 401:
        return "its servers have other keys"
    try:
        said = str(json.loads(answer.text)["message"])
    except (ValueError, LookupError, TypeError):
        said = ""
    return f"its servers answer {answer}{f': {said}' if said else ''}"
