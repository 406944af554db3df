"""What comes before the first job: scripts are loaded, the debugger is called, the warm-up request is scored."""

from __future__ import annotations

import json
import os
import socket
import sys
import traceback
from typing import Any, List, Optional

from .. import remedies
from ..contract import flask_context
from ..contract.model import Model
from ..contract.script import load
from ..settings import Settings
from ..values import Answer, Call, ScriptError


def load_models(settings: Settings) -> Optional[List[Model]]:
    """Load all scripts; on failure tell why, the short form in the last line, and return None."""
    models = []
    which = ""
    try:
        # before the scripts: a breakpoint in `init()` is one, too
        if settings.debug_port:
            call_debugger(settings.debug_port)
        for name, script in settings.scripts.items():
            which = "model %s: " % name if name else ""
            module, limit = load(settings, script), settings.scoring_timeout_ms
            around = flask_context.around(settings.app_root)
            models.append(Model(name, module, limit, settings.batch_size, typed=settings.typed, around=around))
    except ScriptError as error:
        sys.stdout.flush()
        print(which + str(error), file=sys.stderr, flush=True)
    except BaseException as error:  # noqa: BLE001  # user code; SystemExit is a failure too
        # what the script printed comes before what is said of it
        sys.stdout.flush()
        traceback.print_exc()
        # in one line, the last of the log: it is what people see first of a container that ended
        text = " ".join(str(error).split())
        remedy = remedies.of(error)
        if remedy:
            print("to mend it: " + remedy, file=sys.stderr, flush=True)
        told = which, type(error).__name__, ": " + text if text else ""
        print("%sinit() raised %s%s" % told, file=sys.stderr, flush=True)
    else:
        return models
    return None


def call_debugger(port: int) -> None:
    """Connect to the debugger that listens on this port, as v1 does; if none does, listen there. Wait for it.

    Raises:
        ScriptError: debugpy is not installed.
    """
    try:
        import debugpy  # noqa: T100  # asked for by AZUREML_DEBUG_PORT
    except ImportError:
        raise ScriptError("AZUREML_DEBUG_PORT is set, but the package debugpy is not installed") from None
    if _is_free(port):  # debugpy cannot listen any more after it failed to connect
        debugpy.listen(("localhost", port))  # noqa: T100
        print("waiting for a debugger on port %d" % port, file=sys.stderr, flush=True)
    else:
        debugpy.connect(("localhost", port))
    debugpy.wait_for_client()  # noqa: T100


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":  # a port that was used a moment ago is free; on Windows this would let two have it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError:
            return False
    return True


def warm_up(models: List[Model], settings: Settings) -> bool:
    """Score the request in the file ``settings.warm_up``; on failure tell why in one line, and return False."""
    if not settings.warm_up:
        return True
    try:
        answer = _finished(models[0], _call(settings))
    except (OSError, ValueError) as error:
        print("the warm-up request %s cannot be read: %s" % (settings.warm_up, error), file=sys.stderr, flush=True)
        return False
    if answer.status < 400:
        return True
    text = bytes(answer.body[:500]).decode("utf-8", "replace")
    told = settings.warm_up, answer.status, text
    print("the warm-up request %s was answered with %d: %s" % told, file=sys.stderr, flush=True)
    return False


def _call(settings: Settings) -> Call:
    """Read the file: one body, or an object with ``body`` (text as it is, else JSON) and perhaps ``headers``."""
    folders = (settings.app_root, os.path.join(settings.app_root, settings.source_directory))
    # the app root first, as for all files of the user; beside the script is where people lay a sample
    places = [os.path.join(folder, settings.warm_up) for folder in folders]
    with open(next(filter(os.path.isfile, places), places[0]), encoding="utf-8") as stream:
        text = stream.read()
    given = json.loads(text)
    headers = {"content-type": "application/json"}
    if isinstance(given, dict) and "body" in given and set(given) <= {"body", "headers"}:
        headers.update({name.lower(): value for name, value in given.get("headers", {}).items()})
        text = given["body"] if isinstance(given["body"], str) else json.dumps(given["body"])
    return Call("POST", "/score", "", headers, text.encode())


def _finished(model: Model, call: Call) -> Answer:
    """Score a call to its end, whatever kind of function ``run`` is."""
    if model.facts.concurrent:
        import asyncio

        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(_finished_later(model, call))
        finally:
            loop.close()
    answer = model.score(call)
    if isinstance(answer, Answer):
        return answer
    # to its end, or nothing of it would be warm: a generator has done no more than its first piece by now
    for _ in answer.pieces:  # type: ignore[union-attr]
        pass
    return Answer(answer.status, b"")


async def _finished_later(model: Model, call: Call) -> Answer:
    answer = await model.score_async(call)
    if isinstance(answer, Answer):
        return answer
    pieces: Any = answer.pieces
    if hasattr(pieces, "__aiter__"):
        async for _ in pieces:
            pass
    else:
        for _ in pieces:
            pass
    return Answer(answer.status, b"")
