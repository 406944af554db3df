"""``aciml cache`` as a user has it: a program, an environment, a folder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.store import BlobStore
from aciml.core.errors import UserError
from aciml.core.image import Layer
from aciml.settings import CACHE_SIZE, Settings, read_size
from tests.program import aciml

LAYER = Layer("sha256:" + "1" * 64, "sha256:" + "2" * 64, 3)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def run(cache: Path) -> Run:
    def run_it(*words: str, size: str = "") -> subprocess.CompletedProcess[str]:
        own = {"ACIML_CACHE": str(cache), "ACIML_CACHE_SIZE": size}
        return aciml("cache", *words, environ={**os.environ, **own})

    return run_it


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fill(cache: Path, count: int = 3) -> list[Path]:
    """Put blobs of 1000 bytes there, each used a day after the one before, the last a day ago; nobody needs them."""
    store = BlobStore(cache / "blobs")
    paths = [store.path(store.put(bytes([number]) * 1000)) for number in range(count)]
    for number, path in enumerate(paths):
        seconds = path.stat().st_mtime - (count - number) * 86400
        os.utime(path, (seconds, seconds))
    return paths


def test_an_empty_cache_is_shown_checked_and_pruned(run: Run, cache: Path) -> None:
    shown = told(run("show", "--json"))

    assert not cache.exists()
    assert (shown["folder"], shown["size"], shown["limit"]) == (str(cache), 0, CACHE_SIZE)
    assert told(run("check", "--json")) == {"entries": 0, "damaged": []}
    assert told(run("prune", "--json", "--all")) == {"entries": 0, "freed": 0, "left": 0, "busy": 0}


def test_show_tells_what_is_there_and_what_a_prune_would_free(run: Run, cache: Path) -> None:
    fill(cache)
    shown = told(run("show", "--json", size="1500"))

    assert shown["kinds"]["blobs"]["entries"] == 3
    assert shown["kinds"]["blobs"]["size"] == shown["size"] == 3000
    assert shown["kinds"]["blobs"]["oldest"] < shown["kinds"]["blobs"]["newest"]
    assert shown["prunable"] == 2000
    assert shown["limit"] == 1500
    assert "prune would remove 0.0 MB" in run("show").stdout


def test_prune_obeys_the_machine_the_size_and_the_age(run: Run, cache: Path) -> None:
    first, second, third = fill(cache)
    assert told(run("prune", "--json"))["entries"] == 0
    assert told(run("prune", "--json", size="2KB")) == {"entries": 1, "freed": 1000, "left": 2000, "busy": 0}
    assert told(run("prune", "--json", "--older", "36h"))["entries"] == 1
    assert [path.exists() for path in (first, second, third)] == [False, False, True]
    assert told(run("prune", "--json", "--size", "0"))["left"] == 0


def test_prune_of_all_forgets_the_layers_too(run: Run, cache: Path) -> None:
    fill(cache)
    with Catalog(cache / "catalog.sqlite") as catalog:
        catalog.put_layer("key", LAYER)
    del catalog
    run("prune", "--all")

    with Catalog(cache / "catalog.sqlite") as catalog:
        assert catalog.layer("key") is None
    assert not list((cache / "blobs/sha256").iterdir())


def test_while_something_runs_prune_takes_nothing_that_it_used(run: Run, cache: Path) -> None:
    first, *_ = fill(cache)
    store = BlobStore(cache / "blobs")
    assert store.has(f"sha256:{first.name}")
    done = told(run("prune", "--json", "--all"))

    assert first.exists()
    assert (done["entries"], done["left"], done["busy"]) == (2, 1000, 1000)


def test_check_finds_what_is_damaged_and_removes_it(run: Run, cache: Path) -> None:
    first, second, third = fill(cache)
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.write_bytes(b"short")
    wheel = cache / "wheels" / ("0" * 64) / "a-1-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"not it")
    (cache / "catalog.sqlite").write_bytes(b"torn" * 1000)
    done = run("check", "--json")

    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["entries"] == 4
    assert sorted(map(tuple, found["damaged"])) == sorted(
        [("blobs", first.name), ("blobs", second.name), ("wheels", "0" * 64)]
    )
    assert [path.exists() for path in (first, second, third, wheel)] == [False, False, True, False]
    assert run("check").returncode == 0
    assert not list((cache / "staging").iterdir())


def test_a_package_with_a_wrong_byte_is_found(run: Run, cache: Path) -> None:
    package = cache / "pkgs/it-1.0-0"
    (package / "info").mkdir(parents=True)
    (package / "file").write_bytes(b"hello")
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    entry = {"_path": "file", "path_type": "hardlink", "sha256": digest, "size_in_bytes": 5}
    (package / "info/paths.json").write_text(json.dumps({"paths": [entry], "paths_version": 1}))
    (package / "info/index.json").write_text("{}")
    assert run("check").returncode == 0
    (package / "file").write_bytes(b"hullo")

    assert run("check").returncode == 1
    assert not package.exists()


@pytest.mark.parametrize(
    ("words", "said"), [(["--size", "lots"], "write one such as 5GB"), (["--older", "a while"], "such as 30d or 12h")]
)
def test_what_means_nothing_is_answered_with_what_does(run: Run, words: list[str], said: str) -> None:
    done = run("prune", *words)

    assert done.returncode == 2
    assert said in done.stderr


def test_help_says_what_goes_and_what_stays(run: Run) -> None:
    assert "least recently used" in run("--help").stdout
    assert "go only with --older or --all" in " ".join(run("prune", "--help").stdout.split())


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("500 MiB", 500 << 20), ("1.5tb", 15 * 10**11), ("1000", 1000), ("2g", 2 * 10**9)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert read_size(text) == size
    assert Settings.read({"ACIML_CACHE": "x", "ACIML_CACHE_SIZE": text}).cache_size == size


def test_the_size_of_a_machine_may_be_unlimited_or_wrong() -> None:
    assert Settings.read({"ACIML_CACHE": "x"}).cache_size == CACHE_SIZE
    assert Settings.read({"ACIML_CACHE": "x", "ACIML_CACHE_SIZE": "unlimited"}).cache_size is None
    with pytest.raises(UserError, match="write one such as 20GB, or unlimited"):
        Settings.read({"ACIML_CACHE": "x", "ACIML_CACHE_SIZE": "-3GB"})
