"""Packages stay where they are when others come, go or change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from aciml.core.partition import BINS, SOLO_LIMIT, SOLO_SIZE, bin_of, partition

_sizes = some.dictionaries(
    some.text("abcdefghij-_.0123456789", min_size=1, max_size=12), some.integers(0, 3 * SOLO_SIZE), max_size=80
)


def places(sizes: dict[str, int]) -> dict[str, str]:
    return {name: group.name for group in partition(sizes) for name in group.members}


@given(_sizes)
def test_every_package_is_in_one_group_and_none_is_empty(sizes: dict[str, int]) -> None:
    groups = partition(sizes)

    assert sorted(name for group in groups for name in group.members) == sorted(sizes)
    assert all(group.members for group in groups)
    assert len(groups) <= SOLO_LIMIT + BINS + 1
    assert len({group.name for group in groups}) == len(groups)


@given(_sizes, some.text("abc", min_size=13, max_size=15), some.integers(0, 3 * SOLO_SIZE))
def test_a_new_package_moves_at_most_one_other(sizes: dict[str, int], name: str, size: int) -> None:
    before, after = places(sizes), places({**sizes, name: size})

    assert sum(before[other] != after[other] for other in sizes) <= 1


@given(_sizes, some.data())
def test_a_new_version_of_about_the_same_size_moves_nothing(sizes: dict[str, int], data: some.DataObject) -> None:
    few = dict(list(sizes.items())[:SOLO_LIMIT])
    if not few:
        return
    name = data.draw(some.sampled_from(sorted(few)))
    grown = {**few, name: few[name] + (SOLO_SIZE if few[name] >= SOLO_SIZE else 0)}

    assert places(grown) == places(few)


def test_python_is_alone_and_big_packages_are() -> None:
    groups = {group.name: group.members for group in partition({"python": 1, "torch": SOLO_SIZE, "six": 1})}

    assert groups["python"] == ("python",)
    assert groups["torch"] == ("torch",)
    assert groups[f"bin-{bin_of('six'):02}"] == ("six",)


def test_the_bin_of_a_name_is_pinned() -> None:
    """Another rule here moves every small package of every image: raise the writer's version with it."""
    assert [bin_of(name) for name in ("six", "joblib", "pip", "tzdata")] == [4, 6, 9, 7]
