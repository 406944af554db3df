"""Words one after the other, as a language model says them: an async generator is sent while it runs."""

from __future__ import annotations

import asyncio
import json
from typing import AsyncIterator


async def run(raw_data: str) -> AsyncIterator[str]:
    """Say the words of the prompt again, each when it is ready; other requests go on meanwhile."""
    for word in json.loads(raw_data)["prompt"].split():
        await asyncio.sleep(0.01)  # stands in for the model
        yield word + "\n"
