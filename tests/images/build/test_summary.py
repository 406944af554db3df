"""The line of a preview and of an update."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.image import Layer
from aciml.images.build.summary import Cost, PackageCount, megabytes, preview_line, unknown_line, update_line
from aciml.model.environment import Pins

DIGEST = "sha256:" + "5e" * 32
OLD = Pins(packages={"numpy": "1.26.4 h0", "six": "1.16 h0", "pip": "24 h0"}, pip_packages={"pip": "1"})
NEW = Pins(packages={"numpy": "2.2.6 h0", "pip": "24 h0", "scipy": "1.15 h0"}, pip_packages={"pip": "1", "rich": "13"})


def layer(name: str, size: int) -> Layer:
    return Layer(f"tar-{name}", f"blob-{name}", size)


def test_packages_of_conda_and_of_pip_are_counted_together() -> None:
    assert str(PackageCount.between(OLD, NEW)) == "+2 ~1 -1 packages"


def test_of_an_image_that_is_not_there_yet_every_package_comes() -> None:
    assert str(PackageCount.between(Pins(), NEW)) == "+5 ~0 -0 packages"


def test_an_environment_without_packages_has_none() -> None:
    assert str(PackageCount.between(Pins(), Pins())) == "no packages"
    assert str(PackageCount.between(NEW, NEW)) == "the same packages"


def test_the_line_of_a_preview_is_as_promised() -> None:
    layers = [layer("numpy", 33_900_000), *(layer(str(number), 7) for number in range(61))]
    cost = Cost.of(layers, {f"blob-{number}" for number in range(61)})

    line = preview_line(PackageCount(2, 1, 0), cost, DIGEST)

    assert line == f"+2 ~1 -0 packages, 34 MB to upload, 61 layers reused, digest {DIGEST}"


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Cost(0, 60, 1), "1 layer to make, 60 layers reused, digest not known yet"),
        (Cost(2_500_000, 1, 3), "3 layers to make, 2.5 MB to upload besides, 1 layer reused, digest not known yet"),
        (Cost(0, 9, 2, 64_900), "2 layers to make of 65 KB of packages, 9 layers reused, digest not known yet"),
        (
            Cost(2_500_000, 1, 3, 203_000_000),
            "3 layers to make of 203 MB of packages, 2.5 MB to upload besides, 1 layer reused, digest not known yet",
        ),
    ],
)
def test_a_layer_that_is_not_made_has_no_size_and_the_image_no_digest(cost: Cost, words: str) -> None:
    assert preview_line(PackageCount(0, 1, 0), cost, "") == f"+0 ~1 -0 packages, {words}"


def test_the_line_of_an_update_says_what_was_done() -> None:
    line = update_line(PackageCount(0, 1, 0), 196_000, 25, DIGEST)

    assert line == f"+0 ~1 -0 packages, 0.2 MB uploaded, 25 layers reused, digest {DIGEST}"


def test_a_layer_twice_in_an_image_is_sent_once() -> None:
    assert Cost.of([layer("a", 5), layer("a", 5), layer("b", 1)], {"blob-b"}) == Cost(5, 1)


def test_layers_that_are_not_made_are_named_the_first_few_of_them() -> None:
    assert unknown_line(["numpy"]) == "layer numpy is not made yet: its digest is not known"
    assert unknown_line(["a", "b"]) == "layers a, b are not made yet: their digests are not known"
    assert (
        unknown_line(list("abcdefg")) == "layers a, b, c, d, e and 2 more are not made yet: their digests are not known"
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 MB"), (1, "0.1 MB"), (940_000, "0.9 MB"), (9_960_000, "10 MB"), (1_234_000_000, "1234 MB")],
)
def test_bytes_are_written_as_people_do(count: Any, text: str) -> None:
    assert megabytes(count) == text
