"""What a change costs and what environments share, by the rule of layers alone, on lists of packages of real sizes."""

from __future__ import annotations

import hashlib
import itertools
import statistics
from collections.abc import Sequence

from aciml.core.partition import partition

KB = 1000
# Package files of conda-forge by name, in kilobytes, rounded; 4 GB when they are installed.
BIG = {
    "libcublas": 380_000, "cudnn": 420_000, "libtorch": 330_000, "libcusparse": 160_000, "libcufft": 150_000,
    "libcusolver": 150_000, "nccl": 140_000, "mkl": 125_000, "triton": 65_000, "libcurand": 45_000, "libllvm": 40_000,
    "python": 31_000, "pytorch": 25_000, "scipy": 17_000, "pandas": 15_000, "llvmlite": 11_000, "icu": 12_000,
    "scikit-learn": 10_000, "libopenblas": 6_000, "numpy": 8_000, "libarrow": 9_000, "pyarrow": 5_000,
    "matplotlib-base": 8_000, "transformers": 4_000, "sympy": 4_500, "numba": 5_700, "openssl": 3_100, "grpcio": 2_600,
    "libstdcxx": 4_000, "tokenizers": 2_300, "cryptography": 1_700, "fonttools": 2_800, "sqlite": 1_600,
    "setuptools": 750,
}  # fmt: skip
SMALL = 91
Environment = dict[str, tuple[str, int]]


def small(name: str) -> int:
    """Return the kilobytes of a small package: most have some ten, few some hundred."""
    chance = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16) / 2**16
    return 10 + int(700 * chance**3)


def environment(small_ones: int = SMALL) -> Environment:
    names = {**BIG, **{f"pure-{number}": small(f"pure-{number}") for number in range(small_ones)}}
    return {name: ("1.0", kilobytes * KB) for name, kilobytes in names.items()}


def layers(packages: Environment) -> dict[frozenset[tuple[str, str]], int]:
    """Return the layers by what is in them, with their bytes."""
    groups = partition({name: size for name, (_, size) in packages.items()})
    return {
        frozenset((name, packages[name][0]) for name in group.members): sum(packages[name][1] for name in group.members)
        for group in groups
    }


def uploaded(old: Environment, new: Environment) -> int:
    known = layers(old)
    return sum(size for key, size in layers(new).items() if key not in known)


def test_a_new_version_of_any_package_costs_it_and_at_most_one_bin() -> None:
    old = environment()
    assert len(old) == 125
    image, besides = sum(size for _, size in old.values()), []
    for name, (_, size) in old.items():
        new = {**old, name: ("2.0", size + size // 50)}
        cost = uploaded(old, new)
        besides.append(cost - new[name][1])
        assert cost <= max(new[name][1], image // 100)

    assert statistics.median(besides) <= 9_000_000
    assert max(besides) <= 9_000_000


def test_twenty_releases_one_after_the_other_cost_what_they_bring() -> None:
    now, total, brought = environment(), 0, 0
    bumped = ["numpy", "pure-3", "libtorch", "pytorch", "pure-8", "pandas", "pure-3", "openssl", "scipy", "pure-40"] * 2
    for turn, name in enumerate(bumped):
        new = {**now, name: (f"2.{turn}", now[name][1] + 1000)}
        total, brought, now = total + uploaded(now, new), brought + new[name][1], new

    assert total - brought <= 20 * 2_000_000


def team(number: int) -> Environment:
    """Return one of ten environments that grew from one: packages of its own, and newer versions of some."""
    packages = environment(70)
    own = {f"team{number}-{at}": ("1.0", small(f"team{number}-{at}") * KB) for at in range(10)}
    own[f"team{number}-heavy"] = ("1.0", 12_000_000 + number * 1_000_000)
    newer = [name for at, name in enumerate(sorted(packages)) if (at * 7 + number) % 20 == 0 and name != "python"]
    return {**packages, **own, **{name: ("2.0", packages[name][1]) for name in newer}}


def test_ten_environments_share_two_thirds_of_their_bytes_where_they_share_two_thirds_of_their_packages() -> None:
    shares, packages = shares_of([team(number) for number in range(10)])

    assert min(packages) >= 2 / 3  # it is 80 %
    assert min(shares) >= 0.66  # it is 78 %, and 96 % in the middle


def test_environments_of_small_packages_alone_share_less_because_bins_change_together() -> None:
    """The bound of the rule, so that nobody takes the figure above for a law: few bytes are meant, though."""
    teams = [{name: fact for name, fact in team(number).items() if name not in BIG} for number in range(10)]
    shares, packages = shares_of(teams)

    assert min(packages) >= 2 / 3
    assert min(shares) < 0.66
    assert max(sum(size for _, size in one.values()) for one in teams) < 50_000_000


def shares_of(environments: Sequence[Environment]) -> tuple[list[float], list[float]]:
    """Return for each pair which share of the second one's bytes, and of its packages, the first one has."""
    shares, packages = [], []
    for one, two in itertools.permutations(environments, 2):
        known, all_of_two = layers(one), layers(two)
        shares.append(sum(size for key, size in all_of_two.items() if key in known) / sum(all_of_two.values()))
        packages.append(sum(one.get(name) == fact for name, fact in two.items()) / len(two))
    return shares, packages
