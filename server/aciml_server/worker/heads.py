"""Answers as the front writes them, and calls as it sends them."""

from __future__ import annotations

import marshal
from typing import Any, Union

from .. import logs, wire
from ..answers import head_of
from ..values import Answer, Call, Stream
from .decode import decoded

GONE = 499
"""The status of a job whose client left before it was begun; nobody reads it."""


def frame_of(seq: int, answer: Answer) -> bytes:
    """Return the head of the frame with a whole answer; the body goes behind it."""
    head = head_of(answer)
    flags = 0
    if answer.failed:
        flags = wire.FAILED | wire.LATE if answer.late else wire.FAILED
    return wire.HEAD.pack(len(answer.body), len(head), seq, answer.status, wire.ANSWER, flags) + head


def call_of(frame: wire.Frame, limit: int) -> Union[Call, Answer]:
    """Return the call in a frame, or why there is none in it; ``limit`` is that of an unpacked body, in bytes.

    ``meta`` is empty or has the id alone, behind a zero, for the usual one: a POST of JSON or text whose headers nobody
    needs.
    """
    if not frame.meta or not frame.meta[0]:
        return Call("POST", "/score", "", {}, frame.body)  # type: ignore[arg-type]
    # not JSON: measured for a usual head, marshal writes it in 3.5 us, json in 12; both ends are the same Python
    method, path, query, headers = marshal.loads(frame.meta)  # noqa: S302  # the front wrote it
    call = Call(method, path, query, headers, frame.body)  # type: ignore[arg-type]
    return decoded(call, limit) if "content-encoding" in headers else call


def id_of(frame: wire.Frame) -> bytes:
    """Return the request's id, if ``meta`` has nothing else; empty if it has something else, or nothing."""
    return bytes(frame.meta[1:]) if frame.meta and not frame.meta[0] else b""


def gone(seq: int) -> bytes:
    """Return the answer for nobody."""
    return wire.pack(wire.ANSWER, seq, GONE)


def score(model: Any, frame: wire.Frame, limit: int) -> Union[Answer, Stream]:
    """Have a model score what is in a frame."""
    call = call_of(frame, limit)
    if isinstance(call, Answer):
        return call
    # log lines of the script get the ids of this request, whichever module of the script writes them
    logs.call.set(call.headers or id_of(frame))
    result: Union[Answer, Stream] = model.score(call)
    return result
