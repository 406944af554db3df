"""Hashes that the user gives are held to, by whatever way a wheel comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.core.errors import UserError
from aciml.core.pip_package import PipPackage
from aciml.pip.hashes import hash_faults, hashes_asked
from tests.pip.wheels import make_wheel, package_of

Resolver = Callable[..., tuple[PipPackage, ...]]
ONES = "1" * 64


def test_a_wheel_of_another_hash_is_refused_with_package_hash_asked_for_and_hash_found(
    index: Path, resolver: Resolver
) -> None:
    wheel = package_of(make_wheel(index, "leaf"))

    with pytest.raises(UserError) as caught:
        resolver(f"leaf==1.0 --hash=sha256:{ONES}")
    assert str(caught.value) == (
        f"pip: leaf: sha256:{ONES} is asked for, and leaf-1.0-py3-none-any.whl has sha256:{wheel.sha256}; "
        "write the hash of the file that is meant, or leave --hash out"
    )


def test_one_of_several_hashes_is_enough_and_other_packages_are_free(index: Path, resolver: Resolver) -> None:
    wheel = package_of(make_wheel(index, "leaf"))
    make_wheel(index, "other")

    found = resolver(f"leaf==1.0 --hash=sha256:{ONES} --hash=sha256:{wheel.sha256.upper()}", "other")

    assert [one.name for one in found] == ["leaf", "other"]


def test_the_hash_decides_between_files_of_one_version(index: Path, resolver: Resolver) -> None:
    wanted = package_of(make_wheel(index, "leaf"))
    better = package_of(make_wheel(index, "leaf", tag="cp311-cp311-manylinux_2_17_x86_64"))

    assert resolver("leaf") == (better,)
    assert resolver(f"leaf==1.0 --hash=sha256:{wanted.sha256}") == (wanted,)


def test_hashes_in_a_file_on_several_lines_count(index: Path, home: Path, resolver: Resolver) -> None:
    make_wheel(index, "leaf")
    (home / "more.txt").write_text(f"leaf==1.0 \\\n    --hash=sha256:{ONES} \\\n    --hash=sha256:{'2' * 64}\n")

    with pytest.raises(UserError, match=f"leaf: sha256:{ONES} or sha256:{'2' * 64} is asked for"):
        resolver("-r more.txt")


def test_a_hash_of_a_wheel_beside_conda_yml_counts(home: Path, resolver: Resolver) -> None:
    make_wheel(home, "mine")

    with pytest.raises(UserError, match=r"mine: sha256:1+ is asked for"):
        resolver(f"./mine-1.0-py3-none-any.whl --hash=sha256:{ONES}")


def test_a_hash_of_another_kind_alone_is_refused() -> None:
    with pytest.raises(UserError, match=r"six: it is asked for by sha512.*give --hash=sha256"):
        hashes_asked([f"six==1.17.0 --hash=sha512:{'1' * 128}"])
    assert hashes_asked([f"six==1.17.0 --hash sha512:{'1' * 128} --hash sha256:{ONES}"]) == {"six": {ONES}}


def test_names_are_compared_as_indexes_write_them(tmp_path: Path) -> None:
    wheel = package_of(make_wheel(tmp_path, "My_Pkg"))

    assert hash_faults([wheel], hashes_asked([f"my.PKG[x]>=1 ; python_version>'3' --hash=sha256:{ONES}"]))
    assert not hash_faults([wheel], hashes_asked(["my-pkg", f"other --hash=sha256:{ONES}"]))
