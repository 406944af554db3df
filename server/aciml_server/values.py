"""What a front hands to the contract and gets back, as values: nothing here speaks HTTP on a socket."""

from __future__ import annotations

from typing import Any, AsyncIterator, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple, Union

JSON = "application/json"

FAILED = "x-ms-run-function-failed"
DURATION = "x-ms-run-fn-exec-ms"


class Call(NamedTuple):
    """One request for a model.

    ``headers`` have lower-case names, repeats joined by ``, ``; ``body`` is decoded (gzip is undone) and may be a view that is
    good until the call returns. ``query`` is the part after ``?``, undecoded; ``path`` the whole one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Union[bytes, memoryview]


class Answer(NamedTuple):
    """A status, headers beside the usual ones (a pair each; names may repeat), and a body.

    ``failed`` is what ``x-ms-run-function-failed`` says; None leaves it out, for what never came to ``run``.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: Tuple[Tuple[str, str], ...] = ()
    failed: Optional[bool] = None


class Stream(NamedTuple):
    """An answer whose body comes in pieces, each sent when it is there."""

    status: int
    pieces: Union[Iterator[bytes], AsyncIterator[bytes]]
    content_type: str
    headers: Tuple[Tuple[str, str], ...] = ()


class Facts(NamedTuple):
    """What a front has to know of a loaded model, sent once.

    ``mode`` is ``text``, ``schema`` or ``raw``. ``headers``: calls need all headers, path and query, not those alone that tell how to
    read the body. ``batch``: the most calls that ``run_batch`` takes at once, 0 without it; ``concurrent``: ``run`` is a
    coroutine function. ``schemas`` has the JSON schemas (2020-12, with samples) of ``input`` and ``output``.
    """

    name: str
    mode: str = "text"
    headers: bool = False
    batch: int = 0
    concurrent: bool = False
    methods: Tuple[str, ...] = ("GET", "POST", "OPTIONS")
    schemas: Optional[Dict[str, Any]] = None


class ScriptError(Exception):
    """The script cannot serve; the message says why, in one line."""


class ScoringTimeout(BaseException):
    """Raised inside ``run`` when its time is over; a BaseException, so that no ``except Exception`` keeps it."""
