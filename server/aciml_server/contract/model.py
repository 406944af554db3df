"""A loaded script, ready to score: looks at ``run``, picks its mode, calls it and maps what comes back to answers."""

from __future__ import annotations

import inspect
import logging
import time
import types
from functools import partial
from typing import Any, Callable, List, Optional, Tuple, Union

from .. import remedies
from ..answers import refusal, timed_out
from ..values import DURATION, Answer, Call, Facts, ScoringTimeout, ScriptError, Stream
from . import raw, results
from .batch import Batch
from .hints import resolve
from .modes import Arguments, Mode
from .parameters import Parameters, look_at
from .schema import SchemaMode, is_decorated
from .script import function, scored
from .text import TextMode

_LOG = logging.getLogger("aciml.run")
# v1's words, and no more than these: since its release 0.8.1 no client sees what raised
RAISED = "An unexpected error occurred in scoring script. Check the logs for more info."
# what `json.loads` says of a value that is no text: a script of v1 with an annotation that nobody ever looked at
_TEXT_WANTED = "the JSON object must be str, bytes or bytearray"


class Model:
    """One script whose ``init()`` succeeded. ``facts`` are for the front.

    A script with ``run_batch`` is scored by it alone, one call or many; ``run`` need not be there then.
    """

    def __init__(
        self,
        name: str,
        module: types.ModuleType,
        timeout_ms: float,
        batch_size: int = 16,
        *,
        typed: bool = True,
        around: Optional[Callable[[Call], Any]] = None,
    ) -> None:
        """Look at ``run`` of the script.

        ``batch_size`` counts if it does not say how many calls it takes at once; without ``typed`` annotations mean
        nothing, as in v1: ``run`` gets text. ``around`` makes what ``run`` is called in, such as a context of Flask.

        Raises:
            ScriptError: it is missing, or cannot be called with what a request has.
        """
        module = scored(module)
        self._timeout_ms = timeout_ms
        self._around = around
        # the decorator knows no script; the one that was loaded last is this
        asked_raw = raw.asked()
        self._batch: Optional[Batch] = None
        if callable(getattr(module, "run_batch", None)):
            self._batch = Batch(module.run_batch, asked_raw, batch_size, partial(_mode, typed=typed))
            self._mode = self._batch.mode
        else:
            run = function(module, "run")
            self._mode = _mode(run, resolve(run, look_at(run, "run")), "run", asked_raw, typed=typed)
        self._run, self._write = self._mode.run, self._mode.write
        self.facts = Facts(
            name,
            self._mode.name,
            self._mode.needs_headers or around is not None,
            self._batch.size if self._batch else 0,
            self._batch.delay_ms if self._batch else None,
            # batches are called in the main thread, one after the other, whatever `run` beside them is
            self._batch is None and _is_async(self._run),
            schemas=self._mode.schemas,
        )

    def score(self, call: Call) -> Union[Answer, Stream]:
        """Call ``run`` and answer with its result; never raises.

        An exception becomes 500: its traceback goes to the log, never to the client.
        """
        if self._batch is not None:
            return self.score_batch([call])[0]
        started = time.perf_counter()
        try:
            given = self._mode.arguments(call)
            if isinstance(given, Answer):
                return given
            positional, named = given
            # once more: to read the body is not the time of `run()`, which v1 tells in a header
            started = time.perf_counter()
            if self._around is not None:
                with self._around(call):
                    value = results.begin(self._run(*positional, **named))
            else:
                value = self._run(*positional, **named)
                # a coroutine or a generator has done nothing yet: its first step belongs to the time of run()
                if type(value) not in results.PLAIN:
                    value = results.begin(value)
        except ScoringTimeout:
            return self._timed_out(started)
        except BaseException as error:  # noqa: BLE001  # user code: even SystemExit must not end the service
            return self._failed(error, started)
        return results.answer(value, took(started), self._write)

    async def score_async(self, call: Call) -> Union[Answer, Stream]:
        """Call a ``run`` that is a coroutine; raises ``asyncio.CancelledError`` alone, when the task is cancelled."""
        given = self._read(call)
        if isinstance(given, Answer):
            return given
        if self._around is None:
            return await self._await(given, time.perf_counter())
        with self._around(call):
            return await self._await(given, time.perf_counter())

    async def _await(self, given: Arguments, started: float) -> Union[Answer, Stream]:
        # only here: a worker whose script is not async never imports asyncio
        from asyncio import CancelledError

        positional, named = given
        try:
            value = self._run(*positional, **named)
            if inspect.isawaitable(value):
                value = await value
            value = await results.begin_async(value)
        except ScoringTimeout:
            return self._timed_out(started)
        # a BaseException since Python 3.8: taken for the script's own, the task could not be cancelled
        except CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # as above
            return self._failed(error, started)
        return results.answer(value, took(started), self._write)

    def score_batch(self, calls: List[Call]) -> List[Union[Answer, Stream]]:
        """Call ``run_batch`` once for all calls that can be read, and answer each; never raises."""
        assert self._batch is not None, "facts.batch says if there is run_batch"  # noqa: S101
        # each body for itself: one that cannot be read is refused, and does not spoil the batch
        answers: List[Any] = [self._read(call) for call in calls]
        good = [number for number, given in enumerate(answers) if not isinstance(given, Answer)]
        if not good:
            return answers
        started = time.perf_counter()
        try:
            values = self._batch.run([answers[number] for number in good])
            done = [self._batch.answer(value, took(started)) for value in values]
        except ScoringTimeout:
            # one call for all of them: nobody knows whose item took the time
            done = [self._timed_out(started)] * len(good)
        except BaseException as error:  # noqa: BLE001  # as above
            done = [self._failed(error, started)] * len(good)
        for number, one in zip(good, done):
            answers[number] = one
        return answers

    def _read(self, call: Call) -> Union[Answer, Arguments]:
        started = time.perf_counter()
        try:
            return self._mode.arguments(call)
        except ScoringTimeout:
            return self._timed_out(started)
        except Exception as error:  # noqa: BLE001  # classes of the script take part
            return self._failed(error, started)

    def _timed_out(self, started: float) -> Answer:
        _LOG.error("run() took longer than %d ms and was ended", self._timeout_ms)
        return timed_out(self._timeout_ms, took(started))

    def _failed(self, error: BaseException, started: float) -> Answer:
        excuse = self._mode.excuse(error)
        if excuse is not None:
            return excuse
        _LOG.error("run() raised", exc_info=error)
        remedy = remedies.of(error)
        if remedy:
            _LOG.error("to mend it: %s", remedy)
        if self._mode.name == "typed" and isinstance(error, TypeError) and str(error).startswith(_TEXT_WANTED):
            _LOG.error("run() gets what its annotation names; for text annotate str, or set ACIML_TYPED=false")
        return refusal(500, RAISED, took(started), failed=True)


def took(started: float) -> Tuple[Tuple[str, str], ...]:
    """Return the header that tells how long ``run`` took."""
    return ((DURATION, "%.3f" % ((time.perf_counter() - started) * 1000)),)


def _mode(
    run: Callable[..., Any],
    parameters: Parameters,
    called: str,
    asked_raw: bool,  # noqa: FBT001
    *,
    typed: bool,
) -> Mode:
    # decorators before annotations: a script of v1 may have both, and v1 knows nothing of annotations
    if is_decorated(run):
        if asked_raw:
            raise ScriptError("%s() has both @rawhttp and a schema decorator: take one away" % called)
        return SchemaMode(run, parameters)
    if asked_raw:
        return raw.RawMode(run, parameters)
    if typed and parameters.data[0].annotation not in (inspect.Parameter.empty, str, Any):
        from .typed import typed_mode  # most scripts have no types, and start faster without

        mode = typed_mode(run, parameters, called)
        if mode is not None:
            return mode
    return TextMode(run, parameters, called)


def _is_async(run: Callable[..., Any]) -> bool:
    bare = inspect.unwrap(run)
    # run may be an object, and a wrapper hides what it wraps
    called = getattr(bare, "__call__", None)  # noqa: B004  # of an object with __call__
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (bare, called))
