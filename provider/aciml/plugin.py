"""Where the plugin's process begins."""

from __future__ import annotations

import gc
import os
import sys

_YOUNG = 50_000
"""Objects that are made between two looks for garbage; Python's 700 are a look at all that is there, every import."""


def main(words: list[str] | None = None) -> None:
    """Serve until the engine ends the process; print the port first, as the engine expects.

    Args:
        words: the engine's; those of the process without it, as a console script is called.
    """
    args = sys.argv[1:] if words is None else words
    if {"-h", "--help"} & {*args}:
        print("usage: pulumi-resource-aciml ENGINE\n\naciml, a Pulumi resource plugin; ENGINE is host:port")  # noqa: T201
        return
    # what is imported stays as long as the process does: to look for garbage in it is a fifth of the start
    gc.disable()
    from .serving import run

    gc.freeze()
    gc.set_threshold(_YOUNG)
    gc.enable()
    try:
        # the engine's address is the last word; flags of its own (logging, tracing) are not ours to refuse
        run(next((word for word in reversed(args) if not word.startswith("-")), ""))
    except KeyboardInterrupt:
        pass
    finally:
        # py-rattler's threads can crash an interpreter that shuts down in order after a solve
        sys.stdout.flush()
        os._exit(0)
