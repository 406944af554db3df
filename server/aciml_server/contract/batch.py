"""``run_batch(items)``: one call of the script for many requests."""

from __future__ import annotations

import inspect
import logging
from typing import Any, Callable, Iterable, List, Optional, Tuple, Union

from ..answers import refusal
from ..values import Answer, ScriptError
from . import results
from .hints import resolve
from .modes import Arguments, Mode
from .parameters import HEADERS, Parameters, demand_defaults, look_at
from .schema import is_decorated

_LOG = logging.getLogger("aciml.run")
_RAISED = "An unexpected error occurred in scoring script. Check the logs for more info."


Function = Callable[..., Any]


class Batch:
    """The script's ``run_batch``: it gets a list and returns a result for each item, in order.

    ``items: List[X]`` says that an item is what ``run(data: X)`` would get; without an annotation items are texts.
    ``run_batch.max_size = 32`` and ``run_batch.max_delay_ms = 2`` beside the function say how it is to be called. A
    result that is an exception fails that item alone.
    """

    def __init__(self, function: Function, raw: bool, size: int, mode: Callable[..., Mode]) -> None:  # noqa: FBT001
        """Look at the function; ``mode`` picks how items are read, ``size`` counts if the script names none.

        Raises:
            ScriptError: it cannot be called with a list.
        """
        # the decorators convert one value of one request; nothing in them knows a list of requests
        if is_decorated(function):
            raise ScriptError(
                "run_batch() has a schema decorator: annotate it instead, as in items: List[numpy.ndarray]"
            )
        # batches exist to fill one call; coroutines are not collected,
        # they run side by side, and nothing would await this
        if inspect.iscoroutinefunction(inspect.unwrap(function)):
            raise ScriptError(
                "run_batch() is a coroutine: write it with def, or have an async run() without run_batch()"
            )
        self._function = function
        parameters = look_at(function, "run_batch")
        demand_defaults(parameters, "run_batch", "the items")
        self._headers = parameters.headers
        self._name = parameters.data[0].name
        self.mode = mode(function, _item(resolve(function, parameters)), "run_batch", raw)
        # the script knows best what its model takes at once; the setting is for scripts that say nothing
        self.size = max(1, int(getattr(function, "max_size", size)))
        delay = getattr(function, "max_delay_ms", None)
        self.delay_ms: Optional[float] = None if delay is None else max(0.0, float(delay))

    def run(self, given: List[Arguments]) -> Iterable[Any]:
        """Call the script with all items.

        Raises:
            ValueError: it did not return a result for each.
            BaseException: whatever the script raises.
        """
        items = [positional[0] if positional else named[self._name] for positional, named in given]
        named = {HEADERS: [one[1][HEADERS] for one in given]} if self._headers else {}
        values = self._function(**{self._name: items}, **named)
        # these can be gone through, too, but not item by item
        if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
            raise ValueError(
                "run_batch() returned a %s, not a list with a result for each item" % type(values).__name__
            )
        # all at once: gone through item by item, an array gives scalars and arrays of numpy
        values = list(values.tolist() if hasattr(values, "tolist") else values)
        # never filled up or cut: a result at another place is somebody else's answer
        if len(values) != len(items):
            raise ValueError("run_batch() returned %d results for %d items" % (len(values), len(items)))
        return values

    def answer(self, value: Any, headers: Tuple[Tuple[str, str], ...]) -> Union[Answer, Any]:
        """Return the answer for one result."""
        # what the client is told is v1's sentence for a `run()` that raised: the reason is for the log alone
        if isinstance(value, BaseException):
            _LOG.error("run_batch() returned an exception for an item", exc_info=value)
            return refusal(500, _RAISED, headers, failed=True)
        return results.answer(value, headers, self.mode.write)


def _item(parameters: Parameters) -> Parameters:
    """Return the parameters as ``run`` would have them for one item."""
    first = parameters.data[0]
    arguments: Tuple[Any, ...] = getattr(first.annotation, "__args__", None) or ()
    # a bare List has a TypeVar there in Python 3.8
    known = len(arguments) == 1 and type(arguments[0]).__name__ != "TypeVar" and arguments[0] is not Any
    item = arguments[0] if known else inspect.Parameter.empty
    return parameters._replace(data=(first.replace(annotation=item),))
