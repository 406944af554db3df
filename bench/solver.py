"""The baseline's program: solve and install with rattler alone, inside a Docker build (and nothing of this project)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from rattler import Gateway, VirtualPackage, install, solve


async def make(prefix: Path, cache: Path, channel: str, specs: list[str]) -> None:
    """Put the packages that satisfy ``specs`` into ``prefix``; files come from ``cache`` if they are there."""
    records = await solve(
        [channel],
        specs,
        gateway=Gateway(cache_dir=cache / "repodata"),
        platforms=["linux-64", "noarch"],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records, prefix, cache_dir=cache / "pkgs", show_progress=False)


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may outlive the interpreter and end the process with an error
