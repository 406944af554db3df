"""Wheels in layers of their own: what is where, what moves when one changes, and what two of them both bring."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.compress import GZIP
from aciml.blobs.sizes import saved_line
from aciml.blobs.store import BlobStore
from aciml.core.claims import Claim, Claimant, Places, overlap_note
from aciml.core.errors import UserError
from aciml.core.image import Layer
from aciml.core.partition import SOLO_SIZE
from aciml.core.pip_package import PipPackage
from aciml.pip import member
from aciml.pip.layer_plan import plan_wheels
from aciml.pip.memory import WheelMemory
from aciml.pip.pack import wheel_layers_if_known
from aciml.pip.wheel_set import WheelSet
from tests.pip.wheels import layers_of, make_wheel, package_of, wheels_of

ROOT = "azureml-envs/aciml"
LIBRARY = f"{ROOT}/lib/python3.11/site-packages"
SLIM = replace(GZIP, slim=True)


@pytest.fixture
def new_catalog(tmp_path: Path) -> Iterator[Callable[[str], Catalog]]:
    """Makes the catalog of another machine."""
    opened = []

    def make(name: str) -> Catalog:
        opened.append(Catalog(tmp_path / name / "catalog.sqlite"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def files_of(layer: Layer, folder: Path) -> dict[str, str]:
    """Return what is in a layer that is no folder: text by path."""
    with tarfile.open(BlobStore(folder / "blobs").path(layer.digest)) as tar:
        found = {one.name: tar.extractfile(one) for one in tar if one.isfile()}
        return {name: body.read().decode(errors="replace") for name, body in found.items() if body}


def image_of(layers: Sequence[Layer], folder: Path) -> dict[str, str]:
    """Return what is seen when layers are laid over one another."""
    return {path: text for layer in layers for path, text in files_of(layer, folder).items()}


def big(package: PipPackage) -> PipPackage:
    """Say that a wheel is so big that it is alone."""
    return replace(package, size=SOLO_SIZE)


def planned(wheels: WheelSet) -> dict[str, list[str]]:
    return {plan.name: [one.name for one in plan.packages] for plan in plan_wheels(wheels, Places())}


def test_big_wheels_are_alone_the_others_in_bins_and_the_servers_apart(tmp_path: Path) -> None:
    names = ("torch", "six", "uvloop", "orjson")
    packages = [package_of(make_wheel(tmp_path, name)) for name in names]
    packages[0], packages[2] = big(packages[0]), big(packages[2])

    plans = planned(wheels_of(packages, "3.11.9", "uvloop", "orjson"))

    assert plans == {
        "server uvloop": ["uvloop"],
        "server bin-00": ["orjson"],
        "pip torch": ["torch"],
        "pip bin-00": ["six"],
    }


def test_the_servers_layers_are_the_same_beside_any_wheels(tmp_path: Path) -> None:
    server = [package_of(make_wheel(tmp_path, name)) for name in ("httptools", "orjson")]
    users = [big(package_of(make_wheel(tmp_path, f"big{number}"))) for number in range(50)]

    keys = [
        {plan.name: plan.key for plan in plan_wheels(wheels_of(some, "3.11.9", "httptools", "orjson"), Places())}
        for some in (server, [*server, *users])
    ]

    assert keys[0].items() <= keys[1].items()
    assert all(name.startswith("server ") for name in keys[0])


def test_a_changed_wheel_makes_one_layer_again(tmp_path: Path, catalog: Catalog) -> None:
    packages = [package_of(make_wheel(tmp_path, f"p{number}")) for number in range(20)]
    before = layers_of(wheels_of(packages), tmp_path, catalog)
    changed = [package_of(make_wheel(tmp_path, "p3", "2.0")), *(one for one in packages if one.name != "p3")]
    after = layers_of(wheels_of(changed), tmp_path, catalog)

    assert len(before) == len(after) > 5
    assert len(set(after) - set(before)) == 1


def test_layers_depend_on_the_wheels_and_on_where_python_has_them(tmp_path: Path) -> None:
    package = package_of(make_wheel(tmp_path, "a"))
    elsewhere = replace(package, url="https://other.example/a-1.0-py3-none-any.whl", account=("u", "p"))

    def key(one: PipPackage, python: str = "3.11.9") -> str:
        (plan,) = plan_wheels(wheels_of([one], python), Places())
        return plan.key

    assert key(package) == key(elsewhere) == key(package, "3.11.2")
    assert len({key(package), key(package, "3.12.0"), key(replace(package, sha256="0" * 64))}) == 3


def test_of_two_wheels_that_bring_a_file_the_later_one_by_name_has_it_whatever_is_built_first(
    tmp_path: Path, new_catalog: Callable[[str], Catalog]
) -> None:
    texts = {"aa": "of aa", "bb": "of bb", "cc": "of cc"}
    wheels = [make_wheel(tmp_path, name, files={"both.py": text, f"{name}.py": ""}) for name, text in texts.items()]
    packages = [big(package_of(wheel)) for wheel in wheels]
    found = set()
    for number, order in enumerate(permutations(range(3))):
        catalog, folder = new_catalog(str(number)), tmp_path / str(number)
        for step in (1, 2, 3):  # step by step: the layers of one wheel alone are there before two meet
            layers = _unsized(layers_of, [packages[one] for one in order[:step]], folder, catalog)
        found.add(tuple(layers))
        files = [files_of(layer, folder) for layer in layers]
        assert [f"{LIBRARY}/both.py" in one for one in files] == [False, False, True]
        assert files[2][f"{LIBRARY}/both.py"] == "of cc"
        assert wheel_layers_if_known(wheels_of(packages), catalog) == layers

    assert len(found) == 1


def _unsized(
    make: Callable[..., list[Layer]], packages: Sequence[PipPackage], folder: Path, catalog: Catalog
) -> list[Layer]:
    """Pack wheels whose size is only said: what they have on the disk is not compared."""
    from aciml.pip import pack

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack._Build, "_fetched", lambda _, some: [Path(one.url.removeprefix("file://")) for one in some])
        return make(wheels_of(packages), folder, catalog)


def test_who_got_what_is_told(tmp_path: Path, catalog: Catalog) -> None:
    wheels = wheels_of(package_of(make_wheel(tmp_path, name, files={"both.py": name})) for name in ("aa", "bb"))
    conda = Claimant("tool", (Claim("lib/python3.11/site-packages/both.py"), Claim("bin/other")))
    layers_of(wheels, tmp_path, catalog, [conda])

    places = WheelMemory(wheels, catalog).places()

    assert places
    assert overlap_note(places.overlaps) == (
        "1 path is in several packages: lib/python3.11/site-packages/both.py (pip bb has it, tool, pip aa yields)"
    )


def test_equal_files_stay_in_all_layers_and_are_not_told(tmp_path: Path, catalog: Catalog) -> None:
    """So the layer of a wheel of CUDA is the same beside any other: all have an empty nvidia/__init__.py."""
    packages = [
        package_of(make_wheel(tmp_path, f"nvidia_{name}", files={"nvidia/__init__.py": "", f"nvidia/{name}.py": name}))
        for name in ("cublas", "cudnn")
    ]
    alone = layers_of(wheels_of(packages[:1]), tmp_path, catalog)
    both = layers_of(wheels_of(packages), tmp_path, catalog)
    places = WheelMemory(wheels_of(packages), catalog).places()

    assert places == Places()
    assert f"{LIBRARY}/nvidia/__init__.py" in files_of(alone[0], tmp_path)
    assert set(alone) < set(both) or len(both) == 1


def test_two_of_one_bin_may_bring_an_equal_file(tmp_path: Path, catalog: Catalog) -> None:
    names = ["p0", next(name for name in map("p{}".format, range(1, 99)) if _bin(name) == _bin("p0"))]
    packages = [package_of(make_wheel(tmp_path, name, files={"ns/__init__.py": "x"})) for name in names]

    (layer,) = layers_of(wheels_of(packages), tmp_path, catalog)

    assert files_of(layer, tmp_path)[f"{LIBRARY}/ns/__init__.py"] == "x"


def _bin(name: str) -> int:
    from aciml.core.partition import WHEEL_BINS, bin_of

    return bin_of(name, WHEEL_BINS)


def test_what_lies_below_a_link_of_conda_goes_to_where_it_leads(tmp_path: Path, catalog: Catalog) -> None:
    wheel = make_wheel(tmp_path, "a", data={"data/lib64/x.so": "so", "data/share/doc/a": "doc"})
    conda = [Claimant("base", (Claim("lib64", "link", "lib"), Claim("lib/libz.so")))]

    layers = layers_of(wheels_of([package_of(wheel)]), tmp_path, catalog, conda)
    files = image_of(layers, tmp_path)

    assert files[f"{ROOT}/lib/x.so"] == "so"
    assert not [path for path in files if path.startswith(f"{ROOT}/lib64")]
    assert "../../../lib64/x.so," in files[f"{LIBRARY}/a-1.0.dist-info/RECORD"]


def test_a_file_where_another_has_a_folder_is_refused_with_path_and_packages(tmp_path: Path, catalog: Catalog) -> None:
    wheel = make_wheel(tmp_path, "a", data={"data/etc/conf/x": ""})
    conda = [Claimant("base", (Claim("etc/conf"),))]

    with pytest.raises(UserError, match=r"cannot be installed together: etc/conf: .*\(base, pip a\)"):
        layers_of(wheels_of([package_of(wheel)]), tmp_path, catalog, conda)


def test_another_machine_that_knows_the_layers_makes_nothing(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = [package_of(make_wheel(tmp_path, name, files={"both.py": name})) for name in ("aa", "bb")]
    first = layers_of(wheels_of(packages), tmp_path, catalog)
    for package in packages:
        (tmp_path / package.file_name).unlink()
        for kept in (tmp_path / "cache" / "wheels" / package.sha256).iterdir():
            kept.unlink()

    assert layers_of(wheels_of(packages), tmp_path, catalog) == first


def broken(folder: Path, fault: str) -> Path:
    wheel = make_wheel(folder, "bad", files={"bad/__init__.py": "x = 1\n" * 50})
    body = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        info = archive.getinfo("bad/__init__.py")
    start = info.header_offset + 30 + len(info.filename)
    central = body.index(b"PK\x01\x02")
    changes = {
        "damaged content": (start + 3, b"\xff\xff"),
        "another CRC": (central + 16, b"\0\0\0\0"),
        "another size": (central + 24, (info.file_size - 1).to_bytes(4, "little")),
        "a bigger size": (central + 24, (info.file_size + 1).to_bytes(4, "little")),
        "no local header": (info.header_offset, b"PKxx"),
        "encrypted": (central + 8, b"\x01\x00"),
    }
    if fault == "not a zip":
        body = b"<html>not found</html>"
    elif fault == "cut":
        body = body[:200]
    else:
        at, new = changes[fault]
        body = body[:at] + new + body[at + len(new) :]
    wheel.write_bytes(body)
    return wheel


@pytest.mark.parametrize(
    "fault",
    [
        "damaged content",
        "another CRC",
        "another size",
        "a bigger size",
        "no local header",
        "encrypted",
        "not a zip",
        "cut",
    ],
)
def test_a_broken_zip_is_refused_with_its_name(fault: str, tmp_path: Path, catalog: Catalog) -> None:
    package = package_of(broken(tmp_path, fault))

    with pytest.raises(UserError, match=r"pip: bad-1\.0-py3-none-any\.whl cannot be installed: "):
        layers_of(wheels_of([package]), tmp_path, catalog)
    assert not list((tmp_path / "blobs").rglob("sha256/*"))


EMPTY = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"
WRONG: dict[str, tuple[dict[str, object], str]] = {
    "hash": ({"record": {"bad/__init__.py": EMPTY}}, "has not the sha256 that RECORD says"),
    "hash of an empty file": (
        {"files": {"a.py": ""}, "record": {"a.py": "sha256=AAAA,0"}},
        "has not the sha256 that RECORD says",
    ),
    "weak hash": ({"record": {"bad/__init__.py": "md5=AAAA,3"}}, "of a kind that is not trusted: md5"),
    "not in RECORD": ({"record": {"bad/__init__.py": ""}}, "bad/__init__.py is not in its RECORD"),
    "climbing": ({"files": {"bad/../../../../../etc/passwd": "x"}}, "leads out of its folder"),
    "absolute": ({"files": {"/etc/passwd": "x"}}, "is not a path below a folder"),
    "backslash": ({"files": {"..\\..\\x": "x"}}, "is not a path below a folder"),
    "drive": ({"files": {"C:/x": "x"}}, "is not a path below a folder"),
    "whiteout": ({"files": {"bad/.wh.numpy": "x"}}, "cannot be in a layer"),
    "climbing data": ({"data": {"data/../../x": "x"}}, "leads out of its folder"),
    "unknown data": ({"data": {"secret/x": "x"}}, "of a kind of data that is not known"),
    "entry point": ({"entry_points": "[console_scripts]\n../x = a:b\n"}, "has a name that is not one of a file"),
    "no function": ({"entry_points": "[console_scripts]\nx = a\n"}, "a line that names no function of a module"),
    "version": ({"wheel_version": "2.0"}, "is of a version of the format that is not known"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wheel_that_says_what_is_wrong_is_refused(fault: str, tmp_path: Path, catalog: Catalog) -> None:
    more, why = WRONG[fault]
    package = package_of(make_wheel(tmp_path, "bad", **more))  # type: ignore[arg-type]  # arguments by name

    with pytest.raises(UserError, match=r"pip: bad-1\.0-py3-none-any\.whl cannot be installed: ") as caught:
        layers_of(wheels_of([package]), tmp_path, catalog)
    assert why in str(caught.value)


def test_a_zip_of_zip64_and_one_of_other_compressors_are_read(tmp_path: Path, catalog: Catalog) -> None:
    """Sizes above 4 GiB are written with the same fields, which a small file may have, too (APPNOTE 4.5.3)."""
    wheel = make_wheel(tmp_path, "a", files={"a.py": "x"})
    with zipfile.ZipFile(wheel) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED]
    with zipfile.ZipFile(wheel, "w") as archive:
        for number, (name, body) in enumerate(content.items()):
            info = zipfile.ZipInfo(name)
            info.compress_type = methods[number % len(methods)]
            with archive.open(info, "w", force_zip64=True) as sink:
                sink.write(body)

    (layer,) = layers_of(wheels_of([package_of(wheel)]), tmp_path, catalog)

    assert files_of(layer, tmp_path)[f"{LIBRARY}/a.py"] == "x"


def test_a_big_file_is_a_stream_that_is_held_to_its_hash(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member, "_WHOLE", 1 << 16)
    text = "".join(map(str, range(900_000)))
    good = make_wheel(tmp_path, "good", files={"big.txt": text}, data={"scripts/tool": "ELF" + text})
    bad = make_wheel(tmp_path, "bad", files={"big.txt": text}, record={"big.txt": EMPTY})

    (layer,) = layers_of(wheels_of([package_of(good)]), tmp_path, catalog)

    files = files_of(layer, tmp_path)
    assert files[f"{LIBRARY}/big.txt"] == text
    assert files[f"{ROOT}/bin/tool"] == "ELF" + text
    with pytest.raises(UserError, match=r"bad-1\.0\S+ cannot be installed: big\.txt has not the sha256"):
        layers_of(wheels_of([package_of(bad)]), tmp_path, catalog)


def test_slim_leaves_tests_out_of_the_layer_and_of_its_record(
    tmp_path: Path, new_catalog: Callable[[str], Catalog]
) -> None:
    machine = new_catalog("machine")
    files = {"thing/__init__.py": "x = 1\n", "thing/tests/test_x.py": "assert x\n", "thing/lib/x.a": "!<arch>"}
    wheels = wheels_of([package_of(make_wheel(tmp_path, "thing", files=files))])
    whole, slim = (layers_of(wheels, tmp_path, machine, by=by) for by in (GZIP, SLIM))

    there, thin = files_of(whole[0], tmp_path), files_of(slim[0], tmp_path)
    record = thin[f"{LIBRARY}/thing-1.0.dist-info/RECORD"]

    assert there.keys() - thin.keys() == {f"{LIBRARY}/thing/tests/test_x.py", f"{LIBRARY}/thing/lib/x.a"}
    assert [row.partition(",")[0] for row in record.splitlines()] == sorted(
        path.removeprefix(f"{LIBRARY}/") for path in thin
    )
    assert saved_line(machine, whole) == ""
    assert saved_line(machine, slim) == "slim leaves out 0.0 MB of files that no program loads"
    keys = [{plan.key for plan in plan_wheels(wheels, Places(), by)} for by in (GZIP, SLIM)]
    assert keys[0].isdisjoint(keys[1])


def test_slim_makes_the_same_layer_of_wheels_that_have_nothing_to_leave_out(
    tmp_path: Path, new_catalog: Callable[[str], Catalog]
) -> None:
    wheels = wheels_of([package_of(make_wheel(tmp_path, "thing"))])
    machine = new_catalog("machine")

    assert layers_of(wheels, tmp_path, machine, by=SLIM) == layers_of(wheels, tmp_path, machine)
