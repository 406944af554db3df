"""Turns what ``run`` returned into answers: JSON, bytes, a response of its own, or a stream of pieces."""

from __future__ import annotations

import inspect
import logging
from typing import Any, AsyncIterator, Callable, Iterator, NamedTuple, Tuple, Union

from ..answers import refusal
from ..values import JSON, Answer, Stream, StreamBroken
from .response import is_response, of_response

_LOG = logging.getLogger("aciml.run")
UNWRITABLE = "An unexpected internal error occurred. Check the logs for more info."
PLAIN = frozenset((dict, list, str, int, float, bool, type(None)))
"""Types of results that are JSON as they are; most are."""
BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
EVENTS = "text/event-stream; charset=utf-8"
Pairs = Tuple[Tuple[str, str], ...]


class Begun(NamedTuple):
    """A generator whose first piece is here (``pieces`` has the others, or all if there is none: ``empty``)."""

    first: Any
    pieces: Any
    empty: bool


def begin(value: Any) -> Any:
    """Wait for the result if it is a coroutine, and for the first piece of a generator; leave anything else as it is.

    It happens inside the time of ``run``: what fails before the first piece is an error with a status.

    Raises:
        BaseException: whatever the coroutine or generator raises.
    """
    # a plain function may return a coroutine: a wrapper around an async one looks like that
    if inspect.isawaitable(value):
        value = _loop().run_until_complete(_finish(value))
    if hasattr(value, "__anext__"):
        value = _step_by_step(value)
    if not hasattr(value, "__next__"):
        return value
    try:
        return Begun(next(value), value, empty=False)
    except StopIteration:
        return Begun(None, value, empty=True)


async def begin_async(value: Any) -> Any:
    """Do the same without blocking the loop.

    Raises:
        BaseException: whatever the generator raises.
    """
    if not hasattr(value, "__anext__"):
        return value if type(value) in PLAIN else begin(value)
    try:
        return Begun(await value.__anext__(), value, empty=False)
    except StopAsyncIteration:
        return Begun(None, value, empty=True)


def answer(  # noqa: PLR0911  # a table of kinds
    value: Any, headers: Pairs, write: Callable[[Any], bytes]
) -> Union[Answer, Stream]:
    """Return the answer for a result; one that cannot be written is logged, and 500."""
    try:
        if value is None:
            # v1's answer for a `run()` that returns nothing
            return Answer(200, b"{}", JSON, headers, False)
        if type(value) in PLAIN:
            return Answer(200, write(value), JSON, headers, False)
        if isinstance(value, Begun):
            return _stream(value, headers, write)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Answer(200, bytes(value), BINARY, headers, False)
        if is_response(value):
            return of_response(value, headers)
        return Answer(200, write(value), JSON, headers, False)
    except Exception:  # noqa: BLE001  # tolist() of the user's objects may raise anything
        _LOG.exception("the result of run(), a %s, cannot be sent", type(value).__name__)
        return refusal(500, UNWRITABLE, headers, failed=False)


def _stream(begun: Begun, headers: Pairs, write: Callable[[Any], bytes]) -> Stream:
    """Send bytes and texts as they are; else server-sent events (WHATWG HTML, section 9.2), a JSON text each."""
    if begun.empty or isinstance(begun.first, (bytes, bytearray, memoryview)):
        # the first piece decides for all of them: the head with its type goes out before the second is made
        kind, encode = BINARY, _binary
    elif isinstance(begun.first, str):
        kind, encode = TEXT, lambda piece: piece.encode() if isinstance(piece, str) else _written(piece, write)
    else:
        kind, encode = EVENTS, lambda piece: _event(piece, write)
    pieces = _pieces_async if hasattr(begun.pieces, "__anext__") else _pieces
    return Stream(200, pieces(begun, encode), kind, headers, False)


def _binary(piece: Any) -> bytes:
    return piece.encode() if isinstance(piece, str) else bytes(memoryview(piece))


def _written(piece: Any, write: Callable[[Any], bytes]) -> bytes:
    return bytes(piece) if isinstance(piece, (bytes, bytearray, memoryview)) else write(piece)


def _event(piece: Any, write: Callable[[Any], bytes]) -> bytes:
    # a line end ends a field (WHATWG HTML, section 9.2), so each line of the text gets its own
    text = piece if isinstance(piece, str) else _written(piece, write).decode()
    # at least one line: a browser does not dispatch an event without data (WHATWG HTML, section 9.2.6)
    return "".join("data: %s\n" % line for line in text.splitlines() or [""]).encode() + b"\n"


def _pieces(begun: Begun, encode: Callable[[Any], bytes]) -> Iterator[bytes]:
    try:
        if not begun.empty:
            yield encode(begun.first)
            for piece in begun.pieces:
                yield encode(piece)
    # the client left: the script did nothing wrong, and the log has nothing to tell
    except GeneratorExit:
        raise
    except BaseException as error:  # user code
        _LOG.exception("run() raised in the middle of its stream")
        raise StreamBroken from error
    finally:
        close = getattr(begun.pieces, "close", None)
        if close is not None:
            close()


async def _pieces_async(begun: Begun, encode: Callable[[Any], bytes]) -> AsyncIterator[bytes]:
    try:
        if not begun.empty:
            yield encode(begun.first)
            async for piece in begun.pieces:
                yield encode(piece)
    except GeneratorExit:
        raise
    except Exception as error:  # user code; a cancelled task goes its way
        _LOG.exception("run() raised in the middle of its stream")
        raise StreamBroken from error
    finally:
        close = getattr(begun.pieces, "aclose", None)
        if close is not None:
            await close()


async def _finish(value: Any) -> Any:
    return await value


def _step_by_step(pieces: Any) -> Iterator[Any]:
    """Take an asynchronous generator's pieces where no loop runs."""
    loop = _loop()
    while True:
        try:
            yield loop.run_until_complete(_finish(pieces.__anext__()))
        except StopAsyncIteration:
            return


_LOOPS: "list[Any]" = []


def _loop() -> Any:
    """Return one loop for all results that need one although ``run`` is no coroutine function itself."""
    # kept, not one per call: what a script keeps open between its calls belongs to the loop that opened it
    if not _LOOPS:
        import asyncio

        _LOOPS.append(asyncio.new_event_loop())
    return _LOOPS[0]
