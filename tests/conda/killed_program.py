"""Build the layers of a channel's environment again and again, each time in a child that somebody may kill.

Argument: URL of the channel. Each line of the input is a cache folder; the answer is the child's number, then, when
it has ended, its exit code. A child writes the facts of its layers to ``<cache>.json``. The libraries are loaded once.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

import rattler.exceptions
import rattler.install
import rattler.platform

import aciml.conda.reporter
from aciml.blobs.catalog import Catalog
from aciml.blobs.prune import Wish, prune
from aciml.blobs.store import BlobStore
from aciml.conda.pack import build_layers
from aciml.conda.solve import solve
from aciml.core.condafile import CondaFile
from aciml.core.progress import Silent
from aciml.settings import Settings

WISH = CondaFile(("conda-forge",), ("python", "noarchy", "clash-b", "meta", "big"))
__all__ = ["aciml", "rattler"]


def build(channel: str, cache: Path) -> None:
    """Build, write the facts, and let half of the cache go."""
    settings, progress = Settings(cache, {"conda-forge": channel}), Silent()
    catalog, store = Catalog(cache / "catalog.sqlite"), BlobStore(cache / "blobs")
    lock = solve(WISH, glibc="2.31", settings=settings, progress=progress)
    layers = build_layers(lock, store=store, catalog=catalog, settings=settings, progress=progress)
    facts = json.dumps([asdict(layer) for layer in layers])
    prune(cache, Wish(2_000_000))
    Path(f"{cache}.json").write_text(facts, encoding="utf-8")


def main(channel: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                build(channel, Path(line.strip()))
                code = 0
            except BaseException:  # noqa: BLE001  # the process ends here
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
