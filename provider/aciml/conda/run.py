"""Run rattler's coroutines from a worker thread, so that ctrl-C reaches them and they trust the user's certificates."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import TypeVar

from ..core.progress import Progress
from ..settings import Settings

Answer = TypeVar("Answer")
_LOOK_EVERY = 0.1  # seconds between two questions whether to stop


def run(work: Callable[[], Coroutine[None, None, Answer]], settings: Settings, progress: Progress) -> Answer:
    """Run ``work()`` to its end.

    Args:
        work: makes the coroutine; it is called inside the event loop, which rattler asks for.
        settings: whose certificate bundle the process trusts from now on (rattler reads ``SSL_CERT_FILE`` alone).
        progress: asked all the time whether to stop.

    Raises:
        Cancelled: the user asked to stop; the coroutine is cancelled first.
    """
    if settings.ca_bundle:
        os.environ["SSL_CERT_FILE"] = str(settings.ca_bundle)

    async def watched() -> Answer:
        task = asyncio.ensure_future(work())
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_EVERY)
                progress.checkpoint()
        except BaseException:
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            raise
        return task.result()

    return asyncio.run(watched())
