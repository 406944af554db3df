"""The layers of a lock: equal on every machine, and together what an install in place would be."""

from __future__ import annotations

import asyncio
import fcntl
import getpass
import gzip
import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import rattler

from aciml.blobs import compress
from aciml.blobs.store import BlobStore
from aciml.conda.channels import channel_name, channel_url, redacted
from aciml.conda.layer_plan import plan_layers
from aciml.conda.pack import layers_if_known
from aciml.conda.records import rattler_records
from aciml.core import slim
from aciml.core.conda_lock import CondaLock
from aciml.core.condafile import CondaFile
from aciml.core.errors import Cancelled, OutageError
from aciml.core.image import Layer
from aciml.core.layer import PREFIX
from aciml.settings import Settings
from tests.conda.conftest import Bench
from tests.heard import Heard
from tests.simulators.channel import PLACEHOLDER, PackedFile, hard_packages, make_channel

Tree = dict[str, tuple[str, int, bytes]]


def tree_of_layers(layers: list[Layer], store: BlobStore) -> Tree:
    """Return kind, mode and content or target of each path below the prefix; a path in two layers is an error."""
    found: Tree = {}
    for layer in layers:
        with store.open(layer.digest) as blob, gzip.open(blob) as plain, tarfile.open(fileobj=plain) as tar:
            for member in tar:
                if member.isdir():
                    continue
                path = f"/{member.name}".removeprefix(f"{PREFIX}/")
                assert path not in found
                content = None if member.issym() else tar.extractfile(member)
                body = content.read() if content else member.linkname.encode()
                found[path] = ("link" if member.issym() else "file", member.mode, body)
    return found


def tree_of_folder(folder: Path) -> Tree:
    found: Tree = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = ("link", 0o777, os.fsencode(path.readlink()))
        elif path.is_file():
            found[name] = ("file", 0o755 if path.stat().st_mode & 0o100 else 0o644, path.read_bytes())
    return found


@pytest.fixture
def real_prefix() -> Iterator[Path]:
    """The prefix itself, for as long as a test needs it; tests of other processes wait until it is free."""
    prefix = Path(PREFIX)
    with Path(tempfile.gettempdir(), "aciml-test-prefix").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # let go when the file is closed, also by a process that dies
        if prefix.exists() or not os.access("/", os.W_OK):
            pytest.skip(f"{prefix} exists or cannot be made by {getpass.getuser()}")
        prefix.mkdir(parents=True)
        yield prefix
        shutil.rmtree(prefix)
        if not any(prefix.parent.iterdir()):
            prefix.parent.rmdir()


def test_together_the_layers_are_what_an_install_in_place_would_be(bench: Bench, real_prefix: Path) -> None:
    lock = bench.solve()
    asyncio.run(
        rattler.install(
            rattler_records(lock.packages, bench.settings),
            real_prefix,
            cache_dir=bench.settings.cache / "other-packages",
            platform=rattler.platform.Subdir("linux-64"),
            show_progress=False,
        )
    )
    expected, found = tree_of_folder(real_prefix), tree_of_layers(bench.build(lock), bench.store)
    records = {path for path in expected if path.startswith("conda-meta/") and path.endswith(".json")}

    assert {path for path in found if path.startswith("conda-meta/")} == records | {"conda-meta/history"}
    own = {"CACHEDIR.TAG", "conda-meta/history"} | records  # rattler's notes about this install
    assert {path: found[path] for path in found if path not in own} == {
        path: expected[path] for path in expected if path not in own
    }
    for path in records:
        mine, theirs = json.loads(found[path][2]), json.loads(expected[path][2])
        theirs["paths_data"]["paths"].sort(
            key=lambda entry: entry["_path"]
        )  # rattler leaves clobbered ones in any order
        theirs["files"].sort()
        same = ("name", "version", "build", "depends", "files", "paths_data", "sha256", "fn", "size")
        assert {key: mine[key] for key in same} == {key: theirs[key] for key in same}


def test_the_hard_cases_are_in_the_layers(bench: Bench) -> None:
    tree = tree_of_layers(bench.build(bench.solve()), bench.store)

    assert tree["bin/tool"][1:] == (0o755, f"#!{PREFIX}/bin/python\nprint('{PREFIX}')\n".encode())
    assert tree["lib/libtool.so"] == ("link", 0o777, b"libtool.so.1")
    assert tree["lib/libtool.so.1"][2].startswith(b"\0" + PREFIX.encode() + b"/share\0")
    assert tree["bin/noarchy"][2].startswith(f"#!{PREFIX}/bin/python3.11\n".encode())
    assert tree["lib/python3.11/site-packages/noarchy/home.py"][2] == f"home = '{PREFIX}'\n".encode()
    assert tree["share/one"] == tree["share/two"] == ("file", 0o644, b"same")
    assert tree["share/clash"][2] == b"from b"
    assert tree["__clobbers__/clash-a/share/clash"][2] == b"from a"
    assert tree["share/żółw 🐢.txt"][2] == "ż".encode()
    assert tree["conda-meta/history"][2] == b""


def test_slim_leaves_out_what_no_program_loads_and_each_record_names_what_is_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the channel's packages have no tests or headers: any file of theirs stands for one
    every = tree_of_layers(bench.build(lock := bench.solve()), bench.store)
    some = sorted(path for path in every if path.endswith(".py"))[:2]
    rule = slim.Rule("made", "for this test", re.compile("|".join(map(re.escape, some))), re.compile("(?!)"))
    monkeypatch.setattr(slim, "RULES", (rule,))

    thin = tree_of_layers(bench.build(lock, by=replace(compress.GZIP, slim=True)), bench.store)
    records = [json.loads(body) for path, (_, _, body) in thin.items() if path.startswith("conda-meta/") and body]
    named = {path for record in records for path in record["files"]}

    assert every.keys() - thin.keys() == set(some)
    assert named == {path for path in thin if not path.startswith("conda-meta/")}
    assert named == {row["_path"] for record in records for row in record["paths_data"]["paths"]}


def test_files_keep_the_times_of_their_package(bench: Bench) -> None:
    times: dict[str, float] = {}
    for layer in bench.build(bench.solve()):
        with bench.store.open(layer.digest) as blob, gzip.open(blob) as plain, tarfile.open(fileobj=plain) as tar:
            times.update({f"/{member.name}".removeprefix(f"{PREFIX}/"): member.mtime for member in tar})

    assert times["share/one"] == 1_600_000_000 - 5
    assert times["lib/python3.11/site-packages/noarchy/cli.py"] == 1_600_000_000 - 100
    made = ("bin/tool", "bin/noarchy", "lib/libtool.so", "lib/libtool.so.1", "conda-meta/tool-1.0-0.json")
    assert {times[path] for path in made} == {1_600_000_000}


def test_no_trace_of_this_machine_is_in_a_layer(bench: Bench, channel: Path) -> None:
    layers = bench.build(bench.solve())
    traces = [str(bench.settings.cache), str(channel), channel.as_uri(), PLACEHOLDER, "file://", "/root/"]
    traces += [str(Path.home()), f"/home/{getpass.getuser()}", tempfile.gettempdir() + "/"]

    for layer in layers:
        with bench.store.open(layer.digest) as blob:
            data = gzip.decompress(blob.read())
        for path, (_, _, body) in tree_of_layers([layer], bench.store).items():
            if path.startswith("conda-meta/"):
                data = data.replace(body, body.replace(PLACEHOLDER.encode(), b""))  # the record says what was replaced
        assert not [trace for trace in traces if trace.encode() in data]


def test_neither_folder_nor_clock_nor_umask_nor_cpus_reach_a_layer(
    new_bench: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = new_bench("one"), new_bench("a-much-longer-name/with/folders")
    expected = one.build(one.solve())
    monkeypatch.setattr(time, "time", lambda: 4e9)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    compress._pool.cache_clear()
    before = os.umask(0o077)
    try:
        assert two.build(two.solve()) == expected
    finally:
        os.umask(before)
        compress._pool.cache_clear()


def test_a_layer_made_alone_is_the_one_made_with_all(new_bench: Callable[[str], Bench]) -> None:
    """Only what is missing is staged, so what is beside a package must not matter."""
    one, two = new_bench("one"), new_bench("two")
    part = two.solve(CondaFile(("conda-forge",), ("python", "noarchy", "big")))
    two.build(part)

    assert two.build(two.solve()) == one.build(one.solve())


def test_known_layers_are_not_made_again(bench: Bench) -> None:
    lock = bench.solve()
    assert layers_if_known(lock, bench.catalog) is None
    layers = bench.build(lock)
    shutil.rmtree(bench.settings.cache / "pkgs")
    bench.heard.lines.clear()

    assert layers_if_known(lock, bench.catalog) == layers
    assert bench.build(lock) == layers
    assert bench.heard.lines == []


def test_a_blob_that_is_gone_is_made_again_unless_it_is_where_it_goes(bench: Bench) -> None:
    lock = bench.solve()
    layers = bench.build(lock)
    bench.store.remove(layers[0].digest)

    assert bench.build(lock, known_blob=lambda digest: digest == layers[0].digest) == layers
    assert not bench.store.has(layers[0].digest)
    assert bench.build(lock) == layers
    assert bench.store.has(layers[0].digest)


def test_a_blob_that_was_cut_short_is_made_again(bench: Bench) -> None:
    layers = bench.build(bench.solve())
    for layer in layers[:2]:
        os.truncate(bench.store.path(layer.digest), layer.size // 2)

    assert bench.build(bench.solve()) == layers
    assert all(bench.store.has(layer.digest, layer.size) for layer in layers)
    tree_of_layers(layers, bench.store)


def test_a_package_that_was_damaged_in_the_cache_is_taken_again(bench: Bench) -> None:
    lock = bench.solve()
    layers = bench.build(lock)
    kept = bench.settings.cache / "pkgs" / "tool-1.0-0" / "share" / "one"
    os.truncate(kept, 2)
    for layer in layers:
        bench.store.remove(layer.digest)

    assert bench.build(lock) == layers
    assert bench.heard.notes[1] == "the kept files of conda package tool are not whole; taking it again"
    assert kept.read_bytes() == b"same"


def test_a_package_that_says_wrong_sizes_is_taken_as_it_is(bench: Bench, tmp_path: Path) -> None:
    wrong = {"share/lie": PackedFile(b"four", size=5)}
    bench.use(make_channel(tmp_path / "c", [replace(hard_packages()[1], files=wrong)]))
    tree = tree_of_layers(bench.build(bench.solve(CondaFile(("conda-forge",), ("tool",)))), bench.store)

    assert tree["share/lie"][2] == b"four"
    assert len(bench.heard.notes) == 1


def test_a_new_version_makes_one_layer_and_stages_one_package(bench: Bench, tmp_path: Path) -> None:
    before = bench.build(bench.solve(CondaFile(("conda-forge",), ("python", "tool", "big"))))
    bumped = [replace(p, version="1.1") if p.name == "tool" else p for p in hard_packages()]
    bench.use(make_channel(tmp_path / "later", bumped))
    bench.heard.lines.clear()
    after = bench.build(bench.solve(CondaFile(("conda-forge",), ("python", "tool", "big"))))

    assert len(set(after) - set(before)) == 1
    assert [line for line in bench.heard.lines if line.startswith("linking")] == ["linking tool, 1 of 1"]


def test_another_python_makes_the_layers_of_noarch_packages_again(bench: Bench) -> None:
    lock = bench.solve()
    newer = CondaLock.of([replace(p, version="3.12.1") if p.name == "python" else p for p in lock.packages])
    old, new = ({plan.name: plan.key for plan in plan_layers(each, None)} for each in (lock, newer))

    changed = {name for name in old if old[name] != new[name]}
    noarch = {plan.name for plan in plan_layers(lock, None) if any(p.noarch == "python" for p in plan.packages)}
    assert changed == noarch  # and not python's own: its line is the same here


def test_a_package_that_is_not_what_the_lock_says_is_refused(bench: Bench, tmp_path: Path) -> None:
    lock = bench.solve(CondaFile(("conda-forge",), ("tool",)))
    bench.use(make_channel(tmp_path / "c", [replace(hard_packages()[1], files={})]))

    with pytest.raises(OutageError, match=r"is not the file that the lock names: sha256 \w{64} expected, \w{64} got"):
        bench.build(lock)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("damaged", [False, True])
def test_a_package_that_a_server_gives_otherwise_is_named_with_both_hashes(
    bench: Bench, tmp_path: Path, *, damaged: bool
) -> None:
    """One that is damaged cannot be unpacked, which is found before all of it has come."""
    tool, lock = hard_packages()[1], bench.solve(CondaFile(("conda-forge",), ("tool",)))
    folder = make_channel(tmp_path / "c", [tool if damaged else replace(tool, files={})])
    if damaged:
        path = next(folder.rglob("tool-*.*"))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    got = hashlib.sha256(next(folder.rglob("tool-*.*")).read_bytes()).hexdigest()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        url = f"http://127.0.0.1:{server.server_port}"
        bench.settings = replace(bench.settings, channels={"conda-forge": url})
        with pytest.raises(OutageError) as caught:
            bench.build(lock)
        server.shutdown()

    package = next(one for one in lock.packages if one.name == "tool")
    assert f"{url}/" in caught.value.message
    assert f"other bytes than were locked: sha256 {package.sha256} expected, {got} got" in caught.value.message
    assert "remove" not in caught.value.advice


def test_a_channel_that_vanished_is_an_outage(bench: Bench, tmp_path: Path) -> None:
    lock = bench.solve()
    bench.use(tmp_path / "nothing")

    with pytest.raises(OutageError):
        bench.build(lock)


def test_a_stopped_build_keeps_what_was_finished_and_leaves_no_staging(bench: Bench) -> None:
    class StopsAfterOne(Heard):
        def say(self, text: str) -> None:
            super().say(text)
            # not only at the next checkpoint: this may have been the last block of the last layer
            self.checkpoint()

        def checkpoint(self) -> None:
            if [text for text in self.lines if text.startswith("packing")]:
                raise Cancelled

    lock, quiet = bench.solve(), bench.heard
    bench.heard = StopsAfterOne()
    with pytest.raises(Cancelled):
        bench.build(lock)
    assert list((bench.settings.cache / "staging").iterdir()) == []

    bench.heard = quiet
    layers = bench.build(lock)
    assert all(bench.store.has(layer.digest, layer.size) for layer in layers)


def test_what_a_killed_process_staged_is_removed(bench: Bench) -> None:
    left = bench.settings.cache / "staging" / f"{2**22 + 1}-{'0' * 12}.x"  # above the highest process id
    left.mkdir(parents=True)
    bench.build(bench.solve(CondaFile(("conda-forge",), ("tool",))))

    assert not left.exists()


def test_a_lock_without_packages_has_no_layers(bench: Bench) -> None:
    assert bench.build(CondaLock(())) == []
    assert layers_if_known(CondaLock(()), bench.catalog) == []


def test_a_channel_has_one_name_whatever_its_mirror_or_password() -> None:
    settings = Settings(Path("/c"), {"conda-forge": "file:///m/", "https://host.invalid/x": "http://mirror.invalid/y"})

    assert channel_url("conda-forge", settings) == "file:///m"
    assert channel_url("https://host.invalid/x/", settings) == "http://mirror.invalid/y"
    assert channel_url("https://user:secret@host.invalid/t/token/x", settings) == "http://mirror.invalid/y"
    assert channel_name("https://user:secret@host.invalid/t/token/x/") == "https://host.invalid/x"
    assert channel_url("bioconda", settings).endswith("/bioconda")


def test_an_error_shows_neither_password_nor_token() -> None:
    text = "cannot get https://user:secret@host.invalid/t/token/x/y.conda or http://host.invalid/x"

    assert redacted(text) == "cannot get https://***@host.invalid/t/***/x/y.conda or http://host.invalid/x"
