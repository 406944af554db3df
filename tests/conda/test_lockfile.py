"""Lock files: what is written is read back, the same each time, and judged by what is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rattler import LockFile

from aciml.conda.explicit import find_exact
from aciml.conda.lockfile import channel_urls, conda_records, read_lock_file, unmet, virtual_lines
from aciml.core.conda_lock import CondaLock
from aciml.core.condafile import CondaFile
from aciml.core.errors import UserError
from aciml.core.explicit import parse_explicit_file
from aciml.core.limits import Limits
from aciml.core.lockfile import LockContent, LockedWheel, write_lock
from tests.conda.conftest import EVERYTHING, Bench
from tests.simulators.channel import TIME, Package, make_channel

LIMITS = Limits("2.31", {"__cuda": "12.4"})
WHEELS = (
    LockedWheel("six", "1.10", "https://files.invalid/six-1.10-py3-none-any.whl", "12e4" + "5" * 60),
    LockedWheel("mine", "2", "./wheels/mine-2-py3-none-any.whl", "0" * 64),
)
FOR_MAC = """\
version: 7
platforms:
- name: osx-64
environments:
  default:
    channels: []
    packages:
      osx-64: []
packages: []
"""


def text_of(lock: CondaLock, file: CondaFile = EVERYTHING) -> str:
    options = {"exclude-newer": "2030-01-01T00:00:00Z"}
    content = LockContent(
        channel_urls(file), virtual_lines(LIMITS), conda_records(lock), WHEELS, ("six", "./wheels/mine.whl"), options
    )
    return write_lock(content)


@pytest.fixture
def written(bench: Bench, tmp_path: Path) -> Path:
    path = tmp_path / "conda.lock"
    path.write_text(text_of(bench.solve()))
    return path


def test_what_is_written_is_read_back(bench: Bench, written: Path) -> None:
    lock = bench.solve()

    read = read_lock_file(written)

    assert read.conda == lock
    assert read.conda.lines() == lock.lines()
    assert [json.loads(one.record_json) for one in read.conda.packages] == [
        json.loads(one.record_json) for one in lock.packages
    ]
    assert sorted(read.wheels, key=lambda wheel: wheel.name) == sorted(WHEELS, key=lambda wheel: wheel.name)
    assert read.pip_key.startswith("sha256:")


def test_rattler_finds_platform_channels_and_virtual_packages(written: Path) -> None:
    file = LockFile.from_path(written)
    platform = file.platforms()[0]
    environment = file.default_environment()

    assert platform.name == "linux-64"
    assert environment
    assert [str(channel).rstrip("/").rpartition("/")[2] for channel in environment.channels()] == ["conda-forge"]
    assert "  - __cuda=12.4=0\n  - __glibc=2.31=0\n" in written.read_text()


def test_two_machines_with_other_mirrors_write_the_same_bytes(
    new_bench: Callable[[str], Bench], channel: Path, tmp_path: Path
) -> None:
    other = make_channel(tmp_path / "elsewhere", [])
    for file in channel.rglob("*"):
        if file.is_file():
            (other / file.relative_to(channel)).write_bytes(file.read_bytes())
    one, two = new_bench("one"), new_bench("two")
    two.use(other)
    shuffled = replace(two.solve(), packages=tuple(reversed(two.solve().packages)))

    text = text_of(one.solve())

    assert text == text_of(shuffled)
    assert str(tmp_path) not in text
    assert channel.as_uri() not in text


def test_an_account_of_a_channel_is_not_in_the_file(bench: Bench) -> None:
    lock = bench.solve()

    text = text_of(lock, CondaFile(("https://me:hush@c.invalid/t/hush/forge",), ("python",)))

    assert "hush" not in text
    assert "https://c.invalid/forge/" in text


def test_a_channel_in_a_folder_is_written_and_read(bench: Bench, channel: Path, tmp_path: Path) -> None:
    file = CondaFile((channel.as_uri(),), ("noarchy", "python"))
    bench.settings = replace(bench.settings, channels={})
    lock = bench.solve(file)
    (tmp_path / "x.lock").write_text(text_of(lock, file))

    assert read_lock_file(tmp_path / "x.lock").conda == lock


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("nonsense", "is not a lock file"),
        (FOR_MAC, "has no packages for linux-64"),
        (b"\xff\xfe", "is not a lock file"),
    ],
)
def test_what_is_no_lock_is_told(tmp_path: Path, content: str | bytes, expected: str) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UserError, match=expected):
        read_lock_file(path)


def test_a_lock_satisfies_what_it_was_made_for(bench: Bench) -> None:
    lock = bench.solve()

    for specs in (EVERYTHING.specs, ("python=3.11.*", "noarchy>=1,<2", "clash-b==1.0", "meta", "conda-forge::big")):
        assert unmet(lock, CondaFile(("conda-forge",), specs), LIMITS, bench.settings) == []


@pytest.mark.parametrize(
    ("specs", "channels", "expected"),
    [
        (("python>=3.12",), ("conda-forge",), "python>=3.12 is not satisfied by 3.11.2 h0_cpython of conda-forge"),
        (("python=3.11.2=h1_*",), ("conda-forge",), "python=3.11.2=h1_* is not satisfied by 3.11.2 h0_cpython"),
        (("scipy",), ("conda-forge",), "scipy is not in it"),
        (("other::python",), ("conda-forge",), "other::python is not satisfied by 3.11.2 h0_cpython of conda-forge"),
        (("python",), ("other",), "python is of channel conda-forge, which is not listed"),
        (("python",), ("conda-forge",), "big is locked, but nothing asks for it"),
    ],
)
def test_what_a_lock_does_not_satisfy_is_named(
    bench: Bench, specs: tuple[str, ...], channels: tuple[str, ...], expected: str
) -> None:
    faults = unmet(bench.solve(), CondaFile(channels, specs), LIMITS, bench.settings)

    assert any(fault.startswith(expected) for fault in faults), faults


def test_virtual_packages_and_the_time_count(bench: Bench, tmp_path: Path) -> None:
    packages = [
        Package("gpu", "1.0", depends=("__cuda >=12",)),
        Package("gpu", "2.0", depends=("__cuda >=13",), timestamp=TIME + 10),
        Package("old", "1.0"),
        Package("old", "2.0", timestamp=TIME + 10**6),
    ]
    bench.use(make_channel(tmp_path / "c", packages))
    file = CondaFile(("conda-forge",), ("gpu", "old"))
    within = Limits("2.31", {"__cuda": "12.4"}, "2020-09-15T00:00:00Z")

    lock = bench.solve(file, limits=within)

    assert lock.shown() == {"gpu": "1.0 0", "old": "1.0 0"}
    assert unmet(lock, file, within, bench.settings) == []
    assert unmet(lock, file, Limits("2.31"), bench.settings) == [
        "gpu needs __cuda >=12, which virtual_packages does not have"
    ]
    assert unmet(lock, file, Limits("2.31", {"__cuda": "11"}), bench.settings) == [
        "gpu needs __cuda >=12, but there is 11 0"
    ]
    assert unmet(lock, file, Limits("2.31", {"__cuda": "12"}, "2020-01-01"), bench.settings) == [
        "gpu 1.0 is newer than 2020-01-01",
        "old 1.0 is newer than 2020-01-01",
    ]


def test_a_lock_with_a_hole_is_not_good(bench: Bench) -> None:
    lock = bench.solve()
    torn = CondaLock(tuple(package for package in lock.packages if package.name != "tool"))

    assert "noarchy needs tool, which is not in it" in unmet(torn, EVERYTHING, LIMITS, bench.settings)


def test_an_explicit_file_is_found_and_not_solved(bench: Bench) -> None:
    lock = bench.solve()
    urls = [url for url in conda_records(lock) if "noarchy" in url or "clash-b" in url]
    listed = parse_explicit_file("@EXPLICIT\n" + "\n".join(urls), "list.txt")

    found = find_exact(listed, settings=bench.settings, progress=bench.heard)

    assert list(found.shown()) == ["clash-b", "noarchy"]  # what they need is not listed, and so is not there
    assert set(found.packages) <= set(lock.packages)


def test_an_explicit_file_with_another_hash_is_refused(bench: Bench) -> None:
    url = next(url for url in conda_records(bench.solve()) if "big" in url)
    listed = parse_explicit_file(f"@EXPLICIT\n{url}#{'0' * 32}\n", "list.txt")

    with pytest.raises(UserError, match=r"channel conda-forge has no big ==1\.0"):
        find_exact(listed, settings=bench.settings, progress=bench.heard)
