"""Schema mode: ``@input_schema`` and ``@output_schema``, of the package inference-schema or of our own equivalent.

The decorators convert the values; this hands them the values of a JSON object, by name, and tells failures of the
conversion (the client's) from those of the script. Source: azureml-inference-server-http 1.5, input_parsers.py,
written anew.
"""

from __future__ import annotations

import copy
import inspect
import sys
from types import CodeType, FrameType
from typing import Any, Callable, Dict, List, Optional, Union

from ..answers import refusal
from ..values import Answer, Call
from .headers import Headers
from .modes import Arguments, Mode
from .parameters import HEADERS, Parameters
from .reading import is_json, media_type, reader, unreadable
from .text import query_values

_CONVERTS = "_deserialize_input_argument"
"""The function, in both packages, inside which values are converted."""


def is_decorated(run: Callable[..., Any]) -> bool:
    """Tell if a schema decorator was used on the function."""
    # whoever uses the decorators has imported it, the installed one or ours; nobody else has to pay for it
    package = sys.modules.get("inference_schema.schema_util")
    return package is not None and bool(package.is_schema_decorated(run))


class SchemaMode(Mode):
    """The body is a JSON object whose keys are parameters of ``run``."""

    name = "schema"

    def __init__(self, run: Callable[..., Any], parameters: Parameters) -> None:
        """Take the schemas that the decorators made of their samples."""
        self.run = run
        self.needs_headers = parameters.headers
        self.schemas = _schemas(run, parameters)
        self._parameters = parameters.data
        self._read = reader()
        package = sys.modules["inference_schema.schema_util"]
        self._code: Optional[CodeType] = getattr(package._get_decorators(run)[-1], "__code__", None)  # noqa: SLF001

    def arguments(self, call: Call) -> Union[Answer, Arguments]:
        """Return a value for each parameter; keys that no parameter has are ignored, as v1 does."""
        if call.method == "GET":
            given: Any = query_values(call.query)
        else:
            # v1 wants this type of decorated scripts, and only of those
            if not is_json(media_type(call.headers)[0]):
                return refusal(415, "Expects Content-Type to be application/json", failed=False)
            try:
                given = self._read(call.body)
            except (ValueError, RecursionError) as error:
                return unreadable(call.body, error)
            if not isinstance(given, dict):
                return refusal(400, "POST body should be a JSON dictionary.", failed=False)
        named: Dict[str, Any] = {HEADERS: Headers.of(call.headers)} if self.needs_headers else {}
        for one in self._parameters:
            named[one.name] = value = given.get(one.name, one.default)
            if value is inspect.Parameter.empty:
                return refusal(400, "A value is not provided for the %r parameter." % one.name, failed=False)
        return (), named

    def excuse(self, error: BaseException) -> Optional[Answer]:
        """Tell the client which value has the wrong type, if a decorator could not convert it."""
        converting: List[FrameType] = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            # run itself was called: all values were converted, and what raised is the script's
            if code is self._code:
                return None
            if code.co_name == _CONVERTS:
                converting.append(trace.tb_frame)
            trace = trace.tb_next
        # a script may have a function of that name, and its mistakes are no client's
        if not converting or not str(converting[0].f_globals.get("__name__")).startswith("inference_schema."):
            return None
        name = ".".join(dict.fromkeys(str(frame.f_locals.get("param_name")) for frame in converting))
        text = " ".join(str(error).split()) or type(error).__name__
        return refusal(400, "The value of the %r parameter cannot be used: %s" % (name, text), failed=False)


def _schemas(run: Callable[..., Any], parameters: Parameters) -> Dict[str, Any]:
    package = sys.modules["inference_schema.schema_util"]
    given, gives = package.get_input_schema(run), package.get_output_schema(run)
    wanted = [one.name for one in parameters.data if one.default is inspect.Parameter.empty]
    modern = _modern(given)
    for part in (modern.get("properties", {}), *modern.get("examples", [])):
        # the headers are no part of the body, though the decorators see a parameter like any other
        part.pop(HEADERS, None)
    for name in [one.name for one in parameters.data if one.name not in wanted]:
        for example in modern.get("examples", []):
            if example.get(name) == "" and not modern["properties"].get(name):
                del example[name]  # what v1 writes for a parameter without a sample
    if wanted:
        modern["required"] = wanted
    versions = package.get_supported_versions(run)
    # both forms: a client that was made from v1's documents knows v1's words
    return {"input": modern, "output": _modern(gives), "v1_input": given, "v1_output": gives, "v1_versions": versions}


def _modern(schema: Dict[str, Any]) -> Dict[str, Any]:
    """Write a schema of v1 as JSON schema 2020-12: there a sample is one of ``examples``."""
    modern = copy.deepcopy(schema)
    if "example" in modern:
        modern["examples"] = [modern.pop("example")]
    return modern
