"""Golden predictions of a service that answers: it is asked all that a file has, and compared with what it says."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.golden.compare import Verdict, judge
from ..core.golden.path import Pattern
from ..core.golden.request import Came, Expected, Golden, Request
from ..core.golden.table import FAILED, SUBJECT, lines, sentence
from ..core.golden.tolerance import Rule, Rules, Tolerance
from ..core.progress import Progress
from ..model.traffic import Traffic
from ..model.volume import known_items
from .protocol import GroupSpec
from .smoke import SMOKE_SECONDS, Answer, ask, trust

_TRIES = 2
_DOCUMENT, _MOST_DOCUMENT = "/swagger.json?version=3", 8 << 20
_MOST = 64 << 20


def prove(base_url: str, spec: GroupSpec, progress: Progress, verify: ssl.SSLContext | None = None) -> str:
    """Ask a service once, see ``Proof``."""
    return Proof(spec, progress).of(base_url, verify)


@dataclass
class Proof:
    """Asks a service for its golden predictions, if it has some to give; it can be asked again at each step of a walk.

    Args:
        spec: has the file, the key and the certificate.
        progress: hears how far it is, and once that all is as it was, which else nobody would see.
    """

    spec: GroupSpec
    progress: Progress
    _noted: bool = field(default=False, init=False)

    def of(self, base_url: str, verify: ssl.SSLContext | None = None) -> str:
        """Return nothing if all is as it should be or nobody said what should be, else a sentence and the table.

        Args:
            base_url: ``http(s)://host:port`` of what is to be proven.
            verify: whom to trust; None is the service's own certificate, or the machine's authorities.
        """
        golden, key = self.spec.golden, self.spec.declared.keys.shown
        if golden is None:
            return ""
        verdict = ask_all(base_url, golden, self.progress, key, verify or trust(self.spec.certificate))
        if not verdict.same:
            return told(verdict, golden)
        if not self._noted:
            self.progress.note(f"{SUBJECT}: {sentence(verdict, golden.name)}")
            self._noted = True
        return ""


def told(verdict: Verdict, golden: Golden) -> str:
    """Return what differs as the end of a sentence, with its table below."""
    return "\n".join((f"{FAILED}:", *lines(verdict, golden.name)))


def ask_all(
    base_url: str, golden: Golden, progress: Progress, key: str = "", verify: ssl.SSLContext | None = None
) -> Verdict:
    """Send all requests, one after the other, and compare what comes; one that nobody has recorded is passed over."""

    def answers() -> Iterator[tuple[str, Expected, Came, Rules]]:
        recorded = [one for one in golden.requests if one.expected is not None]
        for number, request in enumerate(recorded, 1):
            progress.say(f"{SUBJECT}: {number} of {len(recorded)} ({request.name})")
            came = answer_to(base_url, request, progress, key, verify)
            yield request.name, request.expected or Expected(), came, golden.rules_of(request)

    return judge(answers())


def answer_to(
    base_url: str, request: Request, progress: Progress, key: str = "", verify: ssl.SSLContext | None = None
) -> Came:
    """Send one request; the key is sent as ``Authorization: Bearer``, and blotted out of what comes."""
    headers = {"Content-Type": request.content_type} if request.body is not None else {}
    headers |= request.headers
    if key:
        headers["Authorization"] = f"Bearer {key}"
    for _ in range(_TRIES):  # a balancer may drop the first connection
        progress.checkpoint()
        answer = ask(
            base_url.rstrip("/") + request.path,
            verify,
            method=request.method,
            body=request.body,
            headers=headers,
            timeout=SMOKE_SECONDS,
            most=_MOST,
        )
        if answer.status:
            break
    return came_of(answer, key)


def came_of(answer: Answer, key: str = "") -> Came:
    """Return an answer as one that can be compared, and be written into a file."""
    # services in a debug mode answer with the headers that they got
    body = answer.body.replace(key.encode(), b"[secret]") if key else answer.body
    return Came(answer.status, body, answer.headers.get("content-type", ""), answer.why)


def document_of(base_url: str, verify: ssl.SSLContext | None = None) -> Any:
    """Return a service's own document (OpenAPI 3) as JSON; None if it gives none, or does not answer at once."""
    got = ask(f"{base_url.rstrip('/')}{_DOCUMENT}", verify, most=_MOST_DOCUMENT)
    try:
        return json.loads(got.body) if got.status == 200 else None
    except (ValueError, RecursionError):
        return None


def without_answers(golden: Golden) -> Golden:
    """Return the requests alone."""
    return replace(golden, requests=tuple(replace(one, expected=None) for one in golden.requests))


def rules_of(traffic: Traffic | None, golden: Golden | None = None) -> Rules:
    """Return what is allowed between live answers: what the golden file says of all, and then the program."""
    own = tuple(declared_rules(traffic)) if traffic else ()
    return Rules(golden.tolerance, (*golden.rules, *own)) if golden else Rules(rules=own)


def declared_rules(traffic: Traffic) -> Iterator[Rule]:
    """Give the tolerances of a program."""
    for one in known_items(traffic.tolerances):
        yield Rule(Pattern.parse(one.path or "$"), Tolerance(one.absolute or 0.0, one.relative or 0.0))
