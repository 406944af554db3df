"""Undecorated mode: ``run(raw_data)`` gets the body as text."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any, Callable, Dict, List, Union

from ..answers import refusal
from ..values import Answer, Call
from .headers import Headers
from .modes import Arguments, Mode
from .parameters import HEADERS, Parameters, demand_defaults


class TextMode(Mode):
    """``run(raw_data)``, with ``request_headers`` if it asks for them."""

    name = "text"

    def __init__(self, run: Callable[..., Any], parameters: Parameters, called: str = "run") -> None:
        """Look at the parameters.

        Raises:
            ScriptError: more than one of them needs a value.
        """
        demand_defaults(parameters, called, "the body as text")
        self.run = run
        self.needs_headers = parameters.headers
        self._named = parameters.named

    def arguments(self, call: Call) -> Union[Answer, Arguments]:
        """Return the text as the only argument, and the headers if they are asked for."""
        if call.method == "GET":
            # v1's form of a GET: a script reads it with the same `json.loads`
            text = json.dumps(query_values(call.query))
        else:
            try:
                # whatever the content type is: v1's server takes curl's
                # default for a form, and `run` gets an empty text there
                text = str(call.body, "utf-8")
            except UnicodeDecodeError as error:
                return refusal(400, "Input cannot be decoded as UTF-8: %s" % error, failed=False)
        named: Dict[str, Any] = {HEADERS: Headers.of(call.headers)} if self.needs_headers else {}
        if self._named:
            return (), {self._named: text, **named}
        return (text,), named


def query_values(query: str) -> Dict[str, Any]:
    """Return the values of a query string: each is read as JSON if it is some, repeats become lists."""
    found: Dict[str, List[Any]] = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(_value(value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
