"""Typed mode: annotations of ``run`` say what it gets, and the server makes it from the body.

One parameter gets the whole body: ``run(data: numpy.ndarray)`` a list of JSON, or numpy's own bytes; an object with the
parameter's name as its only key is taken for it, too, as v1's clients send. Several get the values of an object by
their names; if the body is binary, the first that can take it does, and the others come from the query string.
"""

from __future__ import annotations

import inspect
import json
import logging
import math
from typing import Any, Callable, Dict, List, Optional, Union

from ..answers import plain, refusal, to_json
from ..values import Answer, Call
from . import hints
from .headers import Headers
from .kind import Kind, Mismatch
from .kinds import kind_of
from .modes import Arguments, Mode
from .parameters import HEADERS, Parameters
from .reading import is_json, media_type, reader, unreadable
from .text import query_values

_LOG = logging.getLogger("aciml")
_LENIENT = ("", "text/plain", "application/x-www-form-urlencoded")
"""What clients send without thinking; JSON is expected in it."""
_WHOLE = (dict, list)


def typed_mode(run: Callable[..., Any], parameters: Parameters, called: str) -> Optional[Mode]:
    """Return the mode; None if the first parameter is a text, or one of them of a type that no body can become."""
    first = parameters.data[0].annotation
    if first is inspect.Parameter.empty or first is str:
        return None
    found = [kind_of(one.annotation) for one in parameters.data]
    kinds = [one for one in found if one is not None]
    if len(kinds) < len(found):
        names = ", ".join(str(one) for one, kind in zip(parameters.data, found) if kind is None)
        _LOG.warning("%s() gets the body as text: no body can become what is annotated for %s", called, names)
        return None
    return TypedMode(run, parameters, kinds, called)


class TypedMode(Mode):
    """``run`` with annotations."""

    name = "typed"

    def __init__(self, run: Callable[..., Any], parameters: Parameters, kinds: List[Kind], called: str) -> None:
        """``kinds`` are those of the parameters."""
        self.run = run
        self._parameters = parameters.data
        self._kinds = kinds
        self._headers = parameters.headers
        self._binary = next((number for number, kind in enumerate(kinds) if kind.media), None)
        self._alone = len(kinds) == 1
        # with a binary body the other values come in the query, which the short form of a call leaves out
        self.needs_headers = parameters.headers or (self._binary is not None and not self._alone)
        self._read = reader()
        self.write = _writer()
        # for the documents alone: what `run` returns is written as it is
        output = kind_of(hints.of(run).get("return", inspect.Parameter.empty)) if called == "run" else None
        self.schemas = {"input": self._schema(), "output": output.schema if output else {}}
        if self._binary is not None:
            self.schemas["input_types"] = sorted("*/*" if one == "*" else one for one in kinds[self._binary].media)

    def arguments(self, call: Call) -> Union[Answer, Arguments]:
        """Return a value for each parameter; what does not fit is 422, and the message has its path."""
        if call.method == "GET":
            return self._checked(call, query_values(call.query))
        media, parameters = media_type(call.headers)
        if not is_json(media):
            binary = self._binary
            if binary is not None:
                known = self._kinds[binary].media
                decode = known.get(media) or (known.get("*") if media not in _LENIENT or self._alone else None)
                if decode is not None:
                    return self._decoded(call, binary, lambda: decode(call.body, parameters))
            if media not in _LENIENT:
                return refusal(415, "%s is not read here; send %s" % (media, self._taken()), failed=False)
        try:
            given = self._read(call.body)
        except (ValueError, RecursionError) as error:
            return unreadable(call.body, error)
        return self._checked(call, given)

    def _checked(self, call: Call, given: Any) -> Union[Answer, Arguments]:
        named: Dict[str, Any] = {HEADERS: Headers.of(call.headers)} if self._headers else {}
        try:
            if self._alone:
                one, kind = self._parameters[0], self._kinds[0]
                # how clients of v1's schema mode write it; without this
                # a script could not be changed to annotations alone
                if type(given) is dict and len(given) == 1 and one.name in given:
                    given = self._unwrapped(kind, given, one.name)
                named[one.name] = kind.take(given)
                return (), named
            return self._by_name(given, named, None)
        except Mismatch as error:
            return _mismatch(error, self._parameters[0].name if self._alone else "")
        except RecursionError as error:
            return unreadable(call.body, error)

    @staticmethod
    def _unwrapped(kind: Kind, given: Any, name: str) -> Any:
        """Return the value in ``{"data": ...}``, unless the object itself is what is wanted."""
        if kind.schema.get("type") == "object" or dict in kind.exact:
            return given
        return given[name] if "anyOf" not in kind.schema or type(given[name]) in _WHOLE else given

    def _decoded(self, call: Call, binary: int, decode: Callable[[], Any]) -> Union[Answer, Arguments]:
        named: Dict[str, Any] = {HEADERS: Headers.of(call.headers)} if self._headers else {}
        one = self._parameters[binary]
        try:
            named[one.name] = decode()
        except Mismatch as error:
            return _mismatch(error, one.name)
        except Exception as error:  # noqa: BLE001  # whatever a library says of wrong bytes
            text = " ".join(str(error).split()) or type(error).__name__
            return refusal(422, "%s: the body cannot be read: %s" % (one.name, text), failed=False)
        if self._alone:
            return (), named
        try:
            return self._by_name(query_values(call.query), named, binary)
        except Mismatch as error:
            return _mismatch(error, "")

    def _by_name(self, given: Any, named: Dict[str, Any], done: Optional[int]) -> Arguments:
        if type(given) is not dict:
            raise Mismatch("an object", given)
        for number, (one, kind) in enumerate(zip(self._parameters, self._kinds)):
            if number == done:
                continue
            if one.name in given:
                try:
                    named[one.name] = kind.take(given[one.name])
                except Mismatch as error:
                    raise error.inside("." + one.name)  # noqa: B904  # the same error
            elif one.default is inspect.Parameter.empty:
                raise Mismatch("a value", None).inside("." + one.name)
        return (), named

    def _taken(self) -> str:
        others = sorted(self._kinds[self._binary].media) if self._binary is not None else []
        return " or ".join(["application/json", *(one for one in others if one != "*")])

    def _schema(self) -> Dict[str, Any]:
        if self._alone:
            return {**self._kinds[0].schema, "examples": [self._kinds[0].example]}
        pairs = list(zip(self._parameters, self._kinds))
        bare = [one.name for one, _ in pairs if one.default is inspect.Parameter.empty]
        return {
            "type": "object",
            "properties": {one.name: {**kind.schema, **_default(one)} for one, kind in pairs},
            "required": bare,
            "examples": [{one.name: kind.example for one, kind in pairs if one.name in bare}],
        }


def _default(parameter: inspect.Parameter) -> Dict[str, Any]:
    known = isinstance(parameter.default, (bool, int, float, str, list, dict, type(None)))
    # a default that is no JSON, such as an array, cannot stand in a document
    return {"default": parameter.default} if known else {}


def _mismatch(error: Mismatch, name: str) -> Answer:
    # well-formed, but not what is wanted: that is 422 (RFC 9110, section 15.5.21), not 400
    path = (name + error.path).lstrip(".")
    return refusal(422, "%s: %s" % (path, error) if path else str(error), failed=False)


def _writer() -> Callable[[Any], bytes]:
    """Return what writes results: compact, valid JSON, NaN is null; what orjson cannot, Python's own writer does."""
    try:
        import orjson
    except ImportError:
        return _strict
    options = orjson.OPT_SERIALIZE_NUMPY

    def write(value: Any) -> bytes:
        try:
            # arrays of numpy are written from their memory, without a list of their numbers in between
            return orjson.dumps(value, plain, options)
        except TypeError:
            # integers beyond 64 bits, keys that are no texts: Python writes them
            return _strict(value)

    return write


def _strict(value: Any) -> bytes:
    try:
        return json.dumps(value, default=plain, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()
    except ValueError:
        # JSON has no NaN (RFC 8259, section 6): a client of another language could read nothing of the answer
        return json.dumps(_without_nan(json.loads(to_json(value))), separators=(",", ":"), ensure_ascii=False).encode()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
