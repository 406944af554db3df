"""Packages stay where they are when others come, go or change."""

from __future__ import annotations

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as some

from aciml.core.image import Image, Layer, sha256_digest
from aciml.core.partition import (
    ALL_LAYERS,
    BINS,
    CONDA_LAYERS,
    SERVER_BINS,
    SOLO_LIMIT,
    SOLO_SIZE,
    WHEEL_BINS,
    Group,
    LayerCount,
    divide,
    partition,
)

_sizes = some.dictionaries(
    some.text("abcdefghij-_.0123456789", min_size=1, max_size=12), some.integers(0, 3 * SOLO_SIZE), max_size=80
)
_crowded = some.dictionaries(  # more big packages than may be alone
    some.sampled_from([f"p{number}" for number in range(60)]), some.integers(SOLO_SIZE - 9, SOLO_SIZE + 9), min_size=35
)


def places(sizes: dict[str, int]) -> dict[str, str]:
    return {name: group.name for group in partition(sizes) for name in group.members}


@given(_sizes | _crowded)
def test_every_package_is_in_one_group_and_none_is_empty(sizes: dict[str, int]) -> None:
    groups = partition(sizes)

    assert sorted(name for group in groups for name in group.members) == sorted(sizes)
    assert all(group.members for group in groups)
    assert len(groups) <= SOLO_LIMIT + BINS <= CONDA_LAYERS
    assert len({group.name for group in groups}) == len(groups)


@given(_sizes | _crowded, some.randoms())
def test_the_order_of_the_packages_does_not_matter(sizes: dict[str, int], chance: Random) -> None:
    shuffled = list(sizes.items())
    chance.shuffle(shuffled)

    assert partition(dict(shuffled)) == partition(sizes)


@given(_sizes | _crowded, some.text("abc", min_size=13, max_size=15) | some.just("python"), some.integers(0, 2**33))
def test_a_package_that_comes_or_goes_moves_at_most_one_other(sizes: dict[str, int], name: str, size: int) -> None:
    without = {other: sizes[other] for other in sizes if other != name}
    before, after = places(without), places({**without, name: size})

    assert sum(before[other] != after[other] for other in without) <= 1


@given(_sizes | _crowded, some.data(), some.integers(0, 2**33))
def test_a_new_version_of_any_size_moves_at_most_one_other(
    sizes: dict[str, int], data: some.DataObject, size: int
) -> None:
    if not sizes:
        return
    name = data.draw(some.sampled_from(sorted(sizes)))
    before, after = places(sizes), places({**sizes, name: size})

    assert sum(before[other] != after[other] for other in sizes if other != name) <= 1


@given(_sizes, some.data())
def test_a_new_version_of_about_the_same_size_moves_nothing(sizes: dict[str, int], data: some.DataObject) -> None:
    few = dict(list(sizes.items())[:SOLO_LIMIT])
    if not few:
        return
    name = data.draw(some.sampled_from(sorted(few)))
    grown = {**few, name: few[name] + (SOLO_SIZE if few[name] >= SOLO_SIZE else 0)}

    assert places(grown) == places(few)


@given(
    _sizes | _crowded, _sizes | _crowded, some.dictionaries(some.sampled_from("xyz"), some.integers(0, SOLO_SIZE * 2))
)
def test_conda_packages_and_wheels_are_divided_within_one_budget(
    conda: dict[str, int], wheels: dict[str, int], server: dict[str, int]
) -> None:
    found = divide(conda, wheels, server)
    alone = [group for group in (*found.conda, *found.wheels) if not group.name.startswith("bin-")]

    for sizes, groups in ((conda, found.conda), (wheels, found.wheels), (server, found.server)):
        assert sorted(name for group in groups for name in group.members) == sorted(sizes)
        assert all(group.members for group in groups)
    assert len(alone) <= SOLO_LIMIT
    assert len(found.conda) + len(found.wheels) <= SOLO_LIMIT + BINS + WHEEL_BINS
    # what the user has does not move what the server needs, and the other way round
    assert found.server == divide({}, {}, server).server
    assert found.conda == divide(conda, wheels).conda


@given(_sizes | _crowded)
def test_without_wheels_conda_packages_are_where_they_always_were(sizes: dict[str, int]) -> None:
    assert list(divide(sizes, {}, {"orjson": 1}).conda) == partition(sizes)


@given(_sizes | _crowded, _sizes | _crowded, some.data())
def test_a_package_that_moves_from_conda_to_pip_moves_alone(
    conda: dict[str, int], wheels: dict[str, int], data: some.DataObject
) -> None:
    name = data.draw(some.sampled_from(sorted(conda.keys() - wheels.keys() - {"python"}) or [""]))
    if not name:
        return
    before = divide(conda, wheels)
    after = divide({one: size for one, size in conda.items() if one != name}, {**wheels, name: conda[name]})

    for old, new in ((before.conda, after.conda), (before.wheels, after.wheels)):
        places = [
            {member: group.name for group in groups for member in group.members if member != name}
            for groups in (old, new)
        ]
        assert places[0] == places[1]


def test_the_groups_of_an_environment_are_pinned() -> None:
    """Another rule moves packages to other layers, and every image is sent anew: say why in decisions/."""
    sizes = {"python": 1, "torch": 9 * SOLO_SIZE, "numpy": SOLO_SIZE, "six": 1, "joblib": 2, "pip": 3, "tzdata": 4}

    assert partition(sizes) == [
        Group("numpy", ("numpy",)),
        Group("python", ("python",)),
        Group("torch", ("torch",)),
        Group("bin-01", ("pip",)),
        Group("bin-12", ("six",)),
        Group("bin-14", ("joblib",)),
        Group("bin-15", ("tzdata",)),
    ]


def test_only_the_biggest_are_alone_when_there_are_too_many() -> None:
    sizes = {f"p{number:02}": SOLO_SIZE + number for number in range(50)} | {"python": 1}
    alone = [group.name for group in partition(sizes) if not group.name.startswith("bin-")]

    assert alone == [f"p{number:02}" for number in range(50 - SOLO_LIMIT + 1, 50)] + ["python"]


def test_an_environment_on_a_base_of_a_hundred_layers_is_judged_by_number() -> None:
    assert not LayerCount(base=100, conda=10, pip=1).judge()
    (finding,) = LayerCount(base=100, steps=3, conda=62, pip=1).judge()

    assert finding.where == "baseImage"
    assert "would have 175 layers (100 of the base, 3 of extra steps, 62 of conda packages" in finding.why
    assert f"only {ALL_LAYERS} are possible" in finding.why


def test_the_most_that_packages_take_fits_on_a_usual_base() -> None:
    assert not LayerCount(base=30, steps=4, conda=SOLO_LIMIT + BINS, pip=WHEEL_BINS + SERVER_BINS + 2).judge()


def test_the_manifest_of_the_biggest_image_stays_below_one_mebibyte() -> None:
    """Registries refuse manifests of 4 MiB and more; 400 packages are named with their hashes in an annotation."""
    layers = [Layer(sha256_digest(b"%d" % n), sha256_digest(b"b%d" % n), 2**40) for n in range(ALL_LAYERS)]
    name, sha256 = "name-of-it" * 4, "0" * 64
    lock = json.dumps([f"conda-forge/linux-64/{name}-{n}.0-py311h0_0.conda#sha256:{sha256}" for n in range(400)])
    packages = json.dumps({f"{name}{n}": "1.2.3 py311h0000000_0" for n in range(400)})
    image = Image(tuple(layers), annotations={"io.aciml.inputs": lock + packages})

    assert len(image.manifest()) < 2**20 / 8
