"""The SDK makes futures outside of any coroutine, so it needs an event loop whatever other tests left behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def event_loop_of_the_program() -> Iterator[None]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    gc.freeze()  # what is there already need not be looked through below: that took most of the time of a test
    yield
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves loops of its own open
        gc.collect()
