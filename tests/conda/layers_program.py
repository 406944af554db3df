"""Build the layers of a channel's environment in a process of its own, and print them as JSON.

Arguments: URL of the channel; an empty cache folder; one CPU or all (``1`` or ``all``); a user to become, or nothing.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
from dataclasses import asdict
from pathlib import Path

import rattler.exceptions
import rattler.install
import rattler.platform

import aciml.conda.reporter
from aciml.blobs.catalog import Catalog
from aciml.blobs.store import BlobStore
from aciml.conda.pack import build_layers
from aciml.conda.solve import solve
from aciml.core.condafile import CondaFile
from aciml.core.progress import Silent
from aciml.settings import Settings

WISH = CondaFile(("conda-forge",), ("python", "noarchy", "clash-b", "meta", "big"))
__all__ = ["aciml", "rattler"]  # loaded before the user changes: another one may not be able to read them


def main(channel: str, cache: str, cpus: str, user: str) -> None:
    if cpus == "1":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if user:
        who = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)
    settings = Settings(Path(cache), {"conda-forge": channel})
    with Catalog(settings.cache / "catalog.sqlite") as catalog:
        store, progress = BlobStore(settings.cache / "blobs"), Silent()
        lock = solve(WISH, glibc="2.31", settings=settings, progress=progress)
        layers = build_layers(lock, store=store, catalog=catalog, settings=settings, progress=progress)
    print(json.dumps([asdict(layer) for layer in layers]), flush=True)
    os._exit(0)  # rattler's threads may still hold the interpreter when it ends


if __name__ == "__main__":
    main(*sys.argv[1:])
