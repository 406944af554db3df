"""Puts the parts together: script, runner and front, from start to SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from typing import Any, Optional

from . import contract, logs
from .http_front import Front
from .runner import Runner
from .settings import Settings

_LOG = logging.getLogger("aciml")
INIT_FAILED = 3
"""Exit code when the script cannot serve, as in v1."""


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 0, 1 (cannot listen) or 3 (the script cannot serve)."""
    stop = _StopSignal()
    try:
        settings = Settings.take()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    logs.configure()
    script = _load(settings, stop)
    if script is None:
        return 0 if stop.asked else INIT_FAILED
    return _serve(settings, script, stop)


class _StopSignal:
    """SIGTERM or SIGINT as bytes in a pipe: nothing else is safe in the middle of somebody's ``run()``.

    Until ``serving`` is set they end ``init()``.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self.asked = False
        self.serving = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: Any) -> None:
        first, self.asked = not self.asked, True
        if first:
            os.write(self._writer, b".")
        if not self.serving:
            raise SystemExit(0)

    def wait(self) -> None:
        """Wait in another thread than the main one."""
        os.read(self._reader, 1)


def _load(settings: Settings, stop: _StopSignal) -> Optional[contract.Script]:
    """Load the script; on failure tell why: the traceback, and in the last line the short form."""
    try:
        return contract.load(settings)
    except contract.ScriptError as error:
        print(error, file=sys.stderr, flush=True)
    except BaseException as error:  # noqa: BLE001  # user code; SystemExit is a failure too
        if stop.asked:
            _LOG.info("stopped before init() was done")
            return None
        sys.stdout.flush()
        traceback.print_exc()
        text = " ".join(str(error).split())
        print("init() raised %s%s" % (type(error).__name__, ": " + text if text else ""), file=sys.stderr, flush=True)
    return None


def _serve(settings: Settings, script: contract.Script, stop: _StopSignal) -> int:
    runner = Runner()
    try:
        front = Front(settings, script, runner)  # only now: the port says that init() succeeded
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print("cannot listen on port %d: %s" % (settings.port, error.strerror), file=sys.stderr)
        return 1
    stop.serving = True
    if stop.asked:
        front.server_close()
        return 0
    _LOG.info("listening on port %d", front.server_address[1])
    threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.1}, name="front", daemon=True).start()
    threading.Thread(target=_close, args=(stop, front, runner, settings), name="stop", daemon=True).start()
    runner.work()
    if not runner.wait_until_quiet(settings.drain):
        _LOG.warning("some clients did not take their answers in time")
    _LOG.info("stopped")
    return 0


def _close(stop: _StopSignal, front: Front, runner: Runner, settings: Settings) -> None:
    stop.wait()
    _LOG.info("stopping: no new requests, the queue is finished first")
    front.shutdown()
    front.server_close()
    runner.close()
    runner.wait_until_quiet(settings.drain)  # bodies that still arrive
    runner.end()
