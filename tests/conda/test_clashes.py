"""Packages that want one path: nothing is lost, whatever was built before, or it is refused with path and packages."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from aciml.blobs.store import BlobStore
from aciml.conda.facts import KINDS, PLACES, RENAMES
from aciml.conda.memory import Memory
from aciml.core.claims import Places
from aciml.core.condafile import CondaFile
from aciml.core.errors import UserError
from aciml.core.image import Layer
from aciml.core.layer import PREFIX
from tests.conda.conftest import Bench
from tests.simulators.channel import PLACEHOLDER, Package, PackedFile, make_channel, python_package

SITE = "lib/python3.11/site-packages"


def files(*paths: str) -> dict[str, PackedFile]:
    """Return files that say their path, and links (``lib64 -> lib``)."""
    found = {}
    for path in paths:
        link, arrow, target = path.partition(" -> ")
        found[link] = PackedFile(target=target) if arrow else PackedFile(path.encode())
    return found


def prefixed(path: str) -> dict[str, PackedFile]:
    return {path: PackedFile(f"{path} in {PLACEHOLDER}".encode(), prefix="text")}


LINKED = [
    Package("a", files=files("lib/six-a", "lib64 -> lib")),
    *(Package(name, files=files(f"lib/six-{name}", f"lib64/six64-{name}", f"lib64/sub/{name}")) for name in "bce"),
    Package("d", files=prefixed("lib64/six64-d") | files("lib/six-d")),
    Package("y", files=files("lib64 -> lib", "lib/six-y")),
    python_package(),
    Package("p", noarch="python", depends=("python",), files=files("site-packages/n/x.py", "site-packages/n/p.py")),
    Package("q", noarch="python", depends=("python",), files=files("site-packages/n/x.py", "site-packages/n/q.py")),
    Package("link", files=files(f"{SITE}/n -> ../other")),
]


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_channel(tmp_path_factory.mktemp("linked") / "c", LINKED)


def asked(*names: str) -> CondaFile:
    return CondaFile(("conda-forge",), names)


def image_of(layers: list[Layer], store: BlobStore) -> dict[str, bytes]:
    """Return what a container sees below the prefix: layers applied one after the other, files at their paths.

    A folder over a link takes its place, as engines do (OCI image-spec 1.1, layer.md, "Changeset over existing files").
    """
    found: dict[str, tuple[str, bytes]] = {}
    for layer in layers:
        with store.open(layer.digest) as blob, gzip.open(blob) as plain, tarfile.open(fileobj=plain) as tar:
            for member in tar:
                path = f"/{member.name}".removeprefix(f"{PREFIX}/").rstrip("/")
                if member.isdir():
                    if found.get(path, ("dir",))[0] != "dir":
                        del found[path]
                    found[path] = ("dir", b"")
                elif member.issym():
                    for other in [one for one in found if one == path or one.startswith(f"{path}/")]:
                        del found[other]
                    found[path] = ("link", member.linkname.encode())
                else:
                    content = tar.extractfile(member)
                    found[path] = ("file", content.read() if content else b"")
    links = {path: body.decode() for path, (kind, body) in found.items() if kind == "link"}
    assert not [path for path in found if any(str(above) in links for above in PurePosixPath(path).parents)]
    return {path: body for path, (kind, body) in found.items() if kind == "file"} | {
        f"{path} ->": target.encode() for path, target in links.items()
    }


def listed(image: dict[str, bytes], name: str) -> Iterator[str]:
    """Return the paths that a package's record names."""
    path = next(path for path in image if path.startswith(f"conda-meta/{name}-1.0"))
    yield from json.loads(image[path])["files"]


def test_what_is_below_a_link_lies_below_its_target_and_nothing_is_lost(bench: Bench, linked: Path) -> None:
    bench.use(linked)
    image = image_of(bench.build(bench.solve(asked(*"abcde"))), bench.store)

    assert image["lib64 ->"] == b"lib"
    assert {f"lib/six64-{name}" for name in "bcde"} <= image.keys()
    assert {f"lib/sub/{name}" for name in "bce"} <= image.keys()
    assert image["lib/six64-d"] == f"lib64/six64-d in {PREFIX}".encode()
    for name in "abcde":
        for path in listed(image, name):
            assert path in image or path.replace("lib64/", "lib/", 1) in image or f"{path} ->" in image
    assert bench.heard.notes == []  # nobody yields to anybody


def test_the_digest_is_one_whatever_was_built_before(new_bench: Callable[[str], Bench], linked: Path) -> None:
    ways = [("abcdey",), ("a", "ab", "abcdey"), ("b", "bd", "cde", "abcdey"), ("y", "bcde", "abcdey"), ("abcdey",) * 2]
    found = []
    for number, steps in enumerate(ways):
        bench = new_bench(f"way-{number}")
        bench.use(linked)
        built = [bench.build(bench.solve(asked(*names))) for names in steps]
        found.append([layer.digest for layer in built[-1]])
        again = bench.build(bench.solve(asked(*steps[-1])))
        assert [layer.digest for layer in again] == found[-1]
        for layer in again:
            bench.store.remove(layer.digest)
        assert [layer.digest for layer in bench.build(bench.solve(asked(*steps[-1])))] == found[-1]

    assert all(one == found[0] for one in found)


def test_noarch_packages_meet_like_all_others(bench: Bench, linked: Path) -> None:
    bench.use(linked)
    image = image_of(bench.build(bench.solve(asked("p", "q", "link"))), bench.store)

    assert image[f"{SITE}/n ->"] == b"../other"
    assert {"lib/python3.11/other/p.py", "lib/python3.11/other/q.py", "lib/python3.11/other/x.py"} <= image.keys()
    assert f"__clobbers__/q/{SITE}/n/x.py" in image
    row = next(
        row
        for row in json.loads(image["conda-meta/q-1.0-0.json"])["paths_data"]["paths"]
        if row["_path"].startswith("__clobbers__")
    )
    assert row["original_path"] == f"{SITE}/n/x.py"
    assert bench.heard.notes == [
        "conda packages: 1 path is in several packages: lib/python3.11/other/x.py (p has it, q yields)"
    ]


REFUSED = [
    (
        [Package("a", files=files("x")), Package("b", files=files("x/y"))],
        "x: a file in one package, a folder in another",
    ),
    ([Package("b", files=files("x")), Package("a", files=files("x/y/z"))], "x: a file in one package"),
    ([Package("a", files=files("x -> ../../etc")), Package("b", files=files("x/y"))], "x: a link that leads out"),
    ([Package("a", files=files("x -> /etc")), Package("b", files=files("x/y"))], "x: a link that leads out"),
    ([Package("a", files=files("x -> x")), Package("b", files=files("x/y"))], "x: a link that goes in circles"),
    ([Package("a", files=files("x -> f", "f")), Package("b", files=files("x/y"))], "f: a file in one package"),
]


@pytest.mark.parametrize(("packages", "why"), REFUSED)
def test_what_nobody_can_install_is_refused_with_path_and_packages(
    bench: Bench, tmp_path: Path, packages: list[Package], why: str
) -> None:
    bench.use(make_channel(tmp_path / "c", packages))
    lock = bench.solve(asked("a", "b"))

    for _ in range(2):  # once found out, once known
        with pytest.raises(
            UserError, match=r"cannot be installed into one environment: .*\(a, b\); leave one"
        ) as caught:
            bench.build(lock)
        assert why in str(caught.value)


def test_an_absolute_link_below_the_prefix_leads_inside(bench: Bench, tmp_path: Path) -> None:
    packages = [Package("a", files=files(f"x -> {PREFIX}/y")), Package("b", files=files("x/f"))]
    bench.use(make_channel(tmp_path / "c", packages))

    assert image_of(bench.build(bench.solve(asked("a", "b"))), bench.store)["y/f"] == b"x/f"


def test_what_an_older_version_kept_is_enough_where_no_folder_is_a_link(bench: Bench, linked: Path) -> None:
    bench.use(linked)
    plain, nested = bench.solve(asked("p", "q")), bench.solve(asked("a", "b"))
    bench.build(plain)
    bench.build(nested)
    for lock in (plain, nested):
        for package in lock.packages:
            key = Memory(lock, bench.catalog)._key_of(package)
            bench.catalog._write("DELETE FROM sealed_facts WHERE namespace = ? AND key = ?", KINDS, key)
        bench.catalog._write(
            "DELETE FROM sealed_facts WHERE namespace = ? AND key = ?", PLACES, Memory(lock, bench.catalog).key
        )

    bench.catalog.put_fact(RENAMES, Memory(nested, bench.catalog).key, "{}")

    assert Memory(plain, bench.catalog).places() is not None
    assert Memory(nested, bench.catalog).told() is None  # an older version said that nobody yields, and lost files
    assert {package.name for package in Memory(nested, bench.catalog).without_paths()} == {"a", "b"}
    assert image_of(bench.build(nested), bench.store)["lib/six64-b"] == b"lib64/six64-b"


def test_layers_of_an_older_version_are_found_by_what_it_knew_of_renames(bench: Bench, linked: Path) -> None:
    bench.use(linked)
    lock = bench.solve(asked("p", "q"))
    renames = {"q": {f"{SITE}/n/x.py": f"__clobbers__/q/{SITE}/n/x.py"}}
    bench.catalog.put_fact(RENAMES, Memory(lock, bench.catalog).key, json.dumps(renames))

    assert Memory(lock, bench.catalog).places() is None
    assert Memory(lock, bench.catalog).told() == Places(yields={"q": {f"{SITE}/n/x.py": ""}})
