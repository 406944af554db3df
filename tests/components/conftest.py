"""The SDK makes futures outside of any coroutine, so it needs an event loop whatever other tests left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def event_loop_of_the_program() -> Iterator[None]:
    try:
        asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:  # another test ran a loop, and took it away
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        yield
        asyncio.set_event_loop(None)
        loop.close()
    else:
        yield
