"""A build that is killed at any moment, and a cache that was damaged by anything: the next build is as good as new."""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.presence import living, sweep
from aciml.blobs.store import BlobStore
from aciml.conda.kept import is_whole
from aciml.core.image import Layer
from tests.conda.conftest import Bench

ROOT = Path(__file__).resolve().parents[2]
KILLS = 36


class Builder:
    """Builds in children that can be killed."""

    def __init__(self, channel: str, process: subprocess.Popen[str]) -> None:
        self.channel, self._process = channel, process

    def build(self, cache: Path, patience: float | None = None) -> int:
        """Build; kill it after ``patience`` seconds. Return the exit code: 0, or minus the signal."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{cache}\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        if patience is not None and not select.select([self._process.stdout], [], [], patience)[0]:
            with suppress(ProcessLookupError):  # it ended between the look and the signal
                os.kill(child, signal.SIGKILL)
        return int(self._process.stdout.readline())


@contextmanager
def running(channel: Path) -> Iterator[Builder]:
    """Start the program; its libraries are loaded when it first answers."""
    command = [sys.executable, str(Path(__file__).with_name("killed_program.py")), channel.as_uri()]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "provider"), str(ROOT), *sys.path])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True, bufsize=1
    ) as process:
        yield Builder(channel.as_uri(), process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def builder(channel: Path) -> Iterator[Builder]:
    with running(channel) as started:
        yield started


def refuse_debris(cache: Path) -> None:
    """Fail if anything is left that no entry is, or a blob is not what its name says."""
    assert not list((cache / "staging").iterdir())
    assert not [path for path in cache.rglob(".new-*") if "pkgs" not in path.parts]
    assert not living(cache)
    assert not list((cache / "processes").iterdir())
    for blob in (cache / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    folders = [path for path in (cache / "pkgs").iterdir() if path.is_dir()]
    assert all(is_whole(path) for path in folders)
    known = {"big-1.0-0", "clash-a-1.0-0", "clash-b-1.0-0", "meta-1.0-0", "noarchy-1.0-0", "tool-1.0-0"}
    assert {path.name for path in folders} <= known | {"python-3.11.2-h0_cpython"}


def test_a_build_may_be_killed_at_any_moment(builder: Builder, tmp_path: Path) -> None:
    """Kills come one after the other in the same cache, until a run goes through: all is then as it should be."""
    chosen = random.Random(20)
    began = time.monotonic()
    assert builder.build(tmp_path / "whole") == 0
    length = time.monotonic() - began
    expected = (tmp_path / "whole.json").read_text()
    caches = (tmp_path / f"cache-{number}" for number in range(10 * KILLS))
    killed, cache = 0, next(caches)

    while killed < KILLS:
        began = time.monotonic()
        code = builder.build(cache, chosen.random() * length)
        killed += code == -signal.SIGKILL
        if code == 0:  # the first build may have shared the machine; kills must hit while there is something to hit
            length = min(length, time.monotonic() - began)
        if code == 0 or killed % 8 == 0:
            assert builder.build(cache) == 0
            sweep(cache)
            assert Path(f"{cache}.json").read_text() == expected
            refuse_debris(cache)
            cache = next(caches)

    assert len(json.loads(expected)) > 3


def test_two_processes_build_and_prune_in_one_cache(builder: Builder, channel: Path, tmp_path: Path) -> None:
    """Each has more than the cache may hold, and takes nothing that the other needs."""
    assert builder.build(tmp_path / "whole") == 0
    expected = (tmp_path / "whole.json").read_text()
    with running(channel) as second, ThreadPoolExecutor() as pool:
        for number in range(3):
            cache = tmp_path / f"shared-{number}"
            codes = list(pool.map(lambda one, at=cache: one.build(at), [builder, second]))
            assert codes == [0, 0]
            assert Path(f"{cache}.json").read_text() == expected
            sweep(cache)
            refuse_debris(cache)


def flip(path: Path, where: int = -20) -> None:
    body = bytearray(path.read_bytes())
    body[where] ^= 4
    path.write_bytes(body)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def blob_of(bench: Bench, layer: Layer) -> Path:
    return bench.store.path(layer.digest)


@pytest.mark.parametrize("damage", [cut, Path.unlink], ids=["cut short", "gone"])
def test_a_blob_is_made_again_that_is(damage: Callable[[Path], None], bench: Bench) -> None:
    lock = bench.solve()
    layers = bench.build(lock)
    for layer in layers:
        damage(blob_of(bench, layer))

    assert bench.build(lock) == layers
    assert all(hashlib.sha256(blob_of(bench, one).read_bytes()).hexdigest() in one.digest for one in layers)


def test_a_package_that_was_cut_short_is_taken_again(bench: Bench) -> None:
    lock = bench.solve()
    layers = bench.build(lock)
    for layer in layers:
        blob_of(bench, layer).unlink()
    (file,) = (bench.settings.cache / "pkgs/big-1.0-0").glob("*/*.bin")
    cut(file)

    assert bench.build(lock) == layers


@pytest.mark.parametrize("seed", range(12))
def test_a_catalog_with_wrong_bits_never_gives_a_wrong_answer(seed: int, tmp_path: Path) -> None:
    """Whatever byte is wrong: the row is as it was, or it is not there; and the catalog goes on working."""
    path, chosen = tmp_path / "catalog.sqlite", random.Random(seed)
    layers = {f"key {n}": Layer(f"sha256:{n:064x}", f"sha256:{n + 1:064x}", n) for n in range(40)}
    with Catalog(path) as catalog:
        for key, layer in layers.items():
            catalog.put_layer(key, layer)
            catalog.put_fact("space", key, key * 50)
    body = bytearray(path.read_bytes())
    for _ in range(20):
        body[chosen.randrange(len(body))] ^= 1 << chosen.randrange(8)
    path.write_bytes(body[: chosen.choice([len(body), len(body) // 2, len(body) - 100])])

    with Catalog(path) as catalog:
        for key, layer in layers.items():
            assert catalog.layer(key) in (None, layer)
            assert catalog.get_fact("space", key) in (None, key * 50)
        catalog.verify()
        catalog.put_layer("new", layers["key 1"])
        assert catalog.layer("new") == layers["key 1"]


def test_a_row_that_was_changed_counts_as_absent(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with Catalog(path) as catalog:
        catalog.put_layer("key", Layer("sha256:" + "1" * 64, "sha256:" + "2" * 64, 3))
    flip_text(path, b"2" * 64, b"2" * 63 + b"3")

    with Catalog(path) as catalog:
        assert catalog.layer("key") is None


def flip_text(path: Path, old: bytes, new: bytes) -> None:
    body = path.read_bytes()
    assert old in body
    path.write_bytes(body.replace(old, new))


def test_a_build_goes_on_when_the_catalog_is_broken(bench: Bench, new_bench: Callable[[str], Bench]) -> None:
    lock = bench.solve()
    layers = bench.build(lock)
    bench.catalog.close()
    (bench.settings.cache / "catalog.sqlite").write_bytes(b"torn" * 1000)
    again = new_bench(bench.settings.cache.name)

    assert again.build(lock) == layers


def test_a_store_and_its_catalog_may_be_lost_each_alone(bench: Bench, new_bench: Callable[[str], Bench]) -> None:
    lock = bench.solve()
    layers = bench.build(lock)
    for blob in (bench.settings.cache / "blobs/sha256").iterdir():
        blob.unlink()
    assert bench.build(lock) == layers
    bench.catalog.forget_all()

    assert bench.build(lock) == layers
    assert BlobStore(bench.settings.cache / "blobs").has(layers[0].digest, layers[0].size)
