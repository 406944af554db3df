"""What a preview says of an environment that changes: base and packages, a line each, and never a hash of the lock."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.images.build.summary import change_lines, size_line
from aciml.model.environment import read_environment
from aciml.properties import UNKNOWN
from aciml.resources.package_paths import by_name

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
PLACE = {"loginServer": "host:1", "repository": "it"}
CONDA = "conda-forge/linux-64/{}-py311_0.conda#sha256:{}"


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return change_lines(read_environment({**PLACE, **before}), read_environment({**PLACE, **after}))


def test_each_package_that_differs_is_one_line() -> None:
    before = {"packages": {"numpy": "1.26.4 a", "six": "1 b0", "attrs": "25.1 x"}, "pipPackages": {"tabulate": "0.9.0"}}
    after = {"packages": {"numpy": "2.1.3 b", "six": "1 b1", "scipy": "1.15 y"}, "pipPackages": {"tabulate": "0.10"}}

    assert lines(before, after) == [
        (
            "packages:\n  - attrs 25.1\n  numpy 1.26.4 -> 2.1.3\n  + scipy 1.15\n  six 1 b0 -> 1 b1\n"
            "  tabulate 0.9.0 -> 0.10 (pip)"
        )
    ]
    assert lines({}, after) == []
    assert lines(before, {"packages": UNKNOWN, "pipPackages": UNKNOWN}) == []
    many = {"packages": {f"p{n:02}": "1 a" for n in range(30)}}
    assert lines(before, many)[0].endswith("and 14 more")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"baseImage": "debian:12", "baseDigest": A}, {"baseImage": "debian:12", "baseDigest": A}, []),
        (
            {"baseImage": "debian:12", "baseDigest": A},
            {"baseImage": "debian:12", "baseDigest": B},
            [f"base debian:12: {A} -> {B}"],
        ),
        (
            {"baseImage": "debian:12", "baseDigest": A},
            {"baseImage": "ubuntu:24.04", "baseDigest": B},
            [f"base debian:12@{A} -> ubuntu:24.04@{B}"],
        ),
        (
            {"dockerfileText": "FROM x:1", "baseImages": {"x:1": A, "y:2": A}},
            {"dockerfileText": "FROM x:1", "baseImages": {"x:1": B, "y:2": A}},
            [f"base x:1: {A} -> {B}"],
        ),
        ({"baseImage": "debian:12", "baseDigest": A}, {"baseImage": UNKNOWN, "baseDigest": UNKNOWN}, []),
    ],
)
def test_a_base_says_its_tag_and_both_digests(before: dict[str, Any], after: dict[str, Any], said: list[str]) -> None:
    assert lines(before, after) == said


def test_a_size_says_before_and_after() -> None:
    assert size_line(77_000_000, 72_000_000, sure=False) == "size of the image: 77 MB -> about 72 MB"
    assert size_line(0, 5_000_000, sure=True) == "size of the image: 5.0 MB"
    assert size_line(5_010_000, 5_000_000, sure=True) == "size of the image: 5.0 MB, as before"


def test_lines_of_a_conda_file_are_paths_by_name_and_nothing_beside_packages_that_say_it() -> None:
    old = {"dependencies": {"dependencies": ["pip", "python=3.11"], "pip": ["six"], "channels": ["c"]}}
    new = {"dependencies": {"dependencies": ["packaging", "pip", "python=3.11"], "pip": ["six>=1"], "channels": ["c"]}}
    paths = ['dependencies["dependencies"]', 'dependencies["pip"]']

    assert by_name(old, new, paths) == ['asked["packaging"]', 'asked["pip six"]']
    assert by_name(old, new, [*paths, 'packages["packaging"]']) == ['packages["packaging"]']
    assert by_name(old, new, ['dependencies["channels"]']) == ['dependencies["channels"]']


@pytest.mark.parametrize("form", ["\n".join, list], ids=["today's state", "a state of 0.2"])
def test_another_file_under_the_same_version_is_named_by_its_package(form: Any) -> None:
    old = {
        **PLACE,
        "lock": form([CONDA.format("numpy-2.1.3", "1" * 64), f"pip/a_b-1-py3-none-any.whl#sha256:{'1' * 64}"]),
    }
    new = "\n".join([CONDA.format("numpy-2.1.3", "2" * 64), f"pip/a_b-1-py3-none-any.whl#sha256:{'2' * 64}"])

    assert by_name(old, {**PLACE, "lock": new}, []) == ['packages["numpy"]', 'pipPackages["a-b"]']
    assert by_name(old, old, []) == []
    assert by_name(old, {**PLACE, "lock": UNKNOWN}, []) == ["lock"]
