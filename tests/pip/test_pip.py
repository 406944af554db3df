"""The pip section: resolved by uv, packed as layers. The index is a folder of wheels."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.blobs.store import BlobStore
from aciml.core.errors import UserError
from aciml.core.pip_package import PipPackage
from aciml.pip.pack import wheel_layers_if_known
from aciml.pip.uv import failure
from tests.pip.wheels import layers_of, make_wheel, wheels_of

Resolver = Callable[..., tuple[PipPackage, ...]]


def test_requirements_come_with_what_they_require(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "leaf")
    make_wheel(index, "top", requires=("leaf>=1",))

    assert [(package.name, package.version) for package in resolver("top")] == [("leaf", "1.0"), ("top", "1.0")]


def test_what_conda_brings_is_kept_and_not_installed_again(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "numpy", "1.26.4")
    make_wheel(index, "numpy", "2.1.0")
    make_wheel(index, "top", requires=("numpy",))

    assert [package.name for package in resolver("top", conda={"numpy": "1.26.4"})] == ["top"]


def test_what_conda_brings_needs_no_index_and_asks_for_nothing(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "top", requires=("numpy>=1.26", "local-one", "epoch"))
    conda = {"numpy": "1.26.4", "local_one": "1.0+cpu.1", "epoch": "1!2.0"}

    assert [package.name for package in resolver("top", "numpy", conda=conda)] == ["top"]


def test_conda_packages_are_known_by_the_names_of_their_distributions(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "plots", requires=("matplotlib>=3",))

    assert [package.name for package in resolver("plots", conda={"matplotlib-base": "3.9.2"})] == ["plots"]


def test_extras_of_what_conda_brings_are_installed(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "httptools")
    for version in ("0.30", "0.34"):
        make_wheel(index, "uvicorn", version, requires=("httptools; extra == 'standard'",), extras=("standard",))
    make_wheel(index, "top", requires=("uvicorn[standard]>=0.2",))
    conda = {"uvicorn": "0.30"}

    assert [package.name for package in resolver("uvicorn[standard]", conda=conda)] == ["httptools"]
    assert [package.name for package in resolver("top", conda=conda)] == ["httptools", "top"]


def test_extras_that_the_index_does_not_know_are_an_error_that_says_what_conda_brings(
    index: Path, resolver: Resolver
) -> None:
    make_wheel(index, "uvicorn", "0.34", extras=("standard",))

    with pytest.raises(UserError, match=r"conda brings uvicorn 0\.30"):
        resolver("uvicorn[standard]", conda={"uvicorn": "0.30"})


def test_pinned_versions_are_found_again_when_the_index_has_newer_ones(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "leaf", "1.0")
    make_wheel(index, "leaf", "2.0")

    assert resolver("leaf", pinned={"leaf": "1.0"})[0].version == "1.0"


def test_a_conflict_with_conda_is_an_error_that_names_both(index: Path, resolver: Resolver) -> None:
    make_wheel(index, "numpy", "1.26.4")
    make_wheel(index, "numpy", "2.1.0")

    with pytest.raises(UserError, match=r"numpy>=2.*; conda brings numpy 1\.26\.4: change that in dependencies"):
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
        ("cp311-cp311-manylinux_2_17_x86_64", "2.27", True),
        ("cp311-cp311-manylinux_2_28_x86_64", "2.27", False),
        ("cp311-cp311-manylinux_2_40_x86_64", "2.41", True),
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


def test_of_the_wheels_that_fit_the_best_is_taken(index: Path, resolver: Resolver) -> None:
    for level in (17, 28, 34, 38):
        make_wheel(index, "native", tag=f"cp311-cp311-manylinux_2_{level}_x86_64")
    make_wheel(index, "native", tag="py3-none-any")

    assert resolver("native", glibc="2.36")[0].file_name == "native-1.0-cp311-cp311-manylinux_2_34_x86_64.whl"


def test_a_glibc_for_which_no_wheels_are_made_is_an_error(resolver: Resolver) -> None:
    with pytest.raises(UserError, match=r"glibc 2\.12.*newer base image"):
        resolver("top", glibc="2.12")


@pytest.mark.parametrize("seen", ["pandas==0.19.2", "pandas<=0.19.2", "pandas>=0.1,<0.3", "pandas"])
@pytest.mark.parametrize("why", ["no usable wheels", "no wheels with a matching Python ABI tag (e.g., `cp311`)"])
def test_the_name_of_what_has_no_wheel_is_found_in_what_uv_says(seen: str, why: str) -> None:
    said = f"error: No solution found when resolving dependencies\n  cause: Because {seen} has {why} and you require it"

    assert failure(said).message.startswith("pip: pandas has no wheel for this platform")


def test_the_layer_has_files_scripts_and_no_trace_of_this_machine(
    index: Path, resolver: Resolver, tmp_path: Path, catalog: Catalog
) -> None:
    make_wheel(index, "tool", entry_points="[console_scripts]\ntool = tool:main\n")

    (layer,) = layers_of(wheels_of(resolver("tool")), tmp_path, catalog)

    with tarfile.open(BlobStore(tmp_path / "blobs").path(layer.digest)) as tar:
        members = {member.name: member for member in tar}
        script = tar.extractfile("azureml-envs/aciml/bin/tool")
        assert script is not None
        assert script.read().startswith(b"#!/azureml-envs/aciml/bin/python\n")
        assert members["azureml-envs/aciml/bin/tool"].mode == 0o755
        library = "azureml-envs/aciml/lib/python3.11/site-packages"
        assert f"{library}/tool/__init__.py" in members
        record = tar.extractfile(f"{library}/tool-1.0.dist-info/RECORD")
        assert record is not None
        rows = record.read()
        assert str(tmp_path).encode() not in rows
        assert b"../../../bin/tool,sha256=" in rows
        assert not [name for name in members if name.endswith(".pyc")]


def test_equal_wheels_make_equal_layers(index: Path, resolver: Resolver, tmp_path: Path, catalog: Catalog) -> None:
    make_wheel(index, "a")
    make_wheel(index, "b", entry_points="[console_scripts]\nb = b:main\n")
    packages = resolver("a", "b")
    first = layers_of(wheels_of(packages), tmp_path / "one", catalog)
    with Catalog(tmp_path / "other.sqlite") as other:
        second = layers_of(wheels_of(reversed(packages)), tmp_path / "two", other)

    assert first == second
    assert wheel_layers_if_known(wheels_of(packages), catalog) == first
    assert wheel_layers_if_known(wheels_of(packages, "3.12.1"), catalog) is None


@pytest.mark.parametrize(
    ("said", "why", "advice"),
    [
        ("invalid peer certificate: certificate expired: verification time", "not valid at this time", "clock says"),
        ("invalid peer certificate: UnknownIssuer", "not trusted", "SSL_CERT_FILE"),
        ("client error (Connect) tunnel error: tcp connect error Connection refused", "the proxy", "HTTPS_PROXY"),
        ("dns error failed to lookup address", "its name is not known", "DNS"),
        ("tcp connect error No route to host (os error 113)", "no way leads there", "look at the network"),
    ],
)
def test_why_an_index_does_not_answer_is_said_in_one_sentence(said: str, why: str, advice: str) -> None:
    error = failure(f"error: Failed to fetch: `https://host.org/simple/a/`\n  error sending request: {said}")

    assert error.message.startswith("the package index does not answer (host.org): ")
    assert why in error.message
    assert advice in error.advice
