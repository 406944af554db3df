"""A loaded script, ready to score: looks at ``run``, picks its mode, calls it and maps what comes back to answers."""

from __future__ import annotations

import inspect
import logging
import time
import types
from typing import Any, Callable, Dict, List, Tuple, Union

from ..answers import refusal, to_json
from ..values import DURATION, Answer, Call, Facts, ScoringTimeout, ScriptError, Stream
from .script import function
from .text import TextMode

_LOG = logging.getLogger("aciml.run")
RAISED = "An unexpected error occurred in scoring script. Check the logs for more info."
UNWRITABLE = "An unexpected internal error occurred. Check the logs for more info."


class Model:
    """One script whose ``init()`` succeeded. ``facts`` are for the front."""

    def __init__(self, name: str, module: types.ModuleType, timeout_ms: float) -> None:
        """Look at ``run`` of the script.

        Raises:
            ScriptError: it is missing, or cannot be called with one text.
        """
        run = function(module, "run")
        wants_headers = _wants_headers(run)
        self._mode = TextMode(run, wants_headers)
        self._timeout_ms = timeout_ms
        self.facts = Facts(name, self._mode.name, wants_headers)

    def score(self, call: Call) -> Union[Answer, Stream]:
        """Call ``run`` and answer with its result; never raises.

        An exception becomes 500: its traceback goes to the log, never to the client.
        """
        given = self._mode.arguments(call)
        if isinstance(given, Answer):
            return given
        positional, named = given
        started = time.perf_counter()
        try:
            value = self._mode.run(*positional, **named)
        except ScoringTimeout:
            return self._timed_out(started)
        except BaseException:  # noqa: BLE001  # user code: even SystemExit must not end the service
            _LOG.exception("run() raised")
            return refusal(500, RAISED, _took(started), failed=True)
        return _answer(value, _took(started))

    def _timed_out(self, started: float) -> Answer:
        return refusal(500, "Scoring timeout after %d ms" % self._timeout_ms, _took(started), failed=True)


def _took(started: float) -> Tuple[Tuple[str, str], ...]:
    return ((DURATION, "%.3f" % ((time.perf_counter() - started) * 1000)),)


def _answer(value: Any, headers: Tuple[Tuple[str, str], ...]) -> Answer:
    try:
        return Answer(200, to_json({} if value is None else value), "application/json", headers, False)
    except Exception:  # noqa: BLE001  # tolist() of the user's objects may raise anything
        _LOG.exception("the result of run(), a %s, cannot be written as JSON", type(value).__name__)
        return refusal(500, UNWRITABLE, headers, failed=False)


def _wants_headers(run: Callable[..., Any]) -> bool:
    """Tell if ``run`` has the optional parameter ``request_headers``; refuse what cannot be called with one text."""
    parameters = inspect.signature(run).parameters
    wants = "request_headers" in parameters
    named: Dict[str, List[Any]] = {"request_headers": []} if wants else {}
    try:
        inspect.signature(run).bind("", **named)
    except TypeError as error:
        raise ScriptError("run() cannot be called as run(raw_data): %s" % error) from None
    return wants
