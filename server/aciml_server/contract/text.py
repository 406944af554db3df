"""Undecorated mode: ``run(raw_data)`` gets the body as text."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any, Callable, Dict, List, Tuple, Union

from ..answers import refusal
from ..values import Answer, Call


class TextMode:
    """Turns a call into the arguments of ``run(raw_data)``, with ``request_headers`` if it asks for them."""

    name = "text"

    def __init__(self, run: Callable[..., Any], wants_headers: bool) -> None:
        """``run`` was looked at before."""
        self.run = run
        self._wants_headers = wants_headers

    def arguments(self, call: Call) -> Union[Answer, Tuple[Tuple[Any, ...], Dict[str, Any]]]:
        """Return positional and named arguments, or the answer if there can be none."""
        if call.method == "GET":
            text = query_as_text(call.query)
        else:
            try:
                text = str(call.body, "utf-8")
            except UnicodeDecodeError as error:
                return refusal(400, "the body is not UTF-8: byte %d" % error.start)
        if self._wants_headers:
            return (text,), {"request_headers": dict(call.headers)}
        return (text,), {}


def query_as_text(query: str) -> str:
    """Turn a query string into the text that ``run`` gets for GET: one JSON object, values parsed, repeats as lists."""
    found: Dict[str, List[Any]] = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(_value(value))
    return json.dumps({name: values[0] if len(values) == 1 else values for name, values in found.items()})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
