"""What a program has imported stays until it ends, so Python's collector need not look through it again and again."""

from __future__ import annotations

import gc

from pulumi.runtime import settings
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub


def keep_what_is_imported() -> None:
    """Take all objects that there are out of the collector's sight, in a program that Pulumi's language host runs.

    The SDK alone brings 40,000 of them. The collector goes through all of them several times while more is imported
    and again when the program ends: 0.09 s of CPU in each preview (decisions/plugin.md). Nothing else changes: what
    nobody refers to is freed as before, and cycles that are made later are collected. A test run or a tool that
    imports us is left alone.
    """
    # the host has told the SDK of its engine before it runs the program
    if isinstance(settings.SETTINGS.engine, EngineStub):
        gc.freeze()


keep_what_is_imported()  # here too, before the rest of the package is imported: what the SDK has brought is most of it
