"""What a command says: results on standard output, what goes on meanwhile on standard error."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from ..core.errors import Cancelled
from ..core.progress import Silent

if TYPE_CHECKING:
    from types import FrameType

    from rich.status import Status

_Run = TypeVar("_Run", bound=Callable[..., Any])


def json_option(run: _Run) -> _Run:
    """Give a command ``--json`` (``as_json: bool``)."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; sizes in bytes, times in UTC.")(run)


def yes_option(run: _Run) -> _Run:
    """Give a command that changes something ``--yes`` (``yes: bool``)."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(run)


def change_options(dry_run: str = "Say what would be done; change nothing.") -> Callable[[_Run], _Run]:
    """Give a command that changes something ``--dry-run`` (``dry_run: bool``), with its own help, and ``--yes``."""

    def decorate(run: _Run) -> _Run:
        return click.option("--dry-run", is_flag=True, help=dry_run)(yes_option(run))

    return decorate


def say(text: str) -> None:
    """Print a line of the result."""
    print(text)  # noqa: T201  # a program speaks to its terminal


def answer(facts: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print a result: as an object for programs, or as the lines that a person reads."""
    if as_json:
        say(json.dumps(facts, indent=2))
        return
    for line in lines:
        say(line)


class Terminal(Silent):
    """Progress on standard error: a live line only where somebody sees it, all else line by line."""

    _shown: ClassVar[list[Terminal]] = []

    @classmethod
    def end_all(cls) -> None:
        """Take all live lines away: an error that ends a command is told below them."""
        while cls._shown:
            cls._shown.pop().done()

    def __init__(self) -> None:
        """Show nothing yet; ctrl-C ends what runs in other threads at its next checkpoint."""
        self._live: Status | None = None
        self._stopped = threading.Event()
        # threads of a library that calls us have no signals (signal.signal)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped.set()
        signal.default_int_handler(number, frame)

    def checkpoint(self) -> None:
        """Return at once, or raise ``Cancelled`` after ctrl-C."""
        if self._stopped.is_set():
            raise Cancelled

    def say(self, text: str) -> None:
        """Show what goes on in place of what went on before, if standard error is a terminal."""
        if not sys.stderr.isatty():
            return
        if self._live is None:
            # here and not above: most commands are over before there is something to show
            from rich.console import Console

            self._live = Console(stderr=True, highlight=False, markup=False).status("")
            self._live.start()
            Terminal._shown.append(self)
        self._live.update(text)

    def note(self, text: str) -> None:
        """Print a line."""
        self._print(text)

    def warn(self, text: str) -> None:
        """Print a line."""
        self._print(f"warning: {text}")

    def done(self) -> None:
        """Take the live line away, before a result is printed."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str) -> None:
        if self._live is not None:
            self._live.console.print(text)
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201  # a program speaks to its terminal
