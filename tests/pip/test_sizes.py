"""How many bytes a wheel has is the same for everyone, whoever says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.core.errors import OutageError
from aciml.core.progress import Silent
from aciml.pip.known import recall, remember
from aciml.pip.sizes import known_sizes, with_sizes
from aciml.settings import Settings
from tests.pip.index import Index
from tests.pip.wheels import layers_of, make_wheel, package_of, wheels_of


def test_a_size_that_nobody_has_said_is_asked_of_who_has_the_file_and_remembered(
    index: Path, server: Index, home: Path, catalog: Catalog
) -> None:
    wheel = package_of(make_wheel(index, "leaf"))
    far = replace(wheel, url=f"{server.url}/files/{wheel.file_name}", size=0)

    (found,) = with_sizes([far], catalog, Settings(home / "cache"), Silent())
    again = known_sizes(catalog, [far])

    assert found.size == wheel.size
    assert again
    assert again[0].size == wheel.size
    assert len(server.asked) == 1  # this server answers no HEAD
    assert not (home / "cache" / "wheels").exists()


def test_a_size_of_a_file_here_needs_no_server(index: Path, home: Path, catalog: Catalog) -> None:
    wheel = package_of(make_wheel(index, "leaf"))

    assert with_sizes([replace(wheel, size=0)], catalog, Settings(home / "cache"), Silent())[0].size == wheel.size


def test_nothing_is_known_if_one_is_not(index: Path, catalog: Catalog) -> None:
    wheels = [package_of(make_wheel(index, name)) for name in ("a", "b")]

    assert known_sizes(catalog, [wheels[0], replace(wheels[1], size=0)]) is None


def test_what_a_file_has_counts_more_than_what_its_index_says(index: Path, home: Path, catalog: Catalog) -> None:
    wheel = package_of(make_wheel(index, "leaf"))
    lied = replace(wheel, size=wheel.size + 1)
    remember(catalog, [lied])

    with pytest.raises(OutageError, match=rf"has {wheel.size} bytes, and was said to have {lied.size}; run the same"):
        layers_of(wheels_of([lied]), home, catalog)
    remember(catalog, [lied])
    sized = with_sizes([lied], catalog, Settings(home / "cache"), Silent())

    assert layers_of(wheels_of(sized), home, catalog)


def test_older_versions_read_what_is_remembered_of_a_wheel(index: Path, home: Path, catalog: Catalog) -> None:
    """They give all of its keys to a class that has no size."""
    wheel = package_of(make_wheel(index, "leaf"))
    remember(catalog, [wheel])

    assert '"size"' not in str(catalog.get_fact("wheel", wheel.sha256))
    assert recall(catalog, [wheel.sha256], (), home) == (wheel,)
