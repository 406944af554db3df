"""Random sets of packages that meet, against rattler's install in place, in any order of builds.

Packages come from a pool that is made and unpacked once. A set is built twice: where all sets before it were built,
and where nothing was. A run of the suite tries a few sets; ``ACIML_TEST_SETS=1000 ACIML_TEST_SEED=8`` tries that many
of another pool, in a minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import rattler
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.blobs.store import BlobStore
from aciml.conda.memory import Memory
from aciml.conda.order import install_order
from aciml.conda.pack import build_layers
from aciml.conda.records import rattler_records
from aciml.core.claims import Claim, Claimant, nested, settle
from aciml.core.conda_lock import CondaLock, LockedPackage
from aciml.core.errors import UserError
from aciml.core.image import Layer
from aciml.core.layer import PREFIX
from aciml.settings import Settings
from tests.conda.test_clashes import image_of
from tests.heard import Heard
from tests.simulators.channel import PLACEHOLDER, Package, PackedFile, make_channel, python_package

SETS = int(os.environ.get("ACIML_TEST_SETS", "80"))
SEED = int(os.environ.get("ACIML_TEST_SEED", "7"))
POOL = 48
FOLDERS, LEAVES = ("lib", "lib64", "share"), ("f", "g")
TARGETS = ("lib", "share", "../lib", "share/lib", ".", "lib64", "missing", "../../out")


def _package(number: int, chance: random.Random) -> Package:
    """Return a package of a few files, folders and links; no path of it is a folder of its own unless that is one."""
    found: dict[str, PackedFile] = {}
    for _ in range(chance.randint(1, 4)):
        folders = [chance.choice(FOLDERS) for _ in range(chance.randint(1, 2))]
        kind = chance.choices(("file", "prefix", "link", "misplaced"), (60, 10, 25, 2))[0]
        path = "/".join([*folders, chance.choice(LEAVES)] if kind in ("file", "prefix") else folders)
        above = {path.rsplit("/", depth)[0] for depth in range(path.count("/") + 1)}
        if any(one in above or one.startswith(f"{path}/") for one in found):
            continue
        if kind == "link":
            found[path] = PackedFile(target=chance.choice(TARGETS))
        elif kind == "prefix":
            found[path] = PackedFile(f"{number} {path} {PLACEHOLDER}".encode(), prefix="text")
        else:
            found[path] = PackedFile(f"{number} {path}".encode())
    needs = tuple(f"p{other:02}" for other in range(number) if chance.random() * number < 1)
    return Package(f"p{number:02}", files=found, depends=needs)


@dataclass
class Told:
    """A catalog in memory."""

    layers: dict[str, Layer] = field(default_factory=dict)
    facts: dict[tuple[str, str], str] = field(default_factory=dict)

    def layer(self, key: str) -> Layer | None:
        return self.layers.get(key)

    def put_layer(self, key: str, layer: Layer) -> None:
        self.layers[key] = layer

    def get_fact(self, namespace: str, key: str) -> str | None:
        return self.facts.get((namespace, key))

    def put_fact(self, namespace: str, key: str, value: str) -> None:
        self.facts[namespace, key] = value


@dataclass(repr=False)
class Pool:
    """Packages in a channel, unpacked in a cache that all builds share."""

    folder: Path
    settings: Settings
    packages: dict[str, LockedPackage]
    claims: dict[str, Claimant]
    catalog: Told = field(default_factory=Told)
    tried: Counter[str] = field(default_factory=Counter)

    def build(self, lock: CondaLock, catalog: Told, blobs: str, heard: Heard) -> list[Layer]:
        store = BlobStore(self.folder / blobs / "blobs")
        return build_layers(lock, store=store, catalog=catalog, settings=self.settings, progress=heard)

    def install(self, lock: CondaLock, prefix: Path) -> dict[str, bytes]:
        """Let rattler install in place, and return what can be read there, by path, and links."""
        asyncio.run(
            rattler.install(
                rattler_records(lock.packages, self.settings),
                prefix,
                cache_dir=self.settings.cache / "pkgs",
                platform=rattler.platform.Subdir("linux-64"),
                show_progress=False,
            )
        )
        found: dict[str, bytes] = {}
        for path in prefix.rglob("*"):
            name = path.relative_to(prefix).as_posix()
            if path.is_symlink():
                found[f"{name} ->"] = os.fsencode(path.readlink())
            elif path.is_file() and not name.startswith("conda-meta/") and name != "CACHEDIR.TAG":
                found[name] = path.read_bytes().replace(str(prefix).encode(), b"PREFIX")
        return found


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    folder = tmp_path_factory.mktemp("pool")
    chance = random.Random(SEED)
    made = [python_package(), *(_package(number, chance) for number in range(POOL))]
    channel = make_channel(folder / "channel", made)
    records = json.loads((channel / "linux-64/repodata.json").read_text())["packages.conda"]
    locked = [LockedPackage.of_record({**record, "fn": name}, "conda-forge") for name, record in records.items()]
    claims = {
        one.name: Claimant(
            one.name,
            tuple(Claim(path, "link" if file.target else "file", file.target) for path, file in one.files.items()),
        )
        for one in made
    }
    yield Pool(
        folder,
        Settings(folder / "cache", {"conda-forge": channel.as_uri()}),
        {package.name: package for package in locked},
        claims,
    )
    shutil.rmtree(folder)


NAMES = st.lists(st.sampled_from([f"p{number:02}" for number in range(POOL)]), min_size=2, max_size=5, unique=True)


def test_an_image_is_what_an_install_in_place_makes_and_nothing_is_lost(pool: Pool) -> None:
    @settings(max_examples=SETS, deadline=None)
    @given(NAMES)
    def hold(names: list[str]) -> None:
        _hold(pool, names)

    hold()
    # each kind of set is among them, or the test would hold nothing
    assert min(pool.tried[kind] for kind in ("refused", "moved", "shared", "apart")) > 0, pool.tried


def _hold(pool: Pool, names: list[str]) -> None:
    lock = CondaLock.of([pool.packages[name] for name in names])
    alone, heard = pool.folder / "alone", Heard()
    shutil.rmtree(alone, ignore_errors=True)
    fresh = Told()
    places = settle([pool.claims[package.name] for package in install_order(lock)], PREFIX)
    if places.refusals:
        assert nested([pool.claims[name] for name in names])
        said = []
        for catalog, blobs in ((fresh, "alone"), (pool.catalog, "all")):
            with pytest.raises(UserError) as refused:
                pool.build(lock, catalog, blobs, heard)
            said.append(str(refused.value))
        assert said[0] == said[1]
        pool.tried["refused"] += 1
        return
    first = pool.build(lock, fresh, "alone", heard)
    assert pool.build(lock, pool.catalog, "all", Heard()) == first  # where all sets before were built
    image = image_of(first, BlobStore(alone / "blobs"))
    assert Memory(lock, fresh).places() == places
    pool.tried["moved" if places.folders else "shared" if places.overlaps else "apart"] += 1
    # every file of every package is at its path, or told to be another's
    for name in names:
        for claim in pool.claims[name].claims:
            real = places.place(name, claim.path) or f"__clobbers__/{name}/{claim.path}"
            assert (
                f"{real} ->" in image
                if claim.kind == "link"
                else image[real].startswith(f"{int(name[1:])} {claim.path}".encode())
            )
    assert bool(places.overlaps) is any("in several packages" in line for line in heard.notes)
    if nested([pool.claims[name] for name in names]):
        return  # what rattler makes of these depends on which thread was first
    prefix = alone / "prefix"
    expected = pool.install(lock, prefix)
    mine = {path: body.replace(PREFIX.encode(), b"PREFIX") for path, body in image.items()}
    assert {path: body for path, body in mine.items() if not path.startswith("conda-meta/")} == expected
