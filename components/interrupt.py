"""How a program of ours ends when it is interrupted: without a word, since the engine has said why."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType

from pulumi.runtime import settings
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

# Pulumi's language host takes this code for "the user was told already" (pulumi-language-python-exec)
_TOLD = 32


def end_quietly_when_interrupted() -> None:
    """Make SIGINT end a program that Pulumi's language host runs; anything else is left as it is.

    The host interrupts the program as soon as a resource fails, and ctrl-C reaches it too. Python would answer with a
    traceback of a hundred lines of Pulumi's own, which buries the one error that the engine shows.
    """
    ours = threading.current_thread() is threading.main_thread() and isinstance(
        # none with mocks in somebody's unit tests, or outside of a deployment
        settings.SETTINGS.engine,
        EngineStub,
    )
    # a program with a handler of its own keeps it
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(_signal: int, _frame: FrameType | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        # the signal may have come in the middle of a write to it
        with contextlib.suppress(RuntimeError, OSError, ValueError):
            stream.flush()
    # not by an exception: calls to the engine wait in other threads, for an engine that is gone
    os._exit(_TOLD)
