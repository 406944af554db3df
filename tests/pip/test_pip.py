"""The pip section: resolved by uv, installed by installer, packed as one layer. The index is a folder of wheels."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.store import BlobStore
from aciml.core.errors import OutageError, UserError
from aciml.core.image import Layer
from aciml.core.progress import Silent
from aciml.pip.fetch import fetch
from aciml.pip.install import known_pip_layer, pip_layer
from aciml.pip.resolve import PipPackage, resolve
from aciml.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))

from wheels import make_wheel

Resolver = Callable[..., tuple[PipPackage, ...]]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def resolver(index: Path, tmp_path: Path) -> Resolver:
    def resolved(*lines: str, conda: dict[str, str] | None = None, glibc: str = "2.36") -> tuple[PipPackage, ...]:
        return resolve(
            ("--no-index", f"--find-links {index}", *lines),
            conda=conda or {},
            python_version="3.11",
            glibc=glibc,
            folder=tmp_path,
            settings=Settings(tmp_path / "cache"),
            progress=Silent(),
        )

    return resolved


def test_requirements_come_with_what_they_require(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "leaf")
    make_wheel(index, "top", requires=("leaf>=1",))

    assert [(package.name, package.version) for package in resolver("top")] == [("leaf", "1.0"), ("top", "1.0")]


def test_what_conda_brings_is_kept_and_not_installed_again(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "numpy", "1.26.4")
    make_wheel(index, "numpy", "2.1.0")
    make_wheel(index, "top", requires=("numpy",))

    assert [package.name for package in resolver("top", conda={"numpy": "1.26.4"})] == ["top"]


def test_a_conflict_with_conda_is_an_error_that_names_it(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "numpy", "1.26.4")
    make_wheel(index, "numpy", "2.1.0")

    with pytest.raises(UserError, match=r"numpy"):
        resolver("numpy>=2", conda={"numpy": "1.26.4"})


def test_versions_that_only_conda_understands_are_no_constraint(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "top")

    assert resolver("top", conda={"tzdata": "2024a_1!x", "openssl": "1.1.1w"})


@pytest.mark.parametrize(
    ("tag", "glibc", "fits"),
    [
        ("py3-none-any", "2.17", True),
        ("cp311-cp311-manylinux_2_17_x86_64", "2.36", True),
        ("cp311-cp311-manylinux2014_x86_64", "2.28", True),
        ("cp311-cp311-manylinux_2_38_x86_64", "2.36", False),
        ("cp312-cp312-manylinux_2_17_x86_64", "2.36", False),
        ("cp39-abi3-manylinux_2_17_x86_64", "2.36", True),
        ("cp311-cp311-macosx_11_0_arm64", "2.36", False),
    ],
)
def test_wheels_are_chosen_for_the_image_and_not_for_this_machine(
    index: Path, resolver: Resolver, tag: str, glibc: str, *, fits: bool
) -> None:
    make_wheel(index, "native", tag=tag)

    if fits:
        assert resolver("native", glibc=glibc)[0].file_name == f"native-1.0-{tag}.whl"
    else:
        with pytest.raises(UserError, match="native"):
            resolver("native", glibc=glibc)


def test_a_package_without_a_wheel_is_named_with_what_to_do(index: Path, resolver: Resolver) -> None:
    import io

    with tarfile.open(index / "onlysource-1.0.tar.gz", "w:gz") as archive:
        text = b"Metadata-Version: 2.1\nName: onlysource\nVersion: 1.0\n"
        info = tarfile.TarInfo("onlysource-1.0/PKG-INFO")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))

    with pytest.raises(UserError, match=r"onlysource has no wheel .*RUN pip install --target /opt/built onlysource"):
        resolver("onlysource")


def test_a_missing_requirements_file_is_named(resolver: Resolver) -> None:
    with pytest.raises(UserError, match=r"-r more\.txt.*does not exist"):
        resolver("-r more.txt")


def test_a_requirements_file_beside_the_conda_file_is_read(index: Path, resolver: Resolver, tmp_path: Path) -> None:
    make_wheel(index, "leaf")
    (tmp_path / "more.txt").write_text("leaf\n")

    assert resolver("-r more.txt")[0].name == "leaf"


def test_an_index_that_does_not_answer_is_an_outage_and_its_password_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(OutageError) as raised:
        resolve(
            ("--index-url http://user:hush@127.0.0.1:9/simple", "top"),
            conda={},
            python_version="3.11",
            glibc="2.36",
            folder=tmp_path,
            settings=Settings(tmp_path),
            progress=Silent(),
        )

    assert "hush" not in str(raised.value)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        yield catalog


def test_the_layer_has_files_scripts_and_no_trace_of_this_machine(
    index: Path, resolver: Resolver, tmp_path: Path, catalog: Catalog
) -> None:
    make_wheel(index, "tool", entry_points="[console_scripts]\ntool = tool:main\n")
    store = BlobStore(tmp_path / "blobs")

    layer = layer_of(resolver("tool"), store, catalog, tmp_path)

    with tarfile.open(store.path(layer.digest)) as tar:
        members = {member.name: member for member in tar}
        script = tar.extractfile("azureml-envs/aciml/bin/tool")
        assert script is not None
        assert script.read().startswith(b"#!/azureml-envs/aciml/bin/python\n")
        assert members["azureml-envs/aciml/bin/tool"].mode == 0o755
        library = "azureml-envs/aciml/lib/python3.11/site-packages"
        assert f"{library}/tool/__init__.py" in members
        record = tar.extractfile(f"{library}/tool-1.0.dist-info/RECORD")
        assert record is not None
        assert str(tmp_path).encode() not in record.read()
        assert not [name for name in members if name.endswith(".pyc")]


def test_equal_wheels_make_equal_layers(index: Path, resolver: Resolver, tmp_path: Path, catalog: Catalog) -> None:
    make_wheel(index, "a")
    make_wheel(index, "b", entry_points="[console_scripts]\nb = b:main\n")
    packages = resolver("a", "b")
    first = layer_of(packages, BlobStore(tmp_path / "one"), catalog, tmp_path)
    with Catalog(tmp_path / "other.sqlite") as other:
        second = layer_of(tuple(reversed(packages)), BlobStore(tmp_path / "two"), other, tmp_path)

    assert first == second
    assert known_pip_layer(packages, "3.11", catalog) == first
    assert known_pip_layer(packages, "3.12", catalog) is None


def test_other_bytes_than_pinned_are_refused(index: Path, resolver: Resolver, tmp_path: Path) -> None:
    make_wheel(index, "a")
    packages = resolver("a")
    make_wheel(index, "a", files={"a/__init__.py": "evil = True\n"})

    with pytest.raises(OutageError, match="other bytes than were pinned"):
        fetch(packages, settings=Settings(tmp_path / "cache"), progress=Silent())
    assert not list((tmp_path / "cache").rglob("*.whl"))


def layer_of(packages: tuple[PipPackage, ...], store: BlobStore, catalog: Catalog, folder: Path) -> Layer:
    settings = Settings(folder / "cache")
    return pip_layer(packages, "3.11", store=store, catalog=catalog, settings=settings, progress=Silent())
