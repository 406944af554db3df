"""Make layers of made packages in a fresh process, and say in one line what it took: a part of ``layers.py``."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from aciml.blobs.catalog import Catalog
from aciml.blobs.gzip import LEVEL, compress_block
from aciml.blobs.store import BlobStore, write_layer
from aciml.conda import pack
from aciml.conda.contents import StagedPackage
from aciml.conda.install import stage
from aciml.conda.layer_plan import LayerPlan, plan_layers
from aciml.conda.packing import Packers
from aciml.core.conda_lock import CondaLock
from aciml.core.layer import Entry, tar_blocks
from aciml.core.progress import Silent
from aciml.settings import Settings

from .made import CHANNEL, lock_of
from .phases import Phases
from .scene import peak_memory

_SAMPLE = 192  # blocks of 1 MiB that the bound is measured with


def build(lock: CondaLock, settings: Settings) -> dict[str, float]:
    """Make all layers, from packages in a folder, and return seconds, bytes and memory."""
    phases = Phases("stage", "pack")
    phases.watch(pack, "stage", "stage")
    phases.watch(pack, "write_layer", "pack")
    started, before = time.perf_counter(), os.times()
    with Catalog(settings.cache / "catalog.sqlite") as catalog:
        store = BlobStore(settings.cache / "blobs")
        layers = pack.build_layers(lock, store=store, catalog=catalog, settings=settings, progress=Silent())
    seconds, after = time.perf_counter() - started, os.times()
    return {
        "seconds": seconds,
        **phases.seconds,
        "cpu": after.user - before.user + after.system - before.system,
        "layers": len(layers),
        "packed": sum(layer.size for layer in layers),
        "memory": peak_memory(),
    }


def against_bound(lock: CondaLock, settings: Settings, repetitions: int) -> dict[str, float]:
    """Pack what is staged, and do by turns nothing but the arithmetic of it; return bytes per second of each."""
    plans, found = plan_layers(lock, None), dict[str, list[float]]()
    with TemporaryDirectory(dir=settings.cache) as home:
        folder = Path(home) / "staged"
        stage(lock.packages, folder, settings, Silent())
        blocks = _sample(plans, folder)
        for number in range(repetitions):
            turns = {"bound": _rate(compress_block, blocks)}
            turns["packing"] = _packing(plans, folder, BlobStore(Path(home) / f"blobs-{number}"))
            if faster := _isal():
                turns["bound-isal"] = _rate(faster, blocks)
            for name, (rate, per_cpu) in turns.items():
                found.setdefault(f"{name}-bytes-per-second", []).append(rate)
                found.setdefault(f"{name}-bytes-per-cpu-second", []).append(per_cpu)
    return {name: statistics.median(rates) for name, rates in found.items()}


def _sample(plans: Iterable[LayerPlan], folder: Path) -> list[bytearray]:
    """Return blocks from all layers, the same number of each as long as there are some."""
    streams = [tar_blocks(_entries(plan, folder)) for plan in plans]
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*streams))
    return list(itertools.islice((block for block in rounds if block), _SAMPLE))


def _rate(compress: Callable[[bytearray], object], blocks: list[bytearray]) -> tuple[float, float]:
    """Return bytes per second, and per CPU second, of two sha256 and one deflate of the same bytes on all CPUs."""

    def work(block: bytearray) -> None:
        hashlib.sha256(block)
        compress(block)
        hashlib.sha256(block)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started, before = time.perf_counter(), time.process_time()
        for _ in pool.map(work, blocks):
            pass
        size = sum(map(len, blocks))
        return size / (time.perf_counter() - started), size / (time.process_time() - before)


def _packing(plans: list[LayerPlan], folder: Path, store: BlobStore) -> tuple[float, float]:
    """Return bytes of files per second, and per CPU second, from a staging folder to blobs in a store."""

    def pack_one(plan: LayerPlan, where: Path) -> None:
        write_layer(_entries(plan, where), store)

    started, before = time.perf_counter(), time.process_time()
    with Packers(pack_one) as packers:
        packers.put(plans, folder, keep=True)
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    size = sum(entry.size for plan in plans for entry in _entries(plan, folder))
    return size / seconds, size / cpu


def _entries(plan: LayerPlan, folder: Path) -> Iterator[Entry]:
    for package in plan.packages:
        yield from StagedPackage.read(package, folder).entries()


def _isal() -> Callable[[bytearray], object] | None:
    if find_spec("isal") is None:
        return None
    from isal import igzip

    return lambda block: igzip.compress(block, LEVEL)


def main(what: str, channel: str, cache: str, count: str, repetitions: str) -> None:
    """Do one of the measurements."""
    settings = Settings(Path(cache), {CHANNEL: Path(channel).as_uri()})
    lock = lock_of(Path(channel), int(count))
    facts = build(lock, settings) if what == "build" else against_bound(lock, settings, int(repetitions))
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may outlive the interpreter and end the process with an error
