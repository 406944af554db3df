"""Programs on pages are run against Pulumi's mocks, which need an event loop of their own."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def loop() -> Iterator[None]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    gc.freeze()  # what is there already need not be looked through below
    yield
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves loops of its own open
        gc.collect()
