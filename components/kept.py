"""What a program has imported stays until it ends, so Python's collector need not look through it again and again."""

from __future__ import annotations

import gc

from pulumi.runtime import settings
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub


def pause() -> bool:
    """Take all objects that there are out of the collector's sight, and let it rest while the package is imported.

    The SDK alone brings 40,000 of them. The collector goes through all of them several times while more is imported
    and again when the program ends: 0.1 s of CPU in each preview (decisions/plugin.md). Nothing else changes: what
    nobody refers to is freed as before, and cycles that are made later are collected. A test run or a tool that
    imports us is left alone: only a program that Pulumi's language host runs has an engine here.

    Returns:
        Whether the collector rests now, for ``go_on``.
    """
    # the host has told the SDK of its engine before it runs the program
    if not isinstance(settings.SETTINGS.engine, EngineStub):
        return False
    gc.freeze()
    was_on = gc.isenabled()  # a program may have stopped it for reasons of its own
    gc.disable()
    return was_on


def go_on(*, paused: bool) -> None:
    """Let the collector work again, on what comes from now on."""
    if paused:
        gc.freeze()
        gc.enable()


PAUSED = pause()  # here, so that it is done before the rest of the package is imported, which is behind this
