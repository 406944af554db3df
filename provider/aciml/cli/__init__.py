"""The program ``aciml``: what users do beside ``pulumi up``. Each command is a module with ``add`` and ``run``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from ..core.errors import AcimlError

COMMANDS = ("new", "lock", "export", "cache", "serve")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 (an error, told in one sentence) or 2 (used wrongly)."""
    parser = argparse.ArgumentParser(
        prog="aciml", description="Begin projects, lock environments, export images, look after the cache, serve here."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for name in COMMANDS:
        # all of them, since the help lists them; what a command needs it imports when it runs
        import_module(f"{__name__}.{name}").add(commands)
    args = parser.parse_args(words)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    # all else is a fault of ours, and keeps its traceback
    except AcimlError as error:
        print(f"aciml: {error}", file=sys.stderr)  # noqa: T201  # a program speaks to its terminal
        return 1


def program() -> None:
    """Run as a process; leave without the interpreter's shutdown, in which a solver's threads can crash."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
