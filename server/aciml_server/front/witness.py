"""What an update asks of each replica while two revisions stand side by side: what was met here, and what was answered.

Nothing of it happens unless somebody asks, with a token, and it ends by itself some seconds after the last question. So
it is no setting: a variable would make another revision, and the one that serves must be asked as it is.

``POST /aciml/witness`` gets how long to go on (``seconds``), whether ``answers`` are kept, and whether ``copies`` of
requests are sent (``front/copies.py``). The answer has counts since the first question, and the answers since the last.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import os
import time
from typing import Any, Dict, List, Optional, Tuple

from ..answers import refusal
from ..values import Answer
from .copies import Copies, Pair, Sent, Wish
from .keys import Keys
from .request import Request
from .routes import Route

PATH = "/aciml/witness"
SCHEME = "Witness"
_PURPOSE = b"aciml witness"
LONGEST = 120.0
"""Seconds for which a question keeps it awake at most: a run that was killed asks no more, and copies cost."""
_ROOM, _MOST, _LARGEST = 4 << 20, 2000, 256 << 10
"""Bytes and number of answers that are kept between two questions, and bytes of one: a replica has little memory."""
BASE = 1.1
"""Each bound of the times is a tenth above the one below: 99th percentiles are compared by them."""
_FRESH = (("cache-control", "no-store"),)


def token_of(keys: Tuple[bytes, ...]) -> str:
    """Return what the asker has to show; empty if it cannot be told apart from a client.

    It follows from both keys. A client has one of them; who has made the service has both. So answers of others are
    shown to nobody who could not read them before, and there is no third secret to be kept and changed.
    """
    known = sorted(set(keys))
    # one key is what every client has, and none is what everybody has
    return hmac.new(b"\0".join(known), _PURPOSE, hashlib.sha256).hexdigest() if len(known) > 1 else ""


class Witness:
    """Counts and answers of one replica; asleep at first."""

    def __init__(self) -> None:
        """Nobody asks."""
        self.awake = False
        self._replica = os.urandom(8).hex()
        self._until = 0.0
        # copies are sent while it is awake, and none before a question asked for them
        self._copies: Optional[Copies] = None
        self._forget()

    def _forget(self) -> None:
        # another era: who compares counts with earlier ones must see that they began anew
        self._era = os.urandom(4).hex()
        self._requests = self._errors = 0
        self._times: Dict[int, int] = {}
        self._answers: List[Pair] = []
        self._size = self._lost = 0
        self._keeps = False

    def routes(self, keys: Any) -> Tuple[Route, ...]:
        """Return the route; ``keys`` returns the keys of now."""

        def tell(connection: Any, request: Request) -> None:
            connection.send(request, self.answer(keys(), request))

        return (Route(PATH, ("POST",), tell, quiet=True),)

    def answer(self, keys: Keys, request: Request) -> Answer:
        """Answer a question, and go on for as long as it says."""
        token = token_of(keys.known)
        # by a scheme of its own: a proxy that looks for Bearer leaves it alone
        scheme, _, given = request.headers.get(b"authorization", b"").partition(b" ")
        # in one time for every wrong token (hmac.compare_digest)
        if not token or scheme != SCHEME.encode() or not hmac.compare_digest(given.strip(), token.encode()):
            return refusal(401, "this is for who has made the service, who has both of its keys", _FRESH)
        try:
            asked = json.loads(b"".join(request.body) or b"{}")
            # bounded by our own clock, whatever the asker wants
            self._go_on(min(float(asked.get("seconds") or 0), LONGEST), bool(asked.get("answers")))
            self._copy(asked.get("copies"))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return refusal(400, "this is no such question: %s" % error, _FRESH)
        return Answer(200, json.dumps(self._told()).encode(), headers=_FRESH)

    def _go_on(self, seconds: float, answers: bool) -> None:  # noqa: FBT001  # as it was asked
        if not self.awake:
            # counts begin with the first question: what was before it belongs to nobody
            self._forget()
        self._keeps = answers
        self.awake = seconds > 0
        self._until = time.monotonic() + seconds
        if not self.awake:
            self._end_copies()

    def _copy(self, asked: Optional[Dict[str, Any]]) -> None:
        if not asked or not self.awake:
            self._end_copies()
            return
        wish = Wish.read(asked)
        # the same question comes with every look: what waits to be sent is not thrown away for it
        if self._copies is None or self._copies.wish != wish:
            self._end_copies()
            self._copies = Copies(wish)

    def _end_copies(self) -> None:
        if self._copies is not None:
            self._copies.end()
            self._copies = None

    def sweep(self) -> None:
        """Fall asleep when nobody has asked for a while."""
        # nobody has said that it is over: the asker is gone
        if self.awake and time.monotonic() > self._until:
            self.awake = False
            self._end_copies()
            self._forget()

    def take(self, request: Request) -> None:
        """Note a request that is answered; called for all that were scored, while it is awake."""
        self._requests += 1
        self._errors += request.status >= 500
        # a request that took no time at all would have no logarithm
        took = max(request.ended - request.started, 1e-6) * 1000
        # a count for each step and not each time: a million requests are some hundred numbers
        step = math.ceil(math.log(took, BASE))
        self._times[step] = self._times.get(step, 0) + 1
        # a stream is compared by nobody: its pieces are gone, and who left has no answer
        whole = not request.streams and request.status != 499
        # a copy is compared here, and its answer is kept there
        if self._copies is not None and whole:
            self._copies.take(request, _sent(request))
        elif self._keeps and whole:
            self._keep(Pair(_id(request), request.path, _sent(request), None))

    def _keep(self, pair: Pair) -> None:
        size = pair.size
        # counted and not kept: the asker says how many answers it has not seen
        if size > _LARGEST or self._size + size > _ROOM or len(self._answers) >= _MOST:
            self._lost += 1
            return
        self._size += size
        self._answers.append(pair)

    def _told(self) -> Dict[str, Any]:
        same = failed = 0
        why = ""
        if self._copies is not None:
            same, failed, dropped, why, pairs = self._copies.took()
            self._lost += dropped
            for pair in pairs:
                self._keep(pair)
        # each answer is told once
        answers, self._answers, self._size = self._answers, [], 0
        lost, self._lost = self._lost, 0
        return {
            "replica": self._replica, "era": self._era, "base": BASE, "requests": self._requests,
            "errors": self._errors, "times": {str(step): count for step, count in self._times.items()},
            "answers": [_plain(pair) for pair in answers], "same": same, "lost": lost, "failed": failed, "why": why,
        }  # fmt: skip


def _id(request: Request) -> str:
    return request.id.decode("latin-1")


def _sent(request: Request) -> Sent:
    """Return what the client was sent; header lines of ours are no part of what the model says."""
    headers = {}
    for line in request.head.decode("latin-1").split("\r\n"):
        # of the first lines, which are the head; the body is bytes and may be anything
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Sent(
        request.status, bytes(request.reply), headers.get("content-type", ""), headers.get("content-encoding", "")
    )


def _plain(pair: Pair) -> Dict[str, Any]:
    told = {"id": pair.id, "path": pair.path, "old": _answer(pair.old)}
    if pair.new is not None:
        told["new"] = _answer(pair.new)
    return told


def _answer(sent: Sent) -> Dict[str, Any]:
    return {
        "status": sent.status, "type": sent.type, "encoding": sent.encoding,
        "body": base64.b64encode(sent.body).decode(),
    }  # fmt: skip
