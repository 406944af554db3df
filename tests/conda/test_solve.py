"""From conda.yml to a lock and back, through a mirror that leaves no trace."""

from __future__ import annotations

import json
import os
import shutil
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aciml.conda.channels import with_accounts
from aciml.conda.solve import relock, solve
from aciml.core.conda_lock import CondaLock, LockedPackage, LockLine
from aciml.core.condafile import CondaFile
from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.progress import Silent
from aciml.settings import Settings
from tests.conda.conftest import EVERYTHING, Bench
from tests.registry.test_strange import answering, says
from tests.simulators.channel import Package, make_channel


def test_a_lock_has_names_versions_and_no_mirror(bench: Bench) -> None:
    lock = bench.solve()

    assert list(lock.shown()) == ["big", "clash-a", "clash-b", "meta", "noarchy", "python", "tool"]
    assert lock.shown()["python"] == "3.11.2 h0_cpython"
    assert lock.python_version == "3.11.2"
    assert lock.site_packages == "lib/python3.11/site-packages"
    assert lock.created == "2020-09-13T12:26:40Z"
    assert all(line.startswith(("conda-forge/linux-64/", "conda-forge/noarch/")) for line in lock.lines())
    assert str(bench.settings.channels["conda-forge"]) not in "".join(p.record_json for p in lock.packages)


def test_two_mirrors_give_one_lock(new_bench: Callable[[str], Bench], channel: Path, tmp_path: Path) -> None:
    shutil.copytree(channel, tmp_path / "other" / "mirror")
    one, two = new_bench("one"), new_bench("two")
    two.use(tmp_path / "other" / "mirror")

    assert one.solve() == two.solve()


def test_lines_become_the_same_lock_again(bench: Bench) -> None:
    lock = bench.solve()

    def again() -> CondaLock:
        return relock(lock.lines(), EVERYTHING, settings=bench.settings, progress=bench.heard)

    assert again() == lock
    shutil.rmtree(bench.settings.cache / "records")
    assert again() == lock
    assert again().packages[0].record_json == lock.packages[0].record_json


def test_a_pinned_package_that_left_its_channel_is_named(bench: Bench) -> None:
    lines = bench.solve().lines()
    changed = lines[0][:-4] + "0000"

    with pytest.raises(UserError, match=r"big-1\.0-0\.conda is in the lock, but channel conda-forge no longer has it"):
        relock([changed, *lines[1:]], EVERYTHING, settings=bench.settings, progress=bench.heard)


def test_a_line_that_is_no_lock_is_refused() -> None:
    with pytest.raises(UserError, match="is not a line of a conda lock"):
        LockLine.parse("numpy 1.26")


def test_a_package_without_a_sha256_cannot_be_locked() -> None:
    record = {"name": "a", "version": "1", "build": "0", "subdir": "noarch", "fn": "a-1-0.conda"}
    with pytest.raises(UserError, match="no sha256 for a-1-0"):
        LockedPackage.of_record(record, "c")


def test_a_channel_can_be_named_in_a_spec(bench: Bench) -> None:
    lock = bench.solve(CondaFile(("conda-forge",), ("conda-forge::tool>=1",)))

    assert lock.shown() == {"tool": "1.0 0"}
    assert lock.python_version == ""


def test_an_unsolvable_file_tells_the_reason(bench: Bench, tmp_path: Path) -> None:
    bench.use(make_channel(tmp_path / "c", [Package("a", depends=("b >=2",)), Package("b", "1.0")]))

    with pytest.raises(UserError) as caught:
        bench.solve(CondaFile(("conda-forge",), ("a",)))
    assert "b >=2" in caught.value.message
    assert "searched: conda-forge" in caught.value.advice
    assert str(tmp_path) not in str(caught.value)


def test_the_glibc_of_the_base_image_decides(bench: Bench, tmp_path: Path) -> None:
    old, new = Package("a", "1.0"), Package("a", "2.0", depends=("__glibc >=2.34",))
    bench.use(make_channel(tmp_path / "c", [old, new]))
    wish = CondaFile(("conda-forge",), ("a",))

    assert bench.solve(wish, glibc="2.31").shown() == {"a": "1.0 0"}
    assert bench.solve(wish, glibc="2.36").shown() == {"a": "2.0 0"}


def test_a_channel_that_does_not_answer_is_an_outage(bench: Bench, tmp_path: Path) -> None:
    bench.use(tmp_path / "nothing-here")
    with pytest.raises(OutageError, match=r"channel conda-forge cannot be read.*mirrors file"):
        bench.solve()


def test_a_refused_connection_is_an_outage(tmp_path: Path) -> None:
    with pytest.raises(OutageError, match="Connection refused"):
        solve(
            CondaFile(("http://127.0.0.1:9/c",), ("a",)), glibc="2.31", settings=Settings(tmp_path), progress=Silent()
        )


@pytest.mark.parametrize(
    ("status", "kind", "body", "advice"),
    [
        (200, "text/html", b"<title>Sign in</title>", "that is no channel's answer: check the address"),
        (401, "", b"", "give an account for it"),
        (503, "", b"", "try again in some minutes: the channel itself is at fault"),
    ],
)
def test_what_is_no_channel_is_told_with_what_fits(
    tmp_path: Path, status: int, kind: str, body: bytes, advice: str
) -> None:
    with answering(says(status, body, kind)) as host, pytest.raises(OutageError, match="cannot be read") as caught:
        solve(CondaFile((f"http://{host}/c",), ("a",)), glibc="2.31", settings=Settings(tmp_path), progress=Silent())

    assert caught.value.advice.startswith(advice)


def test_the_users_certificates_are_trusted(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    bench.settings = replace(bench.settings, ca_bundle=bundle)

    bench.solve()

    assert os.environ["SSL_CERT_FILE"] == str(bundle)
    monkeypatch.delenv("SSL_CERT_FILE")


def test_ctrl_c_stops_a_solve(bench: Bench) -> None:
    class Stopped(Silent):
        def checkpoint(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        solve(EVERYTHING, glibc="2.31", settings=bench.settings, progress=Stopped())


def test_it_runs_in_a_worker_thread(bench: Bench) -> None:
    found: list[CondaLock] = []
    thread = threading.Thread(target=lambda: found.append(bench.solve()))
    thread.start()
    thread.join()

    assert found[0].lines()


@contextmanager
def behind_a_password(folder: Path) -> Iterator[str]:
    """Serve a folder to whoever is ``user`` with the password ``hush-hush``; give ``host:port``."""

    class Guarded(SimpleHTTPRequestHandler):
        def send_head(self) -> Any:
            if self.headers.get("Authorization") != f"Basic {b64encode(b'user:hush-hush').decode()}":
                self.send_error(401)
                return None
            return super().send_head()

        def log_message(self, *words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_variable_in_a_channels_url_is_the_account_of_this_machine(bench: Bench, channel: Path) -> None:
    with behind_a_password(channel.parent) as host:
        named = f"http://user:${{TOKEN}}@{host}/{channel.name}"
        file = CondaFile((named,), ("tool",))
        bench.settings = with_accounts(replace(bench.settings, channels={}), file.channels, {"TOKEN": "hush-hush"})

        lock = bench.solve(file)
        layers = bench.build(lock)
        shutil.rmtree(bench.settings.cache / "records")
        again = relock(lock.lines(), file, settings=bench.settings, progress=bench.heard)

    assert layers
    assert again == lock
    assert lock.lines()[0].startswith(f"http://{host}/{channel.name}/")
    said = [*lock.lines(), *bench.heard.lines, *bench.heard.notes, repr(bench.settings), lock.packages[0].record_json]
    assert not [line for line in said if "hush-hush" in line]


def test_a_variable_that_is_not_set_is_named(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"channel https://u:\$\{A\}@h/c needs the variable A, which is not set"):
        with_accounts(bench.settings, ["https://u:${A}@h/c"], {})


def test_the_record_keeps_what_the_channel_said(bench: Bench) -> None:
    record = json.loads(next(p for p in bench.solve().packages if p.name == "noarchy").record_json)

    assert record["depends"] == ["python", "tool"]
    assert record["noarch"] == "python"
    assert not {"url", "channel", "indexed_timestamp"} & record.keys()
