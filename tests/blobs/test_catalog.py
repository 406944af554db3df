"""The catalog remembers, also when several use it at once or one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from aciml.blobs.catalog import Catalog
from aciml.core.image import Layer

LAYER = Layer("sha256:" + "1" * 64, "sha256:" + "2" * 64, 3)
_WRITER = """
import sys
from pathlib import Path
from aciml.blobs.catalog import Catalog
with Catalog(Path(sys.argv[1])) as catalog:
    for number in range(int(sys.argv[3])):
        catalog.put_fact(sys.argv[2], str(number), "x" * 100)
        print(number, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(path), name, str(count)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def test_layers_and_facts_are_remembered_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "catalog.sqlite"
    with Catalog(path) as catalog:
        assert catalog.layer("key") is None
        catalog.put_layer("key", LAYER)
        catalog.put_fact("wheel", "abc", "{}")
    with Catalog(path) as catalog:
        assert catalog.layer("key") == LAYER
        assert catalog.get_fact("wheel", "abc") == "{}"
        assert catalog.get_fact("other", "abc") is None
        catalog.forget_layer("key")
        assert catalog.layer("key") is None


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    writers = [writer(path, f"n{number}", 50) for number in range(4)]
    for process in writers:
        process.communicate()
    assert [process.returncode for process in writers] == [0, 0, 0, 0]
    with Catalog(path) as catalog:
        assert all(catalog.get_fact(f"n{number}", "49") for number in range(4))


def test_a_killed_writer_leaves_what_it_had_written(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with writer(path, "n", 10**6) as process:
        assert process.stdout
        last = [int(process.stdout.readline()) for _ in range(20)][-1]
        process.send_signal(signal.SIGKILL)
    with Catalog(path) as catalog:
        assert catalog.get_fact("n", str(last))
        catalog.put_fact("n", "more", "1")


def test_a_file_that_is_no_catalog_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"torn" * 1000)
    with Catalog(path) as catalog:
        catalog.put_layer("key", LAYER)
        assert catalog.layer("key") == LAYER
