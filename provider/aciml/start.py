"""Where the program ``aciml`` begins: ctrl-C is one sentence from here on, also while modules are loaded."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def program() -> None:
    """Run the program, and end the process with its ``ExitCode``."""
    before = signal.getsignal(signal.SIGINT)
    # a run in the background may have begun with SIGINT ignored, and goes on doing so
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    # here, behind the handler: loading takes a third of a second, and a traceback of imports tells nobody anything
    from .cli import program as run

    signal.signal(signal.SIGINT, before)
    run()


def _end(_signal: int, _frame: object) -> NoReturn:
    # to the descriptor, and not as an exception: modules that are half loaded would catch it, or be cut in two
    os.write(2, b"aciml: interrupted; run the same command to go on\n")
    os._exit(130)  # as `exit_code.ExitCode.INTERRUPTED`, which is not loaded yet
