"""Packages read where they are unpacked are what rattler would have staged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml.blobs.store import write_layer
from aciml.conda import pack
from aciml.conda.contents import StagedPackage
from aciml.conda.install import stage
from aciml.conda.partly import stage_partly
from aciml.conda.unpacked import PREFIXED, UnpackedPackage, read_unpacked
from aciml.core.conda_lock import CondaLock, LockedPackage
from aciml.core.condafile import CondaFile
from aciml.core.progress import Progress
from aciml.settings import Settings
from tests.conda.conftest import Bench
from tests.simulators.channel import hard_packages, make_channel

FILE = CondaFile(("conda-forge",), ("python", "noarchy", "clash-b", "meta", "big", "plain"))


@pytest.fixture
def lock(bench: Bench, tmp_path: Path) -> CondaLock:
    """Return a lock whose packages are all unpacked in the cache of the bench; ``plain`` is ``tool`` without prefix."""
    tool = next(package for package in hard_packages() if package.name == "tool")
    files = {
        f"plain/{path}": replace(file, prefix="", hard=file.hard and f"plain/{file.hard}")
        for path, file in tool.files.items()
    }
    plain = replace(tool, name="plain", files=files)
    bench.use(make_channel(tmp_path / "channel", [*hard_packages(), plain]))
    found = bench.solve(FILE)
    bench.build(found)
    return found


def test_a_package_becomes_the_same_layer_either_way(bench: Bench, lock: CondaLock, tmp_path: Path) -> None:
    kept = read_unpacked(lock.packages, bench.settings)
    stage(lock.packages, tmp_path / "staged", bench.settings, bench.heard)
    staged = {package.name: StagedPackage.read(package, tmp_path / "staged") for package in lock.packages}

    assert {"plain", "big"} <= kept.keys()
    for name, package in kept.items():
        if not staged[name].was_clobbered():  # who yields to whom is for rattler to say
            one, other = (write_layer(found.entries(), bench.store) for found in (package, staged[name]))
            assert one == other, name


def test_what_depends_on_the_prefix_or_on_python_is_left_to_rattler(bench: Bench, lock: CondaLock) -> None:
    kept = read_unpacked(lock.packages, bench.settings)
    stems = {package.name: f"{package.name}-{package.version}-{package.build}" for package in lock.packages}
    listed = {
        name: (bench.settings.cache / "pkgs" / stem / "info/paths.json").read_text() for name, stem in stems.items()
    }

    assert {name for name, text in listed.items() if "prefix_placeholder" in text}.isdisjoint(kept)
    assert {package.name for package in lock.packages if package.noarch == "python"}.isdisjoint(kept)


def rewrite(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(package: Path) -> None:
        path = package / "info/paths.json"
        listed = json.loads(path.read_text())
        change(listed)
        path.write_text(json.dumps(listed))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda package: os.truncate(package / "plain/share/one", 2),
        lambda package: (package / "plain/share/one").unlink(),
        lambda package: (package / "info/paths.json").unlink(),
        lambda package: (package / "info/index.json").write_text("{"),
        lambda package: package.with_name(f"{package.name}.lock").write_bytes(bytes(40)),
        lambda package: package.with_name(f"{package.name}.lock").unlink(),
        rewrite(lambda listed: listed.update(paths_version=2)),
        rewrite(lambda listed: listed["paths"][0].update(no_link=True)),
        rewrite(lambda listed: listed["paths"][0].update(path_type="directory")),
        rewrite(lambda listed: listed["paths"].append(listed["paths"][0])),
    ],
)
def test_any_doubt_leaves_a_package_to_rattler(bench: Bench, lock: CondaLock, damage: Callable[[Path], None]) -> None:
    damage(bench.settings.cache / "pkgs" / "plain-1.0-0")

    assert "plain" not in read_unpacked(lock.packages, bench.settings)


def test_attestations_are_for_rattler_to_verify(bench: Bench, lock: CondaLock) -> None:
    assert read_unpacked(lock.packages, replace(bench.settings, attestations="warn")) == {}


def test_an_environment_is_the_same_with_packages_at_hand_or_fetched(
    bench: Bench, lock: CondaLock, new_bench: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_bench("other")
    other.settings = replace(other.settings, channels=bench.settings.channels)
    first = bench.build(lock)
    for layer in first:
        bench.store.remove(layer.digest)
    bench.catalog.forget_all()

    assert bench.build(lock) == first
    monkeypatch.setattr(pack, "read_unpacked", lambda *_: {})  # all by rattler
    assert other.build(lock) == first


def test_a_package_of_which_only_files_with_a_prefix_are_staged_becomes_the_same_layer(
    bench: Bench, lock: CondaLock, tmp_path: Path
) -> None:
    alone = [package for package in lock.packages if not package.name.startswith("clash")]
    stage(alone, tmp_path / "staged", bench.settings, bench.heard)
    staged = {package.name: StagedPackage.read(package, tmp_path / "staged") for package in alone}

    partly = stage_partly(alone, tmp_path / "partly", bench.settings, bench.heard)

    assert partly
    assert [one.package for one in partly] == alone
    for found in partly:
        one, other = (write_layer(way.entries(), bench.store) for way in (found, staged[found.package.name]))
        assert one == other, found.package.name
    with_prefix = [one for one in partly if isinstance(one, UnpackedPackage) and any(map(PREFIXED.issubset, one.paths))]
    assert "python" in {one.package.name for one in with_prefix}
    for found in partly:
        if isinstance(found, UnpackedPackage):  # the others are noarch
            kept = [path for path in found.wanted() if (tmp_path / "partly" / path).exists()]
            assert all("prefix_placeholder" in row for row in found.paths if row["_path"] in kept), found.package.name


def test_packages_at_hand_that_want_one_path_need_no_staging(
    bench: Bench, lock: CondaLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def told(packages: list[LockedPackage], folder: Path, settings: Settings, progress: Progress) -> None:
        asked.extend(package.name for package in packages)
        stage(packages, folder, settings, progress)

    monkeypatch.setattr(pack, "stage", told)
    for layer in (first := bench.build(lock)):
        bench.store.remove(layer.digest)
    bench.catalog.forget_all()
    asked.clear()

    assert bench.build(lock) == first
    assert not [name for name in asked if name.startswith("clash")]  # where their files go is known without a disk


def test_a_package_that_is_not_at_hand_is_left_to_rattler(bench: Bench, lock: CondaLock, tmp_path: Path) -> None:
    (bench.settings.cache / "pkgs" / "plain-1.0-0.lock").unlink()

    assert stage_partly(lock.packages, tmp_path / "partly", bench.settings, bench.heard) is None
