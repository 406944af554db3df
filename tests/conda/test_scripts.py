"""Scripts of packages are found before anything is linked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aciml.conda.scripts import find_scripts, in_link_order, lock_of_lines
from aciml.core.conda_lock import CondaLock
from aciml.core.condafile import CondaFile
from aciml.core.errors import OutageError
from aciml.core.layer import PREFIX
from aciml.core.steps import parse_steps
from tests.conda.conftest import Bench
from tests.simulators.channel import Package, PackedFile, make_channel

SCRIPT = PackedFile(b"#!/bin/bash\ntouch $PREFIX/was-run\n", 0o755)
PACKAGES = [
    Package(
        "last", depends=("mid", "first"), files={"bin/.last-post-link.sh": SCRIPT, "bin/.last-pre-link.sh": SCRIPT}
    ),
    Package("mid", depends=("first",), files={"bin/.mid-pre-unlink.sh": SCRIPT, "bin/.other-post-link.sh": SCRIPT}),
    Package("first", noarch="generic", files={"bin/.first-post-link.sh": SCRIPT}),
]
WANTED = CondaFile(("conda-forge",), ("last",))
EXPECTED = ["bin/.first-post-link.sh", "bin/.last-pre-link.sh", "bin/.last-post-link.sh"]


@pytest.fixture
def scripted(bench: Bench, tmp_path: Path) -> Bench:
    bench.use(make_channel(tmp_path / "scripted", PACKAGES))
    return bench


def found(bench: Bench, lock: CondaLock) -> list[str]:
    return [script.path for script in find_scripts(lock, bench.catalog, bench.settings, bench.heard)]


def test_scripts_are_found_in_packages_that_nobody_has_fetched(scripted: Bench) -> None:
    lock = scripted.solve(WANTED)

    assert found(scripted, lock) == EXPECTED
    assert not (scripted.settings.cache / "pkgs").exists() or not list(
        (scripted.settings.cache / "pkgs").glob("last-*")
    )


def test_the_lines_of_a_lock_are_enough(scripted: Bench) -> None:
    lines = scripted.solve(WANTED).lines()
    for record in (scripted.settings.cache / "records").glob("*.json"):
        record.unlink()

    assert sorted(found(scripted, lock_of_lines(lines, scripted.settings))) == sorted(EXPECTED)


def test_a_package_is_looked_into_once(scripted: Bench, tmp_path: Path) -> None:
    lock = scripted.solve(WANTED)
    first = found(scripted, lock)
    scripted.use(tmp_path / "gone")

    assert found(scripted, lock) == first


def test_a_package_that_was_built_is_not_looked_into(scripted: Bench, tmp_path: Path) -> None:
    lock = scripted.solve(WANTED)
    scripted.build(lock)
    scripted.use(tmp_path / "gone")

    assert found(scripted, lock) == EXPECTED


def test_scripts_are_found_over_http(scripted: Bench, tmp_path: Path) -> None:
    lock = scripted.solve(WANTED)
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with server:
        assert server.stdout
        port = server.stdout.readline().split(" port ")[1].split()[0]
        scripted.settings.channels["conda-forge"] = f"http://127.0.0.1:{port}/scripted"
        assert found(scripted, lock) == EXPECTED
        server.kill()


def test_a_channel_that_vanished_is_an_outage(scripted: Bench, tmp_path: Path) -> None:
    lock = scripted.solve(WANTED)
    scripted.use(tmp_path / "gone")

    with pytest.raises(OutageError, match="cannot be looked into"):
        found(scripted, lock)


def test_packages_come_after_what_they_need_even_in_a_cycle(scripted: Bench) -> None:
    lock = scripted.solve(WANTED)
    cycle = CondaLock.of(
        [replace(package, depends=("last",)) if package.name == "first" else package for package in lock.packages]
    )

    assert [package.name for package in in_link_order(lock)] == ["first", "mid", "last"]
    assert sorted(package.name for package in in_link_order(cycle)) == ["first", "last", "mid"]


def test_a_script_is_a_step_with_the_variables_that_conda_sets(scripted: Bench) -> None:
    scripts = find_scripts(scripted.solve(WANTED), scripted.catalog, scripted.settings, scripted.heard)
    (step,) = parse_steps([scripts[0].step], "postLink")

    assert step.instruction == "RUN"
    assert f'PREFIX="{PREFIX}"' in step.text
    assert 'PKG_NAME="first" PKG_VERSION="1.0" PKG_BUILDNUM="0"' in step.text
    assert f"bash {PREFIX}/bin/.first-post-link.sh" in step.text


@pytest.mark.parametrize("code", [0, 3])
def test_the_words_of_a_script_are_shown_whether_it_fails_or_not(scripted: Bench, tmp_path: Path, code: int) -> None:
    script = find_scripts(scripted.solve(WANTED), scripted.catalog, scripted.settings, scripted.heard)[0]
    prefix = tmp_path / "env"
    (prefix / "bin").mkdir(parents=True)
    (prefix / script.path).write_text(f"echo 'no licence found' >> $PREFIX/.messages.txt; exit {code}\n")

    command = script.step.removeprefix("RUN ").replace(PREFIX, str(prefix))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (code, "no licence found\n")
    assert not (prefix / ".messages.txt").exists()
