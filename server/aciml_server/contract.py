"""The v1 contract: load a script, call its ``run``, and map results and errors to answers. Knows nothing of HTTP.

Undecorated mode only so far: ``run(raw_data)`` gets the body as text. Source: the behaviour of
azureml-inference-server-http 1.5, written anew.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import logging
import os
import sys
import time
import types
import urllib.parse
from typing import Any, Callable, Dict, List, Mapping

from .answers import Answer, as_json, refusal
from .settings import Settings

_LOG = logging.getLogger("aciml.run")
FAILED = "x-ms-run-function-failed"
DURATION = "x-ms-run-fn-exec-ms"


class ScriptError(Exception):
    """The script cannot serve; the message says why, in one line."""


class Script:
    """A loaded script whose ``init()`` succeeded."""

    def __init__(self, run: Callable[..., Any]) -> None:
        """Look at the parameters of ``run``.

        Raises:
            ScriptError: ``run`` cannot be called with one text.
        """
        self._run = run
        self._wants_headers = _wants_headers(run)

    def score(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Call ``run`` with the body as text and answer with its result; never raises.

        An exception becomes 500: its traceback goes to the log, never to the client.
        """
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            return refusal(400, "the body is not UTF-8: byte %d" % error.start)
        extra = {"request_headers": dict(headers)} if self._wants_headers else {}
        started = time.perf_counter()
        try:
            value = self._run(text, **extra)
        except BaseException:  # noqa: BLE001  # user code: even SystemExit must not end the service
            _LOG.exception("run() raised")
            message = "An unexpected error occurred in scoring script. Check the logs for more info."
            return refusal(500, message, _facts(started, failed=True))
        return _as_answer(value, _facts(started, failed=False))


def _facts(started: float, *, failed: bool) -> Dict[str, str]:
    return {FAILED: str(failed), DURATION: "%.3f" % ((time.perf_counter() - started) * 1000)}


def _as_answer(value: Any, facts: Mapping[str, str]) -> Answer:
    try:
        return as_json(200, {} if value is None else value, facts)
    except Exception:  # noqa: BLE001  # tolist() of the user's objects may raise anything
        _LOG.exception("the result of run(), a %s, cannot be written as JSON", type(value).__name__)
        return refusal(500, "An unexpected internal error occurred. Check the logs for more info.", facts)


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


def load(settings: Settings) -> Script:
    """Import the script, call its ``init()`` if it has one, and return it ready to score.

    Raises:
        ScriptError: there is no such file, or no usable ``run``.
        BaseException: whatever the script or its ``init()`` raises.
    """
    source = os.path.join(settings.app_root, settings.source_directory)
    for folder in (source, settings.app_root):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    module = _import(_find(settings, source))
    script = Script(_function(module, "run"))
    if hasattr(module, "init"):
        _function(module, "init")()
    return script


def _find(settings: Settings, source: str) -> str:
    """Find the script: v1 gives ``<source directory>/score.py`` below the root; a name in the folder is fine too."""
    tried = [os.path.join(folder, settings.entry_script) for folder in (settings.app_root, source)]
    for path in tried:
        if os.path.isfile(path):
            return os.path.abspath(path)
    raise ScriptError("there is no entry script %s (AZUREML_ENTRY_SCRIPT)" % " or ".join(dict.fromkeys(tried)))


def _import(path: str) -> types.ModuleType:
    name = os.path.splitext(os.path.basename(path))[0]
    if name in sys.modules:  # a script named like a module of Python's own must not replace it
        name = "aciml_entry_script"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScriptError("%s is not a Python file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickles and dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def _function(module: types.ModuleType, name: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if not callable(function):
        raise ScriptError("%s has no function %s()" % (os.path.basename(str(module.__file__)), name))
    return function  # type: ignore[no-any-return]  # callable() does not narrow Any


def _wants_headers(run: Callable[..., Any]) -> bool:
    """Tell if ``run`` has the optional parameter ``request_headers``; refuse what cannot be called with one text."""
    parameters = inspect.signature(run).parameters
    wants = "request_headers" in parameters
    try:
        inspect.signature(run).bind("", **({"request_headers": {}} if wants else {}))
    except TypeError as error:
        raise ScriptError("run() cannot be called as run(raw_data): %s" % error) from None
    return wants
