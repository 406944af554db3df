"""What a front hands to the contract and gets back, as values: nothing here speaks HTTP on a socket."""

from __future__ import annotations

from typing import Any, AsyncIterator, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple, Union

JSON = "application/json"

# the size of the buffer in worker/link.py: what does not fit there was read into memory of its own
OWN = 262_144
"""Bytes up to which a body may be a view of memory that the next call uses again."""

FAILED = "x-ms-run-function-failed"
DURATION = "x-ms-run-fn-exec-ms"
IMAGE = "x-aciml-image"
PEER = ":peer"
"""Key among the headers of a call for the address of who is connected; no header has a colon in its name."""


class Call(NamedTuple):
    """One request for a model.

    ``headers`` have lower-case names, repeats joined by ``, ``; ``body`` is decoded (gzip is undone) and may be a view
    that is good until the call returns; one of more than ``OWN`` bytes has memory of its own, which stays good as long
    as somebody keeps it. ``query`` is the part after ``?``, undecoded; ``path`` the whole one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Union[bytes, memoryview]


class Answer(NamedTuple):
    """A status, headers beside the usual ones (a pair each; names may repeat), and a body.

    ``failed`` is what ``x-ms-run-function-failed`` says; None leaves it out, for what never came to ``run``. ``late``:
    it failed because it took too long.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: Tuple[Tuple[str, str], ...] = ()
    failed: Optional[bool] = None
    late: bool = False


class Stream(NamedTuple):
    """An answer whose body comes in pieces, each sent when it is there.

    ``pieces`` raise ``StreamBroken`` when the body cannot go on; what happened is logged then. Whoever does not take
    them to the end closes them (``close``, ``aclose``), so that the script's ``finally`` runs.
    """

    status: int
    pieces: Union[Iterator[bytes], AsyncIterator[bytes]]
    content_type: str
    headers: Tuple[Tuple[str, str], ...] = ()
    failed: Optional[bool] = False


class Facts(NamedTuple):
    """What a front has to know of a loaded model, sent once.

    ``mode`` is ``text``, ``schema``, ``typed`` or ``raw``. ``headers``: calls need all headers, path and query, not
    those alone that tell how to read the body (``content-type``, unless it is ``application/json``). ``batch``: the
    most calls that ``run_batch`` takes at once, 0 without it; ``batch_delay_ms``: how long it lets the first call wait
    for others, None if the script does not say. ``concurrent``: ``run`` is a coroutine function. ``schemas`` has the
    JSON schemas (2020-12, with ``examples``) of ``input`` and ``output``, and ``input_types``: media types that are
    taken beside JSON; for schema mode also v1's forms of both (``v1_input``, ``v1_output``) and the ``v1_versions`` of
    documents that can hold them.
    """

    name: str
    mode: str = "text"
    headers: bool = False
    batch: int = 0
    batch_delay_ms: Optional[float] = None
    concurrent: bool = False
    methods: Tuple[str, ...] = ("GET", "POST", "OPTIONS")
    schemas: Optional[Dict[str, Any]] = None


class ScriptError(Exception):
    """The script cannot serve; the message says why, in one line."""


class StreamBroken(Exception):
    """The pieces of a stream end here, before their time; the log has the reason."""


class ScoringTimeout(BaseException):
    """Raised inside ``run`` when its time is over; a BaseException, so that no ``except Exception`` keeps it."""
